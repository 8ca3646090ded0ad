import { FairleadError } from '../common/errors';
import type { LargeBody, Outcome, OutcomeDetail } from '../streams/contract';
import type { CoHolder } from './co-holder';
import type { PutSink, Queue, QueueConsumer, QueueTransaction } from './contract';
import type { LocalConsumer } from './consumer';
import type { Consumers } from './consumers';
import type { Entry } from './entry';
import { QueueLimitError, TransactionFailedError } from './errors';
import { type Group, NOBODY } from './group';
import type { StagedLarge } from './large-intake';
import { TRANSACTION_BYTES_MAX, TRANSACTION_COPIES_MAX, TRANSACTION_OPERATIONS_MAX } from './limits';
import { PutCharges, type Refused } from './put-charges';
import { refusalDetail } from './refusals';

/** A queue of the host that a transaction puts into. */
export interface TransactionQueue {
  readonly temporary: boolean;
  /** Why it would not take a message after what is charged already; else the message is charged. @param start it, or its beginning */
  charge(start: Buffer, length: number, publisher: number, charges: PutCharges): Refused | null;
  put(
    payload: Buffer,
    start: number,
    end: number,
    publisher: number,
    mark: null,
    seq: number,
    sink: PutSink,
    token: number,
    age: number,
    topic: number,
    others: CoHolder | null,
  ): void;
  /** Stores the parts of a large message. @param told once, never within the call: null when it can be put, else why not */
  stage(body: LargeBody, publisher: number, told: (refusal: OutcomeDetail | null) => void): StagedLarge;
  putStaged(staged: StagedLarge, others: CoHolder | null): void;
  /** Only of an intake: does something as a whole once all that was put before has its place in the queues. */
  whenReached?(act: () => void): void;
}

interface StagedPut {
  readonly queue: TransactionQueue;
  /** The message, or a large one on its way to the disk. */
  readonly message: Buffer | StagedLarge;
  readonly publisher: number;
  readonly others: CoHolder | null;
}

interface StagedSettlement {
  readonly queue: Consumers;
  readonly consumer: LocalConsumer;
  readonly token: number;
  /** Null for a message that it was only shown. */
  readonly entry: Entry | null;
  readonly outcome: Outcome;
  readonly detail: OutcomeDetail | null;
}

export type TransactionDone = (error: FairleadError | null) => void;

/** The host, as a transaction sees it. */
export interface TransactionHome {
  /** The group of this turn, which has a change now. */
  change(durable: boolean): Group;
  /** Told at the end of the turn. */
  later(act: () => void): void;
}

/** Kept in memory until its commit, and then in one group. */
export class LocalTransaction implements QueueTransaction {
  #puts: StagedPut[] = [];
  #settlements: StagedSettlement[] = [];
  #bytes = 0;
  /** Large messages that are not stored yet. */
  #staging = 0;
  #refused: FairleadError | null = null;
  /** A commit that waits for them. */
  #commit: (() => void) | null = null;

  constructor(private readonly home: TransactionHome) {}

  put(
    queue: Queue,
    payload: Buffer,
    start: number,
    end: number,
    publisher: number,
    others: CoHolder | null = null,
  ): void {
    this.#checkRoom(end - start);
    this.#puts.push({
      queue: queue as unknown as TransactionQueue,
      message: Buffer.from(payload.subarray(start, end)),
      publisher,
      others,
    });
  }

  putLarge(queue: Queue, body: LargeBody, publisher: number, others: CoHolder | null = null): void {
    this.#checkRoom(0);
    this.#staging++;
    const home = queue as unknown as TransactionQueue;
    this.#puts.push({
      queue: home,
      message: home.stage(body, publisher, (refusal) => this.#staged(refusal)),
      publisher,
      others,
    });
  }

  /** A large message is stored, or cannot be. */
  #staged(refusal: OutcomeDetail | null): void {
    this.#staging--;
    if (refusal !== null) this.#refused ??= refusalError(refusal, 'a large message');
    const commit = this.#commit;
    if (this.#staging > 0 || commit === null) return;
    this.#commit = null;
    commit();
  }

  settle(consumer: QueueConsumer, token: number, outcome: Outcome, detail: OutcomeDetail | null): void {
    this.#checkRoom(0);
    const local = consumer as LocalConsumer;
    if (local.isClosed) return;
    this.#settlements.push({
      queue: local.queue as Consumers,
      consumer: local,
      token,
      entry: local.take(token),
      outcome,
      detail,
    });
  }

  #checkRoom(bytes: number): void {
    const operations = this.#puts.length + this.#settlements.length;
    if (operations >= TRANSACTION_OPERATIONS_MAX)
      throw new QueueLimitError(`a transaction of more than ${TRANSACTION_OPERATIONS_MAX} messages and settlements`);
    if (this.#bytes + bytes > TRANSACTION_BYTES_MAX)
      throw new QueueLimitError(`a transaction of more than ${TRANSACTION_BYTES_MAX} bytes`);
    this.#bytes += bytes;
  }

  commit(done: TransactionDone, within: (() => void) | null = null): void {
    if (this.#staging > 0) this.#commit = () => this.#inOrder(done, within);
    else this.#inOrder(done, within);
  }

  #inOrder(done: TransactionDone, within: (() => void) | null): void {
    const intake = this.#puts.find(({ queue }) => queue.whenReached !== undefined)?.queue;
    if (intake?.whenReached === undefined) this.#apply(done, within);
    else intake.whenReached(() => this.#apply(done, within));
  }

  #apply(done: TransactionDone, within: (() => void) | null): void {
    const refused = this.#refused ?? this.#refusal();
    if (refused !== null) {
      this.rollback();
      this.home.later(() => done(refused));
      return;
    }
    const puts = this.#puts;
    const settlements = this.#settlements;
    this.#forget();
    const isDurable = within !== null || [...puts, ...settlements].some(({ queue }) => !queue.temporary);
    const group = this.home.change(isDurable);
    // What queues in memory do cannot be undone: it waits for the disk.
    const isNow = ({ queue }: StagedPut | StagedSettlement): boolean => !isDurable || !queue.temporary;
    const isLater = (staged: StagedPut | StagedSettlement): boolean => !isNow(staged);
    settlements.filter(isNow).forEach(commitSettlement);
    puts.filter(isNow).forEach(commitPut);
    within?.();
    group.waiting.push({
      done: (error) => {
        if (error === null) {
          settlements.filter(isLater).forEach(commitSettlement);
          puts.filter(isLater).forEach(commitPut);
        } else {
          settlements.filter(isLater).forEach(undoSettlement);
          puts.filter(isLater).forEach(undoPut);
        }
        done(error === null ? null : failure(error));
      },
    });
  }

  /** Why it cannot be done, as far as that can be told before. */
  #refusal(): FairleadError | null {
    const charges = new PutCharges();
    for (const { queue, message, publisher } of this.#puts) {
      const start = Buffer.isBuffer(message) ? message : message.head;
      const refused = queue.charge(start, message.length, publisher, charges);
      if (refused !== null) return refusalError(refusalDetail(refused.refusal), refused.queue);
      if (charges.copies > TRANSACTION_COPIES_MAX)
        return new QueueLimitError(`a transaction of more than ${TRANSACTION_COPIES_MAX} messages in subscriptions`);
    }
    for (const { queue } of this.#settlements) if (queue.core.error !== null) return queue.core.error;
    return null;
  }

  rollback(): void {
    const puts = this.#puts;
    const settlements = this.#settlements;
    this.#forget();
    puts.forEach(undoPut);
    settlements.forEach(undoSettlement);
  }

  #forget(): void {
    this.#puts = [];
    this.#settlements = [];
    this.#bytes = 0;
  }
}

function commitPut({ queue, message, publisher, others }: StagedPut): void {
  if (Buffer.isBuffer(message)) queue.put(message, 0, message.length, publisher, null, 0, NOBODY, 0, 0, 0, others);
  else queue.putStaged(message, others);
}

function undoPut({ message }: StagedPut): void {
  if (!Buffer.isBuffer(message)) message.abandon();
}

function undoSettlement({ queue, consumer, token, entry }: StagedSettlement): void {
  consumer.freeToken(token);
  if (entry !== null) queue.failed(entry);
}

function commitSettlement({ queue, consumer, token, entry, outcome, detail }: StagedSettlement): void {
  consumer.freeToken(token);
  if (entry === null) return;
  entry.inTransaction = !queue.temporary;
  queue.settled(consumer, entry, outcome, detail);
}

function refusalError(detail: OutcomeDetail | null, what: string): TransactionFailedError {
  const { condition = 'amqp:internal-error', description = '' } = detail ?? {};
  return new TransactionFailedError(condition, `${what}: ${description}`);
}

function failure(error: Error): FairleadError {
  const condition = error instanceof FairleadError ? error.condition : undefined;
  return new TransactionFailedError(condition ?? 'amqp:internal-error', error.message, error);
}
