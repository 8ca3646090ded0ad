import type { LogVisitor } from '../write-log';
import { DELETED, LOW_END, OverlayTable, UNCHANGED } from './table';

/** The greatest key below `end` that lies below a layer, of a queue in a space; -1 for none. */
export type GreatestBelow = (space: number, queue: number, end: number) => number;

/** Changes that are durable and not in LMDB yet, in one run of the log: of each key the last one. */
export class Layer implements LogVisitor {
  /** Queues by space; of a queue its tables, by their high halves. */
  readonly spaces: (Map<number, OverlayTable[]> | undefined)[] = [];
  /** The table of a space that was used last. */
  readonly #recent: (OverlayTable | undefined)[] = [];
  /** Where it ends in the log, and the sequence of its last block. */
  end: number;
  sequence = 0;
  /** Entries of all its tables. */
  size = 0;

  constructor(
    /** Where it begins in the log. Entries are positions from here on. */
    readonly base: number,
    private readonly greatestBelow: GreatestBelow,
  ) {
    this.end = base;
  }

  put(space: number, queue: number, key: number, position: number): void {
    const high = highOf(key);
    const table = this.#table(space, queue, high);
    const before = table.entries.size;
    table.put(key - high * LOW_END, position - this.base);
    this.size += table.entries.size - before;
  }

  delete(space: number, queue: number, key: number): void {
    const high = highOf(key);
    const table = this.#table(space, queue, high);
    const before = table.entries.size;
    table.delete(key - high * LOW_END);
    this.size += table.entries.size - before;
  }

  /**
   * Takes over what a later one has, which comes right behind it. LMDB may have got this one though it said that it failed: what was deleted
   * stays an entry.
   */
  merge(later: Layer): void {
    const shift = later.base - this.base;
    later.spaces.forEach((queues, space) => {
      for (const tables of queues?.values() ?? [])
        for (const { queue, high, entries } of tables) {
          const table = this.#table(space, queue, high);
          const before = table.entries.size;
          entries.forEachSorted((low, at) => table.put(low, at === DELETED ? DELETED : at + shift));
          this.size += table.entries.size - before;
        }
    });
    this.end = later.end;
    this.sequence = later.sequence;
  }

  /** Where the record of a key stands from the base on, DELETED, or UNCHANGED. */
  entry(space: number, queue: number, key: number): number {
    const tables = this.spaces[space]?.get(queue);
    if (tables === undefined) return UNCHANGED;
    const high = highOf(key);
    for (const table of tables) if (table.high === high) return table.entries.get(key - high * LOW_END);
    return UNCHANGED;
  }

  /** Tables of a queue, by their high halves. */
  tables(space: number, queue: number): readonly OverlayTable[] {
    return this.spaces[space]?.get(queue) ?? NONE;
  }

  #table(space: number, queue: number, high: number): OverlayTable {
    const recent = this.#recent[space];
    if (recent !== undefined && recent.queue === queue && recent.high === high) return recent;
    let queues = this.spaces[space];
    if (queues === undefined) this.spaces[space] = queues = new Map<number, OverlayTable[]>();
    let tables = queues.get(queue);
    if (tables === undefined) queues.set(queue, (tables = []));
    let table = tables.find((one) => one.high === high);
    if (table === undefined) {
      const first = high * LOW_END;
      const greatest = this.greatestBelow(space, queue, first + LOW_END);
      table = new OverlayTable(queue, high, Math.max(greatest - first, -1));
      tables.push(table);
      tables.sort((a, b) => a.high - b.high);
    }
    return (this.#recent[space] = table);
  }
}

/** The high half of a key. By division: of numbers that are no small integers `%` is a call that takes ten times as long. */
function highOf(key: number): number {
  return Math.floor(key / LOW_END);
}

const NONE: readonly OverlayTable[] = [];
