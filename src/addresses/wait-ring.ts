import type { Chunk } from '../common/chunk';
import type { LargeBody } from '../streams/contract';
import type { AddressEntry } from './address-entry';
import type { SpillBlock } from './spill';

/** What a held message lies in: a part of a chunk or of a block on disk, or all of a large body. */
export type Held = Chunk | SpillBlock | LargeBody;

/** Messages that wait, first in first out, in parallel arrays: no object per message. Holds one reference to each body. */
export class WaitRing {
  bytes = 0;
  #held: (Held | null)[] = new Array<Held | null>(INITIAL).fill(null);
  #entries: (AddressEntry | null)[] = new Array<AddressEntry | null>(INITIAL).fill(null);
  #starts = new Int32Array(INITIAL);
  #lengths = new Float64Array(INITIAL);
  #slots = new Int32Array(INITIAL);
  #first = 0;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  #at(n: number): number {
    return (this.#first + n) & (this.#held.length - 1);
  }

  /** Appends; the caller's reference to `held` becomes the ring's. `slot` is -1 for an untracked message. */
  push(held: Held, start: number, length: number, entry: AddressEntry, slot: number): void {
    if (this.#size === this.#held.length) this.#grow();
    this.#put(this.#at(this.#size++), held, start, length, entry, slot);
  }

  #put(at: number, held: Held, start: number, length: number, entry: AddressEntry, slot: number): void {
    this.#held[at] = held;
    this.#entries[at] = entry;
    this.#starts[at] = start;
    this.#lengths[at] = length;
    this.#slots[at] = slot;
    this.bytes += length;
  }

  get held(): Held {
    return this.#held[this.#first] as Held;
  }

  get start(): number {
    return this.#starts[this.#first] as number;
  }

  get length(): number {
    return this.#lengths[this.#first] as number;
  }

  get entry(): AddressEntry {
    return this.#entries[this.#first] as AddressEntry;
  }

  get slot(): number {
    return this.#slots[this.#first] as number;
  }

  /** Takes the first one out; its reference is the caller's. */
  shift(): void {
    const at = this.#first;
    this.bytes -= this.#lengths[at] as number;
    this.#held[at] = null;
    this.#entries[at] = null;
    this.#first = this.#at(1);
    this.#size--;
  }

  #grow(): void {
    const { length } = this.#held;
    const order = Array.from({ length }, (_, n) => this.#at(n));
    const next = length * 2;
    const pad = new Array<null>(length).fill(null);
    this.#held = [...order.map((at) => this.#held[at] as Held), ...pad];
    this.#entries = [...order.map((at) => this.#entries[at] as AddressEntry), ...pad];
    const starts = new Int32Array(next);
    const lengths = new Float64Array(next);
    const slots = new Int32Array(next);
    order.forEach((at, n) => {
      starts[n] = this.#starts[at] as number;
      lengths[n] = this.#lengths[at] as number;
      slots[n] = this.#slots[at] as number;
    });
    this.#starts = starts;
    this.#lengths = lengths;
    this.#slots = slots;
    this.#first = 0;
  }
}

const INITIAL = 16;
