import { FairleadError } from '../common/errors';
import type { Queue, QueueTransaction } from '../queues/contract';
import { OUTCOME, type LargeBody, type Outcome, type OutcomeDetail, type Streams } from '../streams/contract';
import type { LargeStorage } from '../streams/reassembly';
import type { AddressEntry } from './address-entry';
import {
  PUBLISH_FLAG,
  type AddressRef,
  type Consumer,
  type Publisher,
  type Transaction,
  type TransactionSpace,
  type Verdict,
} from './contract';
import { AddressError } from './errors';
import { HomeConsumer } from './home-consumer';
import { LargePublish } from './large-publish';
import { STAGED_BYTES_MAX } from './limits';
import type { LocalPublisher } from './local-publisher';
import { RemoteConsumer } from './remote-consumer';

/** What transactions are built on. */
export interface TransactionsPorts {
  readonly streams: Streams;
  readonly large: LargeStorage;
  /** A unit of work over queues of this node. */
  begin(): QueueTransaction;
  /** The entry that is in force for one that was handed out. */
  live(entry: AddressEntry): AddressEntry;
  /** The queue of an entry where it lives here; null where it lives at another node. @throws FairleadError when it cannot be served */
  queueHere(entry: AddressEntry): Queue | null;
  /** Publishes to a topic what was kept until now. */
  publish(entry: AddressEntry, flags: number, message: Buffer): void;
  scheduleFlush(): void;
}

/** All transactions of a node: what they keep together is bounded. */
export class Transactions implements TransactionSpace {
  /** Bytes of messages that wait for the end of their transactions. */
  #staged = 0;

  constructor(readonly ports: TransactionsPorts) {}

  beginTransaction(): Transaction {
    return new AddressTransaction(this);
  }

  /** @throws AddressError when there is no room for so many bytes more */
  checkRoom(bytes: number): void {
    if (this.#staged + bytes > STAGED_BYTES_MAX)
      throw new AddressError('FL_ADDRESS_LIMIT', `transactions of this node hold ${STAGED_BYTES_MAX} bytes together`);
  }

  /** So many bytes more are kept, or fewer. */
  staged(bytes: number): void {
    this.#staged += bytes;
  }
}

/** A message of a topic, which keeps nothing: it goes out once the rest is in force. */
interface StagedMessage {
  readonly entry: AddressEntry;
  readonly flags: number;
  readonly message: Buffer;
}

/** One transaction: its queues' part is one change of the store; the rest follows when that is on the disk. */
class AddressTransaction implements Transaction {
  readonly #queues: QueueTransaction;
  #messages: StagedMessage[] = [];
  /** Outcomes of deliveries of other kinds, whose consumers still have them. */
  #outcomes: ((commits: boolean) => void)[] = [];
  #bytes = 0;
  /** Why it cannot be committed any more, for what nobody else was told of. */
  #failure: FairleadError | null = null;

  constructor(private readonly space: Transactions) {
    this.#queues = space.ports.begin();
  }

  publish(publisher: Publisher, to: AddressRef, flags: number, payload: Buffer, start: number, end: number): Verdict {
    const local = publisher as LocalPublisher;
    this.#stage(to, local.tag, flags, payload, start, end);
    local.staged(to, end - start);
    return OUTCOME.accepted;
  }

  /** @throws FairleadError when it cannot be part of this transaction */
  #stage(to: AddressRef, tag: number, flags: number, payload: Buffer, start: number, end: number): void {
    const entry = this.#target(to);
    const bytes = end - start;
    this.space.checkRoom(bytes);
    if (entry.kind === 'queue') this.#queues.put(this.#queueOf(entry), payload, start, end, tag);
    else this.#messages.push({ entry, flags, message: Buffer.from(payload.subarray(start, end)) });
    this.space.staged(bytes);
    this.#bytes += bytes;
  }

  #target(to: AddressRef): AddressEntry {
    const entry = this.space.ports.live(to as AddressEntry);
    // Of these accepted means that a consumer has it, which nobody can promise before the commit.
    if (entry.kind === 'anycast' || entry.kind === 'multicast')
      throw new AddressError('FL_TRANSACTION_KIND', `${entry.kind} address '${entry.name}' within a transaction`);
    return entry;
  }

  #queueOf(entry: AddressEntry): Queue {
    const queue = this.space.ports.queueHere(entry);
    if (queue === null) throw new AddressError('FL_TRANSACTION_REMOTE', `queue '${entry.name}' lives at another node`);
    return queue;
  }

  begin(publisher: Publisher, to: AddressRef, flags: number): void {
    const local = publisher as LocalPublisher;
    const entry = this.#target(to);
    if (entry.kind === 'queue') this.#queueOf(entry);
    const { streams, large } = this.space.ports;
    const complete = (body: LargeBody | null): Verdict => this.#stageLarge(entry, local.tag, flags, body);
    local.beginStaged(to, new LargePublish(streams, large, -1, 'whole', { complete, aborted: () => undefined }));
  }

  #stageLarge(entry: AddressEntry, tag: number, flags: number, body: LargeBody | null): Verdict {
    if (body === null) return OUTCOME.rejected;
    const message = Buffer.allocUnsafe(body.length);
    for (let at = 0; at < message.length;) at += body.read(at, message.subarray(at));
    try {
      this.#stage(entry, tag, flags, message, 0, message.length);
      return OUTCOME.accepted;
    } catch (error) {
      if (!(error instanceof FairleadError)) throw error;
      if ((flags & PUBLISH_FLAG.settled) !== 0) this.#failure ??= error;
      return OUTCOME.rejected;
    }
  }

  settle(consumer: Consumer, token: number, outcome: Outcome, detail: OutcomeDetail | null): void {
    if (consumer instanceof HomeConsumer) consumer.settleWithin(this.#queues, token, outcome, detail);
    else if (consumer instanceof RemoteConsumer)
      throw new AddressError('FL_TRANSACTION_REMOTE', `queue '${consumer.address.name}' lives at another node`);
    else
      this.#outcomes.push((commits) =>
        consumer.settle(token, commits ? outcome : OUTCOME.modifiedFailed, commits ? detail : null),
      );
  }

  commit(done: (error: FairleadError | null) => void): void {
    if (this.#failure !== null) {
      this.rollback();
      done(this.#failure);
      return;
    }
    this.space.ports.scheduleFlush();
    this.#queues.commit((error) => {
      this.#end(error === null);
      done(error);
    });
  }

  rollback(): void {
    this.space.ports.scheduleFlush();
    this.#queues.rollback();
    this.#end(false);
  }

  #end(commits: boolean): void {
    const { ports } = this.space;
    for (const settle of this.#outcomes) settle(commits);
    if (commits)
      for (const { entry, flags, message } of this.#messages) ports.publish(ports.live(entry), flags, message);
    this.#outcomes = [];
    this.#messages = [];
    this.space.staged(-this.#bytes);
    this.#bytes = 0;
  }
}
