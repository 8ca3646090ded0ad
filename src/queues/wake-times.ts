import { WALL_LOOK_MS } from './limits';

/** Who is to be woken when, by a wall clock that may jump; told in monotonic time. */
export class WakeTimes<T> {
  readonly #times = new Map<T, number>();
  #next = Number.POSITIVE_INFINITY;
  /** Of the last look. */
  #now = 0;

  constructor(private lastWall: number) {}

  wakeAt(who: T, wall: number): void {
    const known = this.#times.get(who);
    if (known !== undefined && known <= wall) return;
    this.#times.set(who, wall);
    this.#next = Math.min(this.#next, wall);
  }

  forget(who: T): void {
    this.#times.delete(who);
  }

  /** Who is due; they are forgotten, and say anew when they want to be woken. */
  due(now: number, wall: number): readonly T[] {
    this.#now = now;
    this.lastWall = wall;
    if (wall < this.#next) return [];
    const due: T[] = [];
    this.#next = Number.POSITIVE_INFINITY;
    for (const [who, at] of this.#times) {
      if (at <= wall) due.push(who);
      else this.#next = Math.min(this.#next, at);
    }
    for (const who of due) this.#times.delete(who);
    return due;
  }

  /** When to look again, on the clock of `now`. */
  deadline(): number {
    if (this.#times.size === 0) return Number.POSITIVE_INFINITY;
    return this.#now + Math.min(WALL_LOOK_MS, Math.max(0, this.#next - this.lastWall));
  }
}
