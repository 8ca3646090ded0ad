const WITHIN_MS = 30_000;

/** What arrives, in order; who asks first gets first. */
export interface Arrivals<T> {
  /** All that ever arrived. */
  readonly count: number;
  /** Arrived and not taken. */
  readonly waiting: number;
  next(withinMs?: number): Promise<T>;
  take(count: number, withinMs?: number): Promise<T[]>;
}

export class Inbox<T> implements Arrivals<T> {
  readonly #items: T[] = [];
  readonly #takers: ((item: T) => void)[] = [];
  count = 0;

  constructor(private readonly what: string) {}

  get waiting(): number {
    return this.#items.length;
  }

  push(item: T): void {
    this.count++;
    const taker = this.#takers.shift();
    if (taker) taker(item);
    else this.#items.push(item);
  }

  next(withinMs = WITHIN_MS): Promise<T> {
    const item = this.#items.shift();
    if (item !== undefined) return Promise.resolve(item);
    return new Promise((resolve, reject) => {
      const taker = (taken: T): void => {
        clearTimeout(timer);
        resolve(taken);
      };
      const timer = setTimeout(() => {
        this.#takers.splice(this.#takers.indexOf(taker), 1);
        reject(new Error(`nothing within ${withinMs} ms: ${this.what}, ${this.count} had come before`));
      }, withinMs);
      this.#takers.push(taker);
    });
  }

  async take(count: number, withinMs = WITHIN_MS): Promise<T[]> {
    const taken: T[] = [];
    while (taken.length < count) taken.push(await this.next(withinMs));
    return taken;
  }
}
