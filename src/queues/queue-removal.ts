import type { Group } from './group';
import type { LargeStore } from './large-store';
import { WALK_PER_TURN } from './limits';
import { bodyOf, flagsOf, RECORD_FLAG, sizeOf } from './record';
import { SPACE } from './spaces';
import { RecordDamagedError, type QueueStore } from './store-port';

/** What the removal of a queue needs of its host. */
export interface RemovalHome {
  readonly large: LargeStore;
  /** The group of this turn, which has a change now. */
  change(): Group;
  /** Call `turn` again. */
  wantsRemovalTurn(): void;
  /** Nothing of the queue is left. */
  removed(id: number): void;
}

/** The spaces that have records of a queue, and where in such a record that of the message begins, if it has one. */
const SPACES: readonly (readonly [space: number, message: number])[] = [
  [SPACE.messages, 0],
  [SPACE.delayed, 14],
  [SPACE.dead, 1],
  [SPACE.marks, -1],
  [SPACE.ids, -1],
  [SPACE.state, -1],
];

/** Deletes the records of a queue that is deleted, some in each turn. */
export class QueueRemoval {
  #space = 0;
  #from = 0;
  #isWaiting = false;

  constructor(
    private readonly store: QueueStore,
    private readonly home: RemovalHome,
    readonly id: number,
  ) {}

  /** @throws RecordDamagedError */
  turn(): void {
    if (this.#isWaiting || this.store.state === 'failed') return;
    const group = this.home.change();
    let left = WALK_PER_TURN;
    while (left > 0 && this.#space < SPACES.length) {
      left = this.#deleteSome(left);
      if (left <= 0) break;
      this.#space++;
      this.#from = 0;
    }
    const isOver = this.#space >= SPACES.length;
    if (isOver) this.store.delete(SPACE.directory, 0, this.id);
    this.#isWaiting = true;
    group.waiting.push({ done: (error) => this.#done(error, isOver) });
  }

  #deleteSome(most: number): number {
    const [space, message] = SPACES[this.#space] as readonly [number, number];
    let left = most;
    try {
      left = this.#scan(space, message, left);
    } catch (error) {
      if (!(error instanceof RecordDamagedError)) throw error;
      // It goes as the others do; of what it was nothing can be known.
      this.store.delete(space, this.id, error.key);
      this.#from = error.key + 1;
      return this.#deleteSome(left - 1);
    }
    return left;
  }

  #scan(space: number, message: number, most: number): number {
    let left = most;
    this.store.scan(space, this.id, this.#from, Number.MAX_SAFE_INTEGER, (key, value) => {
      this.#from = key + 1;
      this.store.delete(space, this.id, key);
      if (message >= 0) this.#discardBody(value.subarray(message));
      return --left > 0;
    });
    return left;
  }

  #discardBody(record: Buffer): void {
    if ((flagsOf(record) & RECORD_FLAG.large) !== 0) this.home.large.discard(bodyOf(record), sizeOf(record));
  }

  #done(error: Error | null, isOver: boolean): void {
    this.#isWaiting = false;
    if (error !== null) {
      this.#space = 0;
      this.#from = 0;
    } else if (isOver) {
      this.home.removed(this.id);
      return;
    }
    this.home.wantsRemovalTurn();
  }
}
