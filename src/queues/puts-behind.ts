import type { Mark } from './marks';

/**
 * Puts of a numbering that come while a large one before them is being stored: they are put once that is, or never will be. Else a crash
 * would leave them on the disk without it, and it would come again behind them. They are bounded by what who puts may have unanswered.
 */
export class PutsBehind {
  readonly #waiting = new Map<Mark, (() => void)[]>();

  /** A put has to wait. */
  holds(mark: Mark): boolean {
    return mark.isStoring || this.#waiting.has(mark);
  }

  /** @param act puts it */
  wait(mark: Mark, act: () => void): void {
    const waiting = this.#waiting.get(mark);
    if (waiting === undefined) this.#waiting.set(mark, [act]);
    else waiting.push(act);
  }

  /** A large one of the numbering is in the group of this turn, or never will be. */
  goOn(mark: Mark): void {
    const waiting = this.#waiting.get(mark);
    if (waiting === undefined) return;
    this.#waiting.delete(mark);
    for (const [at, act] of waiting.entries()) {
      if (mark.isStoring) {
        this.#waiting.set(mark, waiting.slice(at));
        return;
      }
      act();
    }
  }
}
