import { PENDING } from '../../addresses/contract';
import { described } from '../../amqp/codec/delivery-states';
import type { AmqpTyped } from '../../amqp/codec/values';
import { type AmqpValue } from '../../amqp/codec/values';
import { CONDITION } from '../../amqp/constants';
import { FairleadError } from '../../common/errors';
import { encodeMessage } from '../../message/encode-message';
import { OUTCOME } from '../../streams/contract';
import { TRANSACTION_MS, TRANSACTIONS_MAX } from './limits';
import { PUBLISHER, Controller, ACCEPTED, within, MESSAGE, UNKNOWN } from './transactions.fixture';

const REFUSED = new FairleadError('FL_ADDRESS_UNSUPPORTED', 'its home is elsewhere', {
  condition: CONDITION.notImplemented,
});

describe('work within a transaction', () => {
  it('4.4.1 a message is published in it, and its provisional outcome names it', () => {
    const controller = new Controller().attachOthers();
    const txnId = controller.declare();
    const id = controller.send(PUBLISHER, MESSAGE, { state: within(txnId) });
    const { transaction } = controller;
    expect(transaction.work).toEqual([expect.stringMatching(/^publish \d+ to out, .* flags 0$/)]);
    expect(controller.addresses.publisher.published).toEqual([]);
    expect(controller.stateOf(id)).toEqual({ type: 'transactional', txnId, outcome: ACCEPTED });
  });

  it('4.4.1 an outcome that comes later names it too', () => {
    const controller = new Controller().attachOthers();
    const txnId = controller.declare();
    controller.transaction.verdict = PENDING;
    const id = controller.send(PUBLISHER, MESSAGE, { state: within(txnId) });
    expect(controller.stateOf(id)).toBeNull();
    const detail = { condition: 'amqp:resource-limit-exceeded', description: 'full' };
    controller.addresses.publisher.handler.onOutcome(id, OUTCOME.rejected, detail);
    controller.peer.turn();
    expect(controller.stateOf(id)).toEqual({
      type: 'transactional',
      txnId,
      outcome: { type: 'rejected', error: detail },
    });
  });

  it('messages in no transaction go their way beside it', () => {
    const controller = new Controller().attachOthers();
    const txnId = controller.declare();
    const ids = [within(txnId), null, within(txnId)].map((state) => controller.send(PUBLISHER, MESSAGE, { state }));
    const seen = controller.peer.seen();
    expect(ids.map((id) => controller.stateOf(id, seen)?.type)).toEqual(['transactional', 'accepted', 'transactional']);
    expect(controller.addresses.publisher.published.map(({ token }) => token)).toEqual([ids[1]]);
    expect(controller.transaction.work).toHaveLength(2);
  });

  it('a large message is begun in it', () => {
    const controller = new Controller().attachOthers();
    const txnId = controller.declare();
    const bytes = encodeMessage({ body: { kind: 'data', parts: [Buffer.alloc(60_000)] } });
    const id = controller.send(PUBLISHER, bytes.subarray(0, 55_000), { state: within(txnId), more: true });
    controller.peer.transfer(PUBLISHER, null, bytes.subarray(55_000));
    expect(controller.transaction.work).toEqual([`begin ${id} to out`]);
    expect(controller.addresses.publisher.parts.at(-1)).toBe('end');
    expect(controller.stateOf(id)).toEqual({ type: 'transactional', txnId, outcome: ACCEPTED });
  });

  it.each([
    ['whole', MESSAGE],
    ['large', encodeMessage({ body: { kind: 'data', parts: [Buffer.alloc(60_000)] } })],
  ])('a %s message in an unknown one is rejected; one that is settled ends its link', (_what, bytes) => {
    const controller = new Controller().attachOthers();
    const send = (settled: boolean): number => {
      const options = { state: within(UNKNOWN), settled };
      if (bytes.length < 55_000) return controller.send(PUBLISHER, bytes, options);
      const id = controller.send(PUBLISHER, bytes.subarray(0, 55_000), { ...options, more: true });
      controller.peer.transfer(PUBLISHER, null, bytes.subarray(55_000));
      return id;
    };
    expect(controller.errorOf(send(false))).toMatchObject({ condition: CONDITION.transactionUnknown });
    send(true);
    expect(controller.peer.conditionOf('detach')).toBe(CONDITION.transactionUnknown);
  });

  it.each([false, true])('a large message that is complete only after its end is not taken, settled: %p', (settled) => {
    const controller = new Controller().attachOthers();
    const txnId = controller.declare();
    const bytes = encodeMessage({ body: { kind: 'data', parts: [Buffer.alloc(60_000)] } });
    const options = { state: within(txnId), more: true, settled };
    const id = controller.send(PUBLISHER, bytes.subarray(0, 55_000), options);
    const discharge = controller.discharge(txnId);
    controller.peer.transfer(PUBLISHER, null, bytes.subarray(55_000));
    expect(controller.addresses.publisher.parts.at(-1)).toBe('abort');
    if (settled) expect(controller.peer.conditionOf('detach')).toBe(CONDITION.transactionUnknown);
    else expect(controller.errorOf(id)).toMatchObject({ condition: CONDITION.transactionUnknown });
    controller.transaction.onCommit?.(null);
    controller.peer.turn();
    expect(controller.transaction.work).toEqual([`begin ${id} to out`, 'commit']);
    expect(controller.stateOf(discharge)).toEqual(ACCEPTED);
  });

  it.each([true, false])('a message that cannot be part of it ends it, settled: %p', (settled) => {
    const controller = new Controller().attachOthers();
    const txnId = controller.declare();
    controller.transaction.refusal = REFUSED;
    const id = controller.send(PUBLISHER, MESSAGE, { state: within(txnId), settled });
    if (!settled)
      expect(controller.stateOf(id)).toMatchObject({
        type: 'transactional',
        outcome: { type: 'rejected', error: { condition: CONDITION.notImplemented } },
      });
    expect(controller.transaction.work).toEqual(['rollback']);
    expect(controller.errorOf(controller.discharge(txnId))).toEqual({
      condition: CONDITION.transactionRollback,
      description: 'rolled back: its home is elsewhere',
    });
  });

  it.each<[string, (controller: Controller, state: AmqpValue) => void]>([
    [
      'bytes that are no message',
      (controller, state) => void controller.send(PUBLISHER, Buffer.from('noise'), { state }),
    ],
    [
      'a message that is not accepted',
      (controller, state) => {
        controller.transaction.verdict = OUTCOME.rejected;
        controller.send(PUBLISHER, MESSAGE, { state });
      },
    ],
    [
      'a message that is not accepted later',
      (controller, state) => {
        controller.transaction.verdict = PENDING;
        const id = controller.send(PUBLISHER, MESSAGE, { state });
        controller.addresses.publisher.handler.onOutcome(id, OUTCOME.released, null);
      },
    ],
  ])('%s in it: nothing of it may count', (_what, act) => {
    const controller = new Controller().attachOthers();
    const txnId = controller.declare();
    act(controller, within(txnId));
    expect(controller.transaction.work.at(-1)).toBe('rollback');
    expect(controller.errorOf(controller.discharge(txnId))).toMatchObject({ condition: CONDITION.transactionRollback });
  });

  function delivered(count = 1) {
    const controller = new Controller().attachOthers();
    const { consumer } = controller.addresses;
    for (let token = 0; token < count; token++) consumer.deliver(token, MESSAGE);
    controller.peer.turn().seen();
    return { controller, consumer, txnId: controller.declare() };
  }

  it('4.4.2 an outcome is part of it', () => {
    const { controller, consumer, txnId } = delivered(2);
    controller.settle(0, true, within(txnId, described(0x24, [])));
    controller.settle(1, true, within(txnId, described(0x27, [true])));
    expect(controller.transaction.work).toEqual([`settle 0 ${OUTCOME.accepted}`, `settle 1 ${OUTCOME.modifiedFailed}`]);
    expect(consumer.settled).toEqual([]);
  });

  it.each([true, false])(
    '4.4.2 one that its client leaves to settle is settled when it has ended, commit: %p',
    (commits) => {
      const { controller, txnId } = delivered();
      controller.settle(0, false, within(txnId, described(0x24, [])));
      expect(controller.peer.names()).toEqual([]);
      controller.discharge(txnId, !commits);
      controller.transaction.onCommit?.(null);
      const settlements = controller.peer
        .turn()
        .seen()
        .filter(({ fields }) => fields[0] === false);
      expect(settlements.map(({ name, fields }) => [name, (fields[1] as AmqpTyped).value, fields[3]])).toEqual([
        ['disposition', 0, true],
      ]);
    },
  );

  it('4.4.2 an outcome that cannot be part of it rolls it back, and the delivery with it', () => {
    const { controller, consumer, txnId } = delivered(2);
    controller.transaction.refusal = REFUSED;
    controller.settle(0, true, within(txnId, described(0x24, [])));
    controller.settle(1, true, within(txnId, described(0x24, [])));
    expect(controller.transaction.work).toEqual(['rollback']);
    expect(consumer.settled.map(({ token, outcome }) => [token, outcome])).toEqual([
      [0, OUTCOME.released],
      [1, OUTCOME.released],
    ]);
    expect(controller.errorOf(controller.discharge(txnId))).toMatchObject({ condition: CONDITION.transactionRollback });
  });

  it('4.4.2 an outcome of a queue elsewhere, which no transaction here can have, ends its link at once as well', () => {
    const { controller, consumer, txnId } = delivered(2);
    const remote = { condition: CONDITION.notImplemented };
    controller.transaction.refusal = new FairleadError('FL_TRANSACTION_REMOTE', 'its home is elsewhere', remote);
    controller.settle(0, true, within(txnId, described(0x24, [])));
    expect(controller.peer.conditionOf('detach')).toBe(CONDITION.notImplemented);
    expect(controller.transaction.work).toEqual(['rollback']);
    expect(consumer.settled.map(({ token, outcome }) => [token, outcome])).toEqual([[0, OUTCOME.released]]);
    expect(controller.errorOf(controller.discharge(txnId))).toMatchObject({ condition: CONDITION.transactionRollback });
  });

  it.each<[string, (txnId: Buffer) => AmqpValue, string]>([
    ['of an unknown transaction', () => within(UNKNOWN, described(0x24, [])), CONDITION.transactionUnknown],
    ['that says nothing', (txnId) => within(txnId), CONDITION.invalidField],
  ])('4.4.2 an outcome %s ends its link', (_what, state, condition) => {
    const { controller, txnId } = delivered();
    controller.settle(0, true, state(txnId));
    expect(controller.peer.conditionOf('detach')).toBe(condition);
  });

  it.each<[string, (controller: Controller, txnId: Buffer) => void]>([
    [
      'an outcome',
      (controller, txnId) => {
        controller.addresses.consumer.handler.onGone(REFUSED);
        controller.settle(0, true, within(txnId, described(0x24, [])));
      },
    ],
    [
      'a message',
      (controller, txnId) => {
        controller.addresses.publisher.handler.onGone(REFUSED);
        controller.send(PUBLISHER, MESSAGE, { state: within(txnId) });
      },
    ],
  ])('%s for a link that was ended from here rolls it back', (_what, act) => {
    const { controller, txnId } = delivered();
    act(controller, txnId);
    expect(controller.transaction.work).toEqual(['rollback']);
    expect(controller.errorOf(controller.discharge(txnId))).toMatchObject({ condition: CONDITION.transactionRollback });
  });

  it('of a topic there is nothing to settle', () => {
    const { controller, txnId, consumer } = delivered(0);
    consumer.deliver(-1, MESSAGE);
    controller.peer.turn().seen();
    controller.settle(0, true, within(txnId, described(0x24, [])));
    expect(controller.transaction.work).toEqual([]);
  });
});

describe('a transaction that is not discharged', () => {
  beforeEach(() => void jest.useFakeTimers());
  afterEach(() => void jest.useRealTimers());

  it('is rolled back in time, and its client hears that', () => {
    const controller = new Controller().attachOthers();
    const txnId = controller.declare();
    jest.advanceTimersByTime(TRANSACTION_MS - 1);
    expect(controller.transaction.work).toEqual([]);
    jest.advanceTimersByTime(1);
    expect(controller.transaction.work).toEqual(['rollback']);
    const message = controller.send(PUBLISHER, MESSAGE, { state: within(txnId) });
    expect(controller.stateOf(message)).toMatchObject({
      outcome: { type: 'rejected', error: { condition: CONDITION.transactionTimeout } },
    });
    expect(controller.errorOf(controller.discharge(txnId))).toMatchObject({ condition: CONDITION.transactionTimeout });
    expect(controller.errorOf(controller.discharge(txnId))).toMatchObject({ condition: CONDITION.transactionUnknown });
    expect(controller.transaction.work).toEqual(['rollback']);
  });

  it('leaves no timer behind when it is', () => {
    const controller = new Controller();
    controller.discharge(controller.declare(), true);
    controller.discharge(controller.declare());
    controller.transaction.onCommit?.(null);
    controller.declare();
    controller.peer.say('close', []);
    expect(jest.getTimerCount()).toBe(0);
  });

  it('is remembered no longer than others of its kind fit', () => {
    const controller = new Controller();
    const ids = [];
    for (let round = 0; round < 3; round++) {
      for (let n = 0; n < TRANSACTIONS_MAX; n++) ids.push(controller.declare());
      jest.advanceTimersByTime(TRANSACTION_MS);
    }
    const conditions = [ids[0], ids.at(-1)].map(
      (id) => controller.errorOf(controller.discharge(id as Buffer))?.condition,
    );
    expect(conditions).toEqual([CONDITION.transactionUnknown, CONDITION.transactionTimeout]);
  });
});
