import type { FairleadError } from '../common/errors';
import { OUTCOME, type LargeBody, type Outcome, type OutcomeDetail } from '../streams/contract';
import { type ConsumerOwner, LocalConsumer } from './consumer';
import type {
  PeekedMessage,
  PutMark,
  PutSink,
  Queue,
  QueueConsumer,
  QueueConsumerSpec,
  QueuePolicy,
  QueueSink,
  QueueView,
} from './contract';
import { DeadLetters } from './dead-letters';
import { DelayedMessages } from './delayed';
import { type DispatchParts, Dispatcher } from './dispatcher';
import { ENTRY, type Entry, type EntryOwner } from './entry';
import { QueueDamagedError, QueueLockedError, QueueStolenError } from './errors';
import { ExpiryLook } from './expiry';
import { Fates } from './fates';
import type { Group, GroupMember } from './group';
import { Intake } from './intake';
import type { PlacedLarge, StagedLarge } from './large-intake';
import { DETACH_MS } from './limits';
import type { PutCharges, Refused } from './put-charges';
import type { TransactionQueue } from './transaction';
import type { Mark } from './marks';
import { compileMessageFilter } from './message-filter';
import { peekInto } from './peek';
import { type HostedQueue, type MoveTarget, QueueCore, type QueueHome } from './queue-core';
import { isLargeRecord, publisherOf, RECORD_HEAD } from './record';
import { REFUSAL, type Refusal } from './refusals';
import { SCAN, Scanner } from './scanner';
import { keyOf, SPACE } from './spaces';
import { RecordDamagedError, type QueueStore } from './store-port';
import { MergeWalk } from './merge-walk';
import { MoveWalk, originOfDead, PurgeWalk, type WalkDone } from './walk';

/** A walk through a queue for an operator. */
interface Walk {
  /** @returns whether it is over */
  turn(): boolean;
  /** The queue is served no more. */
  end(error: Error): void;
}

/** It is served no more, once all is on the disk. */
interface Departure {
  readonly error: FairleadError;
  readonly done: () => void;
  /** So long it waits for what is on its way to a dead-letter address. */
  readonly until: number;
  /** The last state was given to a group. */
  isWritten: boolean;
}

/** A queue at its home: puts its parts together, and is what others see of it. */
export class HomeQueue
  implements Queue, TransactionQueue, HostedQueue, MoveTarget, EntryOwner, GroupMember, ConsumerOwner, DispatchParts
{
  readonly core: QueueCore;
  readonly #delayed: DelayedMessages;
  readonly #dead: DeadLetters;
  readonly #fates: Fates;
  readonly #intake: Intake;
  readonly #expiry: ExpiryLook;
  readonly #dispatcher: Dispatcher;
  readonly #consumers = new Set<LocalConsumer>();
  /** Groups with changes of it that are not done. */
  #writing = 0;
  #isPaused = false;
  #departure: Departure | null = null;
  #walks: Walk[] = [];
  #nextConsumer = 1;

  /**
   * @param store null for a queue that lives in memory
   * @throws RecordDamagedError
   */
  constructor(
    home: QueueHome,
    store: QueueStore | null,
    id: number,
    readonly name: string,
    policy: QueuePolicy,
  ) {
    this.core = new QueueCore(home, store, id, name, policy, this);
    this.core.onUnreadable = (error) => this.#unreadable(error);
    this.#delayed = new DelayedMessages(this.core);
    this.#dead = new DeadLetters(this.core);
    this.#fates = new Fates(this.core, this.#delayed, this.#dead);
    this.#intake = new Intake(this.core, this.#delayed, () => this.#fates.dropOldest());
    this.#expiry = new ExpiryLook(this.core, (entry) => this.expired(entry));
    this.#dispatcher = new Dispatcher(this);
    this.#dispatcher.preferNear = policy.locality === 'prefer';
    this.#delayed.recover();
    this.#dead.recover();
    this.#expiry.arm();
  }

  get temporary(): boolean {
    return this.core.store === null;
  }

  get policy(): QueuePolicy {
    return this.core.policy;
  }

  setPolicy(policy: QueuePolicy): void {
    this.core.policy = policy;
    this.#dispatcher.preferNear = policy.locality === 'prefer';
    this.core.checkRoom();
  }

  // Puts.

  mark(origin: string, epoch: number): PutMark {
    return this.core.marks.get(origin, epoch);
  }

  put(
    payload: Buffer,
    start: number,
    end: number,
    publisher: number,
    mark: PutMark | null,
    seq: number,
    sink: PutSink,
    token: number,
  ): void {
    this.#intake.put(payload, start, end, publisher, mark as Mark | null, seq, sink, token);
  }

  putLarge(body: LargeBody, publisher: number, mark: PutMark | null, seq: number, sink: PutSink, token: number): void {
    this.#intake.large.put(body, publisher, mark as Mark | null, seq, sink, token);
  }

  putMoved(message: Buffer, inTransaction: boolean): void {
    this.#intake.putMoved(message, inTransaction);
  }

  putMovedLarge(record: Buffer, lane: number, body: LargeBody | null, inTransaction: boolean): void {
    this.#intake.large.putMoved(record, lane, body, inTransaction);
  }

  charge(start: Buffer, length: number, _publisher: number, charges: PutCharges): Refused | null {
    return charges.add(this, length, (messages, bytes) => this.#intake.refusalOf(start, length, messages, bytes));
  }

  /** Why a put would be refused now, of a message that can be read. */
  refusalNow(length: number): Refusal {
    return this.#intake.refusalNow(length, 0, 0);
  }

  /** A message that it would have refused is lost to it: its publisher was answered long ago. */
  dropRefused(refusal: Refusal): void {
    if (refusal === REFUSAL.overLimit) this.core.drops.limit++;
    else this.core.drops.failed++;
  }

  /** Puts a payload that other queues have too. @returns false when it does not take it */
  putShared(record: Buffer, payload: number): boolean {
    return this.#intake.putShared(record, payload);
  }

  /** A large message whose parts others store takes its place. */
  place(start: Buffer, length: number, publisher: number, body: number): PlacedLarge {
    return this.#intake.large.place(start, length, publisher, body);
  }

  stage(body: LargeBody, publisher: number, told: (refusal: OutcomeDetail | null) => void): StagedLarge {
    return this.#intake.large.stage(body, publisher, told);
  }

  putStaged(staged: StagedLarge): void {
    this.#intake.large.putStaged(staged);
  }

  /** Puts a large message whose parts are stored, and which other queues have too. @param body for a queue in memory */
  putStored(start: Buffer, length: number, publisher: number, stored: number, body: LargeBody): void {
    this.#intake.large.putStored(start, length, publisher, stored, body);
  }

  isFull(bytes: number): boolean {
    return this.core.policy.overLimit === 'reject' && this.core.isOver(1, bytes);
  }

  get room(): number {
    return this.core.room;
  }

  checkRoom(): void {
    this.core.checkRoom();
  }

  // What groups tell.

  writeState(group: Group): void {
    const { core } = this;
    // What it changes now is part of this group.
    core.isTouched = true;
    if (!core.state.isSound) this.end(new QueueDamagedError(this.name, new Error('its counts do not fit its records')));
    else if (core.store !== null) {
      if (this.#hasTakers && core.ready.complete) core.raiseMark(core.state.lastSeq);
      core.marks.write(core.store, core.id);
      core.store.put(SPACE.state, core.id, 0, core.state.encode());
    }
    core.isTouched = false;
    this.#writing++;
    this.#expiry.arm();
    group.states.push({ queue: this, mark: core.state.mark });
  }

  get #hasTakers(): boolean {
    for (const { spec } of this.#consumers) if (!spec.browse) return true;
    return false;
  }

  onState(mark: number, error: Error | null): void {
    const { core } = this;
    this.#writing--;
    if (error === null) {
      if (mark > core.deliverableTo) core.deliverableTo = mark;
      return;
    }
    core.marks.touchAll();
    core.touch();
  }

  onStored(entry: Entry): void {
    this.core.storing--;
    if (entry.delayedKey >= 0) this.#delayed.onStored(entry);
    else if (entry.isMoved) this.#delayed.place(entry);
    else this.core.ready.stored(entry);
    const { sink } = entry;
    entry.inTransaction = false;
    entry.mark = null;
    if (sink === null) return;
    entry.sink = null;
    sink.onPut(entry.token, OUTCOME.accepted, null);
  }

  onNotStored(entry: Entry, refusal: Refusal): void {
    const { core } = this;
    if (entry.isMoved && !entry.inTransaction) {
      if (entry.delayedKey >= 0) this.#delayed.onNotStored(entry, true);
      else core.addAgain(entry);
      return;
    }
    core.storing--;
    // Its removal is one that has to come to pass.
    entry.inTransaction = false;
    if (entry.delayedKey >= 0) this.#delayed.onNotStored(entry, false);
    else core.remove(entry);
    // A transaction was to let it wait: it is there as before.
    if (entry.isMoved && entry.delayedKey >= 0) return;
    if (entry.isLarge) core.ready.lanes[entry.lane]?.lift(entry.key);
    // What it has of one that was moved is the other's again.
    if (!entry.isMoved) core.finish(entry);
    this.#intake.notStored(entry, refusal);
  }

  onChanged(entry: Entry): void {
    this.core.ready.changed(entry);
  }

  changeAgain(entry: Entry): void {
    this.core.changeAgain(entry);
  }

  restore(entry: Entry): void {
    this.core.restore(entry);
    this.#fates.requeue(entry, true, null);
  }

  // Consumers.

  consume(spec: QueueConsumerSpec, sink: QueueSink): QueueConsumer {
    if (this.core.error !== null) throw this.core.error;
    this.#checkLock(spec);
    const consumer = new LocalConsumer(this.#nextConsumer++, spec, sink, this);
    if (spec.browse || spec.selector !== null || spec.notFrom !== 0) consumer.scanner = this.#scannerOf(consumer);
    this.#consumers.add(consumer);
    this.#dispatcher.join(consumer);
    return consumer;
  }

  #checkLock(spec: QueueConsumerSpec): void {
    if (spec.browse) return;
    if (spec.exclusive === 'takeOver') {
      this.#endOthers(spec.client);
      return;
    }
    for (const { spec: other } of this.#consumers)
      if (!other.browse && (spec.exclusive || other.exclusive || this.policy.exclusive))
        throw new QueueLockedError(this.name, other.client);
  }

  /** The new one takes over: what the others have is as if they had died. */
  #endOthers(client: string): void {
    for (const consumer of [...this.#consumers]) {
      if (consumer.spec.browse) continue;
      this.#dispatcher.leave(consumer);
      this.#consumers.delete(consumer);
      this.#takeBack(consumer, true);
      consumer.end(new QueueStolenError(this.name, client));
    }
  }

  #scannerOf(consumer: LocalConsumer): Scanner {
    const { spec } = consumer;
    const filter = spec.selector === null ? null : compileMessageFilter(spec.selector);
    const visitor = {
      wants: (record: Buffer): boolean =>
        (spec.notFrom === 0 || publisherOf(record) !== spec.notFrom) &&
        (filter === null || isLargeRecord(record) || filter.matches(record, RECORD_HEAD, record.length)),
      verdict: (entry: Entry) => {
        const verdict = this.#dispatcher.verdict(entry, consumer);
        if (verdict !== SCAN.take || filter === null || !entry.isLarge) return verdict;
        // Passed over only once it was looked at.
        const start = this.core.startOf(entry);
        if (start === null) return SCAN.stop;
        return filter.matches(start, 0, start.length) ? SCAN.take : SCAN.skip;
      },
      take: (entry: Entry) => this.#dispatcher.taken(entry, consumer),
    };
    return new Scanner(this.core.ready, visitor, spec.browse);
  }

  hungry(consumer: LocalConsumer): void {
    this.#dispatcher.hungry(consumer);
  }

  /** Delivers what can be delivered. */
  pump(): void {
    if (this.#departure !== null) {
      this.#depart(this.#departure);
      return;
    }
    if (this.#isPaused) return;
    this.#guard(() => {
      if (this.#delayed.isOverdue && this.core.ready.loaded * 2 < this.core.home.budget.messages)
        this.#delayed.release(this.wall());
      this.#intake.trim();
      this.#dispatcher.pump();
    });
  }

  /** Damage closes this queue, and nothing else. */
  #guard(act: () => void): void {
    if (this.core.error !== null) return;
    try {
      act();
    } catch (error) {
      if (!(error instanceof RecordDamagedError)) throw error;
      this.end(new QueueDamagedError(this.name, error));
    }
  }

  #unreadable(error: unknown): unknown {
    if (!(error instanceof RecordDamagedError)) return error;
    this.end(new QueueDamagedError(this.name, error));
    return this.core.error;
  }

  /** It is served no more. */
  end(error: FairleadError): void {
    if (this.core.error !== null) return;
    this.core.error = error;
    this.#intake.large.end();
    for (const walk of this.#walks.splice(0)) walk.end(error);
    for (const consumer of this.#consumers) {
      for (const entry of consumer.takeHeld()) entry.body?.release();
      consumer.end(error);
    }
    this.#consumers.clear();
    this.#dispatcher.recall();
    if (this.core.store === null) this.#delayed.purge(0);
    this.core.clear();
    this.core.checkRoom();
    if (error instanceof QueueDamagedError) this.core.home.onDamage(this, error);
  }

  isIdle(consumer: LocalConsumer): boolean {
    if (this.#isPaused) return true;
    return this.core.storing === 0 && this.#dispatcher.isIdleFor(consumer);
  }

  get waiting(): number {
    return this.core.waiting;
  }

  deliveriesOf(entry: Entry): number {
    const wasThere = entry.key - keyOf(entry.lane, 0) <= this.core.crashMark;
    return wasThere && entry.deliveries === 0 ? 1 : entry.deliveries;
  }

  isExcluded(entry: Entry, consumer: LocalConsumer): boolean {
    return this.core.exclusions.has(entry.key, consumer.id);
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
    this.#fates.settle(entry, outcome, detail, consumer.id);
    if (entry.state === ENTRY.ready) this.pump();
  }

  /** What a transaction had taken from a consumer is as if it had failed there. */
  failed(entry: Entry): void {
    if (this.core.error !== null) return;
    this.core.acquired--;
    this.#fates.requeue(entry, true, null);
    this.pump();
  }

  closed(consumer: LocalConsumer, failed: boolean): void {
    this.#dispatcher.leave(consumer);
    this.#consumers.delete(consumer);
    this.#takeBack(consumer, failed);
    this.pump();
  }

  #takeBack(consumer: LocalConsumer, failed: boolean): void {
    for (const entry of consumer.takeHeld()) {
      this.core.acquired--;
      this.#fates.requeue(entry, failed, null);
    }
  }

  /** Ends cleanly: what consumers have counts as failed with them, and nothing is marked that they never had. */
  stop(): void {
    const { core } = this;
    if (core.store === null || core.error !== null) return;
    for (const consumer of this.#consumers) {
      consumer.isClosed = true;
      this.#takeBack(consumer, true);
    }
    this.#consumers.clear();
    core.state.mark = core.state.depth > 0 ? core.crashMark : 0;
    core.touch();
  }

  /** Gives nothing more to consumers, or goes on. */
  pause(paused: boolean): void {
    this.#isPaused = paused;
    if (!paused) this.pump();
  }

  /** Consumers have deliveries that are not settled, or settlements that are not on the disk. */
  get isBusy(): boolean {
    if (this.core.acquired > 0) return true;
    for (const { isConfirming } of this.#consumers) if (isConfirming) return true;
    return false;
  }

  /** Ends its service: what consumers have goes back as a failed attempt. @param done all that it has is on the disk */
  detach(error: FairleadError, done: () => void): void {
    this.#departure = { error, done, until: this.wall() + DETACH_MS, isWritten: false };
    for (const walk of this.#walks.splice(0)) walk.end(error);
    for (const consumer of [...this.#consumers]) {
      consumer.close(true);
      consumer.sink.onGone(error);
    }
    this.#dispatcher.recall();
    this.core.wantsTurn();
  }

  /** What is on its way to the disk, or to a dead-letter address, comes to its end first. */
  #depart(departure: Departure): void {
    const { core } = this;
    if (core.error === null) {
      if (core.storing > 0 || core.pendingLarge > 0) return;
      if (this.#dead.sent > 0 && this.wall() < departure.until) {
        core.wakeAt(departure.until);
        return;
      }
      if (core.isTouched) core.touch();
      if (core.isTouched || this.#writing > 0) return;
      if (!departure.isWritten) {
        departure.isWritten = true;
        // What a transaction holds may have been seen.
        if (core.acquired === 0) core.state.mark = core.state.depth > 0 ? core.crashMark : 0;
        core.touch();
        return;
      }
    }
    this.#departure = null;
    this.end(departure.error);
    core.home.later(departure.done);
  }

  /** Moves what it holds behind what another one has. */
  mergeInto(target: HomeQueue, done: (error: Error | null) => void): void {
    this.#begin(new MergeWalk({ core: this.core, delayed: this.#delayed, dead: this.#dead, target, done }));
  }

  /** A message of another queue of the host, whose record, and parts, are its own from now on. @param due when it may be delivered; 0 for at once */
  takeOver(record: Buffer, lane: number, due: number): void {
    this.#intake.takeOver(record, lane, due);
  }

  takeOverDead(record: Buffer, lane: number, reason: number): void {
    this.#dead.takeOver(this.core.entryOf(lane, record), reason);
  }

  /** Puts that another queue had, whose messages come here. */
  takeOverMarks(marks: Iterable<Mark>): void {
    for (const mark of marks) this.core.marks.merge(mark);
    this.core.touch();
  }

  // What deliveries ask.

  get ready(): QueueCore['ready'] {
    return this.core.ready;
  }

  get deliverableTo(): number {
    return this.core.deliverableTo;
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
    this.#fates.accept(entry);
  }

  expired(entry: Entry): void {
    this.#fates.expire(entry);
  }

  wantsTurn(): void {
    this.core.wantsTurn();
  }

  // Turns and time.

  turn(): void {
    if (this.#departure !== null) {
      this.#guard(() => this.#intake.large.turn());
      this.pump();
      return;
    }
    this.#guard(() => {
      this.#intake.large.turn();
      this.#dead.turn();
      const walks = this.#walks;
      this.#walks = [];
      for (const walk of walks) if (!walk.turn()) this.#walks.push(walk);
      this.#delayed.release(this.wall());
    });
    this.pump();
  }

  onTime(wall: number): void {
    if (this.#departure !== null) {
      this.pump();
      return;
    }
    this.#guard(() => {
      this.#dispatcher.recall();
      this.#delayed.release(wall);
      this.#expiry.look(wall);
      this.#dead.retry(wall);
      this.#dead.turn();
    });
    this.pump();
  }

  // Operators.

  view(): QueueView {
    const { core } = this;
    const drops = { ...core.drops };
    return {
      name: this.name,
      state: core.error === null ? 'open' : 'damaged',
      temporary: this.temporary,
      depth: core.state.depth,
      bytes: core.state.bytes,
      ready: core.waiting,
      delayed: core.state.delayed,
      acquired: core.acquired,
      consumers: this.#consumers.size,
      put: core.put,
      removed: core.removed,
      expired: core.expired,
      deadLettered: core.deadLettered,
      dropped: drops.limit + drops.maxDeliveries + drops.rejected + drops.failed,
      drops,
      duplicates: core.duplicates,
    };
  }

  peek(count: number, fromId: number): readonly PeekedMessage[] {
    let found: readonly PeekedMessage[] = [];
    this.#guard(() => {
      const held = [...this.#consumers].flatMap((consumer) => consumer.held);
      found = peekInto(this.core, held, count, fromId);
    });
    return found;
  }

  purge(done: WalkDone): void {
    this.#begin(new PurgeWalk(this.core, this.#dispatcher, (most) => this.#delayed.purge(most), done));
  }

  move(to: string, count: number, done: WalkDone): void {
    this.#dispatcher.recall();
    this.#begin(new MoveWalk(this.core, this.#dead, () => to, count, done));
  }

  retryDead(count: number, done: WalkDone): void {
    this.#dispatcher.recall();
    this.#begin(new MoveWalk(this.core, this.#dead, originOfDead, count, done));
  }

  #begin(walk: Walk): void {
    this.#walks.push(walk);
    this.core.wantsTurn();
  }
}
