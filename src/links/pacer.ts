/** Frames whose sizes are remembered until the peer has them; more than any window. */
const FRAMES_MAX = 1_024;
/** What may be under way on every link, however slow. */
export const PACED_BYTES_MIN = 64 * 1024;
const CAP_BYTES_MAX = 4 * 1024 * 1024;
/** Time that a measure of the rate spans at least. */
const RATE_MS = 5;
/** A rate counts for this long unless a higher one is seen. */
const RATE_KEPT_MS = 2_000;
/** Delays of event loops come on top of the wire's own. */
const SLACK_MS = 10;

/**
 * Keeps the unacknowledged bytes of one traffic class of a link near bandwidth x delay, so that control never waits behind megabytes
 * in a socket's buffer. The peer's session window tells which frames it has; rate and delay come from that.
 */
export class Pacer {
  #cap = PACED_BYTES_MIN * 4;
  #unacked = 0;
  readonly #sizes = new Int32Array(FRAMES_MAX);
  readonly #sentAt = new Float64Array(FRAMES_MAX);
  #sent = 0;
  #acked = 0;
  #minDelay = Infinity;
  #rate = 0;
  #rateAt = 0;
  #measured = 0;
  #measureFrom = 0;
  #limited = false;

  /** Bytes that may be sent now. */
  room(): number {
    const room = this.#sent - this.#acked >= FRAMES_MAX ? 0 : this.#cap - this.#unacked;
    if (room <= 0) this.#limited = true;
    return room;
  }

  get unackedBytes(): number {
    return this.#unacked;
  }

  /** Present bound of unacknowledged bytes. */
  get capBytes(): number {
    return this.#cap;
  }

  onSent(bytes: number, now: number): void {
    if (this.#unacked === 0) this.#restart(now);
    const at = this.#sent++ % FRAMES_MAX;
    this.#sizes[at] = bytes;
    this.#sentAt[at] = now;
    this.#unacked += bytes;
  }

  /** Idle time tells nothing about the rate. */
  #restart(now: number): void {
    this.#measured = 0;
    this.#measureFrom = now;
  }

  /** The peer has the first `frames` frames, modulo 2^32. @returns true when there is room again for who was refused it */
  onReceived(frames: number, now: number): boolean {
    let more = (frames - this.#acked) | 0;
    if (more <= 0 || more > this.#sent - this.#acked) return false;
    for (; more > 0; more--) {
      const at = this.#acked++ % FRAMES_MAX;
      const bytes = this.#sizes[at] as number;
      this.#unacked -= bytes;
      this.#measured += bytes;
      this.#minDelay = Math.min(this.#minDelay, now - (this.#sentAt[at] as number));
    }
    if (now - this.#measureFrom >= RATE_MS) this.#measure(now);
    if (!this.#limited || this.room() <= 0) return false;
    this.#limited = false;
    return true;
  }

  #measure(now: number): void {
    const rate = this.#measured / (now - this.#measureFrom);
    if (rate >= this.#rate || now - this.#rateAt > RATE_KEPT_MS) {
      this.#rate = rate;
      this.#rateAt = now;
    }
    this.#restart(now);
    const target = this.#rate * (this.#minDelay + SLACK_MS) * 1.5;
    // Held back by the cap itself, the rate cannot show what the wire could do: it is probed upwards.
    const probed = this.#limited ? Math.min(this.#cap * 2, target * 2) : target;
    this.#cap = Math.min(Math.max(probed, PACED_BYTES_MIN), CAP_BYTES_MAX);
  }
}
