import type { Chunk } from '../common/chunk';
import type { Holding } from './holding';
import { COMPACT_BYTES, COMPACT_CHUNKS } from './limits';

const INITIAL = 64;
const NONE = -1;

/** A chunk that messages are kept in: held once for all of them, which are a list. */
class KeptChunk {
  bytes = 0;
  /** Slot of its first message. */
  first = NONE;

  constructor(
    readonly chunk: Chunk,
    /** Its place among all of them. */
    public at: number,
  ) {}
}

/**
 * The bytes of messages whose outcome is not known yet, by slot. They lie in the batches that they left with: a few that wait for
 * long hold all of their batch, until they are copied because memory is short.
 */
export class KeptMessages {
  readonly #of: (KeptChunk | null)[] = [];
  readonly #byChunk = new Map<Chunk, KeptChunk>();
  readonly #all: KeptChunk[] = [];
  /** Where the last message went: most follow each other into one batch. */
  #last: KeptChunk | null = null;
  /** Those before it are looked at next. */
  #cursor = 0;
  #starts = new Int32Array(INITIAL);
  #lengths = new Int32Array(INITIAL);
  #next = new Int32Array(INITIAL);
  #previous = new Int32Array(INITIAL);

  /** A slot begins to be used. */
  open(slot: number): void {
    this.#of[slot] = null;
    if (slot >= this.#starts.length) this.#grow();
  }

  /** Keeps the bytes; what they lie in is retained. */
  keep(slot: number, chunk: Chunk, start: number, length: number): void {
    const kept = this.#last?.chunk === chunk ? this.#last : this.#find(chunk);
    this.#of[slot] = kept;
    this.#starts[slot] = start;
    this.#lengths[slot] = length;
    const { first } = kept;
    this.#next[slot] = first;
    this.#previous[slot] = NONE;
    if (first !== NONE) this.#previous[first] = slot;
    kept.first = slot;
    kept.bytes += length;
  }

  #find(chunk: Chunk): KeptChunk {
    let kept = this.#byChunk.get(chunk);
    if (kept === undefined) {
      kept = new KeptChunk(chunk.retain(), this.#all.length);
      this.#byChunk.set(chunk, kept);
      this.#all.push(kept);
    }
    this.#last = kept;
    return kept;
  }

  /** What a message is kept in, null for nothing. */
  chunk(slot: number): Chunk | null {
    return this.#of[slot]?.chunk ?? null;
  }

  start(slot: number): number {
    return this.#starts[slot] as number;
  }

  length(slot: number): number {
    return this.#lengths[slot] as number;
  }

  /** Keeps it no longer. */
  drop(slot: number): void {
    const kept = this.#of[slot] ?? null;
    if (kept === null) return;
    this.#of[slot] = null;
    const next = this.#next[slot] as number;
    const previous = this.#previous[slot] as number;
    if (next !== NONE) this.#previous[next] = previous;
    if (previous !== NONE) this.#next[previous] = next;
    else kept.first = next;
    kept.bytes -= this.#lengths[slot] as number;
    if (kept.first === NONE) this.#release(kept);
  }

  #release(kept: KeptChunk): void {
    const { chunk, at } = kept;
    const last = this.#all.pop() as KeptChunk;
    if (last !== kept) {
      this.#all[at] = last;
      last.at = at;
    }
    if (this.#last === kept) this.#last = null;
    this.#byChunk.delete(chunk);
    chunk.release();
  }

  /** Copies what alone holds far more than itself, as far as the bounds of one call go: the next one goes on from there. */
  compact(holding: Holding): void {
    let copied = 0;
    const chunks = Math.min(COMPACT_CHUNKS, this.#all.length);
    for (let n = 0; n < chunks && copied < COMPACT_BYTES; n++) {
      if (this.#cursor === 0 || this.#cursor > this.#all.length) this.#cursor = this.#all.length;
      const kept = this.#all[--this.#cursor] as KeptChunk;
      if (kept.chunk.refs > 1 || !kept.chunk.dwarfs(kept.bytes)) continue;
      copied += kept.bytes;
      this.#move(kept, holding);
    }
  }

  #move(kept: KeptChunk, holding: Holding): void {
    const { chunk } = kept;
    for (let slot = kept.first, next; slot !== NONE; slot = next) {
      next = this.#next[slot] as number;
      const start = this.start(slot);
      const length = this.length(slot);
      const copy = holding.hold(chunk.bytes, start, start + length);
      this.keep(slot, copy, holding.at, length);
      copy.release();
    }
    this.#release(kept);
  }

  #grow(): void {
    const length = this.#starts.length * 2;
    const grow = (from: Int32Array<ArrayBuffer>): Int32Array<ArrayBuffer> => {
      const to = new Int32Array(length);
      to.set(from);
      return to;
    };
    this.#starts = grow(this.#starts);
    this.#lengths = grow(this.#lengths);
    this.#next = grow(this.#next);
    this.#previous = grow(this.#previous);
  }
}
