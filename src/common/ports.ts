/** What the pure core asks of the outside world; tests and the simulator give seeded, virtual ones. */

/** Time. Monotonic for every interval; wall time only for incarnations and message expiry. */
export interface Clock {
  /** Milliseconds, monotonic, fractional; its zero is arbitrary. */
  now(): number;
  /** Milliseconds since the Unix epoch. */
  wall(): number;
}

/** Uniform pseudo-random numbers. */
export interface Random {
  /** An integer in [0, 2^32). */
  u32(): number;
}

/** Severity-tagged structured events that the application turns into log lines. */
export interface Journal {
  info(event: string, fields?: Readonly<Record<string, unknown>>): void;
  warn(event: string, fields?: Readonly<Record<string, unknown>>): void;
}

/** A journal that forgets. */
export const SILENT_JOURNAL: Journal = { info: () => undefined, warn: () => undefined };

/** Seeded generator (xorshift32 over a splitmix-scrambled seed): the same seed gives the same numbers everywhere. */
export class SeededRandom implements Random {
  #state: number;

  constructor(seed: number) {
    let z = (seed + 0x9e3779b9) | 0;
    z = Math.imul(z ^ (z >>> 16), 0x85ebca6b);
    z = Math.imul(z ^ (z >>> 13), 0xc2b2ae35);
    this.#state = (z ^ (z >>> 16)) | 1;
  }

  u32(): number {
    let x = this.#state;
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    this.#state = x;
    return x >>> 0;
  }

  /** An integer in [0, bound). */
  below(bound: number): number {
    return Math.floor((this.u32() / 0x1_0000_0000) * bound);
  }

  /** True with the given probability. */
  chance(probability: number): boolean {
    return this.u32() < probability * 0x1_0000_0000;
  }
}
