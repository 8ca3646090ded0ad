import type { LargeBody, OutcomeDetail } from '../streams/contract';
import { TailBody } from '../streams/framed-body';
import type { CoHolder } from './co-holder';
import type { PeekedMessage, PutMark, PutSink, Queue, QueueConsumer, QueuePolicy, QueueView, Route } from './contract';
import { DEFAULT_QUEUE_POLICY } from './default-policy';
import { headOf, LargeDistribution } from './distributor-large';
import { IntakeError } from './errors';
import { type Group, type GroupMember, NOBODY } from './group';
import type { HomeQueue } from './home-queue';
import { incomingFlags, readIncoming } from './incoming';
import type { StagedLarge } from './large-intake';
import { CO_HELD_BYTES_LEAST, LARGE_HEAD_BYTES, ROOM_MAX, SHARED_BYTES_LEAST } from './limits';
import type { Mark } from './marks';
import { PutAnswers, type PutOrigin } from './put-answers';
import type { PutCharges, Refused } from './put-charges';
import { PutPace } from './put-pace';
import type { HostedQueue, QueueHome } from './queue-home';
import { NOTHING_IN_QUEUE } from './queue-view';
import { RECORD_FLAG, writeHead } from './record';
import { REFUSAL, type Refusal, refusalOfStore } from './refusals';
import type { QueueStore } from './store-port';
import { LENGTH_BYTES, messageAfterTopic, topicStart } from './topic-head';
import type { TransactionQueue } from './transaction';

/** Where nobody asks for it. */
const NOTHING = Buffer.alloc(0);

/**
 * A queue that holds nothing itself: what is put goes to each queue that the route names, in one group with its own mark, and is answered
 * when that is on the disk. A put that one of the queues would refuse (its limit, or it is closed or damaged) is refused as a whole where
 * the publisher is here; that of another node, whose publisher was answered long ago, is dropped for that queue alone and counted there.
 * What nobody wants is accepted. A queue in memory has the message at once, whatever becomes of the group.
 */
export class Distributor implements Queue, TransactionQueue, HostedQueue, GroupMember {
  readonly temporary = false;
  readonly policy: QueuePolicy = DEFAULT_QUEUE_POLICY;
  readonly #answers: PutAnswers;
  readonly #large: LargeDistribution;
  readonly #pace: PutPace;
  #hadRoom = true;

  /** @throws RecordDamagedError */
  constructor(
    private readonly home: QueueHome,
    private readonly store: QueueStore,
    id: number,
    readonly name: string,
    private readonly route: Route,
  ) {
    this.#answers = new PutAnswers(home, store, id, this, (origin) => this.#large.isPending(origin));
    this.#large = new LargeDistribution(home, store, this.#answers, () => this.wantsTurn());
    this.#pace = new PutPace({
      group: () => home.group(false),
      isClosed: () => this.#closed() !== REFUSAL.none,
      get pressed() {
        return home.pressed;
      },
      wantsTurn: () => this.wantsTurn(),
    });
  }

  mark(origin: string, epoch: number, comesAgain = false): PutMark {
    return this.#answers.mark(origin, epoch, comesAgain);
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
    _topic = 0,
    others: CoHolder | null = null,
  ): void {
    const origin = { sink, token, mark: mark as Mark | null, seq, others };
    if (this.#pace.isOpen) {
      this.#put(payload, start, end, publisher, age, origin);
      return;
    }
    others?.wait();
    const kept = Buffer.from(payload.subarray(start, end));
    this.#pace.wait(kept.length, () => this.#put(kept, 0, kept.length, publisher, age, origin));
  }

  #put(payload: Buffer, start: number, end: number, publisher: number, age: number, origin: PutOrigin): void {
    if (!this.#answers.advance(origin)) return;
    const at = messageAfterTopic(payload, start, end);
    const refusal = at >= end ? REFUSAL.malformed : this.#closed();
    if (refusal !== REFUSAL.none) {
      this.#answers.refuse(origin, refusal);
      return;
    }
    const queues = this.#routed(payload, start, at, end, publisher);
    if (queues.length > 0 && !this.#read(payload, at, end, true, age, origin)) return;
    const takers = this.#takers(queues, end - at, origin);
    if (takers === null) return;
    const { others } = origin;
    const shared = this.#store(takers, payload, start, at, end, publisher, age, others?.holders ?? 0);
    others?.enter(payload, start, at, end, shared);
    this.#pace.placed(takers.length);
    this.#answers.answer(origin, takers.length > 0 || others !== null);
  }

  /** @param others so many have it too @returns the message that all of them share; null where each has its own */
  #store(
    takers: readonly HomeQueue[],
    payload: Buffer,
    start: number,
    at: number,
    end: number,
    publisher: number,
    age: number,
    others: number,
  ): number | null {
    const from = topicStart(payload, start, at);
    const topic = at - from;
    const sharing = end - from < SHARED_BYTES_LEAST ? [] : takers.filter(({ temporary }) => !temporary);
    const isShared = sharing.length > 1 || (sharing.length === 1 && others > 0 && end - from >= CO_HELD_BYTES_LEAST);
    const { payloads, slab } = this.home;
    const flags = incomingFlags();
    for (const queue of takers)
      if (!isShared || queue.temporary) queue.put(payload, from, end, publisher, null, 0, NOBODY, 0, age, topic);
    if (!isShared) return null;
    const record = slab.make(payload, from, end, topic);
    writeHead(record, topic > 0 ? flags | RECORD_FLAG.topic : flags, 0, publisher, 0);
    const id = payloads.hold(record, sharing.length + others);
    for (const queue of sharing) if (!queue.intake.putShared(record, id, age)) payloads.release(id);
    return id;
  }

  /** @param at where the message begins */
  #routed(payload: Buffer, start: number, at: number, end: number, publisher: number): readonly HomeQueue[] {
    const topic = payload.toString('utf8', start + LENGTH_BYTES, at);
    return this.route(topic, payload, at, end, publisher) as readonly HomeQueue[];
  }

  /** @returns false when no queue can have it, and it is refused */
  #read(payload: Buffer, start: number, end: number, whole: boolean, age: number, origin: PutOrigin): boolean {
    const refusal = readIncoming(payload, start, end, whole, this.home, age);
    if (refusal !== REFUSAL.none) this.#answers.refuse(origin, refusal);
    return refusal === REFUSAL.none;
  }

  /** Those that take the message; null when it is refused as a whole. */
  #takers(queues: readonly HomeQueue[], length: number, origin: PutOrigin): readonly HomeQueue[] | null {
    const takers: HomeQueue[] = [];
    for (const queue of queues) {
      const refusal = queue.intake.refusalNow(length, 0, 0);
      if (refusal === REFUSAL.none) takers.push(queue);
      else if (origin.mark === null) {
        this.#answers.refuseFor(queue.name, origin, refusal);
        return null;
      } else queue.intake.drop(refusal);
    }
    return takers;
  }

  #closed(): Refusal {
    return refusalOfStore(this.store);
  }

  putLarge(
    body: LargeBody,
    publisher: number,
    mark: PutMark | null,
    seq: number,
    sink: PutSink,
    token: number,
    age = 0,
    _topic: Buffer | null = null,
    others: CoHolder | null = null,
  ): void {
    const origin = { sink, token, mark: mark as Mark | null, seq, others };
    others?.wait();
    if (this.#pace.isOpen) {
      this.#putLarge(body, publisher, age, origin);
      return;
    }
    body.retain();
    this.#pace.wait(0, () => {
      this.#putLarge(body, publisher, age, origin);
      body.release();
    });
  }

  #putLarge(body: LargeBody, publisher: number, age: number, origin: PutOrigin): void {
    if (!this.#answers.advance(origin)) return;
    const head = headOf(body);
    const at = messageAfterTopic(head, 0, head.length);
    const refusal = at >= head.length ? REFUSAL.malformed : this.#closed();
    if (refusal !== REFUSAL.none) {
      this.#answers.refuse(origin, refusal);
      return;
    }
    const start = head.subarray(at, at + LARGE_HEAD_BYTES);
    const queues = this.#routed(head, 0, at, at + start.length, publisher);
    const isWhole = start.length === body.length - at;
    if (queues.length > 0 && !this.#read(start, 0, start.length, isWhole, age, origin)) return;
    const takers = this.#takers(queues, body.length - at, origin);
    if (takers === null) return;
    this.#pace.placed(takers.length);
    const before = origin.others === null ? NOTHING : Buffer.from(head.subarray(0, at));
    const topic = head.subarray(topicStart(head, 0, at), at);
    this.#large.put(new TailBody(body, at), topic, start, before, publisher, takers, origin, age);
  }

  /** What is put waits from now on, in order, or no longer. */
  hold(held: boolean): void {
    this.#pace.hold(held);
  }

  /** Puts wait. */
  get isHeld(): boolean {
    return this.#pace.isHeld;
  }

  turn(): void {
    this.#large.turn();
    this.#pace.turn();
    this.#tellRoom();
  }

  wantsTurn(): void {
    this.home.wantsTurn(this);
  }

  // What groups tell.

  writeState(group: Group): void {
    this.#answers.write();
    group.states.push({ queue: this, mark: this.#pace.committed() });
  }

  /** @param records that the intake had put into queues in the group */
  onState(records: number, error: Error | null): void {
    this.#pace.flushed(records);
    if (error !== null) this.#answers.writeAgain();
  }

  pump(): void {
    // It has no consumers.
  }

  onTime(): void {
    // Nothing of it waits for a time.
  }

  // What others see.

  isFull(): boolean {
    // What one of the queues has no room for is dropped for that one alone.
    return false;
  }

  get room(): number {
    return this.home.pressed || this.#pace.isCrowded ? 0 : ROOM_MAX;
  }

  checkRoom(): void {
    this.#pace.wake();
    this.#tellRoom();
  }

  #tellRoom(): void {
    const hasRoom = this.room > 0;
    if (hasRoom === this.#hadRoom) return;
    this.#hadRoom = hasRoom;
    this.home.onRoom(this);
  }

  setPolicy(): void {
    // It has no rule: those of the queues hold.
  }

  view(): QueueView {
    return { ...NOTHING_IN_QUEUE, name: this.name, state: 'open', temporary: false };
  }

  // Transactions.

  whenReached(act: () => void): void {
    this.#pace.pass(act);
  }

  charge(start: Buffer, length: number, publisher: number, charges: PutCharges): Refused | null {
    const at = messageAfterTopic(start, 0, start.length);
    const refusal = at >= start.length ? REFUSAL.malformed : this.#closed();
    if (refusal !== REFUSAL.none) return { refusal, queue: this.name };
    const message = start.subarray(at);
    const queues = this.#routed(start, 0, at, start.length, publisher);
    charges.copies += queues.length;
    for (const queue of queues) {
      const refused = queue.charge(message, length - at, publisher, charges);
      if (refused !== null) return refused;
    }
    return null;
  }

  stage(body: LargeBody, publisher: number, told: (refusal: OutcomeDetail | null) => void): StagedLarge {
    return this.#large.stage(body, publisher, told);
  }

  putStaged(staged: StagedLarge, others: CoHolder | null): void {
    const { head: start, publisher } = staged;
    const at = messageAfterTopic(start, 0, start.length);
    const takers = this.#routed(start, 0, at, start.length, publisher);
    this.#large.putStaged(staged, at, takers, others);
  }

  consume(): QueueConsumer {
    throw new IntakeError(this.name);
  }

  peek(): readonly PeekedMessage[] {
    throw new IntakeError(this.name);
  }

  purge(): void {
    throw new IntakeError(this.name);
  }

  move(): void {
    throw new IntakeError(this.name);
  }

  retryDead(): void {
    throw new IntakeError(this.name);
  }
}
