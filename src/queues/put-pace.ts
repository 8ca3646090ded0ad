import type { Group } from './group';
import { INTAKE_WAITING_BYTES, PLACED_PER_TURN, PLACED_UNFLUSHED_MAX } from './limits';

/** What the pace of an intake is set by. */
export interface PaceHome {
  /** The group of this turn. */
  group(): Group;
  /** Whether what is put now may be stored at all. */
  isClosed(): boolean;
  /** More is on its way to the disk than should be. */
  readonly pressed: boolean;
  wantsTurn(): void;
}

interface Waiting {
  readonly bytes: number;
  readonly act: () => void;
}

/**
 * How fast an intake puts messages into its queues: each is a record in all queues that want it, so that few small messages can be more
 * than one turn, or the memory, has room for. What is beyond waits, in order; it is bounded by what those who put may have unanswered.
 */
export class PutPace {
  #waiting: Waiting[] = [];
  #next = 0;
  #bytes = 0;
  #group: Group | null = null;
  /** Records of the group of this turn, and of those that are on their way to the disk. */
  #placed = 0;
  #unflushed = 0;
  #isPassing = false;
  #isHeld = false;

  constructor(private readonly home: PaceHome) {}

  /** A put may be done at once. */
  get isOpen(): boolean {
    return this.#isPassing || (this.#isEmpty && this.#hasRoom);
  }

  get #isEmpty(): boolean {
    return this.#next === this.#waiting.length;
  }

  get #hasRoom(): boolean {
    if (this.#isHeld) return false;
    const group = this.home.group();
    if (group !== this.#group) this.#placed = 0;
    this.#group = group;
    if (this.home.isClosed()) return true;
    return this.#placed < PLACED_PER_TURN && this.#unflushed < PLACED_UNFLUSHED_MAX && !this.home.pressed;
  }

  /** So much waits that nobody should put more. */
  get isCrowded(): boolean {
    return this.#bytes > INTAKE_WAITING_BYTES;
  }

  /** Does something once its turn has come. */
  wait(bytes: number, act: () => void): void {
    this.#waiting.push({ bytes, act });
    this.#bytes += bytes;
    this.home.wantsTurn();
  }

  /** Does something as a whole, behind what waits now: what it puts waits for nothing. */
  pass(act: () => void): void {
    const whole = (): void => {
      this.#isPassing = true;
      try {
        act();
      } finally {
        this.#isPassing = false;
      }
    };
    if (this.#isEmpty && !this.#isHeld) whole();
    else this.wait(0, whole);
  }

  /** All waits from now on, or no longer. */
  hold(held: boolean): void {
    this.#isHeld = held;
    if (!held) this.wake();
  }

  get isHeld(): boolean {
    return this.#isHeld;
  }

  /** A message was put into so many queues. */
  placed(records: number): void {
    this.#placed += records;
  }

  /** The group of this turn is committed. @returns what is to be told to {@link flushed} */
  committed(): number {
    const records = this.#placed;
    this.#placed = 0;
    this.#unflushed += records;
    return records;
  }

  flushed(records: number): void {
    this.#unflushed -= records;
    this.wake();
  }

  wake(): void {
    if (!this.#isEmpty) this.home.wantsTurn();
  }

  turn(): void {
    while (!this.#isEmpty && this.#hasRoom) {
      const { bytes, act } = this.#waiting[this.#next++] as Waiting;
      this.#bytes -= bytes;
      act();
    }
    if (!this.#isEmpty) {
      // Only the end of this turn makes room, else it is told.
      if (this.#placed >= PLACED_PER_TURN) this.home.wantsTurn();
      if (this.#next < this.#waiting.length / 2) return;
    }
    this.#waiting = this.#waiting.slice(this.#next);
    this.#next = 0;
  }
}
