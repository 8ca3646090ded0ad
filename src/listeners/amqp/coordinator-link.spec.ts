import { described } from '../../amqp/codec/delivery-states';
import { transactionCommandValue, type TransactionCommand } from '../../amqp/codec/transactions';
import { type AmqpDescribed, type AmqpTyped, type AmqpValue, sym } from '../../amqp/codec/values';
import { CONDITION } from '../../amqp/constants';
import { uint } from '../../amqp/raw-peer.fixture';
import { FairleadError } from '../../common/errors';
import { encodeMessage } from '../../message/encode-message';
import { TRANSACTIONS_MAX } from './limits';
import { COORDINATOR, Controller, ACCEPTED, UNKNOWN } from './transactions.fixture';

describe('the coordinator', () => {
  it('4.5.1 tells what it can, and gives credit', () => {
    const { peer } = new Controller();
    const seen = peer.seen();
    const attach = seen.find(({ name }) => name === 'attach');
    const { value } = attach?.fields[6] as AmqpDescribed;
    expect(JSON.stringify(value)).toContain('amqp:local-transactions');
    expect(seen.some(({ name, fields }) => name === 'flow' && (fields[6] as AmqpTyped | undefined)?.value === 32)).toBe(
      true,
    );
  });

  it('4.2 declares transactions, each with its id', () => {
    const controller = new Controller();
    const ids = [controller.declare(), controller.declare()];
    expect(new Set(ids.map((id) => id.toString('hex'))).size).toBe(2);
    expect(controller.begun.map(({ work }) => work)).toEqual([[], []]);
  });

  it('4.3 commits, and answers when that is in force', () => {
    const controller = new Controller();
    const id = controller.discharge(controller.declare());
    expect(controller.transaction.work).toEqual(['commit']);
    expect(controller.stateOf(id)).toBeNull();
    controller.transaction.onCommit?.(null);
    controller.peer.turn();
    expect(controller.stateOf(id)).toEqual(ACCEPTED);
  });

  it('4.3 rolls back what is discharged as failed', () => {
    const controller = new Controller();
    const id = controller.discharge(controller.declare(), true);
    expect(controller.transaction.work).toEqual(['rollback']);
    expect(controller.stateOf(id)).toEqual(ACCEPTED);
  });

  it('4.3 a commit that fails is rejected, with its reason', () => {
    const controller = new Controller();
    const id = controller.discharge(controller.declare());
    controller.transaction.onCommit?.(new FairleadError('FL_STORE', 'disk full', { condition: CONDITION.limit }));
    controller.peer.turn();
    expect(controller.errorOf(id)).toEqual({
      condition: CONDITION.transactionRollback,
      description: 'rolled back: disk full',
    });
  });

  it('4.3 without `rejected` among its outcomes it hears of an error by the end of its link', () => {
    const outcomes = described(0x28, ['x', ...Array<null>(8).fill(null), sym('amqp:accepted:list')]);
    const controller = new Controller(outcomes);
    controller.discharge(UNKNOWN);
    expect(controller.peer.conditionOf('detach')).toBe(CONDITION.transactionUnknown);
  });

  it.each<[string, Buffer]>([
    ['never was', UNKNOWN],
    ['has no id of ours', Buffer.from('x')],
    ['has an empty id', Buffer.alloc(0)],
  ])('4.3 a transaction that %s is unknown', (_what, txnId) => {
    const controller = new Controller();
    expect(controller.errorOf(controller.discharge(txnId))).toMatchObject({ condition: CONDITION.transactionUnknown });
  });

  it('4.3 a transaction is discharged once', () => {
    const controller = new Controller();
    const txnId = controller.declare();
    controller.discharge(txnId, true);
    expect(controller.errorOf(controller.discharge(txnId))).toMatchObject({ condition: CONDITION.transactionUnknown });
    expect(controller.transaction.work).toEqual(['rollback']);
  });

  it('takes a discharge and the next declare in one go', () => {
    const controller = new Controller();
    const first = controller.discharge(controller.declare());
    const second = controller.command({ type: 'declare', globalId: null });
    expect(controller.stateOf(second)).toMatchObject({ type: 'declared' });
    controller.begun[0]?.onCommit?.(null);
    controller.peer.turn();
    expect(controller.stateOf(first)).toEqual(ACCEPTED);
  });

  it.each<[string, TransactionCommand | AmqpValue, string]>([
    ['a distributed transaction', { type: 'declare', globalId: Buffer.from('xid') }, CONDITION.notImplemented],
    ['what is no command', described(0x30, []), CONDITION.decode],
    ['a text', 'declare', CONDITION.decode],
  ])('rejects %s', (_what, command, condition) => {
    const controller = new Controller();
    expect(controller.errorOf(controller.command(command))).toMatchObject({ condition });
    expect(controller.begun).toEqual([]);
  });

  it('ends the link of a declare that is settled: nobody would learn the id', () => {
    const controller = new Controller();
    controller.command({ type: 'declare', globalId: null }, true);
    expect(controller.peer.conditionOf('detach')).toBe(CONDITION.notAllowed);
  });

  it('rejects bytes that are no message, and ends the link of too many', () => {
    const controller = new Controller();
    expect(controller.errorOf(controller.send(COORDINATOR, Buffer.from('noise')))).toMatchObject({
      condition: CONDITION.decode,
    });
    controller.send(COORDINATOR, Buffer.alloc(5_000));
    expect(controller.peer.conditionOf('detach')).toBe(CONDITION.messageSize);
  });

  it('takes a command in several frames', () => {
    const controller = new Controller();
    const bytes = encodeMessage({
      body: { kind: 'value', value: transactionCommandValue({ type: 'declare', globalId: null }) },
    });
    const id = controller.send(COORDINATOR, bytes.subarray(0, 4), { more: true });
    controller.peer.transfer(COORDINATOR, null, bytes.subarray(4));
    expect(controller.stateOf(id)).toMatchObject({ type: 'declared' });
  });

  it('4.2 rolls back what was not discharged when its link goes', () => {
    const controller = new Controller();
    const [first, second] = [controller.declare(), controller.declare()];
    controller.discharge(first, true);
    controller.peer.say('detach', [uint(COORDINATOR), true]);
    expect(controller.begun.map(({ work }) => work)).toEqual([['rollback'], ['rollback']]);
    expect(second).toHaveLength(16);
    expect(controller.budget.links).toBe(0);
  });

  it('a commit that is answered when the link has gone is told to nobody', () => {
    const controller = new Controller();
    controller.discharge(controller.declare());
    controller.peer.say('close', []);
    controller.transaction.onCommit?.(null);
    expect(controller.transaction.work).toEqual(['commit']);
  });

  it('bounds the transactions of a connection', () => {
    const controller = new Controller();
    const ids = Array.from({ length: TRANSACTIONS_MAX }, () => controller.declare());
    const excess = controller.command({ type: 'declare', globalId: null });
    expect(controller.errorOf(excess)).toMatchObject({ condition: CONDITION.limit });
    controller.discharge(ids[0] as Buffer, true);
    expect(controller.declare()).toHaveLength(16);
  });
});
