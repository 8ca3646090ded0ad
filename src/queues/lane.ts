import type { Entry } from './entry';
import { ENTRY_BYTES } from './limits';
import { keyOf, LANE_SPAN } from './spaces';

/** What an entry takes in memory: of small messages more than their records do. */
function costOf({ record }: Entry): number {
  return ENTRY_BYTES + record.length;
}

/** How large the windows of all queues of a host may be, and what they have. */
export interface WindowBudget {
  /** Bytes. */
  used: number;
  /** Of one lane. */
  readonly messages: number;
}

/**
 * What waits with one priority: a window of entries in order of their keys, and how far it reaches into what is on the disk.
 * Everything up to `loadedTo` is known in memory (here, or with a consumer); up to `flushedTo` it may be read and delivered.
 */
export class Lane {
  readonly base: number;
  loadedTo: number;
  flushedTo: number;
  /** Bytes of the entries in the window. */
  bytes = 0;
  /** Large messages that are being stored: what was put behind the first of them is not delivered before it. */
  readonly #barriers: number[] = [];
  /** The greatest key on the disk behind a barrier. */
  #heldTo = 0;
  #ring: (Entry | undefined)[] = new Array<Entry | undefined>(16).fill(undefined);
  #head = 0;
  #length = 0;

  constructor(
    readonly index: number,
    private readonly budget: WindowBudget,
  ) {
    this.base = keyOf(index, 0);
    this.loadedTo = this.base;
    this.flushedTo = this.base;
  }

  get end(): number {
    return this.base + LANE_SPAN;
  }

  get length(): number {
    return this.#length;
  }

  /** All that may be delivered is in memory. */
  get complete(): boolean {
    return this.loadedTo >= this.flushedTo;
  }

  get #barrier(): number {
    return this.#barriers[0] ?? Number.POSITIVE_INFINITY;
  }

  /** A large message takes its place. */
  raise(key: number): void {
    this.#barriers.push(key);
  }

  /** A large message is stored, or will not be. */
  lift(key: number): void {
    const at = this.#barriers.indexOf(key);
    if (at >= 0) this.#barriers.splice(at, 1);
    this.#reach();
  }

  /** A message is on the disk. @returns false when it is behind a barrier */
  reach(key: number): boolean {
    this.#heldTo = Math.max(this.#heldTo, key);
    this.#reach();
    return key <= this.flushedTo;
  }

  #reach(): void {
    this.flushedTo = Math.max(this.flushedTo, Math.min(this.#heldTo, this.#barrier - 1));
  }

  at(index: number): Entry {
    return this.#ring[(this.#head + index) & (this.#ring.length - 1)] as Entry;
  }

  first(): Entry | undefined {
    return this.#ring[this.#head];
  }

  push(entry: Entry): void {
    if (this.#length === this.#ring.length) this.#grow();
    this.#ring[(this.#head + this.#length) & (this.#ring.length - 1)] = entry;
    this.#length++;
    this.#charge(costOf(entry));
  }

  shift(): void {
    const entry = this.#ring[this.#head] as Entry;
    this.#ring[this.#head] = undefined;
    this.#head = (this.#head + 1) & (this.#ring.length - 1);
    this.#length--;
    this.#charge(-costOf(entry));
  }

  /** Index of the first entry whose key is not below `key`. */
  lowerBound(key: number): number {
    let low = 0;
    let high = this.#length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.at(middle).key < key) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  find(key: number): Entry | null {
    const index = this.lowerBound(key);
    const entry = index < this.#length ? this.at(index) : null;
    return entry?.key === key ? entry : null;
  }

  /** Puts an entry where its key belongs; mostly that is near the front. */
  insert(entry: Entry): void {
    const index = this.lowerBound(entry.key);
    if (index === this.#length) {
      this.push(entry);
      return;
    }
    if (this.#length === this.#ring.length) this.#grow();
    const mask = this.#ring.length - 1;
    if (index * 2 < this.#length) {
      this.#head = (this.#head - 1) & mask;
      for (let at = 0; at < index; at++)
        this.#ring[(this.#head + at) & mask] = this.#ring[(this.#head + at + 1) & mask];
    } else
      for (let at = this.#length; at > index; at--)
        this.#ring[(this.#head + at) & mask] = this.#ring[(this.#head + at - 1) & mask];
    this.#ring[(this.#head + index) & mask] = entry;
    this.#length++;
    this.#charge(costOf(entry));
  }

  removeAt(index: number): void {
    if (index === 0) {
      this.shift();
      return;
    }
    const mask = this.#ring.length - 1;
    this.#charge(-costOf(this.at(index)));
    for (let at = index; at < this.#length - 1; at++)
      this.#ring[(this.#head + at) & mask] = this.#ring[(this.#head + at + 1) & mask];
    this.#length--;
    this.#ring[(this.#head + this.#length) & mask] = undefined;
  }

  #charge(bytes: number): void {
    this.bytes += bytes;
    this.budget.used += bytes;
  }

  #grow(): void {
    const { length } = this.#ring;
    const ring = new Array<Entry | undefined>(length * 2).fill(undefined);
    for (let at = 0; at < this.#length; at++) ring[at] = this.at(at);
    this.#ring = ring;
    this.#head = 0;
  }
}
