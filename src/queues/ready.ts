import { ENTRY, Entry, type EntryOwner } from './entry';
import { Lane, type WindowBudget } from './lane';
import { WINDOW_BYTES, WINDOW_BYTES_FEW, WINDOW_BYTES_LEAST, WINDOWS_BYTES } from './limits';
import { isReference } from './record';
import type { SharedPayloads } from './shared-payloads';
import { keyOf, LANES, SPACE } from './spaces';
import type { QueueStore } from './store-port';

/** What {@link ReadyMessages} are made of. */
export interface ReadyParts {
  readonly id: number;
  /** Null for a queue that lives in memory. */
  readonly store: QueueStore | null;
  readonly payloads: SharedPayloads;
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
    if (entry.isLarge) lane.lift(entry.key);
    const kept = lane.complete && this.hasRoom(lane);
    if (this.beyond.size > 0) this.beyond.delete(entry.key);
    if (!lane.reach(entry.key) || !kept) return;
    lane.loadedTo = entry.key;
    entry.state = ENTRY.ready;
    lane.push(entry);
  }

  /** An entry will be in a place that was passed before: until then a scan does not find it. */
  expect(entry: Entry): void {
    entry.state = ENTRY.storing;
    if (entry.key > (this.lanes[entry.lane] as Lane).loadedTo) this.beyond.set(entry.key, entry);
  }

  /** An entry goes back to its place. */
  returned(entry: Entry): void {
    const lane = this.lanes[entry.lane] as Lane;
    entry.state = ENTRY.ready;
    if (entry.key <= lane.loadedTo) lane.insert(entry);
    else if (entry.changing === 0) this.beyond.delete(entry.key);
    this.onReturned(entry.key);
  }

  /** Told the key of what is back in its place, for those who have passed it. */
  onReturned: (key: number) => void = () => undefined;

  /** Lets go of everything in memory. @param visit told each entry */
  clear(visit: (entry: Entry) => void): void {
    for (const lane of this.lanes)
      for (let entry = lane.first(); entry !== undefined; entry = lane.first()) {
        lane.shift();
        visit(entry);
      }
    this.beyond.clear();
  }

  /** It is deleted; until that is on the disk a scan may still come across its record. */
  removing(entry: Entry): void {
    entry.state = ENTRY.gone;
    if (entry.key > (this.lanes[entry.lane] as Lane).loadedTo) this.beyond.set(entry.key, entry);
  }

  /** A change of it, or its removal, is on the disk. */
  changed(entry: Entry): void {
    entry.changing--;
    if (this.beyond.size === 0 || entry.changing > 0 || entry.state === ENTRY.acquired) return;
    if (this.beyond.get(entry.key) === entry) this.beyond.delete(entry.key);
  }

  /** The first of a lane, read from the disk where the window is empty. @throws RecordDamagedError */
  first(lane: Lane): Entry | undefined {
    while (lane.length === 0 && !lane.complete && this.canRead) this.#load(lane);
    return lane.first();
  }

  /** False while the store is being opened again: what is in memory has to do. */
  get canRead(): boolean {
    return this.parts.store !== null && this.parts.store.state !== 'failed';
  }

  get empty(): boolean {
    return this.lanes.every((lane) => lane.length === 0 && lane.complete);
  }

  /** All that may be delivered is in memory. */
  get complete(): boolean {
    return this.lanes.every((lane) => lane.complete);
  }

  /** Messages in all windows. */
  get loaded(): number {
    return this.lanes.reduce((sum, lane) => sum + lane.length, 0);
  }

  /** Another message of this lane may be in memory. */
  hasRoom(lane: Lane): boolean {
    const { budget, store } = this.parts;
    if (store === null) return true;
    return lane.length < budget.messages && lane.bytes < windowOf(budget);
  }

  /** Fills the window of a lane by one read. */
  #load(lane: Lane): void {
    const { store, id } = this.parts;
    if (store === null) return;
    let full = false;
    store.scan(SPACE.messages, id, lane.loadedTo + 1, lane.flushedTo + 1, (key, value) => {
      if (!this.hasRoom(lane)) {
        full = true;
        return false;
      }
      lane.loadedTo = key;
      const known = this.#takeBeyond(key);
      if (known === null) lane.push(this.read(key, lane, value));
      else if (known.state === ENTRY.ready) lane.push(known);
      return true;
    });
    if (!full) lane.loadedTo = lane.flushedTo;
  }

  /** Records of a lane from `from` on that are not in its window, as the disk is to have them now; only such as may be delivered. */
  scanBeyond(lane: Lane, from: number, visit: (key: number, record: Buffer, known: Entry | null) => boolean): void {
    const { store, id } = this.parts;
    if (store === null) return;
    store.scan(SPACE.messages, id, Math.max(from, lane.loadedTo + 1), lane.flushedTo + 1, (key, value) => {
      const known = this.beyond.get(key) ?? null;
      if (known === null) return visit(key, value, null);
      // What a consumer has, or what is gone, is passed over.
      return known.state !== ENTRY.ready || visit(key, known.stored, known);
    });
  }

  /** The ready message of a key behind the window of its lane; null when there is none. */
  readBeyond(lane: Lane, key: number): Entry | null {
    let found: Entry | null = null;
    this.scanBeyond(lane, key, (at, record, known) => {
      if (at === key) found = known ?? this.read(at, lane, record);
      return false;
    });
    return found;
  }

  /** Takes an entry from behind the window of its lane. */
  takeBeyond(entry: Entry): void {
    entry.state = ENTRY.acquired;
    this.beyond.set(entry.key, entry);
  }

  #takeBeyond(key: number): Entry | null {
    if (this.beyond.size === 0) return null;
    const known = this.beyond.get(key) ?? null;
    if (known !== null) this.beyond.delete(key);
    return known;
  }

  /** The record with its message, of one that was read. @throws RecordDamagedError */
  whole(stored: Buffer): Buffer {
    return isReference(stored) ? this.parts.payloads.read(stored) : stored;
  }

  /** The entry of a record that was read. @throws RecordDamagedError */
  read(key: number, lane: Lane, stored: Buffer, record = this.whole(stored)): Entry {
    const entry = new Entry(this.parts.owner, key, lane.index, record, record === stored ? null : stored);
    entry.state = ENTRY.ready;
    entry.seen = entry.deliveries > 0 || key - lane.base <= this.parts.crashMark;
    return entry;
  }
}

/** Bytes of a window, by what all of them take. */
function windowOf({ used }: WindowBudget): number {
  if (used < WINDOWS_BYTES) return WINDOW_BYTES;
  return used < 2 * WINDOWS_BYTES ? WINDOW_BYTES_LEAST : WINDOW_BYTES_FEW;
}
