import { QUEUE_BYTES_MIN, QUEUE_MS_MAX, QUEUE_RATE_MS } from './limits';

/**
 * How much may wait for a link, by the rate at which it takes what waits: no more than leaves within a bounded time. As long as not
 * everything leaves at once the rate is measured, over a time that an event loop which stands still does not spoil; as soon as it
 * does nothing is known, and the link has all of its queue.
 */
export class DrainRate {
  /** Bytes that may wait. */
  limit: number;
  #bytes = 0;
  /** Since when frames have waited without a break; negative while none do. */
  #since = -1;

  constructor(private readonly queueBytes: number) {
    this.limit = queueBytes;
  }

  sent(bytes: number): void {
    this.#bytes += bytes;
  }

  /** The transport has what it had room for. @returns true when less may wait than before */
  drained(waits: boolean, now: number): boolean {
    if (!waits) {
      if (this.#since >= 0) this.#forget();
      return false;
    }
    if (this.#since < 0) this.#restart(now);
    else if (now - this.#since >= QUEUE_RATE_MS) return this.#measure(now);
    return false;
  }

  #forget(): void {
    this.#since = -1;
    this.limit = this.queueBytes;
  }

  #restart(now: number): void {
    this.#since = now;
    this.#bytes = 0;
  }

  #measure(now: number): boolean {
    const former = this.limit;
    const within = Math.floor((this.#bytes / (now - this.#since)) * QUEUE_MS_MAX);
    this.limit = Math.min(this.queueBytes, Math.max(QUEUE_BYTES_MIN, within));
    this.#restart(now);
    return this.limit < former;
  }
}
