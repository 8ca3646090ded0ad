import { DecodeError } from '../amqp/errors';
import type { FairleadError } from '../common/errors';
import { PutFields, readPutFields } from '../message/put-fields';
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
import { type DispatchParts, Dispatcher } from './dispatcher';
import { ENTRY, Entry, type EntryOwner } from './entry';
import { QueueDamagedError, QueueLockedError } from './errors';
import type { Group, GroupMember } from './group';
import type { WindowBudget } from './lane';
import { DELIVERED_MARK_STEP, ROOM_MAX } from './limits';
import type { Mark } from './marks';
import { QueueMarks } from './queue-marks';
import { QueueState } from './queue-state';
import { ReadyMessages } from './ready';
import { type RecordSlab, writeHead } from './record';
import { REFUSAL, type Refusal } from './refusals';
import { keyOf, SPACE } from './spaces';
import { RecordDamagedError, type QueueStore } from './store-port';

/** The host, as its queues see it. */
export interface QueueHome {
  readonly slab: RecordSlab;
  readonly budget: WindowBudget;
  /** More is on its way to the disk than should be. */
  readonly pressed: boolean;
  wall(): number;
  /** What this turn changes in queues on the disk, or in those in memory. */
  group(temporary: boolean): Group;
  /** The queue has changed something in this turn. */
  touched(queue: HomeQueue): void;
  /** It has something to do at once, in a turn of its own. */
  wantsTurn(queue: HomeQueue): void;
  refuse(sink: PutSink, token: number, refusal: Refusal): void;
  onRoom(queue: Queue): void;
  onDamage(queue: HomeQueue, error: FairleadError): void;
}

const fields = new PutFields();

/** A queue at its home. */
export class HomeQueue implements Queue, EntryOwner, GroupMember, ConsumerOwner, DispatchParts {
  readonly ready: ReadyMessages;
  /** It has changed something since the last group. */
  isTouched = false;
  deliverableTo: number;
  readonly #state: QueueState;
  readonly #marks = new QueueMarks();
  readonly #dispatcher: Dispatcher;
  readonly #consumers = new Set<LocalConsumer>();
  readonly #crashMark: number;
  #policy: QueuePolicy;
  #nextConsumer = 1;
  #error: FairleadError | null = null;
  #acquired = 0;
  #storing = 0;
  #put = 0;
  #removed = 0;
  #expired = 0;
  #dropped = 0;
  #hadRoom = true;

  /**
   * @param store null for a queue that lives in memory
   * @throws RecordDamagedError
   */
  constructor(
    private readonly home: QueueHome,
    private readonly store: QueueStore | null,
    readonly id: number,
    readonly name: string,
    policy: QueuePolicy,
  ) {
    this.#policy = policy;
    const state = store?.get(SPACE.state, id, 0) ?? null;
    this.#state = state === null ? new QueueState() : QueueState.decode(state);
    if (store !== null) this.#marks.load(store, id);
    this.#crashMark = this.#state.mark;
    this.deliverableTo = store === null ? Number.POSITIVE_INFINITY : this.#state.mark;
    const { slab, budget } = home;
    this.ready = new ReadyMessages({ id, store, slab, budget, owner: this, crashMark: this.#crashMark });
    this.ready.recovered(this.#state.lastSeq, this.#state.lanes);
    this.#dispatcher = new Dispatcher(this);
    this.#dispatcher.preferNear = policy.locality === 'prefer';
  }

  get temporary(): boolean {
    return this.store === null;
  }

  get policy(): QueuePolicy {
    return this.#policy;
  }

  setPolicy(policy: QueuePolicy): void {
    this.#policy = policy;
    this.#dispatcher.preferNear = policy.locality === 'prefer';
    this.checkRoom();
  }

  get #group(): Group {
    return this.home.group(this.store === null);
  }

  #touch(): void {
    if (this.isTouched) return;
    this.isTouched = true;
    this.home.touched(this);
  }

  wall(): number {
    return this.home.wall();
  }

  // Puts.

  mark(origin: string, epoch: number): PutMark {
    return this.#marks.get(origin, epoch);
  }

  put(
    payload: Buffer,
    start: number,
    end: number,
    publisher: number,
    putMark: PutMark | null,
    seq: number,
    sink: PutSink,
    token: number,
  ): void {
    const mark = putMark as Mark | null;
    if (mark !== null && !this.#advance(mark, seq, sink, token)) return;
    const refusal = this.#check(payload, start, end);
    if (refusal !== REFUSAL.none) {
      this.#refuse(mark, seq, sink, token, refusal);
      return;
    }
    const record = this.home.slab.make(payload, start, end);
    writeHead(record, 0, 0, publisher, this.#expiresAt());
    const lane = 9 - fields.priority;
    const entry = new Entry(this, keyOf(lane, ++this.#state.lastSeq), lane, record);
    entry.sink = sink;
    entry.token = token;
    entry.mark = mark;
    entry.putSeq = seq;
    this.#add(entry);
  }

  putLarge(
    body: LargeBody,
    _publisher: number,
    putMark: PutMark | null,
    seq: number,
    sink: PutSink,
    token: number,
  ): void {
    void body;
    this.#refuse(putMark as Mark | null, seq, sink, token, REFUSAL.tooLarge);
  }

  /** @returns false when the put was made before: it is answered as then */
  #advance(mark: Mark, seq: number, sink: PutSink, token: number): boolean {
    const isNew = seq > mark.last;
    if (isNew) mark.last = seq;
    else this.#group.repeats.push({ sink, token, mark, seq });
    this.#marks.touch(mark);
    this.#touch();
    return isNew;
  }

  /** Looks whether a message can be taken; its fields are in `fields` then. */
  #check(payload: Buffer, start: number, end: number): Refusal {
    if (this.#error !== null) return this.#error instanceof QueueDamagedError ? REFUSAL.damaged : REFUSAL.deleted;
    const state = this.store?.state ?? 'ok';
    if (state !== 'ok') return state === 'full' ? REFUSAL.storeFull : REFUSAL.storeFailed;
    try {
      readPutFields(payload, start, end, true, fields);
    } catch (error) {
      if (error instanceof DecodeError) return REFUSAL.malformed;
      throw error;
    }
    return this.#fits(end - start) ? REFUSAL.none : REFUSAL.overLimit;
  }

  #fits(bytes: number): boolean {
    const { overLimit } = this.#policy;
    if (overLimit === 'block') return true;
    while (this.#isOver(1, bytes)) if (overLimit === 'reject' || !this.#dropOldest()) return overLimit !== 'reject';
    return true;
  }

  #isOver(messages: number, bytes: number): boolean {
    const { maxDepth, maxBytes } = this.#policy;
    return (
      (maxDepth !== null && this.#state.depth + messages > maxDepth) ||
      (maxBytes !== null && this.#state.bytes + bytes > maxBytes)
    );
  }

  /** Drops the oldest message of the lowest priority that no consumer has. @returns false when there is none */
  #dropOldest(): boolean {
    for (let at = this.ready.lanes.length - 1; at >= 0; at--) {
      const lane = this.ready.lanes[at];
      if (lane === undefined) continue;
      const entry = this.ready.first(lane);
      if (entry === undefined) continue;
      lane.shift();
      this.#remove(entry);
      this.#dropped++;
      return true;
    }
    return false;
  }

  /** Wall-clock ms when the message whose fields were read expires; 0 for never. */
  #expiresAt(): number {
    const { ttlMs } = this.#policy;
    if (ttlMs === null && fields.ttl < 0 && fields.absoluteExpiry < 0) return 0;
    const now = this.home.wall();
    let at = ttlMs === null ? Number.POSITIVE_INFINITY : now + ttlMs;
    if (fields.ttl >= 0) at = Math.min(at, now + fields.ttl);
    if (fields.absoluteExpiry > 0) at = Math.min(at, fields.absoluteExpiry);
    return at < 2 ** 48 ? Math.max(1, Math.floor(at)) : 0;
  }

  #add(entry: Entry): void {
    this.#state.count(entry.lane, entry.record.length, entry.expiresAt !== 0, 1);
    this.#storing++;
    this.#put++;
    this.store?.put(SPACE.messages, this.id, entry.key, entry.record);
    this.#group.puts.push(entry);
    this.#touch();
    if (this.#hadRoom) this.checkRoom();
  }

  #refuse(mark: Mark | null, seq: number, sink: PutSink, token: number, refusal: Refusal): void {
    mark?.refuse(seq, refusal);
    this.home.refuse(sink, token, refusal);
  }

  get room(): number {
    if (this.#error !== null || (this.home.pressed && this.store !== null)) return 0;
    const { overLimit, maxDepth } = this.#policy;
    if (overLimit !== 'block') return ROOM_MAX;
    if (this.#isOver(1, 1)) return 0;
    return maxDepth === null ? ROOM_MAX : Math.min(ROOM_MAX, maxDepth - this.#state.depth);
  }

  checkRoom(): void {
    const hasRoom = this.room > 0;
    if (hasRoom === this.#hadRoom) return;
    this.#hadRoom = hasRoom;
    this.home.onRoom(this);
  }

  // What groups tell.

  writeState(group: Group): void {
    this.isTouched = false;
    if (this.store !== null) {
      if (this.#consumers.size > 0 && this.ready.complete) this.#aheadOf(this.#state.lastSeq);
      this.#marks.write(this.store, this.id);
      this.store.put(SPACE.state, this.id, 0, this.#state.encode());
    }
    group.states.push({ queue: this, mark: this.#state.mark });
  }

  onState(mark: number, error: Error | null): void {
    if (error === null) {
      if (mark > this.deliverableTo) this.deliverableTo = mark;
      return;
    }
    this.#marks.touchAll();
    this.#touch();
  }

  onStored(entry: Entry): void {
    this.#storing--;
    this.ready.stored(entry);
    const { sink } = entry;
    entry.sink = null;
    entry.mark = null;
    sink?.onPut(entry.token, OUTCOME.accepted, null);
  }

  onNotStored(entry: Entry, refusal: Refusal): void {
    this.#storing--;
    this.#put--;
    this.#remove(entry);
    const { sink, mark } = entry;
    if (mark !== null) {
      mark.refuse(entry.putSeq, refusal);
      this.#marks.touch(mark);
    }
    if (sink !== null) this.home.refuse(sink, entry.token, refusal);
  }

  onChanged(entry: Entry): void {
    this.ready.changed(entry);
  }

  changeAgain(entry: Entry): void {
    if (entry.state === ENTRY.gone) this.store?.delete(SPACE.messages, this.id, entry.key);
    else this.store?.put(SPACE.messages, this.id, entry.key, entry.record);
    this.#group.changes.push(entry);
    this.#touch();
  }

  // Consumers.

  consume(spec: QueueConsumerSpec, sink: QueueSink): QueueConsumer {
    if (this.#error !== null) throw this.#error;
    this.#checkLock(spec);
    const consumer = new LocalConsumer(this.#nextConsumer++, spec, sink, this);
    this.#consumers.add(consumer);
    return consumer;
  }

  #checkLock(spec: QueueConsumerSpec): void {
    if (spec.browse) return;
    for (const other of this.#consumers)
      if (!other.spec.browse && (spec.exclusive || other.spec.exclusive || this.#policy.exclusive))
        throw new QueueLockedError(this.name, other.spec.client);
  }

  hungry(consumer: LocalConsumer): void {
    this.#dispatcher.hungry(consumer);
  }

  /** Delivers what can be delivered. */
  pump(): void {
    this.#guard(() => this.#dispatcher.pump());
  }

  /** Damage closes this queue, and nothing else. */
  #guard(act: () => void): void {
    if (this.#error !== null) return;
    try {
      act();
    } catch (error) {
      if (!(error instanceof RecordDamagedError)) throw error;
      this.end(new QueueDamagedError(this.name, error));
    }
  }

  /** It is served no more. */
  end(error: FairleadError): void {
    this.#error = error;
    for (const consumer of this.#consumers) {
      this.#dispatcher.leave(consumer);
      consumer.end(error);
    }
    this.#consumers.clear();
    if (error instanceof QueueDamagedError) this.home.onDamage(this, error);
    this.checkRoom();
  }

  isIdle(consumer: LocalConsumer): boolean {
    return this.#storing === 0 && this.#dispatcher.isIdleFor(consumer);
  }

  get waiting(): number {
    return this.#state.depth - this.#storing - this.#acquired - this.#state.delayed - this.#state.dead;
  }

  deliveriesOf(entry: Entry): number {
    const wasThere = entry.key - keyOf(entry.lane, 0) <= this.#crashMark;
    return wasThere && entry.deliveries === 0 ? 1 : entry.deliveries;
  }

  confirm(consumer: LocalConsumer, token: number): void {
    this.#group.settlements.push({ holder: consumer, token });
    this.#touch();
  }

  settled(consumer: LocalConsumer, entry: Entry, outcome: Outcome, _detail: OutcomeDetail | null): void {
    this.#acquired--;
    switch (outcome) {
      case OUTCOME.accepted:
        this.#remove(entry);
        this.#removed++;
        break;
      case OUTCOME.rejected:
        this.#die(entry);
        break;
      case OUTCOME.modifiedFailed:
      case OUTCOME.modifiedFailedHere:
      case OUTCOME.modifiedHere:
      case OUTCOME.modified:
      case OUTCOME.released:
      case OUTCOME.undelivered:
        if (outcome === OUTCOME.modifiedHere || outcome === OUTCOME.modifiedFailedHere)
          (entry.excluded ??= []).push(consumer.id);
        this.#requeue(entry, outcome === OUTCOME.modifiedFailed || outcome === OUTCOME.modifiedFailedHere);
        this.pump();
        break;
    }
  }

  closed(consumer: LocalConsumer, failed: boolean): void {
    this.#dispatcher.leave(consumer);
    this.#consumers.delete(consumer);
    for (const entry of consumer.takeHeld()) {
      this.#acquired--;
      this.#requeue(entry, failed);
    }
    this.pump();
  }

  // What becomes of messages.

  #requeue(entry: Entry, failed: boolean): void {
    if (failed) {
      entry.deliveries++;
      const { maxDeliveries } = this.#policy;
      if (maxDeliveries !== null && entry.deliveries >= maxDeliveries) {
        this.#die(entry);
        return;
      }
      this.#rewrite(entry);
    }
    this.ready.returned(entry, failed);
  }

  #rewrite(entry: Entry): void {
    const record = Buffer.from(entry.record);
    writeHead(record, entry.flags, Math.min(entry.deliveries, 0xffff), entry.publisher, entry.expiresAt);
    entry.record = record;
    this.store?.put(SPACE.messages, this.id, entry.key, record);
    this.#group.changes.push(entry);
    this.#touch();
  }

  #die(entry: Entry): void {
    this.#remove(entry);
    this.#dropped++;
  }

  #remove(entry: Entry): void {
    entry.state = ENTRY.gone;
    this.#state.count(entry.lane, entry.record.length, entry.expiresAt !== 0, -1);
    this.store?.delete(SPACE.messages, this.id, entry.key);
    this.#group.changes.push(entry);
    this.#touch();
    if (!this.#hadRoom) this.checkRoom();
  }

  // What deliveries ask.

  raiseMark(seq: number): void {
    if (this.store !== null) this.#aheadOf(seq);
  }

  #aheadOf(seq: number): void {
    if (seq + DELIVERED_MARK_STEP / 2 <= this.#state.mark) return;
    this.#state.mark = seq + DELIVERED_MARK_STEP;
    this.#touch();
  }

  acquired(_entry: Entry): void {
    this.#acquired++;
  }

  settledOnDelivery(entry: Entry): void {
    this.#acquired--;
    this.#removed++;
    this.#remove(entry);
  }

  expired(entry: Entry): void {
    this.#expired++;
    this.#remove(entry);
  }

  view(): QueueView {
    const { depth, bytes, delayed } = this.#state;
    return {
      name: this.name,
      state: this.#error === null ? 'open' : 'damaged',
      temporary: this.temporary,
      depth,
      bytes,
      ready: this.waiting,
      delayed,
      acquired: this.#acquired,
      consumers: this.#consumers.size,
      put: this.#put,
      removed: this.#removed,
      expired: this.#expired,
      deadLettered: 0,
      dropped: this.#dropped,
      duplicates: 0,
    };
  }

  peek(_count: number, _fromId: number): readonly PeekedMessage[] {
    return [];
  }

  purge(done: (count: number, error: Error | null) => void): void {
    done(0, null);
  }

  get hasConsumers(): boolean {
    return this.#consumers.size > 0;
  }
}
