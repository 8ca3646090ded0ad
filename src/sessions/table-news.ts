import type { NodeId } from '../links/contract';
import { NEWS_KEYS_MAX, NEWS_WINDOW_BYTES } from './limits';
import type { Table } from './table';
import type { TableEntry } from './table-entry';
import { TABLE_CONTROL, writeDeltas, writeGot } from './table-messages';

export interface TableNewsPorts {
  readonly table: Table;
  /** Those within reach, without this one. */
  reachable(): readonly NodeId[];
  send(node: NodeId, kind: number, payload: Buffer): void;
  /** A node has missed more than is remembered: it is to be compared. */
  compare(node: NodeId): void;
  scheduleFlush(): void;
}

/** What a node was told and has not said to have. */
interface Window {
  readonly open: { readonly number: number; readonly bytes: number }[];
  openBytes: number;
  /** Keys of what it is to be told once there is room: as they are then. */
  readonly waiting: Set<string>;
  /** More than that is new to it. */
  isBehind: boolean;
}

/**
 * Tells other nodes what this one has written: at once while they keep up, else each key as it is when there is room again, so that a node
 * that is slow costs as much memory as keys have changed, and past a bound nothing: then it is compared.
 */
export class TableNews {
  #news = new Map<string, TableEntry>();
  readonly #windows = new Map<NodeId, Window>();
  /** Numbers of deltas from other nodes that are to be answered. */
  readonly #got = new Map<NodeId, number>();
  #last = 0;

  constructor(private readonly ports: TableNewsPorts) {}

  wrote(entry: TableEntry): void {
    this.#news.set(entry.key, entry);
    this.ports.scheduleFlush();
  }

  /** A delta of another node has come. */
  took(node: NodeId, number: number): void {
    this.#got.set(node, number);
    this.ports.scheduleFlush();
  }

  /** A node has all up to a number. */
  onGot(node: NodeId, number: number): void {
    const window = this.#windows.get(node);
    if (window === undefined) return;
    while (window.open[0] !== undefined && window.open[0].number <= number)
      window.openBytes -= window.open.shift()?.bytes ?? 0;
    if (window.waiting.size > 0 || window.isBehind) this.ports.scheduleFlush();
  }

  /** What it was told may be lost; it is compared when it is back. */
  gone(node: NodeId): void {
    this.#windows.delete(node);
    this.#got.delete(node);
  }

  /** Keys that wait for room, of all nodes. */
  get waiting(): number {
    let keys = 0;
    for (const { waiting } of this.#windows.values()) keys += waiting.size;
    return keys;
  }

  flush(): void {
    for (const [node, number] of this.#got) this.ports.send(node, TABLE_CONTROL.got, writeGot(number));
    this.#got.clear();
    for (const [node, window] of this.#windows) this.#tellWaiting(node, window);
    if (this.#news.size === 0) return;
    const news = this.#news;
    this.#news = new Map();
    const open: NodeId[] = [];
    for (const node of this.ports.reachable()) {
      const window = this.#windowOf(node);
      if (hasRoom(window) && window.waiting.size === 0 && !window.isBehind) open.push(node);
      else this.#wait(window, news.keys());
    }
    if (open.length > 0) this.#tell(open, news.values());
  }

  #windowOf(node: NodeId): Window {
    let window = this.#windows.get(node);
    if (window === undefined)
      this.#windows.set(node, (window = { open: [], openBytes: 0, waiting: new Set(), isBehind: false }));
    return window;
  }

  #wait(window: Window, keys: Iterable<string>): void {
    if (window.isBehind) return;
    for (const key of keys) window.waiting.add(key);
    if (window.waiting.size <= NEWS_KEYS_MAX) return;
    window.waiting.clear();
    window.isBehind = true;
  }

  #tellWaiting(node: NodeId, window: Window): void {
    if (!hasRoom(window)) return;
    if (window.isBehind) {
      window.isBehind = false;
      this.ports.compare(node);
    } else if (window.waiting.size > 0) this.#tell([node], this.#taken(window));
  }

  /** Entries that wait, as long as there is room for them. */
  *#taken(window: Window): IterableIterator<TableEntry> {
    for (const key of window.waiting) {
      if (!hasRoom(window)) return;
      window.waiting.delete(key);
      const entry = this.ports.table.get(key);
      if (entry !== null) yield entry;
    }
  }

  #tell(nodes: readonly NodeId[], entries: Iterable<TableEntry>): void {
    for (const delta of writeDeltas(entries, () => ++this.#last))
      for (const node of nodes) {
        const window = this.#windowOf(node);
        window.open.push({ number: this.#last, bytes: delta.length });
        window.openBytes += delta.length;
        this.ports.send(node, TABLE_CONTROL.delta, delta);
      }
  }
}

function hasRoom({ openBytes }: Window): boolean {
  return openBytes < NEWS_WINDOW_BYTES;
}
