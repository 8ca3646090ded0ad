import type { AddressRef, Consumer, Publisher, Transaction, TransactionSpace, Verdict } from '../../addresses/contract';
import { PENDING } from '../../addresses/contract';
import { decodeDeliveryState, described } from '../../amqp/codec/delivery-states';
import { encodeValue } from '../../amqp/codec/encoder';
import { transactionCommandValue, type TransactionCommand } from '../../amqp/codec/transactions';
import type { AmqpErrorFields, DeliveryState, OutcomeState } from '../../amqp/codec/types';
import type { AmqpValue } from '../../amqp/codec/values';
import { AmqpDescribed, AmqpTyped, sym } from '../../amqp/codec/values';
import { CONDITION } from '../../amqp/constants';
import { RawPeer, uint, type Seen } from '../../amqp/raw-peer.fixture';
import { Recorder } from '../../amqp/pair.fixture';
import { ReceiverLink } from '../../amqp/receiver-link';
import type { SenderLink } from '../../amqp/sender-link';
import { FairleadError } from '../../common/errors';
import { encodeMessage } from '../../message/encode-message';
import { textBody } from '../../message/message';
import { OUTCOME, type Outcome } from '../../streams/contract';
import { ClientBudget } from './client-budget';
import { ListenerCounters, type ClientContext } from './client-options';
import { ClientTransactions } from './client-transactions';
import { ConsumerLink } from './consumer-link';
import { TRANSACTION_MS, TRANSACTIONS_MAX } from './limits';
import { FakeAddresses } from './listener.fixture';
import { PublisherLink } from './publisher-link';

const REFUSED = new FairleadError('FL_ADDRESS_UNSUPPORTED', 'its home is elsewhere', {
  condition: CONDITION.notImplemented,
});

/** A transaction that keeps what is said to it. */
class FakeTransaction implements Transaction {
  readonly work: string[] = [];
  verdict: Verdict = OUTCOME.accepted;
  refusal: FairleadError | null = null;
  /** `commit` waits for its answer. */
  onCommit: ((error: FairleadError | null) => void) | null = null;

  publish(
    _publisher: Publisher,
    to: AddressRef,
    flags: number,
    payload: Buffer,
    start: number,
    end: number,
    token: number,
  ): Verdict {
    if (this.refusal !== null) throw this.refusal;
    this.work.push(`publish ${token} to ${to.name}, ${end - start} of ${payload.length} bytes, flags ${flags}`);
    return this.verdict;
  }

  begin(_publisher: Publisher, to: AddressRef, _flags: number, token: number): void {
    if (this.refusal !== null) throw this.refusal;
    this.work.push(`begin ${token} to ${to.name}`);
  }

  settle(_consumer: Consumer, token: number, outcome: Outcome): void {
    if (this.refusal !== null) throw this.refusal;
    this.work.push(`settle ${token} ${outcome}`);
  }

  commit(done: (error: FairleadError | null) => void): void {
    this.work.push('commit');
    this.onCommit = done;
  }

  rollback(): void {
    this.work.push('rollback');
  }
}

const COORDINATOR = 0;
const PUBLISHER = 1;
const CONSUMER = 2;

/** A client with a link to the coordinator, one that sends and one that receives, all on one session. */
class Controller implements TransactionSpace {
  readonly begun: FakeTransaction[] = [];
  readonly addresses = new FakeAddresses();
  readonly budget = new ClientBudget(10);
  readonly server: Recorder;
  readonly peer: RawPeer;
  #delivery = 0;

  constructor(source: AmqpValue = described(0x28, ['x'])) {
    const context: ClientContext = {
      addresses: this.addresses,
      transactions: new ClientTransactions(this),
      counters: new ListenerCounters(),
      budget: this.budget,
      messageBytesMax: 1_000_000,
      client: 'client',
    };
    this.server = new Recorder((link) => {
      if (link instanceof ReceiverLink) PublisherLink.attach(link, context);
      else ConsumerLink.attach(link as SenderLink, context);
    });
    this.peer = new RawPeer(this.server).open().begin();
    const target = described(0x30, [null]);
    this.peer.say('attach', ['c', uint(COORDINATOR), false, null, null, source, target, null, null, uint(0)]);
  }

  attachOthers(): this {
    const source = described(0x28, ['queue/in']);
    const target = described(0x29, ['queue/out']);
    this.peer.say('attach', ['p', uint(PUBLISHER), false, null, null, source, target, null, null, uint(0)]);
    this.peer.say('attach', ['r', uint(CONSUMER), true, null, null, source, target]);
    this.peer.say('flow', [uint(0), uint(1_000), uint(0), uint(1_000), uint(CONSUMER), uint(0), uint(100)]);
    this.peer.seen();
    return this;
  }

  beginTransaction(): Transaction {
    const transaction = new FakeTransaction();
    this.begun.push(transaction);
    return transaction;
  }

  get transaction(): FakeTransaction {
    return this.begun.at(-1) as FakeTransaction;
  }

  /** Sends a message on a link. @returns its delivery-id */
  send(handle: number, payload: Buffer, { settled = false, state = null as AmqpValue, more = false } = {}): number {
    const id = this.#delivery++;
    this.peer.transfer(handle, id, payload, [settled, more, null, state]);
    return id;
  }

  command(command: TransactionCommand | AmqpValue, settled = false): number {
    const value =
      command !== null && typeof command === 'object' && 'type' in command && !(command instanceof AmqpTyped)
        ? transactionCommandValue(command)
        : (command as AmqpValue);
    return this.send(COORDINATOR, encodeMessage({ body: { kind: 'value', value } }), { settled });
  }

  /** Declares a transaction. @returns its id */
  declare(): Buffer {
    this.peer.seen();
    const id = this.command({ type: 'declare', globalId: null });
    const { txnId } = this.stateOf(id) as { txnId: Buffer };
    return txnId;
  }

  discharge(txnId: Buffer, fail = false): number {
    return this.command({ type: 'discharge', txnId, fail });
  }

  /** The state that a delivery was told, which is looked for in what was sent since the last look. */
  stateOf(id: number, seen: readonly Seen[] = this.peer.seen()): DeliveryState | null {
    for (const { name, fields } of seen) {
      const first = Number((fields[1] as AmqpTyped | undefined)?.value);
      const last = Number((fields[2] as AmqpTyped | null | undefined)?.value ?? first);
      if (name === 'disposition' && first <= id && id <= last) return stateOf(fields[4] ?? null);
    }
    return null;
  }

  errorOf(id: number): AmqpErrorFields | null {
    const state = this.stateOf(id);
    return state?.type === 'rejected' ? state.error : null;
  }

  settle(id: number, settled: boolean, state: AmqpValue): void {
    this.peer.say('disposition', [true, uint(id), null, settled, state]);
  }
}

function stateOf(value: AmqpValue): DeliveryState | null {
  if (!(value instanceof AmqpDescribed)) return null;
  const bytes = encodeValue(value);
  return decodeDeliveryState(bytes, 0, bytes.length);
}

const ACCEPTED: OutcomeState = { type: 'accepted' };
const within = (txnId: Buffer, outcome: AmqpValue = null): AmqpDescribed => described(0x34, [txnId, outcome]);
const MESSAGE = encodeMessage({ body: textBody('m') });
const UNKNOWN = Buffer.alloc(16, 7);

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
