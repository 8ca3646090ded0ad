import { RECHECK_LATE_MS, RECHECK_MS, RECHECKS_MAX } from './limits';

/**
 * Tells whether a neighbour lives. Silence past the dead interval is not believed at once: the loop may have stood still with the
 * neighbour's bytes waiting in the socket. So it is looked at again one tick later, after the loop has polled; a look that is
 * itself late counts for nothing, up to a bound.
 */
export class Liveness {
  #lastInbound: number;
  #recheckAt = Infinity;
  #rechecks = 0;

  constructor(
    private readonly deadMs: number,
    now: number,
  ) {
    this.#lastInbound = now;
  }

  /** Any byte came in. */
  heard(now: number): void {
    this.#lastInbound = now;
    this.#recheckAt = Infinity;
    this.#rechecks = 0;
  }

  /** True when the neighbour is to be given up. */
  check(now: number): boolean {
    if (now - this.#lastInbound < this.deadMs) return false;
    if (now < this.#recheckAt && this.#recheckAt !== Infinity) return false;
    const trusted = this.#recheckAt !== Infinity && now - this.#recheckAt <= RECHECK_LATE_MS;
    if (trusted || this.#rechecks >= RECHECKS_MAX) return true;
    this.#rechecks++;
    this.#recheckAt = now + RECHECK_MS;
    return false;
  }

  deadline(): number {
    return this.#recheckAt === Infinity ? this.#lastInbound + this.deadMs : this.#recheckAt;
  }
}
