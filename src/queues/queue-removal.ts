import type { Group } from './group';
import type { LargeStore } from './large-store';
import { WALK_PER_TURN } from './limits';
import { bodyOf, flagsOf, isReference, payloadOf, RECORD_FLAG, sizeOf } from './record';
import type { SharedPayloads } from './shared-payloads';
import { QUEUE_SPACES, SPACE } from './spaces';
import { RecordDamagedError, type QueueStore } from './store-port';

/** What the removal of a queue needs of its host. */
export interface RemovalHome {
  readonly large: LargeStore;
  readonly payloads: SharedPayloads;
  /** The group of this turn, which has a change now. */
  change(): Group;
  /** Call `turn` again. */
  wantsRemovalTurn(): void;
  /** Nothing of the queue is left. */
  removed(id: number): void;
}

/** Deletes the records of a queue that is deleted, some in each turn. */
export class QueueRemoval {
  #space = 0;
  #from = 0;
  #isWaiting = false;
  /** Records that the group deletes which is on its way. */
  #deleting: [space: number, key: number][] = [];

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
    while (left > 0 && this.#space < QUEUE_SPACES.length) {
      left = this.#deleteSome(left);
      if (left <= 0) break;
      this.#space++;
      this.#from = 0;
    }
    this.#end(group);
  }

  #end({ waiting }: Group): void {
    const isOver = this.#space >= QUEUE_SPACES.length;
    if (isOver) this.store.delete(SPACE.directory, 0, this.id);
    this.#isWaiting = true;
    waiting.push({ done: (error) => this.#done(error, isOver) });
  }

  #delete(space: number, key: number): void {
    this.store.delete(space, this.id, key);
    this.#deleting.push([space, key]);
  }

  #deleteSome(most: number): number {
    const [space, message] = QUEUE_SPACES[this.#space] as readonly [number, number];
    let left = most;
    try {
      left = this.#scan(space, message, left);
    } catch (error) {
      if (!(error instanceof RecordDamagedError)) throw error;
      // It goes as the others do; of what it was nothing can be known.
      this.#delete(space, error.key);
      this.#from = error.key + 1;
      return this.#deleteSome(left - 1);
    }
    return left;
  }

  #scan(space: number, message: number, most: number): number {
    let left = most;
    this.store.scan(space, this.id, this.#from, Number.MAX_SAFE_INTEGER, (key, value) => {
      this.#from = key + 1;
      this.#delete(space, key);
      if (message >= 0) this.#discard(value.subarray(message));
      return --left > 0;
    });
    return left;
  }

  #discard(record: Buffer): void {
    if (isReference(record)) this.home.payloads.release(payloadOf(record));
    else if ((flagsOf(record) & RECORD_FLAG.large) !== 0) this.home.large.discard(bodyOf(record), sizeOf(record));
  }

  #done(error: Error | null, isOver: boolean): void {
    this.#isWaiting = false;
    if (error !== null) {
      // What they had is released already, and reads may see them or not.
      for (const [space, key] of this.#deleting) this.store.delete(space, this.id, key);
      this.#end(this.home.change());
      return;
    }
    this.#deleting = [];
    if (isOver) {
      this.home.removed(this.id);
      return;
    }
    this.home.wantsRemovalTurn();
  }
}
