import type { Clock } from '../common/ports';

/** The time of the present turn: read once in it, so that a message costs no reading of the clock and no number on the heap. */
export class TurnClock {
  #now = 0;
  #read = false;

  constructor(
    private readonly clock: Clock,
    /** `end` is called when the turn ends. */
    private readonly scheduleFlush: () => void,
  ) {}

  now(): number {
    if (!this.#read) this.#readClock();
    return this.#now;
  }

  #readClock(): void {
    this.#read = true;
    this.#now = this.clock.now();
    this.scheduleFlush();
  }

  end(): void {
    this.#read = false;
  }
}
