import type { FairleadError } from '../common/errors';
import { OUTCOME, type LargeBody, type OutcomeDetail } from '../streams/contract';
import { Consumers } from './consumers';
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
import type { Entry, EntryOwner } from './entry';
import { QueueDamagedError } from './errors';
import { ExpiryLook } from './expiry';
import { Fates } from './fates';
import type { Group, GroupMember } from './group';
import { Intake } from './intake';
import type { StagedLarge } from './large-intake';
import type { Mark } from './marks';
import { peekInto } from './peek';
import type { PutCharges, Refused } from './put-charges';
import { QueueCore } from './queue-core';
import type { HostedQueue, MoveTarget, QueueHome } from './queue-home';
import { QueueService } from './queue-service';
import { viewOf } from './queue-view';
import type { Refusal } from './refusals';
import { SPACE } from './spaces';
import type { QueueStore } from './store-port';
import type { TransactionQueue } from './transaction';
import { MoveWalk, originOfDead, PurgeWalk, type WalkDone } from './walk';
import { Walks } from './walks';

/** A queue at its home: puts its parts together, and is what others see of it. */
export class HomeQueue implements Queue, TransactionQueue, HostedQueue, MoveTarget, EntryOwner, GroupMember {
  readonly core: QueueCore;
  readonly consumers: Consumers;
  readonly intake: Intake;
  readonly dead: DeadLetters;
  readonly walks: Walks;
  readonly delayed: DelayedMessages;
  readonly #fates: Fates;
  readonly #expiry: ExpiryLook;
  readonly #service: QueueService;
  /** Groups with changes of it that are not done. */
  #writing = 0;

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
    this.core.onUnreadable = (error) => this.#service.unreadable(error);
    this.delayed = new DelayedMessages(this.core);
    this.dead = new DeadLetters(this.core);
    this.#fates = new Fates(this.core, this.delayed, this.dead);
    this.intake = new Intake(this.core, this.delayed, () => this.#fates.dropOldest());
    this.#expiry = new ExpiryLook(this.core, (entry) => this.#fates.expire(entry));
    this.consumers = new Consumers(this.core, this.#fates, this);
    this.walks = new Walks(this.core);
    this.#service = this.#serve(home);
    this.delayed.recover();
    this.dead.recover();
    this.#expiry.arm();
  }

  #serve(home: QueueHome): QueueService {
    const { core, consumers, walks, delayed, dead } = this;
    return new QueueService({
      core,
      consumers,
      large: this.intake.large,
      walks,
      delayed,
      dead,
      isWriting: () => this.#writing > 0,
      damaged: (error) => home.onDamage(this, error),
    });
  }

  get temporary(): boolean {
    return this.core.store === null;
  }

  get policy(): QueuePolicy {
    return this.core.policy;
  }

  setPolicy(policy: QueuePolicy): void {
    this.core.policy = policy;
    this.core.checkRoom();
  }

  // Puts.

  mark(origin: string, epoch: number, comesAgain = false): PutMark {
    const mark = this.core.marks.get(origin, epoch);
    mark.comesAgain = comesAgain;
    return mark;
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
    age = 0,
    topic = 0,
  ): void {
    this.intake.put(payload, start, end, publisher, mark as Mark | null, seq, sink, token, age, topic);
  }

  putLarge(
    body: LargeBody,
    publisher: number,
    mark: PutMark | null,
    seq: number,
    sink: PutSink,
    token: number,
    age = 0,
    topic: Buffer | null = null,
  ): void {
    this.intake.large.put(body, publisher, mark as Mark | null, seq, sink, token, age, topic);
  }

  putMoved(message: Buffer, inTransaction: boolean): void {
    this.intake.putMoved(message, inTransaction);
  }

  putMovedLarge(record: Buffer, lane: number, body: LargeBody | null, inTransaction: boolean): void {
    this.intake.large.putMoved(record, lane, body, inTransaction);
  }

  charge(start: Buffer, length: number, _publisher: number, charges: PutCharges): Refused | null {
    return charges.add(this, length, (messages, bytes) => this.intake.refusalOf(start, length, messages, bytes));
  }

  stage(body: LargeBody, publisher: number, told: (refusal: OutcomeDetail | null) => void): StagedLarge {
    return this.intake.large.stage(body, publisher, told);
  }

  putStaged(staged: StagedLarge): void {
    this.intake.large.putStaged(staged);
  }

  isFull(bytes: number): boolean {
    return this.core.policy.overLimit === 'reject' && this.core.isOver(1, bytes);
  }

  get room(): number {
    return this.core.room;
  }

  // What groups tell.

  writeState(group: Group): void {
    const { core } = this;
    // What it changes now is part of this group.
    core.isTouched = true;
    if (!core.state.isSound) this.end(new QueueDamagedError(this.name, new Error('its counts do not fit its records')));
    else if (core.store !== null) {
      if (this.consumers.hasTakers && core.ready.complete) core.raiseMark(core.state.lastSeq);
      core.marks.write(core.store, core.id);
      core.store.put(SPACE.state, core.id, 0, core.state.encode());
    }
    if (core.error === null) core.countMemory(core.state.bytes);
    core.isTouched = false;
    this.#writing++;
    this.#expiry.arm();
    group.states.push({ queue: this, mark: core.state.mark });
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
    if (entry.delayedKey >= 0) this.delayed.onStored(entry);
    else if (entry.isMoved) this.delayed.place(entry);
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
      if (entry.delayedKey >= 0) this.delayed.onNotStored(entry, true);
      else core.addAgain(entry);
      return;
    }
    core.storing--;
    // Its removal is one that has to come to pass.
    entry.inTransaction = false;
    if (entry.delayedKey >= 0) this.delayed.onNotStored(entry, false);
    else core.remove(entry);
    // A transaction was to let it wait: it is there as before.
    if (entry.isMoved && entry.delayedKey >= 0) return;
    if (entry.isLarge) core.ready.lanes[entry.lane]?.lift(entry.key);
    // What it has of one that was moved is the other's again.
    if (!entry.isMoved) core.finish(entry);
    this.intake.notStored(entry, refusal);
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
    return this.consumers.add(spec, sink);
  }

  /** Delivers what can be delivered. */
  pump(): void {
    if (this.#service.isLeaving) {
      this.#service.leave();
      return;
    }
    if (this.consumers.isPaused) return;
    this.#service.guard(() => {
      if (this.delayed.isOverdue && this.core.ready.loaded * 2 < this.core.home.budget.messages)
        this.delayed.release(this.core.home.wall());
      this.intake.trim();
      this.consumers.dispatcher.pump();
    });
  }

  // Its end.

  /** It is served no more. */
  end(error: FairleadError): void {
    this.#service.end(error);
  }

  /** Ends cleanly: what consumers have counts as failed with them, and nothing is marked that they never had. */
  stop(): void {
    this.#service.stop();
  }

  /** Gives nothing more to consumers, or goes on. */
  pause(paused: boolean): void {
    this.consumers.isPaused = paused;
    if (!paused) this.pump();
  }

  /** Ends its service: what consumers have goes back as a failed attempt. @param done all that it has is on the disk */
  detach(error: FairleadError, done: () => void): void {
    this.#service.detach(error, done);
  }

  // Turns and time.

  turn(): void {
    this.#service.guard(() => {
      this.intake.large.turn();
      if (this.#service.isLeaving) return;
      this.dead.turn();
      this.walks.turn();
      this.delayed.release(this.core.home.wall());
    });
    this.pump();
  }

  onTime(wall: number): void {
    this.#service.guard(() => {
      if (this.#service.isLeaving) return;
      this.consumers.dispatcher.recall();
      this.delayed.release(wall);
      this.#expiry.look(wall);
      this.dead.retry(wall);
      this.dead.turn();
    });
    this.pump();
  }

  // Operators.

  view(): QueueView {
    return viewOf(this.core, this.consumers.size);
  }

  peek(count: number, fromId: number): readonly PeekedMessage[] {
    let found: readonly PeekedMessage[] = [];
    this.#service.guard(() => {
      found = peekInto(this.core, this.consumers.held, count, fromId);
    });
    return found;
  }

  purge(done: WalkDone): void {
    this.walks.begin(new PurgeWalk(this.core, this.consumers.dispatcher, (most) => this.delayed.purge(most), done));
  }

  move(to: string, count: number, done: WalkDone): void {
    this.consumers.dispatcher.recall();
    this.walks.begin(new MoveWalk(this.core, this.dead, to, count, done));
  }

  retryDead(count: number, done: WalkDone): void {
    this.consumers.dispatcher.recall();
    this.walks.begin(new MoveWalk(this.core, this.dead, originOfDead, count, done));
  }
}
