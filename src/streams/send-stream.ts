import { IntMap } from '../common/int-map';
import type { NodeId, StreamClass } from '../links/contract';
import type { Batch } from './batch';
import {
  CONGESTION_PAUSE_MS,
  CWND_BYTES_INITIAL,
  CWND_BYTES_MIN,
  BATCH_BYTES_MAX,
  FULL_HIGH_BYTES,
  FULL_LOW_BYTES,
  RESEND_MS_INITIAL,
  RESEND_MS_MAX,
  RESEND_MS_MIN,
  WINDOW_BYTES_MAX,
  WINDOW_BYTES_MIN,
} from './limits';

/** One batch in one stream: queued, then in flight, until the cumulative acknowledgement passes it. */
export interface StreamEntry {
  readonly batch: Batch;
  readonly firstSeq: number;
  readonly bytes: number;
  /** Monotonic ms of the last sending; negative while it is (again) to be sent. */
  sentAt: number;
  /** Sent more than once: its acknowledgement measures no round trip (Karn's rule). */
  resent: boolean;
  /** It left this node at least once. */
  left: boolean;
}

/**
 * The sending end of one stream (origin = this node): what is queued, what is in flight, and how much may be.
 * Knows no frames and no routes; `StreamCore` sends what `nextToSend` offers. Congestion control is TCP's (RFC 5681) in bytes,
 * round-trip estimation RFC 6298.
 */
export class SendStream {
  /** Slots of tracked messages whose outcome is still to come, by sequence. */
  readonly slots = new IntMap();
  nextSeq = 1;
  /** Unacknowledged and unsent entries in sequence order. */
  readonly entries: StreamEntry[] = [];
  /** Position in `entries` of the first one that was never sent or is to be sent again in order. */
  #cursor = 0;
  /** Entries behind the cursor that are to be sent again. */
  #again = 0;
  inFlightBytes = 0;
  unsentBytes = 0;
  cwnd = CWND_BYTES_INITIAL;
  #ssthresh = WINDOW_BYTES_MAX;
  window = WINDOW_BYTES_MIN;
  full = false;
  #srtt = 0;
  #rttvar = 0;
  #backoff = 1;
  #lastCut = -Infinity;
  #lastPathResend = -Infinity;
  /** After a congestion notice the queue that was full gets time to drain. */
  #pausedUntil = -Infinity;
  ackedSeq = 0;
  pathGeneration = -1;

  constructor(
    readonly target: NodeId,
    readonly cls: StreamClass,
    readonly epoch: number,
  ) {}

  get roundTripMs(): number {
    return this.#srtt;
  }

  get idle(): boolean {
    return this.entries.length === 0;
  }

  /** Something waits for the window to open or for a route. */
  get pending(): boolean {
    return this.#again > 0 || this.#cursor < this.entries.length;
  }

  /** Takes a sealed batch: assigns its sequence numbers and remembers its tracked slots. */
  enqueue(batch: Batch): StreamEntry {
    const firstSeq = this.nextSeq;
    this.nextSeq += batch.count;
    const slots = batch.slots;
    if (slots !== null) {
      for (let at = 0; at < batch.count; at++) {
        const slot = slots[at] ?? -1;
        if (slot >= 0) this.slots.set(firstSeq + at, slot);
      }
    }
    const bytes = batch.chunk.length;
    const entry: StreamEntry = { batch, firstSeq, bytes, sentAt: -1, resent: false, left: false };
    batch.chunk.retain();
    this.entries.push(entry);
    this.unsentBytes += bytes;
    return entry;
  }

  /** The next entry that the windows allow to be sent now, or null. */
  nextToSend(now: number): StreamEntry | null {
    if (now < this.#pausedUntil) return null;
    const entry = this.#firstWaiting();
    if (entry === null) return null;
    const allowed = Math.min(this.cwnd, this.window);
    return this.inFlightBytes === 0 || this.inFlightBytes + entry.bytes <= allowed ? entry : null;
  }

  /** True when entries wait but the receiver's window, not the path, holds them. */
  get shut(): boolean {
    const entry = this.#firstWaiting();
    return entry !== null && this.inFlightBytes > 0 && this.inFlightBytes + entry.bytes > this.window;
  }

  #firstWaiting(): StreamEntry | null {
    if (this.#again > 0) {
      for (let at = 0; at < this.#cursor; at++) {
        const entry = this.entries[at] as StreamEntry;
        if (entry.sentAt < 0) return entry;
      }
    }
    return this.entries[this.#cursor] ?? null;
  }

  markSent(entry: StreamEntry, now: number): void {
    if (entry.left) entry.resent = true;
    if (this.entries[this.#cursor] === entry) this.#cursor++;
    else this.#again--;
    entry.sentAt = now;
    entry.left = true;
    this.inFlightBytes += entry.bytes;
    this.unsentBytes -= entry.bytes;
  }

  #markAgain(position: number): void {
    const entry = this.entries[position] as StreamEntry;
    if (entry.sentAt < 0) return;
    entry.sentAt = -1;
    this.inFlightBytes -= entry.bytes;
    this.unsentBytes += entry.bytes;
    this.#again++;
  }

  /**
   * A cumulative acknowledgement: everything below `nextExpected` is in the receiver's lanes.
   * @returns false when it tells nothing that is possible, e.g. a sequence never sent
   */
  acknowledge(nextExpected: number, window: number, now: number): boolean {
    if (nextExpected > this.nextSeq) return false;
    this.window = Math.max(WINDOW_BYTES_MIN, Math.min(window, WINDOW_BYTES_MAX));
    if (nextExpected - 1 <= this.ackedSeq) return true;
    this.ackedSeq = nextExpected - 1;
    let done = 0;
    let acked = 0;
    let sampled = false;
    for (const entry of this.entries) {
      if (entry.firstSeq + entry.batch.count > nextExpected) break;
      this.#forget(entry, done);
      acked += entry.bytes;
      if (!entry.resent && entry.sentAt >= 0) {
        this.#sample(now - entry.sentAt);
        sampled = true;
      }
      done++;
    }
    if (done > 0) {
      this.entries.splice(0, done);
      this.#cursor = Math.max(0, this.#cursor - done);
      // What was sent twice tells nothing of the round trip: were the time-out to shrink by it, a queue on the way that outlasts
      // the time-out would be fed with repeats for ever.
      if (sampled) this.#backoff = 1;
      this.#grow(acked);
    }
    return true;
  }

  #forget(entry: StreamEntry, position: number): void {
    if (entry.sentAt >= 0) this.inFlightBytes -= entry.bytes;
    else {
      this.unsentBytes -= entry.bytes;
      if (position < this.#cursor) this.#again--;
    }
    entry.batch.chunk.release();
  }

  #sample(rtt: number): void {
    if (this.#srtt === 0) {
      this.#srtt = rtt;
      this.#rttvar = rtt / 2;
      return;
    }
    this.#rttvar += (Math.abs(rtt - this.#srtt) - this.#rttvar) / 4;
    this.#srtt += (rtt - this.#srtt) / 8;
  }

  #grow(acked: number): void {
    if (this.inFlightBytes + acked < this.cwnd / 2) return;
    const step = this.cwnd < this.#ssthresh ? acked : (acked * BATCH_BYTES_MAX) / this.cwnd;
    this.cwnd = Math.min(WINDOW_BYTES_MAX, this.cwnd + step);
  }

  /** A queue on the way had no room: the congestion window is halved, at most once per round trip, and sending pauses. */
  congested(now: number): void {
    this.#pausedUntil = now + Math.max(this.#srtt / 2, CONGESTION_PAUSE_MS);
    this.#shrink(now);
  }

  #shrink(now: number): void {
    if (now - this.#lastCut < Math.max(this.#srtt, 10)) return;
    this.#lastCut = now;
    this.cwnd = Math.max(CWND_BYTES_MIN, this.cwnd / 2);
    this.#ssthresh = this.cwnd;
  }

  /** Marks every entry that overlaps [from, to) for re-sending unless it was sent within the last round trip. */
  resendRange(from: number, to: number, now: number, evenIfFresh: boolean): number {
    let marked = 0;
    for (let at = 0; at < this.#cursor; at++) {
      const entry = this.entries[at] as StreamEntry;
      if (entry.firstSeq >= to) break;
      if (entry.firstSeq + entry.batch.count <= from || entry.sentAt < 0) continue;
      if (!evenIfFresh && now - entry.sentAt < Math.max(this.#srtt, 1)) continue;
      this.#markAgain(at);
      marked++;
    }
    return marked;
  }

  /** An edge of the stream's path vanished: whatever was under way may be lost. At most once per round trip. */
  pathLost(now: number): number {
    if (now - this.#lastPathResend < this.#srtt) return 0;
    this.#lastPathResend = now;
    return this.resendRange(0, Infinity, now, true);
  }

  /** When the oldest entry in flight counts as lost, or a pause ends; Infinity when nothing is to be done. */
  deadline(now: number): number {
    const oldest = this.#oldestInFlight();
    const resend = oldest === null ? Infinity : oldest.sentAt + this.#resendAfter();
    return this.pending && this.#pausedUntil > now ? Math.min(resend, this.#pausedUntil) : resend;
  }

  #resendAfter(): number {
    const unknown = this.#srtt === 0 ? RESEND_MS_INITIAL : RESEND_MS_MIN;
    const base = Math.max(unknown, 2 * this.#srtt, this.#srtt + 4 * this.#rttvar);
    return Math.min(RESEND_MS_MAX, base * this.#backoff);
  }

  #oldestInFlight(): StreamEntry | null {
    for (let at = 0; at < this.#cursor; at++) {
      const entry = this.entries[at] as StreamEntry;
      if (entry.sentAt >= 0) return entry;
    }
    return null;
  }

  /** The time-out passed: everything sent so long ago is sent again, slower. */
  timedOut(now: number): number {
    const limit = now - this.#resendAfter();
    let marked = 0;
    for (let at = 0; at < this.#cursor; at++) {
      const entry = this.entries[at] as StreamEntry;
      if (entry.sentAt < 0 || entry.sentAt > limit) continue;
      this.#markAgain(at);
      marked++;
    }
    if (marked > 0) {
      this.#backoff = Math.min(this.#backoff * 2, 32);
      this.#shrink(now);
    }
    return marked;
  }

  /** Recomputes `full` with hysteresis; `pressed` tells that the retention pool itself is short. @returns true when it changed */
  updateFull(pressed: boolean): boolean {
    const high = pressed ? FULL_LOW_BYTES : FULL_HIGH_BYTES;
    const full = this.full
      ? this.unsentBytes > (pressed ? FULL_LOW_BYTES / 2 : FULL_LOW_BYTES)
      : this.unsentBytes >= high;
    const changed = full !== this.full;
    this.full = full;
    return changed;
  }

  /** Gives everything up; the caller has told the owners. */
  discard(): void {
    for (const entry of this.entries) entry.batch.chunk.release();
    this.entries.length = 0;
    this.#cursor = 0;
    this.#again = 0;
    this.inFlightBytes = 0;
    this.unsentBytes = 0;
    this.slots.clear();
  }
}
