import type { WriteLog } from '../write-log';
import { type GreatestBelow, Layer } from './layer';
import { DELETED, LOW_END, type OverlayTable, UNCHANGED } from './table';

/**
 * What is durable in the redo log and not in LMDB yet: layers, a later one before an earlier one. The last is being written to; those
 * before it are frozen, and go to LMDB in their order.
 */
export class Overlay {
  /** The oldest first; never empty. */
  readonly #layers: Layer[];

  constructor(
    private readonly log: WriteLog,
    /** The greatest key of a queue in a space below `end` that is in LMDB. */
    private readonly greatestInStore: GreatestBelow,
  ) {
    this.#layers = [this.#fresh(log.end)];
  }

  get live(): Layer {
    return this.#layers[this.#layers.length - 1]!;
  }

  get frozen(): readonly Layer[] {
    return this.#layers.slice(0, -1);
  }

  get isEmpty(): boolean {
    return this.#layers.length === 1 && this.live.sequence === 0;
  }

  /** Bytes of the log that have to be kept for it. */
  get bytes(): number {
    return this.live.end - this.#layers[0]!.base;
  }

  /** Changes of the log in [from, to) are durable, in the block of that sequence. */
  take(from: number, to: number, sequence: number): void {
    if (this.live.sequence === 0 && this.live.base !== from) this.#layers.splice(-1, 1, this.#fresh(from));
    this.log.visit(from, to, this.live);
    this.live.end = to;
    this.live.sequence = sequence;
  }

  /** What has come so far goes to LMDB; what comes from now on gets a layer of its own. */
  freeze(): void {
    if (this.live.sequence !== 0) this.#layers.push(this.#fresh(this.live.end));
  }

  /** Makes one of all frozen layers, so that in its transaction nothing needs room that was deleted since. None of them may be in one now. */
  merge(): void {
    const [first, ...later] = this.frozen;
    for (const layer of later) first!.merge(layer);
    this.#layers.splice(1, later.length);
  }

  /** LMDB has all layers up to this one. */
  drop(layer: Layer): void {
    this.#layers.splice(0, this.#layers.indexOf(layer) + 1);
  }

  /** The record of a key: in an arena until the next call; null when it was deleted; undefined when LMDB is to be asked. */
  record(space: number, queue: number, key: number): ReturnType<WriteLog['record']> | null | undefined {
    for (let n = this.#layers.length - 1; n >= 0; n--) {
      const layer = this.#layers[n]!;
      const entry = layer.entry(space, queue, key);
      if (entry === DELETED) return null;
      if (entry !== UNCHANGED) return this.log.record(layer.base + entry);
    }
    return undefined;
  }

  /** True when LMDB is not to be asked for a key. */
  has(space: number, queue: number, key: number): boolean {
    return this.#layers.some((layer) => layer.entry(space, queue, key) !== UNCHANGED);
  }

  /** True when something of a queue in a space was changed. */
  touches(space: number, queue: number): boolean {
    return this.#layers.some((layer) => layer.tables(space, queue).length > 0);
  }

  /** The least key of a queue in [from, to) that was changed, deleted ones too; -1 for none. */
  next(space: number, queue: number, from: number, to: number): number {
    let next = -1;
    for (const layer of this.#layers) {
      const key = leastOf(layer.tables(space, queue), from, to);
      if (key >= 0 && (next < 0 || key < next)) next = key;
    }
    return next;
  }

  /** The greatest key of a queue below `end` that has a record here; -1 for none. */
  last(space: number, queue: number, end: number): number {
    let last = -1;
    for (const layer of this.#layers)
      for (const table of layer.tables(space, queue)) last = Math.max(last, this.#lastOf(space, table, end));
    return last;
  }

  #lastOf(space: number, { queue, high, keys, entries }: OverlayTable, end: number): number {
    for (let n = keys.length - 1; n >= 0; n--) {
      const key = high * LOW_END + keys[n]!;
      if (key < end && entries.get(keys[n]!) !== UNCHANGED && this.record(space, queue, key)) return key;
    }
    return -1;
  }

  #fresh(base: number): Layer {
    return new Layer(base, (space, queue, end) => this.#greatestBelow(space, queue, end));
  }

  /** Only the last layer asks: all others lie below it, and what is no layer any more is in LMDB. */
  #greatestBelow(space: number, queue: number, end: number): number {
    let greatest = this.greatestInStore(space, queue, end);
    for (const layer of this.frozen) greatest = Math.max(greatest, topOf(layer.tables(space, queue), end));
    return greatest;
  }
}

function topOf(tables: readonly OverlayTable[], end: number): number {
  let top = -1;
  for (const { high, top: low } of tables) {
    const key = high * LOW_END + low;
    if (low >= 0 && key < end && key > top) top = key;
  }
  return top;
}

function leastOf(tables: readonly OverlayTable[], from: number, to: number): number {
  for (const { high, keys, entries } of tables) {
    const first = high * LOW_END;
    if (first >= to) return -1;
    if (first + LOW_END <= from) continue;
    for (let n = lowerBound(keys, from - first); n < keys.length; n++) {
      if (first + keys[n]! >= to) return -1;
      if (entries.get(keys[n]!) !== UNCHANGED) return first + keys[n]!;
    }
  }
  return -1;
}

function lowerBound(keys: readonly number[], key: number): number {
  let [low, high] = [0, keys.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (keys[middle]! < key) low = middle + 1;
    else high = middle;
  }
  return low;
}
