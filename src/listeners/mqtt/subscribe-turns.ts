import type { Flushable, FlushQueue } from '../../transport/flush-queue';
import { FILTERS_OF_TURN } from './limits';

/** Who has a SUBSCRIBE that waits for a turn of the event loop. */
export interface TurnWaiter {
  /** It may go on now. */
  goOn(): void;
}

/**
 * Filters that all clients together begin to subscribe to in one turn of the event loop: where thousands connect at once the messages of
 * others go on in between. Who waits gets its turn in order.
 */
export class SubscribeTurns implements Flushable {
  #left = FILTERS_OF_TURN;
  #isServing = false;
  #isScheduled = false;
  readonly #waiting = new Set<TurnWaiter>();

  constructor(private readonly queue: FlushQueue) {}

  /** Whether a SUBSCRIBE may be looked at now; else its client is told when. */
  may(waiter: TurnWaiter): boolean {
    if (this.#left > 0 && (this.#isServing || this.#waiting.size === 0)) return true;
    this.#waiting.add(waiter);
    this.#schedule();
    return false;
  }

  /** So many filters were looked at. */
  spent(filters: number): void {
    this.#left -= filters;
    this.#schedule();
  }

  forget(waiter: TurnWaiter): void {
    this.#waiting.delete(waiter);
  }

  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    this.queue.schedule(this);
  }

  flush(): void {
    this.#isScheduled = false;
    this.#left = FILTERS_OF_TURN;
    this.#isServing = true;
    for (const waiter of this.#waiting) {
      if (this.#left <= 0) break;
      this.#waiting.delete(waiter);
      waiter.goOn();
    }
    this.#isServing = false;
    if (this.#waiting.size > 0) this.#schedule();
  }
}
