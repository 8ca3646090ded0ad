import { readU48, writeU48 } from './record';
import { RecordDamagedError, type QueueStore, type StoreCompletion } from './store-port';

/** Of a count that cannot be read: what it is of stays until a salvage has counted anew. */
const UNKNOWN = 2 ** 40;

/** What several records have in common, with how many have it. */
interface Counted {
  count: number;
  /** Groups on their way to the disk that have a count of it. */
  writing: number;
  isChanged: boolean;
}

/** The group that ends: who waits for it is told its fate. */
export interface CountedGroup {
  readonly waiting: StoreCompletion[];
}

export function countRecord(count: number): Buffer {
  const record = Buffer.allocUnsafe(6);
  writeU48(record, 0, count);
  return record;
}

/**
 * Counts of references, each written with the group that changes it. In memory are those alone that are on their way; a count is absolute,
 * so that after a group has failed it is written again as it is by then, together with whatever else of the group is.
 */
export class ReferenceCounts {
  readonly #known = new Map<number, Counted>();
  #changed: number[] = [];

  constructor(
    private readonly store: QueueStore,
    private readonly space: number,
    /** Something has to be written again, although nothing else may have changed. */
    private readonly wantsGroup: () => void,
    /** Nothing has it any more: told for each group that says so. */
    private readonly onNone: (id: number) => void = () => undefined,
  ) {}

  /** 0 for what is not counted. */
  of(id: number): number {
    const known = this.#known.get(id);
    if (known !== undefined) return known.count;
    try {
      const value = this.store.get(this.space, 0, id);
      return value === null ? 0 : readU48(value, 0);
    } catch (error) {
      if (!(error instanceof RecordDamagedError)) throw error;
      return UNKNOWN;
    }
  }

  /** From this group on. */
  set(id: number, count: number): void {
    let known = this.#known.get(id);
    if (known === undefined) this.#known.set(id, (known = { count, writing: 0, isChanged: false }));
    known.count = count;
    this.#change(id, known);
  }

  #change(id: number, known: Counted): void {
    if (known.isChanged) return;
    known.isChanged = true;
    this.#changed.push(id);
  }

  /** Puts into the store what has changed in the group that ends. */
  write(group: CountedGroup): void {
    if (this.#changed.length === 0) return;
    const written = this.#changed;
    this.#changed = [];
    for (const id of written) this.#write(id, this.#known.get(id) as Counted);
    group.waiting.push({ done: (error) => this.#done(written, error) });
  }

  #write(id: number, known: Counted): void {
    known.isChanged = false;
    known.writing++;
    if (known.count === 0) {
      this.store.delete(this.space, 0, id);
      this.onNone(id);
      return;
    }
    this.store.put(this.space, 0, id, countRecord(known.count));
  }

  #done(written: readonly number[], error: Error | null): void {
    for (const id of written) {
      const known = this.#known.get(id) as Counted;
      known.writing--;
      if (error !== null) this.#change(id, known);
      else if (known.writing === 0 && !known.isChanged) this.#known.delete(id);
    }
    if (error !== null) this.wantsGroup();
  }

  /** Counts in memory. */
  get size(): number {
    return this.#known.size;
  }
}
