import { OUTCOME, type LargeBody, type OutcomeDetail } from '../streams/contract';
import type { PeekedMessage, PutMark, PutSink, Queue, QueueConsumer, QueuePolicy, QueueView, Route } from './contract';
import { invariant } from '../common/errors';
import { DEFAULT_QUEUE_POLICY } from './default-policy';
import { IntakeError } from './errors';
import { type Group, type GroupMember, NOBODY } from './group';
import { incomingFlags, readIncoming } from './incoming';
import { writeHead } from './record';
import type { HomeQueue } from './home-queue';
import { LargePut, type LargePutHome } from './large-put';
import { LARGE_HEAD_BYTES, ROOM_MAX, SHARED_BYTES_LEAST } from './limits';
import type { Mark } from './marks';
import type { PlacedLarge, StagedLarge } from './large-intake';
import type { PutCharges, Refused } from './put-charges';
import type { TransactionQueue } from './transaction';
import type { HostedQueue, QueueHome } from './queue-core';
import { QueueMarks } from './queue-marks';
import { NOTHING_IN_QUEUE } from './queue-view';
import { REFUSAL, refusalDetail, type Refusal } from './refusals';
import { BodyBehind } from './body-behind';
import type { QueueStore } from './store-port';

/** Of what lies in parts on the disk. */
const NO_BODY: LargeBody = { length: 0, read: () => 0, retain: () => undefined, release: () => undefined };

/** In front of the topic: its length. */
const LENGTH_BYTES = 2;
const head = Buffer.allocUnsafe(LENGTH_BYTES + 0xffff + LARGE_HEAD_BYTES);

/** Where the message begins of what is put in [start, end); `end` or more where there is none. */
function messageAfterTopic(payload: Buffer, start: number, end: number): number {
  return end - start < LENGTH_BYTES ? end : start + LENGTH_BYTES + payload.readUInt16BE(start);
}

/** Who is told of a put. */
interface Origin {
  sink: PutSink;
  token: number;
  readonly mark: Mark | null;
  readonly seq: number;
}

/** A large message whose parts are being stored: it has its place in each of the queues already. */
interface PendingLarge {
  readonly put: LargePut;
  /** The number of its parts. */
  readonly body: number;
  readonly length: number;
  readonly origin: Origin;
  readonly places: readonly PlacedLarge[];
}

/**
 * A queue that holds nothing itself: what is put goes to each queue that the route names, in one group with its own mark, and is answered
 * when that is on the disk. A put that one of the queues would refuse (its limit, or it is closed or damaged) is refused as a whole where
 * the publisher is here; that of another node, whose publisher was answered long ago, is dropped for that queue alone and counted there.
 * What nobody wants is accepted. A queue in memory has the message at once, whatever becomes of the group.
 */
export class Distributor implements Queue, TransactionQueue, HostedQueue, GroupMember, LargePutHome {
  readonly temporary = false;
  readonly policy: QueuePolicy = DEFAULT_QUEUE_POLICY;
  readonly #marks = new QueueMarks();
  /** In the order they came. */
  readonly #large: PendingLarge[] = [];
  #isTouched = false;
  #hadRoom = true;

  /** @throws RecordDamagedError */
  constructor(
    private readonly home: QueueHome,
    private readonly store: QueueStore,
    private readonly id: number,
    readonly name: string,
    private readonly route: Route,
  ) {
    this.#marks.load(store, id);
  }

  mark(origin: string, epoch: number): PutMark {
    return this.#marks.get(origin, epoch);
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
    const origin = { sink, token, mark: mark as Mark | null, seq };
    if (!this.#advance(origin)) return;
    const at = messageAfterTopic(payload, start, end);
    const refusal = at >= end ? REFUSAL.malformed : this.#closed();
    if (refusal !== REFUSAL.none) {
      this.#refuse(origin, refusal);
      return;
    }
    const queues = this.#routed(payload, start, at, end, publisher);
    if (queues.length > 0 && !this.#read(payload, at, end, true, origin)) return;
    const takers = this.#takers(queues, end - at, origin);
    if (takers === null) return;
    this.#store(takers, payload, at, end, publisher);
    this.#answer(origin, takers.length > 0);
  }

  #store(takers: readonly HomeQueue[], payload: Buffer, start: number, end: number, publisher: number): void {
    const sharing = end - start < SHARED_BYTES_LEAST ? [] : takers.filter(({ temporary }) => !temporary);
    const isShared = sharing.length > 1;
    const { payloads, slab } = this.home;
    const flags = incomingFlags();
    for (const queue of takers)
      if (!isShared || queue.temporary) queue.put(payload, start, end, publisher, null, 0, NOBODY, 0);
    if (!isShared) return;
    const record = slab.make(payload, start, end);
    writeHead(record, flags, 0, publisher, 0);
    const id = payloads.hold(record, sharing.length);
    for (const queue of sharing) if (!queue.putShared(record, id)) payloads.release(id);
  }

  /** @param at where the message begins */
  #routed(payload: Buffer, start: number, at: number, end: number, publisher: number): readonly HomeQueue[] {
    const topic = payload.toString('utf8', start + LENGTH_BYTES, at);
    return this.route(topic, payload, at, end, publisher) as readonly HomeQueue[];
  }

  /** @returns false when no queue can have it, and it is refused */
  #read(payload: Buffer, start: number, end: number, whole: boolean, origin: Origin): boolean {
    const refusal = readIncoming(payload, start, end, whole, this.home.wall());
    if (refusal !== REFUSAL.none) this.#refuse(origin, refusal);
    return refusal === REFUSAL.none;
  }

  /** Those that take the message; null when it is refused as a whole. */
  #takers(queues: readonly HomeQueue[], length: number, origin: Origin): readonly HomeQueue[] | null {
    const takers: HomeQueue[] = [];
    for (const queue of queues) {
      const refusal = queue.refusalNow(length);
      if (refusal === REFUSAL.none) takers.push(queue);
      else if (origin.mark === null) {
        this.#refuseFor(queue, origin, refusal);
        return null;
      } else queue.dropRefused(refusal);
    }
    return takers;
  }

  #refuseFor({ name }: HomeQueue, { sink, token }: Origin, refusal: Refusal): void {
    const { condition = 'amqp:internal-error', description = '' } = refusalDetail(refusal) ?? {};
    this.home.later(() => sink.onPut(token, OUTCOME.rejected, { condition, description: `${name}: ${description}` }));
  }

  /** It is answered with the group of this turn. */
  #answer({ sink, token, mark, seq }: Origin, isStored: boolean): void {
    if (mark === null && !isStored) {
      this.home.later(() => sink.onPut(token, OUTCOME.accepted, null));
      return;
    }
    this.home.group(false).repeats.push({ sink, token, mark, seq, sharesFate: true });
    this.#touch();
  }

  #refuse({ sink, token, mark, seq }: Origin, refusal: Refusal): void {
    mark?.refuse(seq, refusal);
    this.home.refuse(sink, token, refusal);
  }

  /** @returns false when the put was made before: it is answered as then */
  #advance(origin: Origin): boolean {
    const { sink, token, mark, seq } = origin;
    if (mark === null) return true;
    const isNew = mark.advance(seq);
    if (!isNew && !this.#isPending(origin))
      this.home.group(false).repeats.push({ sink, token, mark, seq, sharesFate: false });
    this.#marks.touch(mark);
    this.#touch();
    return isNew;
  }

  /** A large message that is being stored is answered when it is, to whom asked last. */
  #isPending({ sink, token, mark, seq }: Origin): boolean {
    const pending = this.#large.find(({ origin }) => origin.mark === mark && origin.seq === seq);
    if (pending === undefined) return false;
    pending.origin.sink = sink;
    pending.origin.token = token;
    return true;
  }

  #closed(): Refusal {
    if (this.store.state === 'ok') return REFUSAL.none;
    return this.store.state === 'full' ? REFUSAL.storeFull : REFUSAL.storeFailed;
  }

  // Large messages, part by part.

  putLarge(body: LargeBody, publisher: number, mark: PutMark | null, seq: number, sink: PutSink, token: number): void {
    const origin = { sink, token, mark: mark as Mark | null, seq };
    if (!this.#advance(origin)) return;
    const bytes = body.read(0, head.subarray(0, Math.min(head.length, body.length)));
    const at = messageAfterTopic(head, 0, bytes);
    const refusal = at >= bytes ? REFUSAL.malformed : this.#closed();
    if (refusal !== REFUSAL.none) {
      this.#refuse(origin, refusal);
      return;
    }
    const start = head.subarray(at, Math.min(bytes, at + LARGE_HEAD_BYTES));
    const queues = this.#routed(head, 0, at, at + start.length, publisher);
    const isWhole = start.length === body.length - at;
    if (queues.length > 0 && !this.#read(start, 0, start.length, isWhole, origin)) return;
    const takers = this.#takers(queues, body.length - at, origin);
    if (takers === null) return;
    this.#putLarge(new BodyBehind(body, at), start, publisher, takers, origin);
  }

  #putLarge(body: LargeBody, start: Buffer, publisher: number, takers: readonly HomeQueue[], origin: Origin): void {
    for (const queue of takers) if (queue.temporary) queue.putLarge(body, publisher, null, 0, NOBODY, 0);
    const stored = takers.filter(({ temporary }) => !temporary);
    if (stored.length === 0) {
      this.#answer(origin, false);
      return;
    }
    const id = this.home.large.begin(body.length);
    const places = stored.map((queue) => queue.place(start, body.length, publisher, id));
    origin.mark?.storing(origin.seq, true);
    body.retain();
    this.#large.push({ put: new LargePut(this, null, id, body, 0), body: id, length: body.length, origin, places });
    this.home.wantsTurn(this);
  }

  turn(): void {
    const { store, home } = this;
    this.#large[0]?.put.turn({ store, home, wantsTurn: () => home.wantsTurn(this) });
  }

  change(): Group {
    this.#touch();
    return this.home.group(false);
  }

  staged(put: LargePut): void {
    const { origin, places, body, length } = this.#end(put);
    const holders = places.filter((place) => place.stored()).length;
    if (holders > 0) this.home.large.adopt(body, holders);
    else this.home.large.discard(body, length);
    this.#answer(origin, true);
  }

  failed(put: LargePut, refusal: Refusal): void {
    const { origin, places, body, length } = this.#end(put);
    this.home.large.discard(body, length);
    for (const place of places) place.failed(refusal);
    this.#refuse(origin, refusal);
  }

  #end(put: LargePut): PendingLarge {
    const at = this.#large.findIndex((pending) => pending.put === put);
    const [pending] = this.#large.splice(at, 1);
    invariant(at >= 0 && pending !== undefined, 'a large message of an intake is stored once');
    const { mark, seq } = pending.origin;
    if (mark !== null) {
      mark.storing(seq, false);
      this.#marks.touch(mark);
    }
    if (this.#large.length > 0) this.home.wantsTurn(this);
    return pending;
  }

  // What groups tell.

  #touch(): void {
    this.home.hurry();
    if (this.#isTouched) return;
    this.#isTouched = true;
    this.home.touched(this);
  }

  writeState(group: Group): void {
    this.#isTouched = false;
    this.#marks.write(this.store, this.id);
    group.states.push({ queue: this, mark: 0 });
  }

  onState(_mark: number, error: Error | null): void {
    if (error === null) return;
    this.#marks.touchAll();
    this.#touch();
  }

  pump(): void {
    // It has no consumers.
  }

  onTime(): void {
    // Nothing of it waits for a time.
  }

  // What others see.

  get room(): number {
    return this.home.pressed ? 0 : ROOM_MAX;
  }

  checkRoom(): void {
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

  charge(start: Buffer, length: number, publisher: number, charges: PutCharges): Refused | null {
    const at = messageAfterTopic(start, 0, start.length);
    const refusal = at >= start.length ? REFUSAL.malformed : this.#closed();
    if (refusal !== REFUSAL.none) return { refusal, queue: this.name };
    const message = start.subarray(at);
    for (const queue of this.#routed(start, 0, at, start.length, publisher)) {
      const refused = queue.charge(message, length - at, publisher, charges);
      if (refused !== null) return refused;
    }
    return null;
  }

  stage(body: LargeBody, publisher: number, told: (refusal: OutcomeDetail | null) => void): StagedLarge {
    const start = Buffer.alloc(Math.min(head.length, body.length));
    body.read(0, start);
    const at = messageAfterTopic(start, 0, start.length);
    const behind = new BodyBehind(body, Math.min(at, body.length));
    const stored = this.home.bodies.stage(behind, told);
    return { head: start, length: body.length, publisher, stored, body: behind, abandon: () => stored.abandon() };
  }

  putStaged({ head: start, publisher, stored }: StagedLarge): void {
    invariant(stored !== null, 'an intake stores what is staged');
    const at = messageAfterTopic(start, 0, start.length);
    const takers = this.#routed(start, 0, at, start.length, publisher);
    const message = start.subarray(at, at + LARGE_HEAD_BYTES);
    const { id, length } = stored;
    for (const queue of takers)
      queue.putStored(message, length, publisher, id, queue.temporary ? this.home.bodies.open(id, length) : NO_BODY);
    const holders = takers.filter(({ temporary }) => !temporary).length;
    if (holders > 0) this.home.large.adopt(id, holders);
    else this.home.large.discard(id, length);
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
