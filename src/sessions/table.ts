import type { NodeId } from '../links/contract';
import { HybridClock, timeOf } from './hybrid-clock';
import {
  BUCKETS,
  ENTRY_EXTRA_BYTES,
  FORGOTTEN_AT_ONCE,
  TABLE_LOOK_ENTRIES,
  TOMBSTONES_BYTES_MAX,
  TOMBSTONES_MAX,
} from './limits';
import { hashOfKey, hashOfVersion, isLater, type TableEntry } from './table-entry';

/** What those that share the table say of keys that begin with their letter. */
export interface TableFamily {
  readonly letter: string;
  /** How long what is gone is remembered. */
  readonly tombstoneMs: number;
  /** When the value is over by itself: wall-clock ms, 0 for never. */
  endOf(value: Buffer): number;
  /** Another node's entry is not to be kept, for there is no room: it is counted by whoever says so. */
  refuses(entry: TableEntry): boolean;
  /** @param before null where nothing was there @param isOwn this node wrote it */
  changed(entry: TableEntry, before: TableEntry | null, isOwn: boolean): void;
}

/** What becomes of changes. */
export interface TablePorts {
  readonly self: NodeId;
  wall(): number;
  /** It is to be on the disk as it is now; `null` for an entry that is forgotten. */
  save(key: string, entry: TableEntry | null): void;
}

/**
 * Entries that every node may write and every node keeps: the last writer wins, by stamp and node, at every node alike. What is gone stays
 * as an entry without a value for a while, so that nobody who was away brings it back.
 */
export class Table {
  readonly #buckets: Map<string, TableEntry>[] = Array.from({ length: BUCKETS }, () => new Map<string, TableEntry>());
  readonly #digest = new Uint32Array(BUCKETS);
  readonly #families = new Map<string, TableFamily>();
  /** Keys of entries without a value, the oldest to become so first. */
  readonly #gone = new Set<string>();
  #goneBytes = 0;
  readonly clock: HybridClock;
  /** Where the next look at what is over begins. */
  #lookAt = 0;
  size = 0;
  /** Bytes of values that are there, by letter. */
  readonly #bytes = new Map<string, number>();

  constructor(private readonly ports: TablePorts) {
    this.clock = new HybridClock(() => ports.wall());
  }

  join(family: TableFamily): void {
    this.#families.set(family.letter, family);
  }

  bytes(letter: string): number {
    return this.#bytes.get(letter) ?? 0;
  }

  get tombstones(): number {
    return this.#gone.size;
  }

  get(key: string): TableEntry | null {
    return this.#bucket(key).get(key) ?? null;
  }

  #bucket(key: string): Map<string, TableEntry> {
    return this.#buckets[hashOfKey(key) % BUCKETS] as Map<string, TableEntry>;
  }

  /** Entries of one bucket, by key, behind one. */
  *bucket(index: number, after: string): IterableIterator<TableEntry> {
    const keys = [...(this.#buckets[index]?.keys() ?? [])].filter((key) => key > after).sort();
    for (const key of keys) {
      const entry = this.#buckets[index]?.get(key);
      if (entry !== undefined) yield entry;
    }
  }

  /** All entries behind one, bucket by bucket; from the beginning for an empty key. What changes meanwhile may be left out. */
  *from(after: string): IterableIterator<TableEntry> {
    const first = after === '' ? 0 : hashOfKey(after) % BUCKETS;
    for (let index = first; index < BUCKETS; index++) yield* this.bucket(index, index === first ? after : '');
  }

  digest(): Uint32Array {
    return this.#digest;
  }

  /** What was on the disk; it is not told on. */
  load(entry: TableEntry): void {
    this.clock.saw(entry.stamp);
    const before = this.get(entry.key);
    this.#put(entry, before);
    this.#families.get(entry.key.charAt(0))?.changed(entry, before, false);
  }

  /** This node says what a key stands for from now on. */
  write(key: string, value: Buffer | null): TableEntry {
    const entry = { key, stamp: this.clock.next(), node: this.ports.self, value };
    this.#change(entry, true);
    return entry;
  }

  /** Another node has said it. @returns whether it is news */
  apply(entry: TableEntry): boolean {
    this.clock.saw(entry.stamp);
    const before = this.get(entry.key);
    const family = this.#families.get(entry.key.charAt(0));
    if (family === undefined || (before !== null && !isLater(entry, before))) return false;
    // It has been forgotten here, or would be at once.
    if (entry.value === null && before === null && this.#isForgotten(entry, family)) return false;
    if (entry.value !== null && family.refuses(entry)) return false;
    this.#change(entry, false);
    return true;
  }

  #isForgotten({ stamp }: TableEntry, { tombstoneMs }: TableFamily): boolean {
    return timeOf(stamp) + tombstoneMs <= this.ports.wall();
  }

  #change(entry: TableEntry, isOwn: boolean): void {
    const before = this.get(entry.key);
    this.#put(entry, before);
    this.ports.save(entry.key, entry);
    this.#families.get(entry.key.charAt(0))?.changed(entry, before, isOwn);
    for (let left = FORGOTTEN_AT_ONCE; left > 0 && this.#hasTooManyGone(); left--) this.#forgetOldest();
  }

  #put(entry: TableEntry, before: TableEntry | null): void {
    const { key } = entry;
    const hash = hashOfKey(key);
    const index = hash % BUCKETS;
    if (before !== null) this.#take(before, hash, index);
    this.#digest[index] = ((this.#digest[index] as number) ^ hashOfVersion(entry, hash)) >>> 0;
    this.#buckets[index]?.set(key, entry);
    this.size++;
    this.#count(entry, 1);
    if (entry.value === null) this.#addGone(key);
  }

  #take(entry: TableEntry, hash: number, index: number): void {
    this.#digest[index] = ((this.#digest[index] as number) ^ hashOfVersion(entry, hash)) >>> 0;
    this.#buckets[index]?.delete(entry.key);
    this.size--;
    this.#count(entry, -1);
    if (entry.value === null && this.#gone.delete(entry.key)) this.#goneBytes -= entry.key.length + ENTRY_EXTRA_BYTES;
  }

  #addGone(key: string): void {
    this.#gone.add(key);
    this.#goneBytes += key.length + ENTRY_EXTRA_BYTES;
  }

  #count({ key, value }: TableEntry, sign: 1 | -1): void {
    if (value === null) return;
    const letter = key.charAt(0);
    this.#bytes.set(letter, this.bytes(letter) + sign * (key.length + value.length + ENTRY_EXTRA_BYTES));
  }

  #hasTooManyGone(): boolean {
    return this.#gone.size > TOMBSTONES_MAX || this.#goneBytes > TOMBSTONES_BYTES_MAX;
  }

  #forgetOldest(): void {
    const [oldest] = this.#gone;
    if (oldest !== undefined) this.#forget(oldest);
  }

  #forget(key: string): void {
    const entry = this.get(key);
    if (entry === null) return;
    const hash = hashOfKey(key);
    this.#take(entry, hash, hash % BUCKETS);
    this.ports.save(key, null);
  }

  /** Looks at some buckets, one after the other in each look, for what is over by now. */
  look(): void {
    const wall = this.ports.wall();
    let left = TABLE_LOOK_ENTRIES;
    for (let buckets = 0; buckets < BUCKETS && left > 0; buckets++) {
      const bucket = this.#buckets[this.#lookAt] as Map<string, TableEntry>;
      this.#lookAt = (this.#lookAt + 1) % BUCKETS;
      left -= bucket.size;
      for (const entry of [...bucket.values()]) this.#lookInto(entry, wall);
    }
  }

  #lookInto(entry: TableEntry, wall: number): void {
    const family = this.#families.get(entry.key.charAt(0));
    if (family === undefined) return;
    if (entry.value === null) {
      if (timeOf(entry.stamp) + family.tombstoneMs <= wall) this.#forget(entry.key);
      return;
    }
    const end = family.endOf(entry.value);
    if (end === 0 || end > wall) return;
    // The same everywhere, without a word: it stays the version that it was.
    this.#change({ ...entry, value: null }, false);
  }
}
