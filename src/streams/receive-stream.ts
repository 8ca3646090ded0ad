import type { Chunk } from '../common/chunk';
import type { NodeId, StreamClass } from '../links/contract';
import type { Receipt } from './contract';
import { ACK_BYTES, ACK_DELAY_MS, GAP_DELAY_MS } from './limits';

/** A batch that came before its turn. */
interface EarlyBatch {
  readonly firstSeq: number;
  readonly count: number;
  readonly body: Chunk;
}

/** What became of an arriving batch. */
export type Arrival = 'deliver' | 'early' | 'duplicate' | 'overflow';

/**
 * The receiving end of one stream: puts batches into order, drops repeats, and knows when to acknowledge and to report a gap.
 * Delivery itself is the caller's: `next` hands out what is in turn.
 */
export class ReceiveStream implements Receipt {
  expectedSeq = 1;
  epoch = 0;
  readonly #early = new Map<number, EarlyBatch>();
  earlyBytes = 0;
  ackDue = false;
  /** Monotonic ms by which the acknowledgement leaves; Infinity when none is due. */
  ackDeadline = Infinity;
  #unackedBytes = 0;
  gapDeadline = Infinity;
  lastHeard = 0;

  constructor(
    readonly origin: NodeId,
    readonly incarnation: number,
    readonly cls: StreamClass,
  ) {}

  /**
   * Judges a batch of the present epoch. 'deliver': the caller delivers it and then asks `next`; 'early': its body was retained.
   * @param windowBytes how much may wait before its turn
   */
  arrive(firstSeq: number, count: number, body: Chunk, windowBytes: number, now: number): Arrival {
    this.lastHeard = now;
    if (firstSeq + count <= this.expectedSeq) {
      this.#ackNow(now);
      return 'duplicate';
    }
    if (firstSeq === this.expectedSeq) {
      this.advance(count, body.length, now);
      return 'deliver';
    }
    if (this.#early.has(firstSeq)) return 'duplicate';
    if (this.earlyBytes + body.length > windowBytes) return 'overflow';
    this.#early.set(firstSeq, { firstSeq, count, body: body.retain() });
    this.earlyBytes += body.length;
    if (this.gapDeadline === Infinity) this.gapDeadline = now + GAP_DELAY_MS;
    return 'early';
  }

  advance(count: number, bytes: number, now: number): void {
    this.expectedSeq += count;
    this.#unackedBytes += bytes;
    this.ackDue = true;
    if (this.#unackedBytes >= ACK_BYTES) this.ackDeadline = now;
    else if (this.ackDeadline === Infinity) this.ackDeadline = now + ACK_DELAY_MS;
  }

  #ackNow(now: number): void {
    this.ackDue = true;
    this.ackDeadline = now;
  }

  /** The early batch whose turn it is now, already counted as received; the caller releases its body. */
  next(now: number): EarlyBatch | null {
    const batch = this.#early.get(this.expectedSeq);
    if (batch === undefined) {
      if (this.#early.size === 0) this.gapDeadline = Infinity;
      return null;
    }
    this.#early.delete(batch.firstSeq);
    this.earlyBytes -= batch.body.length;
    this.gapDeadline = this.#early.size === 0 ? Infinity : now + GAP_DELAY_MS;
    this.advance(batch.count, batch.body.length, now);
    return batch;
  }

  /** The missing range [from, to) before the first early batch, or null. The next report comes after another delay. */
  takeGap(now: number): readonly [number, number] | null {
    if (this.#early.size === 0) {
      this.gapDeadline = Infinity;
      return null;
    }
    this.gapDeadline = now + GAP_DELAY_MS * 2;
    let first = Infinity;
    for (const seq of this.#early.keys()) if (seq < first) first = seq;
    return [this.expectedSeq, first];
  }

  acknowledged(): void {
    this.ackDue = false;
    this.ackDeadline = Infinity;
    this.#unackedBytes = 0;
  }

  /** Starts a later epoch of the same origin: what waited out of turn belongs to the former one. */
  restart(epoch: number): void {
    this.discardEarly();
    this.epoch = epoch;
    this.expectedSeq = 1;
    this.acknowledged();
  }

  discardEarly(): void {
    for (const batch of this.#early.values()) batch.body.release();
    this.#early.clear();
    this.earlyBytes = 0;
    this.gapDeadline = Infinity;
  }
}
