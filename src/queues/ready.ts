import { ENTRY, Entry, type EntryOwner } from './entry';
import { Lane, type WindowBudget } from './lane';
import { WINDOW_BYTES, WINDOW_BYTES_LEAST, WINDOW_MESSAGES, WINDOWS_BYTES } from './limits';
import type { RecordSlab } from './record';
import { keyOf, LANES, SPACE } from './spaces';
import type { QueueStore } from './store-port';

/** What {@link ReadyMessages} are made of. */
export interface ReadyParts {
  readonly id: number;
  /** Null for a queue that lives in memory. */
  readonly store: QueueStore | null;
  readonly slab: RecordSlab;
  readonly budget: WindowBudget;
  readonly owner: EntryOwner;
  /** Up to this sequence messages may have been delivered before a crash. */
  readonly crashMark: number;
}

/** What waits to be delivered: by lane a window in memory, and behind it what is on the disk. */
export class ReadyMessages {
  readonly lanes: readonly Lane[];
  /**
   * Entries whose key lies behind the window of their lane and that are not as the disk says: a consumer with a selector has them, or a
   * change of them is on its way. A scan looks here first.
   */
  readonly beyond = new Map<number, Entry>();

  constructor(private readonly parts: ReadyParts) {
    this.lanes = Array.from({ length: LANES }, (_, index) => new Lane(index, parts.budget));
  }

  /** After a start: so much is on the disk. */
  recovered(lastSeq: number, counts: Float64Array): void {
    for (const lane of this.lanes) {
      lane.flushedTo = keyOf(lane.index, lastSeq);
      if (counts[lane.index] === 0) lane.loadedTo = lane.flushedTo;
    }
  }

  /** An entry is on the disk: it may be delivered. Where there is no room for it, it is read again. */
  stored(entry: Entry): void {
    const lane = this.lanes[entry.lane] as Lane;
    const kept = lane.complete && this.#hasRoom(lane);
    lane.flushedTo = entry.key;
    if (!kept) return;
    lane.loadedTo = entry.key;
    entry.state = ENTRY.ready;
    lane.push(entry);
  }

  /** An entry goes back to its place. @param changed its record on the disk is not as it is in memory */
  returned(entry: Entry, changed: boolean): void {
    const lane = this.lanes[entry.lane] as Lane;
    entry.state = ENTRY.ready;
    if (entry.key <= lane.loadedTo) lane.insert(entry);
    else if (!changed) this.beyond.delete(entry.key);
  }

  /** Its change or removal is on the disk. */
  changed(entry: Entry): void {
    if (this.beyond.size > 0 && entry.state !== ENTRY.acquired) this.beyond.delete(entry.key);
  }

  /** The first of a lane, read from the disk where the window is empty. @throws RecordDamagedError */
  first(lane: Lane): Entry | undefined {
    while (lane.length === 0 && !lane.complete) this.#load(lane);
    return lane.first();
  }

  get empty(): boolean {
    return this.lanes.every((lane) => lane.length === 0 && lane.complete);
  }

  /** All that may be delivered is in memory. */
  get complete(): boolean {
    return this.lanes.every((lane) => lane.complete);
  }

  #hasRoom(lane: Lane): boolean {
    const { budget, store } = this.parts;
    if (store === null) return true;
    const bytes = budget.used < WINDOWS_BYTES ? WINDOW_BYTES : WINDOW_BYTES_LEAST;
    return lane.length < WINDOW_MESSAGES && lane.bytes < bytes;
  }

  /** Fills the window of a lane by one read. */
  #load(lane: Lane): void {
    const { store, id, slab } = this.parts;
    if (store === null) return;
    let full = false;
    store.scan(SPACE.messages, id, lane.loadedTo + 1, lane.flushedTo + 1, (key, value) => {
      if (!this.#hasRoom(lane)) {
        full = true;
        return false;
      }
      lane.loadedTo = key;
      const known = this.#takeBeyond(key);
      if (known === null) lane.push(this.read(key, lane, slab.copy(value)));
      else if (known.state === ENTRY.ready) lane.push(known);
      return true;
    });
    if (!full) lane.loadedTo = lane.flushedTo;
  }

  #takeBeyond(key: number): Entry | null {
    if (this.beyond.size === 0) return null;
    const known = this.beyond.get(key) ?? null;
    if (known !== null) this.beyond.delete(key);
    return known;
  }

  /** The entry of a record that was read. */
  read(key: number, lane: Lane, record: Buffer): Entry {
    const entry = new Entry(this.parts.owner, key, lane.index, record);
    entry.state = ENTRY.ready;
    entry.seen = entry.deliveries > 0 || key - lane.base <= this.parts.crashMark;
    return entry;
  }
}
