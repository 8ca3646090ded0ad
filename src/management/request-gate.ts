/** Requests that may wait for their turn. */
const WAITING_MAX = 256;

/**
 * Lets in one HTTP request per turn of the event loop. A client that pipelines sends thousands in one packet, and a node that answered
 * them in one go would hear nothing of its links meanwhile, which then count as dead.
 */
export class RequestGate {
  #waiting: (() => void)[] = [];

  constructor(private readonly waitingMax = WAITING_MAX) {}

  /** @returns true in the turn of the request, false at once when too many wait */
  enter(): Promise<boolean> {
    const waiting = this.#waiting;
    if (waiting.length >= this.waitingMax) return Promise.resolve(false);
    return new Promise((resolve) => {
      waiting.push(() => resolve(true));
      if (waiting.length === 1) setImmediate(this.#next);
    });
  }

  readonly #next = (): void => {
    this.#waiting.shift()?.();
    if (this.#waiting.length > 0) setImmediate(this.#next);
  };
}
