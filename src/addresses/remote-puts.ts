import type { NodeId } from '../links/contract';
import { MESSAGE_FLAG, OUTCOME, type LargeBody, type Outcome, type OutcomeDetail } from '../streams/contract';
import { MESSAGE_BYTES_MAX, SEGMENT_BYTES } from '../streams/limits';
import type { AddressEntry } from './address-entry';
import type { ForwarderPorts } from './forwarder';
import { PUTS_UNDER_WAY_MAX, PUT_RETRY_MS, PUT_RETRY_MS_MAX, PUT_WINDOW_BYTES } from './limits';
import { FROM_OUTBOX } from './outbox';
import { flagsOfTurn, PUT_FROM_OUTBOX, PUT_HEAD_BYTES, PutHead, writePutHead } from './put-head';
import { PutLane, type LargePut } from './put-lane';
import { NOWHERE } from './queue-homes';
import type { QueueState } from './queue-state';

const INITIAL = 64;
/** First guess of what a put takes. */
const MEAN_BYTES = 1_024;
/** Where parts of large messages are read into. */
const PART = Buffer.allocUnsafeSlow(SEGMENT_BYTES);

/** What this node has for one home. */
class HomeLoad {
  /** Under way, and waiting for that. */
  bytes = 0;
  unsentBytes = 0;
  meanBytes = MEAN_BYTES;
  /** Addresses whose publishers may have got less credit than they want. */
  readonly asked = new Set<AddressEntry>();
}

/** What remote puts ask of the queues around them. */
export interface RemotePutsPorts {
  /** Looks up where a queue lives. */
  refresh(entry: AddressEntry): QueueState;
  isReachable(node: NodeId): boolean;
  nodeName(node: NodeId): string;
  /**
   * The queue has come to this node: puts one that was for another after all.
   * @param head that it was to be put with
   */
  putHere(state: QueueState, slot: number, head: PutHead, bytes: Buffer, start: number, end: number): void;
  putHereLarge(state: QueueState, slot: number, head: PutHead, body: LargeBody): void;
  /** The home takes none of a lane for now, and says why. */
  waits(lane: PutLane, why: string): void;
  /** All puts of a lane are answered. */
  emptied(lane: PutLane): void;
  /** So long a put that was never sent waits for a home that is out of reach. */
  readonly holdMs: number;
}

/** What the head of a large put is made of. */
interface LargeHead {
  readonly flags: number;
  readonly epoch: number;
  readonly tag: number;
}

/**
 * Puts into queues whose home is another node. Each is kept until its outcome is known, and sent again after a restart of the home
 * under the same number, before any newer one: the home answers what it has already from what it remembers.
 */
export class RemotePuts {
  /** Lanes with something to send. */
  readonly #waiting = new Set<PutLane>();
  readonly #loads = new Map<NodeId, HomeLoad>();
  /** Loads that have become less in this turn. */
  readonly #lighter = new Set<HomeLoad>();
  readonly #head = new PutHead();
  /** Of large messages, by slot. */
  readonly #larges = new Map<number, LargeHead>();
  /** Place in its lane of each message, by slot. */
  #places = new Float64Array(INITIAL);
  readonly #scratch = Buffer.allocUnsafeSlow(MESSAGE_BYTES_MAX);
  /** The greatest sequence of any lane: one that is made anew for a queue goes on above all that its former ones had. */
  #lastSeq = 0;
  /** Something may be sent that could not be before. */
  #awake = false;
  #retryAt = Infinity;

  constructor(
    private readonly shared: ForwarderPorts,
    private readonly ports: RemotePutsPorts,
    /** One life of this node's numbering. */
    readonly epoch: number,
  ) {}

  /** Sends a message, or lets it wait for those before it. */
  put(
    state: QueueState,
    entry: AddressEntry,
    slot: number,
    tag: number,
    payload: Buffer,
    start: number,
    end: number,
  ): void {
    this.#put(this.#laneOf(entry, state), slot, 0, this.epoch, tag, payload, start, end);
  }

  /** The same of a message that has its number: that of its record on this node's disk, in the life that wrote it. */
  putFromOutbox(
    state: QueueState,
    entry: AddressEntry,
    slot: number,
    tag: number,
    payload: Buffer,
    start: number,
    epoch: number,
    seq: number,
  ): void {
    const lane = this.#outboxOf(entry, state, seq);
    this.#put(lane, slot, PUT_FROM_OUTBOX, epoch, tag, payload, start, payload.length);
  }

  #outboxOf(entry: AddressEntry, state: QueueState, seq: number): PutLane {
    const lane = (state.outbox ??= new PutLane(entry, 0));
    if (lane.inFlight === 0) this.#aim(lane, state);
    lane.lastSeq = seq - 1;
    return lane;
  }

  #put(
    lane: PutLane,
    slot: number,
    flags: number,
    epoch: number,
    tag: number,
    payload: Buffer,
    start: number,
    end: number,
  ): void {
    const length = PUT_HEAD_BYTES + end - start;
    const at = this.#push(lane, slot, length);
    const bytes = length <= this.#scratch.length ? this.#scratch : Buffer.allocUnsafe(length);
    writePutHead(bytes, flagsOfTurn(flags, lane.turn), epoch, lane.seq(at), tag);
    payload.copy(bytes, PUT_HEAD_BYTES, start, end);
    if (!lane.broken && lane.first() === at && this.#maySend(lane, at)) {
      this.#send(lane, at, bytes, 0, length);
      return;
    }
    const { holding, pending } = this.shared;
    const held = holding.hold(bytes, 0, length);
    pending.keep(slot, held, holding.at, length);
    held.release();
    this.#wait(lane);
  }

  /** @param body retained until its outcome is known */
  putLarge(state: QueueState, entry: AddressEntry, slot: number, tag: number, body: LargeBody): void {
    this.#putLarge(this.#laneOf(entry, state), slot, { flags: 0, epoch: this.epoch, tag }, body);
  }

  /** {@link putFromOutbox} of a large message. */
  putLargeFromOutbox(
    state: QueueState,
    entry: AddressEntry,
    slot: number,
    tag: number,
    body: LargeBody,
    epoch: number,
    seq: number,
  ): void {
    this.#putLarge(this.#outboxOf(entry, state, seq), slot, { flags: PUT_FROM_OUTBOX, epoch, tag }, body);
  }

  #putLarge(lane: PutLane, slot: number, head: LargeHead, body: LargeBody): void {
    body.retain();
    this.shared.pending.keepBody(slot, body);
    this.#larges.set(slot, head);
    this.#push(lane, slot, Math.min(body.length, MESSAGE_BYTES_MAX));
    this.#wait(lane);
  }

  #laneOf(entry: AddressEntry, state: QueueState): PutLane {
    const lane = (state.lane ??= new PutLane(entry, this.#lastSeq));
    if (lane.inFlight === 0) this.#aim(lane, state);
    return lane;
  }

  /** Nothing is under way: the next one goes where the queue lives now, and by the class of its rule. */
  #aim(lane: PutLane, { home }: QueueState): void {
    lane.cls = lane.entry.cls;
    if (lane.home === home) return;
    this.#loadOf(lane.home).unsentBytes -= lane.unsentBytes;
    this.#loadOf(home).unsentBytes += lane.unsentBytes;
    lane.home = home;
    const elsewhere = home !== NOWHERE && home !== this.shared.self;
    lane.set = elsewhere ? this.shared.streams.targetSet([home]) : null;
  }

  #push(lane: PutLane, slot: number, bytes: number): number {
    if (slot >= this.#places.length) this.#grow(slot);
    const at = lane.push(slot, bytes);
    if (lane.lastSeq > this.#lastSeq) this.#lastSeq = lane.lastSeq;
    this.#places[slot] = at;
    const load = this.#loadOf(lane.home);
    load.unsentBytes += bytes;
    load.meanBytes += (bytes - load.meanBytes) >> 4;
    return at;
  }

  #grow(slot: number): void {
    const grown = new Float64Array(Math.max(this.#places.length * 2, slot + 1));
    grown.set(this.#places);
    this.#places = grown;
  }

  #loadOf(home: NodeId): HomeLoad {
    let load = this.#loads.get(home);
    if (load === undefined) this.#loads.set(home, (load = new HomeLoad()));
    return load;
  }

  #wait(lane: PutLane): void {
    this.#waiting.add(lane);
    this.wake();
  }

  /** What waits for a home that is out of reach does not do so for ever. */
  #watch(lane: PutLane, now: number): void {
    const { home } = lane;
    const isAway = home === NOWHERE || (home !== this.shared.self && !this.ports.isReachable(home));
    if (!isAway || lane.empty) lane.awaySince = Infinity;
    else if (lane.awaySince === Infinity) lane.awaySince = now;
    if (lane.awaySince === Infinity || lane === this.ports.refresh(lane.entry).outbox) return;
    const until = lane.awaySince + this.ports.holdMs;
    if (now < until) this.#retryAt = Math.min(this.#retryAt, until);
    else this.#giveUp(lane);
  }

  /** Those that were never sent are certainly not stored: their senders are told so. What was sent may be. */
  #giveUp(lane: PutLane): void {
    const { pending } = this.shared;
    const description = `queue '${lane.entry.name}' lives at ${this.ports.nodeName(lane.home)}, which is out of reach`;
    const load = this.#loadOf(lane.home);
    for (let at = lane.firstNew(); at >= 0; at = lane.firstNew()) {
      const slot = lane.slot(at);
      load.unsentBytes -= lane.bytes(at);
      this.#done(lane, at);
      this.#larges.delete(slot);
      pending.finish(slot, OUTCOME.rejected, { condition: 'fairlead:unreachable', description });
      pending.free(slot);
    }
  }

  #done(lane: PutLane, at: number): void {
    lane.done(at);
    if (lane.empty) this.ports.emptied(lane);
  }

  /** What held puts up may be over. */
  wake(): void {
    if (this.#awake || this.#waiting.size === 0) return;
    this.#awake = true;
    this.shared.scheduleFlush();
  }

  #maySend(lane: PutLane, at: number): boolean {
    const { home, set, cls } = lane;
    if (set === null || lane.large !== null || lane.inFlight >= PUTS_UNDER_WAY_MAX) return false;
    if (!this.ports.isReachable(home) || this.shared.streams.isFull(home, cls)) return false;
    const { bytes } = this.#loadOf(home);
    return bytes === 0 || bytes + lane.bytes(at) <= PUT_WINDOW_BYTES;
  }

  #send(lane: PutLane, at: number, bytes: Buffer, start: number, end: number): void {
    const { streams, pending } = this.shared;
    const { entry, cls, set } = lane;
    const slot = lane.slot(at);
    this.#sent(lane, at);
    if (set === null) return;
    const flags = (pending.flags(slot) & ~FROM_OUTBOX) | MESSAGE_FLAG.tracked;
    const placed = streams.append(set, cls, entry.wire, flags, bytes, start, end, slot);
    pending.keep(slot, placed.chunk, placed.start, placed.length);
  }

  #sent(lane: PutLane, at: number): void {
    const load = this.#loadOf(lane.home);
    const bytes = lane.bytes(at);
    lane.sent(at);
    load.bytes += bytes;
    load.unsentBytes -= bytes;
  }

  // --- what waited, and what has to be sent again ------------------------------------------------------------------------------

  /** Sends of a lane what may leave. */
  #pump(lane: PutLane, now: number): void {
    const state = this.ports.refresh(lane.entry);
    if (lane.large !== null && !this.#pumpLarge(lane)) return;
    if (lane.broken) {
      if (lane.inFlight > 0 || now < lane.pausedUntil) return;
      lane.rewind();
    }
    if (lane.inFlight === 0) this.#aim(lane, state);
    this.#watch(lane, now);
    // The queue has another home by now: what is under way is answered first.
    if (lane.home !== state.home) return;
    for (let at = lane.first(); at >= 0; at = lane.first()) {
      if (lane.home === this.shared.self) this.#putHere(lane, at, state);
      else if (!this.#maySend(lane, at) || !this.#sendKept(lane, at)) return;
    }
    this.#waiting.delete(lane);
  }

  /** @returns false while it is not sent as a whole */
  #sendKept(lane: PutLane, at: number): boolean {
    const { pending, streams } = this.shared;
    const slot = lane.slot(at);
    const body = pending.body(slot);
    if (body === null) {
      const start = pending.start(slot);
      const length = pending.length(slot);
      const chunk = pending.takeKept(slot);
      if (chunk === null) return false;
      // What it was sent in before stays as it is: the turn is another one now.
      const bytes = length <= this.#scratch.length ? this.#scratch : Buffer.allocUnsafe(length);
      chunk.bytes.copy(bytes, 0, start, start + length);
      chunk.release();
      bytes[0] = flagsOfTurn((bytes[0] as number) & PUT_FROM_OUTBOX, lane.turn);
      this.#send(lane, at, bytes, 0, length);
      return true;
    }
    if (lane.set === null) return false;
    const flags = (pending.flags(slot) & ~FROM_OUTBOX) | MESSAGE_FLAG.tracked;
    const largeId = streams.beginLarge(lane.set, lane.cls, lane.entry.wire, flags, slot);
    const head = this.#larges.get(slot) as LargeHead;
    writePutHead(PART, flagsOfTurn(head.flags, lane.turn), head.epoch, lane.seq(at), head.tag);
    streams.appendSegment(largeId, PART, 0, PUT_HEAD_BYTES);
    this.#sent(lane, at);
    lane.large = { slot, largeId, body, at: 0 };
    return this.#pumpLarge(lane);
  }

  /** @returns true once the end of the large message has been given to the stream */
  #pumpLarge(lane: PutLane): boolean {
    const { streams } = this.shared;
    const { large } = lane;
    if (large === null) return true;
    while (large.at < large.body.length) {
      if (streams.isFull(lane.home, lane.cls)) return false;
      const length = this.#readPart(lane, large);
      if (length === 0) return true;
      streams.appendSegment(large.largeId, PART, 0, length);
      large.at += length;
    }
    streams.endLarge(large.largeId, false);
    lane.large = null;
    return true;
  }

  /** @returns 0 when it cannot be read any more: its sender may try again */
  #readPart(lane: PutLane, { slot, largeId, body, at }: LargePut): number {
    try {
      const length = body.read(at, PART);
      if (length > 0) return length;
      throw new Error(`a large message of ${body.length} bytes ends after ${at}`);
    } catch (error) {
      this.shared.streams.endLarge(largeId, true);
      lane.large = null;
      this.shared.large.failed(error as Error);
      this.onOutcome(lane, slot, OUTCOME.released, null);
      return 0;
    }
  }

  #putHere(lane: PutLane, at: number, state: QueueState): void {
    const { pending } = this.shared;
    const slot = lane.slot(at);
    const seq = lane.seq(at);
    this.#loadOf(lane.home).unsentBytes -= lane.bytes(at);
    this.#done(lane, at);
    const body = pending.body(slot);
    if (body !== null) {
      const { flags, epoch, tag } = this.#larges.get(slot) as LargeHead;
      this.#larges.delete(slot);
      this.#head.set(flags, epoch, seq, tag);
      this.ports.putHereLarge(state, slot, this.#head, body);
      return;
    }
    const start = pending.start(slot);
    const end = start + pending.length(slot);
    const chunk = pending.takeKept(slot);
    if (chunk === null) return;
    this.#head.read(chunk.bytes, start, end);
    this.ports.putHere(state, slot, this.#head, chunk.bytes, start + PUT_HEAD_BYTES, end);
    chunk.release();
  }

  // --- answers -----------------------------------------------------------------------------------------------------------------

  onOutcome(lane: PutLane, slot: number, outcome: Outcome, detail: OutcomeDetail | null): void {
    if (outcome === OUTCOME.undelivered) {
      this.#pause(lane, detail);
      this.#back(lane, slot, true);
      return;
    }
    lane.pauseMs = PUT_RETRY_MS;
    this.#back(lane, slot, false);
    if (this.#larges.size > 0) this.#larges.delete(slot);
    this.shared.pending.finish(slot, outcome, detail);
    this.shared.pending.free(slot);
  }

  /** It is not the home: where that is is known here soon. Or it cannot take anything, and says why. */
  #pause(lane: PutLane, detail: OutcomeDetail | null): void {
    // The first of those under way says it for all.
    if (!lane.broken && detail !== null) {
      this.ports.waits(lane, detail.description ?? '');
      lane.pauseMs = Math.min(2 * lane.pauseMs, PUT_RETRY_MS_MAX);
    }
    lane.pausedUntil = this.shared.clock.now() + (detail === null ? PUT_RETRY_MS : lane.pauseMs);
    this.#retryAt = Math.min(this.#retryAt, lane.pausedUntil);
  }

  /** The home's former life is gone, or this node had been given up there. */
  onLost(lane: PutLane, slot: number): void {
    const { large } = lane;
    if (large?.slot === slot) {
      lane.large = null;
      this.shared.streams.endLarge(large.largeId, true);
    }
    this.#back(lane, slot, true);
  }

  #back(lane: PutLane, slot: number, again: boolean): void {
    const load = this.#loadOf(lane.home);
    const at = this.#places[slot] as number;
    const bytes = lane.bytes(at);
    load.bytes -= bytes;
    if (again) load.unsentBytes += bytes;
    lane.back(at, again);
    if (again) {
      this.shared.counters.putsResent++;
      this.#waiting.add(lane);
    } else if (lane.empty) this.ports.emptied(lane);
    if (load.asked.size > 0) this.#lighter.add(load);
    this.wake();
    if (this.#lighter.size > 0) this.shared.scheduleFlush();
  }

  // --- credit ------------------------------------------------------------------------------------------------------------------

  /** Messages that publishers of an address whose home is elsewhere may have credit for. */
  allowance(entry: AddressEntry, state: QueueState): number {
    const { home } = state;
    if (home === NOWHERE || !this.ports.isReachable(home) || this.shared.streams.isFull(home, entry.cls)) return 0;
    const load = this.#loadOf(home);
    load.asked.add(entry);
    const room = PUT_WINDOW_BYTES - load.bytes - load.unsentBytes;
    return room <= 0 ? 0 : Math.ceil(room / Math.max(1, load.meanBytes));
  }

  /** More is under way to the home than should be, or nothing can be. */
  congested(entry: AddressEntry, state: QueueState): boolean {
    return this.allowance(entry, state) === 0;
  }

  // --- the end of a turn -------------------------------------------------------------------------------------------------------

  /** @returns true when some load has become less: publishers may go on */
  flush(now: number): boolean {
    if (this.#awake) {
      this.#awake = false;
      for (const lane of this.#waiting) this.#pump(lane, now);
    }
    if (this.#lighter.size === 0) return false;
    for (const load of this.#lighter) {
      for (const entry of load.asked) this.shared.credit.changed(entry);
      load.asked.clear();
    }
    this.#lighter.clear();
    return true;
  }

  tick(now: number): void {
    if (now < this.#retryAt) return;
    this.#retryAt = Infinity;
    for (const { pausedUntil } of this.#waiting)
      if (pausedUntil > now) this.#retryAt = Math.min(this.#retryAt, pausedUntil);
    this.wake();
  }

  deadline(): number {
    return this.#retryAt;
  }
}
