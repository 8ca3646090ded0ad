import { FairleadError } from '../common/errors';
import type { Queue, QueueHost, QueueTransaction } from '../queues/contract';
import { OUTCOME, type LargeBody, type Outcome, type OutcomeDetail, type Streams } from '../streams/contract';
import { MESSAGE_BYTES_MAX } from '../streams/limits';
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
import { LargePublish } from './large-publish';
import { STAGED_BYTES_MAX } from './limits';
import type { LocalPublisher } from './local-publisher';
import type { Outbox } from './outbox';
import { QueueLink } from './queue-link';
import type { DurableRoute } from './durable-route';
import { StagedAway } from './staged-away';

/** What transactions are built on. */
export interface TransactionsPorts {
  readonly streams: Streams;
  readonly large: LargeStorage;
  /** Units of work over queues of this node, and room for large messages to others. */
  readonly host: Pick<QueueHost, 'transaction' | 'bodies'>;
  /** What is for queues of other nodes, and is forwarded once it is committed. */
  readonly outbox: Outbox;
  /** The entry that is in force for one that was handed out. */
  live(entry: AddressEntry): AddressEntry;
  /**
   * The queue of an entry where it lives here; null where it lives at another node, or older messages for it still wait to be forwarded.
   * @throws FairleadError when it cannot be served
   */
  queueHere(entry: AddressEntry): Queue | null;
  /** Where a message to a topic goes for its durable subscriptions; null where there are none. */
  keptBy(entry: AddressEntry): DurableRoute | null;
  /** What is put here for the subscriptions of a topic that live here. @throws FairleadError when they cannot be served */
  intakeOf(entry: AddressEntry): Queue;
  /** Tells those who listen now of a message to a topic that was kept until now; its subscriptions have it already. */
  tell(publisher: LocalPublisher, entry: AddressEntry, flags: number, message: Buffer): void;
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

/** A message to a topic: into its subscriptions with the commit, to those who listen once the rest is in force. */
interface StagedMessage {
  readonly publisher: LocalPublisher;
  readonly entry: AddressEntry;
  readonly flags: number;
  readonly message: Buffer;
}

/**
 * One transaction: what its queues change, and what is to be forwarded to queues of other nodes, is one change of the store; the rest
 * follows when that is on the disk.
 */
class AddressTransaction implements Transaction {
  readonly #queues: QueueTransaction;
  #messages: StagedMessage[] = [];
  readonly #away: StagedAway;
  /** Outcomes of deliveries of other kinds, whose consumers still have them. */
  #outcomes: ((commits: boolean) => void)[] = [];
  #bytes = 0;
  /** Why it cannot be committed any more, for what nobody else was told of. */
  #failure: FairleadError | null = null;
  /** It is discharged: a large message that was begun in it comes too late. */
  #isOver = false;

  constructor(private readonly space: Transactions) {
    const { host, outbox, live } = space.ports;
    this.#queues = host.transaction();
    this.#away = new StagedAway({ bodies: host.bodies, outbox, live, failed: (why) => (this.#failure ??= why) });
  }

  publish(publisher: Publisher, to: AddressRef, flags: number, payload: Buffer, start: number, end: number): Verdict {
    const local = publisher as LocalPublisher;
    this.#stage(to, local, flags, payload, start, end);
    local.staged(to, end - start);
    return OUTCOME.accepted;
  }

  /** @throws FairleadError when it cannot be part of this transaction */
  #stage(to: AddressRef, publisher: LocalPublisher, flags: number, payload: Buffer, start: number, end: number): void {
    const entry = this.#target(to);
    const bytes = end - start;
    this.space.checkRoom(bytes);
    if (entry.kind === 'queue') this.#stagePut(entry, publisher.tag, flags, payload, start, end);
    else this.#messages.push({ publisher, entry, flags, message: Buffer.from(payload.subarray(start, end)) });
    this.#staged(bytes);
  }

  #staged(bytes: number): void {
    this.space.staged(bytes);
    this.#bytes += bytes;
  }

  #stagePut(entry: AddressEntry, tag: number, flags: number, payload: Buffer, start: number, end: number): void {
    const queue = this.space.ports.queueHere(entry);
    if (queue !== null) {
      this.#queues.put(queue, payload, start, end, tag);
      return;
    }
    this.#away.check(this.#bytes + end - start);
    this.#away.add([entry], tag, flags, Buffer.from(payload.subarray(start, end)));
  }

  #target(to: AddressRef): AddressEntry {
    const entry = this.space.ports.live(to as AddressEntry);
    // Of these accepted means that a consumer has it, which nobody can promise before the commit.
    if (entry.kind === 'anycast' || entry.kind === 'multicast')
      throw new AddressError('FL_TRANSACTION_KIND', `${entry.kind} address '${entry.name}' within a transaction`);
    return entry;
  }

  begin(publisher: Publisher, to: AddressRef, flags: number): void {
    const local = publisher as LocalPublisher;
    const entry = this.#target(to);
    const { streams, large } = this.space.ports;
    const complete = (body: LargeBody | null): Verdict => this.#complete(entry, local, flags, body);
    local.beginStaged(to, new LargePublish(streams, large, -1, 'whole', { complete, aborted: () => undefined }));
  }

  #complete(entry: AddressEntry, publisher: LocalPublisher, flags: number, body: LargeBody | null): Verdict {
    if (body === null || this.#isOver) return OUTCOME.rejected;
    try {
      if (entry.kind === 'queue' && body.length > MESSAGE_BYTES_MAX)
        this.#stageLarge(entry, publisher.tag, flags, body);
      else this.#stageWhole(entry, publisher, flags, body);
      return OUTCOME.accepted;
    } catch (error) {
      if (!(error instanceof FairleadError)) throw error;
      if ((flags & PUBLISH_FLAG.settled) !== 0) this.#failure ??= error;
      return OUTCOME.rejected;
    }
  }

  #stageWhole(entry: AddressEntry, publisher: LocalPublisher, flags: number, body: LargeBody): void {
    this.space.checkRoom(body.length);
    const message = Buffer.allocUnsafe(body.length);
    for (let at = 0; at < message.length;) at += body.read(at, message.subarray(at));
    this.#stage(entry, publisher, flags, message, 0, message.length);
  }

  /** It goes to the disk at once, part by part, and into force with the rest. */
  #stageLarge(entry: AddressEntry, tag: number, flags: number, body: LargeBody): void {
    const { ports } = this.space;
    const queue = ports.queueHere(entry);
    ports.scheduleFlush();
    if (queue !== null) {
      this.#queues.putLarge(queue, body, tag);
      return;
    }
    this.#away.check(this.#bytes);
    this.#away.addLarge([entry], tag, flags, body);
  }

  settle(consumer: Consumer, token: number, outcome: Outcome, detail: OutcomeDetail | null): void {
    if (consumer instanceof QueueLink) {
      if (!consumer.settleWithin(this.#queues, token, outcome, detail))
        throw new AddressError(
          'FL_TRANSACTION_REMOTE',
          `an outcome of queue '${consumer.address.name}' at another node`,
        );
    } else
      this.#outcomes.push((commits) =>
        consumer.settle(token, commits ? outcome : OUTCOME.modifiedFailed, commits ? detail : null),
      );
  }

  commit(done: (error: FairleadError | null) => void): void {
    this.space.ports.scheduleFlush();
    this.#isOver = true;
    this.#keep();
    if (this.#failure === null && this.#away.isStoring) this.#away.whenStored(() => this.#apply(done));
    else this.#apply(done);
  }

  /** Messages to topics become part of what is written: for the subscriptions that there are now. */
  #keep(): void {
    try {
      for (const staged of this.#messages) this.#keepOne(staged);
    } catch (error) {
      if (!(error instanceof FairleadError)) throw error;
      this.#failure ??= error;
    }
  }

  /** @throws FairleadError when there is too much in one transaction */
  #keepOne({ publisher: { tag }, entry, flags, message }: StagedMessage): void {
    const { ports } = this.space;
    const route = ports.keptBy(ports.live(entry));
    if (route === null) return;
    const { here, elsewhere, head } = route;
    const headed = Buffer.concat([head, message]);
    const large = headed.length > MESSAGE_BYTES_MAX ? new BufferBody(headed) : null;
    if (elsewhere.length > 0) this.#away.check(this.#bytes);
    if (here !== null) {
      const intake = ports.intakeOf(here.entry);
      const others = elsewhere.length === 0 ? null : this.#away.share(elsewhere, tag, flags, headed.length);
      if (large !== null) this.#queues.putLarge(intake, large, tag, others);
      else this.#queues.put(intake, headed, 0, headed.length, tag, others);
    } else if (large !== null) this.#away.addLarge(elsewhere, tag, flags, large);
    else this.#away.add(elsewhere, tag, flags, headed);
  }

  #apply(done: (error: FairleadError | null) => void): void {
    const refused = this.#failure ?? this.#away.refusal();
    if (refused !== null) {
      this.rollback();
      done(refused);
      return;
    }
    const within = this.#away.isEmpty ? undefined : () => this.#away.send();
    this.#queues.commit((error) => {
      this.#end(error === null);
      done(error);
    }, within);
  }

  rollback(): void {
    this.space.ports.scheduleFlush();
    this.#isOver = true;
    this.#queues.rollback();
    this.#end(false);
  }

  #end(commits: boolean): void {
    const { ports } = this.space;
    for (const settle of this.#outcomes) settle(commits);
    if (commits)
      for (const { publisher, entry, flags, message } of this.#messages)
        ports.tell(publisher, ports.live(entry), flags, message);
    this.#away.drop();
    this.#outcomes = [];
    this.#messages = [];
    this.space.staged(-this.#bytes);
    this.#bytes = 0;
  }
}

/** A large message that is in memory anyway. */
class BufferBody implements LargeBody {
  constructor(private readonly bytes: Buffer) {}

  get length(): number {
    return this.bytes.length;
  }

  read(offset: number, target: Buffer): number {
    return this.bytes.copy(target, 0, offset);
  }

  retain(): void {
    // It lasts as long as anybody refers to it.
  }

  release(): void {
    // The same.
  }
}
