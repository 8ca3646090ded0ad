import type { FairleadError } from '../common/errors';
import type { LargeBody, Outcome, OutcomeDetail } from '../streams/contract';
import { type ConsumerOwner, LocalConsumer } from './consumer';
import type { QueueConsumerSpec, QueueSink } from './contract';
import { type DispatchParts, Dispatcher } from './dispatcher';
import { ENTRY, type Entry } from './entry';
import { QueueLockedError, QueueStolenError } from './errors';
import type { Fates } from './fates';
import { compileMessageFilter } from './message-filter';
import type { QueueCore } from './queue-core';
import { isLargeRecord, messageStart, publisherOf } from './record';
import { SCAN, Scanner, type ScanVisitor } from './scanner';
import { keyOf } from './spaces';

/** The consumers of a queue, what they have of it, and what they say of that. */
export class Consumers implements ConsumerOwner, DispatchParts {
  readonly dispatcher: Dispatcher;
  /** They are given nothing for now. */
  isPaused = false;
  readonly #all = new Set<LocalConsumer>();
  #nextId = 1;

  constructor(
    readonly core: QueueCore,
    private readonly fates: Fates,
    private readonly queue: { pump(): void },
  ) {
    this.dispatcher = new Dispatcher(this);
  }

  get temporary(): boolean {
    return this.core.store === null;
  }

  get size(): number {
    return this.#all.size;
  }

  /** What they have and have not settled. */
  get held(): Entry[] {
    return [...this.#all].flatMap((consumer) => consumer.held);
  }

  /** One of them takes messages out. */
  get hasTakers(): boolean {
    for (const { spec } of this.#all) if (!spec.browse) return true;
    return false;
  }

  /** They have deliveries that are not settled, or settlements that are not on the disk. */
  get isBusy(): boolean {
    if (this.core.acquired > 0) return true;
    for (const { isConfirming } of this.#all) if (isConfirming) return true;
    return false;
  }

  // One comes.

  /** @throws FairleadError when the queue cannot be consumed so */
  add(spec: QueueConsumerSpec, sink: QueueSink): LocalConsumer {
    if (this.core.error !== null) throw this.core.error;
    this.#checkLock(spec);
    const consumer = new LocalConsumer(this.#nextId++, spec, sink, this);
    if (spec.browse || spec.selector !== null || spec.notFrom !== 0) consumer.scanner = this.#scannerOf(consumer);
    this.#all.add(consumer);
    this.dispatcher.join(consumer);
    return consumer;
  }

  #checkLock(spec: QueueConsumerSpec): void {
    if (spec.browse) return;
    if (spec.exclusive === 'takeOver') {
      this.#endOthers(spec.client);
      return;
    }
    for (const { spec: other } of this.#all)
      if (!other.browse && (spec.exclusive || other.exclusive || this.core.policy.exclusive))
        throw new QueueLockedError(this.core.name, other.client);
  }

  /** The new one takes over: what the others have is as if they had died. */
  #endOthers(client: string): void {
    for (const consumer of [...this.#all]) {
      if (consumer.spec.browse) continue;
      this.dispatcher.leave(consumer);
      this.#all.delete(consumer);
      this.#takeBack(consumer, true);
      consumer.end(new QueueStolenError(this.core.name, client));
    }
  }

  #scannerOf(consumer: LocalConsumer): Scanner {
    const { spec } = consumer;
    const filter = spec.selector === null ? null : compileMessageFilter(spec.selector);
    const visitor: ScanVisitor = {
      wants: (record) =>
        (spec.notFrom === 0 || publisherOf(record) !== spec.notFrom) &&
        (filter === null || isLargeRecord(record) || filter.matches(record, messageStart(record), record.length)),
      verdict: (entry) => {
        const verdict = this.dispatcher.verdict(entry, consumer);
        if (verdict !== SCAN.take || filter === null || !entry.isLarge) return verdict;
        // Passed over only once it was looked at.
        const start = this.core.startOf(entry);
        if (start === null) return SCAN.stop;
        return filter.matches(start, 0, start.length) ? SCAN.take : SCAN.skip;
      },
      take: (entry) => this.dispatcher.taken(entry, consumer),
    };
    return new Scanner(this.core.ready, visitor, spec.browse);
  }

  // What they ask.

  hungry(consumer: LocalConsumer): void {
    this.dispatcher.hungry(consumer);
  }

  pump(): void {
    this.queue.pump();
  }

  isIdle(consumer: LocalConsumer): boolean {
    if (this.isPaused) return true;
    return this.core.storing === 0 && this.dispatcher.isIdleFor(consumer);
  }

  get waiting(): number {
    return this.core.waiting;
  }

  deliveriesOf(entry: Entry): number {
    const wasThere = entry.key - keyOf(entry.lane, 0) <= this.core.crashMark;
    return wasThere && entry.deliveries === 0 ? 1 : entry.deliveries;
  }

  isExcluded(entry: Entry, consumer: LocalConsumer): boolean {
    return this.core.exclusions.has(entry.key, consumer.endpoint);
  }

  openBody(entry: Entry, wasSeen: boolean): LargeBody {
    return this.core.openBody(entry, wasSeen ? this.deliveriesOf(entry) : -1);
  }

  confirm(consumer: LocalConsumer, token: number): void {
    this.core.group.settlements.push({ holder: consumer, token });
    this.core.touch();
  }

  settled(consumer: LocalConsumer, entry: Entry, outcome: Outcome, detail: OutcomeDetail | null): void {
    this.core.acquired--;
    this.fates.settle(entry, outcome, detail, consumer.endpoint);
    if (entry.state === ENTRY.ready) this.queue.pump();
  }

  /** What a transaction had taken from a consumer is as if it had failed there. */
  failed(entry: Entry): void {
    if (this.core.error !== null) return;
    this.core.acquired--;
    this.fates.requeue(entry, true, null);
    this.queue.pump();
  }

  closed(consumer: LocalConsumer, failed: boolean, closed: boolean): void {
    this.dispatcher.leave(consumer);
    this.#all.delete(consumer);
    if (closed || consumer.endpoint < 0) this.core.exclusions.closed(consumer.endpoint);
    this.#takeBack(consumer, failed);
    this.queue.pump();
  }

  #takeBack(consumer: LocalConsumer, failed: boolean): void {
    for (const entry of consumer.takeHeld()) {
      this.core.acquired--;
      this.fates.requeue(entry, failed, null);
    }
  }

  // What deliveries ask.

  get ready(): QueueCore['ready'] {
    return this.core.ready;
  }

  get deliverableTo(): number {
    return this.core.deliverableTo;
  }

  get prefersNear(): boolean {
    return this.core.policy.locality === 'prefer';
  }

  wall(): number {
    return this.core.home.wall();
  }

  raiseMark(seq: number): void {
    this.core.raiseMark(seq);
  }

  acquired(_entry: Entry): void {
    this.core.acquired++;
  }

  settledOnDelivery(entry: Entry): void {
    this.core.acquired--;
    this.fates.accept(entry);
  }

  expired(entry: Entry): void {
    this.fates.expire(entry);
  }

  wantsTurn(): void {
    this.core.wantsTurn();
  }

  // All of them go.

  /** The queue is served no more, and what they have is void. */
  end(error: FairleadError): void {
    for (const consumer of this.#all) {
      for (const entry of consumer.takeHeld()) entry.body?.release();
      consumer.end(error);
    }
    this.#all.clear();
    this.dispatcher.recall();
  }

  /** The queue is to leave: what they have goes back as a failed attempt. */
  detach(error: FairleadError): void {
    for (const consumer of [...this.#all]) {
      consumer.close(true);
      consumer.sink.onGone(error);
    }
    this.dispatcher.recall();
    this.#noteSeen();
  }

  /** What they have given back uncounted comes marked wherever it goes. */
  #noteSeen(): void {
    const { core } = this;
    for (const lane of core.ready.lanes)
      for (let at = 0; at < lane.length; at++) {
        const entry = lane.at(at);
        if (!entry.seen || entry.deliveries > 0) continue;
        entry.deliveries = 1;
        core.rewrite(entry, null);
      }
  }

  /** The node ends: what they have counts as failed with them, and nobody is told. */
  stop(): void {
    for (const consumer of this.#all) {
      consumer.isClosed = true;
      this.#takeBack(consumer, true);
    }
    this.#all.clear();
  }
}
