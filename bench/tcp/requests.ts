import { Histogram } from '../load/histogram';
import type { BulkEnd } from './ends';

const REQUEST = Buffer.alloc(100, 'x');
/** A request each so many ms, on one connection after the other. */
const EVERY_MS = 1;

/** The requests of one connection that wait for their answer. */
class Caller {
  #due = REQUEST.length;
  /** When each of them was written. */
  readonly #sentAt: number[] = [];

  constructor(
    private readonly end: BulkEnd,
    private readonly latency: Histogram,
  ) {
    end.onBytes = () => this.#onBytes();
  }

  get isIdle(): boolean {
    return this.#sentAt.length === 0;
  }

  ask(): void {
    this.#sentAt.push(performance.now());
    this.end.write(REQUEST);
  }

  #onBytes(): void {
    const now = performance.now();
    for (; this.end.received >= this.#due; this.#due += REQUEST.length)
      this.latency.add((now - (this.#sentAt.shift() as number)) * 1_000);
  }
}

/**
 * Requests that a service sends back as they are. They go whether or not the one before has its answer, so that a stall counts for
 * all that it holds up.
 */
export class Requests {
  readonly latency = new Histogram();
  sent = 0;
  #callers: readonly Caller[] = [];
  #timer: NodeJS.Timeout | undefined;

  /** All have their answer. */
  get isIdle(): boolean {
    return this.#callers.every(({ isIdle }) => isIdle);
  }

  start(ends: readonly BulkEnd[]): void {
    this.#callers = ends.map((end) => new Caller(end, this.latency));
    this.#timer = setInterval(() => this.#callers[this.sent++ % ends.length]?.ask(), EVERY_MS);
  }

  stop(): void {
    clearInterval(this.#timer);
  }
}
