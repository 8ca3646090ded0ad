import { SPF_MS_MAX, SPF_MS_MIN, SPF_QUIET_MS, SPF_URGENT_BURST, SPF_URGENT_PER_SECOND } from './limits';
import type { Topology } from './topology';

/**
 * When the shortest paths are run: at once after a quiet time or when an edge in use is gone, else after a pause that grows while
 * changes keep coming.
 */
export class SpfSchedule {
  #lastRun = -Infinity;
  #pause = SPF_MS_MIN;
  #urgentTokens = SPF_URGENT_BURST;

  constructor(private readonly topology: Topology) {}

  due(now: number): boolean {
    if (!this.topology.changed) return false;
    return now >= this.#lastRun + this.#pauseAt(now) || (this.topology.urgent && this.#tokens(now) >= 1);
  }

  #pauseAt(now: number): number {
    return now - this.#lastRun >= SPF_QUIET_MS ? 0 : this.#pause;
  }

  #tokens(now: number): number {
    const gained = ((now - this.#lastRun) * SPF_URGENT_PER_SECOND) / 1_000;
    return Math.min(SPF_URGENT_BURST, this.#urgentTokens + gained);
  }

  ran(now: number): void {
    const early = now < this.#lastRun + this.#pauseAt(now);
    this.#urgentTokens = Math.max(0, this.#tokens(now) - (early ? 1 : 0));
    const quiet = now - this.#lastRun >= SPF_QUIET_MS;
    this.#pause = quiet ? SPF_MS_MIN : Math.min(this.#pause * 2, SPF_MS_MAX);
    this.#lastRun = now;
  }

  /** When a change that waits is due. */
  deadline(): number {
    return this.topology.changed ? this.#lastRun + this.#pause : Infinity;
  }
}
