import { CHUNK_BYTES, CHUNKS_KEPT } from './limits';
import { KEY_BYTES, keyOf, queueOf, spaceOf, writeKey } from './queue-key';
import { seal, SEAL_BYTES } from './sealed-record';

/** A buffer of whose bytes LMDB's binding writes those in [start, end): records are written without an object of their own. */
export interface Arena extends Buffer {
  start: number;
  end: number;
  readonly view: DataView;
}

interface Chunk {
  readonly arena: Arena;
  /** Position of its first byte in the log. */
  base: number;
  used: number;
}

/** Is told the changes that the log holds, in order. */
export interface LogVisitor {
  /** @param position where the change begins: {@link WriteLog.record} */
  put(space: number, queue: number, key: number, position: number): void;
  delete(space: number, queue: number, key: number): void;
}

/** Kinds of changes. */
export const PUT = 1;
export const DELETE = 2;
/** Kind, key. */
export const HEAD_BYTES = 1 + KEY_BYTES;
/** Bytes of the record. */
export const LENGTH_BYTES = 4;

export function arenaOf(bytes: number): Arena {
  const buffer = Buffer.allocUnsafeSlow(bytes);
  return Object.assign(buffer, { start: 0, end: bytes, view: new DataView(buffer.buffer) });
}

/** Changes in the order in which they came, records with room for their seals. Positions are bytes since it was made. */
export class WriteLog {
  readonly #chunks: Chunk[] = [{ arena: arenaOf(CHUNK_BYTES), base: 0, used: 0 }];
  readonly #free: Arena[] = [];

  /** Position behind the last change. */
  get end(): number {
    const last = this.#last;
    return last.base + last.used;
  }

  put(space: number, queue: number, key: number, value: Buffer): void {
    const length = SEAL_BYTES + value.length;
    const { arena, at } = this.#append(PUT, HEAD_BYTES + LENGTH_BYTES + length, space, queue, key);
    const start = at + HEAD_BYTES + LENGTH_BYTES;
    arena.view.setUint32(at + HEAD_BYTES, length);
    arena.view.setInt32(start, 0);
    arena.set(value, start + SEAL_BYTES);
  }

  delete(space: number, queue: number, key: number): void {
    this.#append(DELETE, HEAD_BYTES, space, queue, key);
  }

  /** Tells the changes in [from, to). */
  visit(from: number, to: number, visitor: LogVisitor): void {
    for (let n = this.#indexOf(from); n < this.#chunks.length; n++) {
      const { arena, base, used } = this.#chunks[n]!;
      const end = Math.min(used, to - base);
      for (let at = Math.max(from - base, 0); at < end;) at = tell(visitor, arena, base, at);
    }
  }

  /** The bytes in [from, to), as they stand. */
  bytes(from: number, to: number): Buffer[] {
    const parts: Buffer[] = [];
    for (let n = this.#indexOf(from); n < this.#chunks.length; n++) {
      const { arena, base, used } = this.#chunks[n]!;
      const [start, end] = [Math.max(from - base, 0), Math.min(used, to - base)];
      if (start < end) parts.push(arena.subarray(start, end));
    }
    return parts;
  }

  /** The arena in which the record that was put at a position stands in [start, end), until the next call. */
  record(position: number): Arena {
    const { arena, base } = this.#chunks[this.#indexOf(position)]!;
    const at = position - base + HEAD_BYTES;
    arena.start = at + LENGTH_BYTES;
    arena.end = arena.start + arena.view.getUint32(at);
    return arena;
  }

  /** The same with its seal, of a record that is not on its way to the disk. */
  sealed(position: number, space: number, queue: number, key: number): Arena {
    const arena = this.record(position);
    seal(space, queue, key, arena, arena.start, arena.end);
    return arena;
  }

  /** Forgets what was appended before a position. */
  release(to: number): void {
    while (this.#chunks.length > 1 && this.#chunks[0]!.base + this.#chunks[0]!.used <= to) {
      const { arena } = this.#chunks.shift()!;
      if (arena.length === CHUNK_BYTES && this.#free.length < CHUNKS_KEPT) this.#free.push(arena);
    }
    if (this.end === to) this.#restart(to);
  }

  /** All is released: begins at the start of its chunk again. One that was made for a long value is not kept. */
  #restart(at: number): void {
    const last = this.#last;
    if (last.arena.length === CHUNK_BYTES) [last.base, last.used] = [at, 0];
    else this.#chunks[this.#chunks.length - 1] = { arena: this.#free.pop() ?? arenaOf(CHUNK_BYTES), base: at, used: 0 };
  }

  /** Which chunk has a position; that of the end is in the last one. */
  #indexOf(position: number): number {
    let [low, high] = [0, this.#chunks.length - 1];
    while (low < high) {
      const middle = (low + high + 1) >>> 1;
      if (this.#chunks[middle]!.base <= position) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  get #last(): Chunk {
    return this.#chunks[this.#chunks.length - 1]!;
  }

  #append(kind: number, bytes: number, space: number, queue: number, key: number): { arena: Arena; at: number } {
    if (this.#last.used + bytes > this.#last.arena.length) this.#grow(bytes);
    const last = this.#last;
    const { arena, used: at } = last;
    last.used += bytes;
    arena[at] = kind;
    writeKey(arena.view, at + 1, space, queue, key);
    return { arena, at };
  }

  #grow(bytes: number): void {
    const base = this.end;
    const arena = bytes > CHUNK_BYTES ? arenaOf(bytes) : (this.#free.pop() ?? arenaOf(CHUNK_BYTES));
    if (this.#last.used === 0) this.#chunks.pop();
    this.#chunks.push({ arena, base, used: 0 });
  }
}

/** @returns where the next change begins */
function tell(visitor: LogVisitor, arena: Arena, base: number, at: number): number {
  const space = spaceOf(arena, at + 1);
  const queue = queueOf(arena, at + 1);
  const key = keyOf(arena, at + 1);
  if (arena[at] === DELETE) {
    visitor.delete(space, queue, key);
    return at + HEAD_BYTES;
  }
  visitor.put(space, queue, key, base + at);
  return at + HEAD_BYTES + LENGTH_BYTES + arena.view.getUint32(at + HEAD_BYTES);
}
