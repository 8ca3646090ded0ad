/** Stamps within one ms: the wall clock's ms are counted in steps of this. */
export const STAMPS_PER_MS = 4_096;

/** Stamps that grow with the wall clock and with whatever stamp was seen: below 2^53 until the year 2039. */
export class HybridClock {
  #last = 0;

  constructor(private readonly wall: () => number) {}

  /** Greater than all that it gave or saw. */
  next(): number {
    this.#last = Math.max(this.#last + 1, Math.floor(this.wall()) * STAMPS_PER_MS);
    return this.#last;
  }

  saw(stamp: number): void {
    if (stamp > this.#last) this.#last = stamp;
  }
}

/** Wall-clock ms of a stamp. */
export function timeOf(stamp: number): number {
  return Math.floor(stamp / STAMPS_PER_MS);
}
