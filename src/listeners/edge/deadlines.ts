/** How often deadlines are looked at, and so how late one may be. */
const SCAN_MS = 250;

/** Something that is to happen unless it is put off: whoever owns it moves `dueAtMs`, which costs nothing. */
export interface Deadline {
  /** By the clock of {@link Deadlines.now}; `Infinity` for not at all. */
  dueAtMs: number;
  /** It is due. It is called again at every look until `dueAtMs` is moved. */
  onDue(nowMs: number): void;
}

/**
 * Deadlines of many connections (keep-alive, heart-beats, time to say hello) on one timer: ten thousand idle clients are one look at
 * their numbers four times a second instead of ten thousand timers that are moved with each packet.
 */
export class Deadlines {
  readonly #armed = new Set<Deadline>();
  #timer: NodeJS.Timeout | null = null;

  /** @param now a clock that never goes back, in ms */
  constructor(readonly now: () => number = () => performance.now()) {}

  get size(): number {
    return this.#armed.size;
  }

  add(deadline: Deadline): void {
    this.#armed.add(deadline);
    if (this.#timer !== null) return;
    this.#timer = setInterval(() => this.look(), SCAN_MS);
    this.#timer.unref();
  }

  remove(deadline: Deadline): void {
    this.#armed.delete(deadline);
    if (this.#armed.size > 0 || this.#timer === null) return;
    clearInterval(this.#timer);
    this.#timer = null;
  }

  /** Calls what is due; by the timer, and by tests that have a clock of their own. */
  look(): void {
    const nowMs = this.now();
    for (const deadline of this.#armed) if (deadline.dueAtMs <= nowMs) deadline.onDue(nowMs);
  }
}
