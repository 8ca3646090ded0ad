import type { AddressRef, Consumer, Publisher, Transaction, TransactionSpace, Verdict } from '../../addresses/contract';
import { decodeDeliveryState, described } from '../../amqp/codec/delivery-states';
import { encodeValue } from '../../amqp/codec/encoder';
import { transactionCommandValue, type TransactionCommand } from '../../amqp/codec/transactions';
import type { AmqpErrorFields, DeliveryState, OutcomeState } from '../../amqp/codec/types';
import { type AmqpValue, AmqpDescribed, AmqpTyped } from '../../amqp/codec/values';
import { RawPeer, uint, type Seen } from '../../amqp/raw-peer.fixture';
import { Recorder } from '../../amqp/pair.fixture';
import { ReceiverLink } from '../../amqp/receiver-link';
import type { SenderLink } from '../../amqp/sender-link';
import type { FairleadError } from '../../common/errors';
import { encodeMessage } from '../../message/encode-message';
import { textBody } from '../../message/message';
import { OUTCOME, type Outcome } from '../../streams/contract';
import { ClientBudget } from '../edge/client-budget';
import { ListenerCounters } from '../edge/listener-counters';
import type { ClientContext } from './client-options';
import { ClientTransactions } from './client-transactions';
import { ConsumerLink } from './consumer-link';
import { FakeAddresses } from '../edge/addresses.fixture';
import { PublisherLink } from './publisher-link';

/** A transaction that keeps what is said to it. */
export class FakeTransaction implements Transaction {
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

export const COORDINATOR = 0;
export const PUBLISHER = 1;
export const CONSUMER = 2;

/** A client with a link to the coordinator, one that sends and one that receives, all on one session. */
export class Controller implements TransactionSpace {
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

export const ACCEPTED: OutcomeState = { type: 'accepted' };
export const within = (txnId: Buffer, outcome: AmqpValue = null): AmqpDescribed => described(0x34, [txnId, outcome]);
export const MESSAGE = encodeMessage({ body: textBody('m') });
export const UNKNOWN = Buffer.alloc(16, 7);
