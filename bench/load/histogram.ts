/** Linear buckets of 10 µs up to 100 ms, then one for all that took longer, whose greatest is kept. */
const BUCKET_US = 10;
const BUCKETS = 10_000;

/** Latencies of one run, without an object per sample. */
export class Histogram {
  readonly #buckets = new Uint32Array(BUCKETS + 1);
  #count = 0;
  #maxUs = 0;

  add(us: number): void {
    const bucket = Math.floor(us / BUCKET_US);
    this.#buckets[bucket < 0 ? 0 : Math.min(bucket, BUCKETS)]!++;
    this.#count++;
    if (us > this.#maxUs) this.#maxUs = us;
  }

  reset(): void {
    this.#buckets.fill(0);
    this.#count = 0;
    this.#maxUs = 0;
  }

  /** Milliseconds below which the given share of the samples lies; null without samples. */
  quantileMs(share: number): number | null {
    if (this.#count === 0) return null;
    let left = Math.ceil(share * this.#count);
    for (let bucket = 0; bucket < BUCKETS; bucket++) {
      left -= this.#buckets[bucket] as number;
      if (left <= 0) return ((bucket + 1) * BUCKET_US) / 1000;
    }
    return this.#maxUs / 1000;
  }
}
