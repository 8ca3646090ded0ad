import { MESSAGE_FLAG, OUTCOME, type LargeBody, type Outcome, type OutcomeDetail } from '../streams/contract';
import { MESSAGE_BYTES_MAX } from '../streams/limits';
import type { AddressEntry } from './address-entry';
import type { ForwarderPorts } from './forwarder';
import { LargePuts, type LargeHead } from './large-puts';
import { PUTS_UNDER_WAY_MAX, PUT_RETRY_MS, PUT_RETRY_MS_MAX } from './limits';
import { FROM_OUTBOX } from './outbox-records';
import { PutAim } from './put-aim';
import { flagsOfTurn, PUT_FROM_OUTBOX, PUT_HEAD_BYTES, PutHead, writePutAge, writePutHead } from './put-head';
import { PutLane } from './put-lane';
import { PutLoads } from './put-loads';
import { PutPlaces } from './put-places';
import { NOWHERE } from './queue-homes';
import type { QueueState } from './queue-state';
import type { RemotePutsPorts } from './remote-puts-ports';
import { WaitingLanes } from './waiting-lanes';

/**
 * Puts into queues whose home is another node. Each is kept until its outcome is known, and sent again after a restart of the home
 * under the same number, before any newer one: the home answers what it has already from what it remembers.
 */
export class RemotePuts {
  readonly #waiting: WaitingLanes;
  readonly #loads = new PutLoads();
  readonly #aim: PutAim;
  readonly #head = new PutHead();
  readonly #larges: LargePuts;
  readonly #places = new PutPlaces();
  readonly #scratch = Buffer.allocUnsafeSlow(MESSAGE_BYTES_MAX);
  /** The greatest sequence of any lane: one that is made anew for a queue goes on above all that its former ones had. */
  #lastSeq = 0;

  constructor(
    private readonly shared: ForwarderPorts,
    private readonly ports: RemotePutsPorts,
    /** One life of this node's numbering. */
    readonly epoch: number,
  ) {
    this.#waiting = new WaitingLanes(shared.scheduleFlush);
    this.#aim = new PutAim(shared, ports, this.#loads, this.#waiting);
    // Its sender may try again.
    this.#larges = new LargePuts(shared, (lane, slot) => this.onOutcome(lane, slot, OUTCOME.released, null));
  }

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
    const now = this.shared.clock.now();
    this.#put(this.#laneOf(entry, state), slot, 0, this.epoch, tag, now, payload, start, end);
  }

  /**
   * The same of a message that has its number: that of its record on this node's disk, in the life that wrote it.
   * @param cameAt when it came into the mesh
   */
  putFromOutbox(
    state: QueueState,
    entry: AddressEntry,
    slot: number,
    tag: number,
    cameAt: number,
    payload: Buffer,
    start: number,
    epoch: number,
    seq: number,
  ): void {
    const lane = this.#outboxOf(entry, state, seq);
    this.#put(lane, slot, PUT_FROM_OUTBOX, epoch, tag, cameAt, payload, start, payload.length);
  }

  #outboxOf(entry: AddressEntry, state: QueueState, seq: number): PutLane {
    const lane = (state.outbox ??= new PutLane(entry, 0));
    if (lane.inFlight === 0) this.#aim.aim(lane, state);
    lane.lastSeq = seq - 1;
    return lane;
  }

  #put(
    lane: PutLane,
    slot: number,
    flags: number,
    epoch: number,
    tag: number,
    cameAt: number,
    payload: Buffer,
    start: number,
    end: number,
  ): void {
    const length = PUT_HEAD_BYTES + end - start;
    const at = this.#push(lane, slot, length, cameAt);
    const bytes = length <= this.#scratch.length ? this.#scratch : Buffer.allocUnsafe(length);
    writePutHead(bytes, flagsOfTurn(flags, lane.turn), epoch, lane.seq(at), tag, this.shared.clock.now() - cameAt);
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
    const now = this.shared.clock.now();
    this.#putLarge(this.#laneOf(entry, state), slot, { flags: 0, epoch: this.epoch, tag }, now, body);
  }

  /** {@link putFromOutbox} of a large message. */
  putLargeFromOutbox(
    state: QueueState,
    entry: AddressEntry,
    slot: number,
    tag: number,
    cameAt: number,
    body: LargeBody,
    epoch: number,
    seq: number,
  ): void {
    this.#putLarge(this.#outboxOf(entry, state, seq), slot, { flags: PUT_FROM_OUTBOX, epoch, tag }, cameAt, body);
  }

  #putLarge(lane: PutLane, slot: number, head: LargeHead, cameAt: number, body: LargeBody): void {
    this.#larges.keep(slot, head, body);
    this.#push(lane, slot, Math.min(body.length, MESSAGE_BYTES_MAX), cameAt);
    this.#wait(lane);
  }

  #laneOf(entry: AddressEntry, state: QueueState): PutLane {
    const lane = (state.lane ??= new PutLane(entry, this.#lastSeq));
    if (lane.inFlight === 0) this.#aim.aim(lane, state);
    return lane;
  }

  #push(lane: PutLane, slot: number, bytes: number, cameAt: number): number {
    const at = lane.push(slot, bytes, cameAt);
    if (lane.lastSeq > this.#lastSeq) this.#lastSeq = lane.lastSeq;
    this.#places.set(slot, at);
    this.#loads.add(lane.home, bytes);
    return at;
  }

  #wait(lane: PutLane): void {
    this.#waiting.add(lane);
    this.wake();
  }

  /** Those that were never sent are certainly not stored: their senders are told so. What was sent may be. */
  #giveUp(lane: PutLane): void {
    const { pending } = this.shared;
    const description = `queue '${lane.entry.name}' lives at ${this.ports.nodeName(lane.home)}, which is out of reach`;
    for (let at = lane.firstNew(); at >= 0; at = lane.firstNew()) {
      const slot = lane.slot(at);
      this.#loads.drop(lane.home, lane.bytes(at));
      this.#done(lane, at);
      this.#larges.forget(slot);
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
    this.#waiting.wake();
  }

  #maySend(lane: PutLane, at: number): boolean {
    const { home, set, cls } = lane;
    if (set === null || lane.large !== null || lane.inFlight >= PUTS_UNDER_WAY_MAX) return false;
    if (!this.ports.isReachable(home) || this.shared.streams.isFull(home, cls)) return false;
    return this.#loads.fits(home, lane.bytes(at));
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
    this.#loads.sent(lane.home, lane.bytes(at));
    lane.sent(at);
  }

  // --- what waited, and what has to be sent again ------------------------------------------------------------------------------

  /** Sends of a lane what may leave. */
  #pump(lane: PutLane, now: number): void {
    const state = this.ports.refresh(lane.entry);
    if (lane.large !== null && !this.#larges.pump(lane)) return;
    if (lane.broken) {
      if (lane.inFlight > 0 || now < lane.pausedUntil) return;
      lane.rewind();
    }
    if (lane.inFlight === 0) this.#aim.aim(lane, state);
    if (this.#aim.hasWaitedTooLong(lane, state, now)) this.#giveUp(lane);
    // The queue has another home by now: what is under way is answered first.
    if (lane.home !== state.home) return;
    for (let at = lane.first(); at >= 0; at = lane.first()) {
      if (lane.home === this.shared.self) this.#putHere(lane, at, state);
      else if (!this.#maySend(lane, at) || !this.#sendKept(lane, at)) return;
    }
    this.#waiting.done(lane);
  }

  /** @returns false while it is not sent as a whole */
  #sendKept(lane: PutLane, at: number): boolean {
    const { pending } = this.shared;
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
      writePutAge(bytes, this.shared.clock.now() - lane.cameAt(at));
      this.#send(lane, at, bytes, 0, length);
      return true;
    }
    if (lane.set === null) return false;
    this.#larges.begin(lane, at, body);
    this.#sent(lane, at);
    return this.#larges.pump(lane);
  }

  #putHere(lane: PutLane, at: number, state: QueueState): void {
    const { pending } = this.shared;
    const slot = lane.slot(at);
    const seq = lane.seq(at);
    const age = this.shared.clock.now() - lane.cameAt(at);
    this.#loads.drop(lane.home, lane.bytes(at));
    this.#done(lane, at);
    const body = pending.body(slot);
    if (body !== null) {
      const { flags, epoch, tag } = this.#larges.head(slot);
      this.#larges.forget(slot);
      this.#head.set(flags, epoch, seq, tag, age);
      this.ports.putHereLarge(state, slot, this.#head, body);
      return;
    }
    const start = pending.start(slot);
    const end = start + pending.length(slot);
    const chunk = pending.takeKept(slot);
    if (chunk === null) return;
    this.#head.read(chunk.bytes, start, end);
    this.#head.age = age;
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
    this.#larges.forget(slot);
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
    this.#waiting.wakeAt(lane.pausedUntil);
  }

  /** The home's former life is gone, or this node had been given up there. */
  onLost(lane: PutLane, slot: number): void {
    this.#larges.cutOff(lane, slot);
    this.#back(lane, slot, true);
  }

  #back(lane: PutLane, slot: number, again: boolean): void {
    const at = this.#places.of(slot);
    this.#loads.back(lane.home, lane.bytes(at), again);
    lane.back(at, again);
    if (again) {
      this.shared.counters.putsResent++;
      this.#waiting.add(lane);
    } else if (lane.empty) this.ports.emptied(lane);
    this.wake();
    if (this.#loads.anyLighter) this.shared.scheduleFlush();
  }

  // --- credit ------------------------------------------------------------------------------------------------------------------

  /** Messages that publishers of an address whose home is elsewhere may have credit for. */
  allowance(entry: AddressEntry, state: QueueState): number {
    const { home } = state;
    if (home === NOWHERE || !this.ports.isReachable(home) || this.shared.streams.isFull(home, entry.cls)) return 0;
    return this.#loads.allowance(home, entry);
  }

  /** @returns true when some load has become less: publishers may go on */
  flush(now: number): boolean {
    for (const lane of this.#waiting.take()) this.#pump(lane, now);
    if (!this.#loads.anyLighter) return false;
    this.#loads.tell(this.shared.credit);
    return true;
  }

  tick(now: number): void {
    this.#waiting.tick(now);
  }

  deadline(): number {
    return this.#waiting.deadline();
  }
}
