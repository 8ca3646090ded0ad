import { IntMap } from '../../common/int-map';

/** What an entry says of a key that was deleted, and what there is where there is no entry; any other is where the record stands. */
export const DELETED = -2;
export const UNCHANGED = -1;

/** Keys of one table are low halves: below this. */
export const LOW_END = 2 ** 32;
/** Most tables are of few keys: a queue has one state. */
const ENTRIES_FIRST = 4;
/** Fewer keys are not worth being looked through for those that have gone. */
const KEYS_LEAST = 1_024;

/**
 * Changes of the records of one queue in one space whose keys have one high half: of a lane, for messages. Halves, because numbers that
 * fit into 31 bits are no objects.
 */
export class OverlayTable {
  readonly entries = new IntMap(ENTRIES_FIRST);
  /** In order, once somebody has asked for it; some of them may have gone. */
  #keys: number[] | null = null;
  /** The greatest that was changed so far, or -1. */
  top = -1;

  constructor(
    readonly queue: number,
    readonly high: number,
    /** No greater key is in what lies below. */
    readonly greatestBelow: number,
  ) {}

  put(low: number, at: number): void {
    if (this.#keys !== null && this.entries.get(low) === UNCHANGED) this.#note(low);
    this.entries.set(low, at);
    if (low > this.top) this.top = low;
  }

  /** Of a key that can only have been put here nothing is left: it never comes to what lies below. */
  delete(low: number): void {
    if (low > this.greatestBelow) this.entries.take(low);
    else this.put(low, DELETED);
  }

  /** Keys in order. Those that are in no entry have gone. */
  get keys(): readonly number[] {
    return (this.#keys ??= this.entries.sortedKeys());
  }

  #note(low: number): void {
    const keys = this.#keys!;
    const isBehind = keys.length === 0 || low > keys[keys.length - 1]!;
    if (isBehind && keys.length < KEYS_LEAST + 2 * this.entries.size) keys.push(low);
    else this.#keys = null;
  }
}
