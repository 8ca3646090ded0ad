import type { Mark } from './marks';

/**
 * Puts of a numbering that come while a large one before them is being stored: they are put once that is, or never will be. Else a crash
 * would leave them on the disk without it, and it would come again behind them. They are bounded by what who puts may have unanswered.
 */
export class PutsBehind {
  readonly #waiting = new Map<Mark, (() => void)[]>();

  /** A put has to wait. */
  holds(mark: Mark): boolean {
    return mark.isBusy;
  }

  /** @param act puts it */
  wait(mark: Mark, act: () => void): void {
    const waiting = this.#waiting.get(mark);
    if (waiting !== undefined) {
      waiting.push(act);
      return;
    }
    this.#waiting.set(mark, [act]);
    mark.isFollowed = true;
  }

  /** A large one of the numbering is in the group of this turn, or never will be. */
  goOn(mark: Mark): void {
    const waiting = this.#waiting.get(mark);
    if (waiting === undefined) return;
    // What is put may bring answers, and these new puts: they wait at the end of the same list.
    for (let act = waiting[0]; act !== undefined && !mark.isStoring; act = waiting[0]) {
      waiting.shift();
      act();
    }
    if (waiting.length > 0 || this.#waiting.get(mark) !== waiting) return;
    this.#waiting.delete(mark);
    mark.isFollowed = false;
  }
}
