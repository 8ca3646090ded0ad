import type { PutLane } from './put-lane';

/** Lanes with something to send, and when they are looked at. */
export class WaitingLanes {
  readonly #lanes = new Set<PutLane>();
  /** Something may be sent that could not be before. */
  #awake = false;
  #lookAt = Infinity;

  constructor(private readonly scheduleFlush: () => void) {}

  add(lane: PutLane): void {
    this.#lanes.add(lane);
  }

  /** All of it is sent. */
  done(lane: PutLane): void {
    this.#lanes.delete(lane);
  }

  /** What held lanes up may be over. */
  wake(): void {
    if (this.#awake || this.#lanes.size === 0) return;
    this.#awake = true;
    this.scheduleFlush();
  }

  /** They are looked at then, if not before. */
  wakeAt(time: number): void {
    this.#lookAt = Math.min(this.#lookAt, time);
  }

  /** Those that may be able to send, which is found out now. */
  take(): Iterable<PutLane> {
    if (!this.#awake) return [];
    this.#awake = false;
    return this.#lanes;
  }

  tick(now: number): void {
    if (now < this.#lookAt) return;
    this.#lookAt = Infinity;
    for (const { pausedUntil } of this.#lanes)
      if (pausedUntil > now) this.#lookAt = Math.min(this.#lookAt, pausedUntil);
    this.wake();
  }

  deadline(): number {
    return this.#lookAt;
  }
}
