import { crc32c } from './crc32c';
import { CHUNK_BYTES, CHUNKS_KEPT } from './limits';
import { KEY_BYTES, keyOf, queueOf, spaceOf, writeKey } from './queue-key';
import { SEAL_BYTES } from './sealed-record';

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

/** Takes what the log holds, in order. */
export interface LogWriter {
  /** The record stands in [arena.start, arena.end). */
  put(space: number, queue: number, key: number, arena: Arena): void;
  delete(space: number, queue: number, key: number): void;
}

const PUT = 1;
const DELETE = 2;
/** Kind, key. */
const HEAD_BYTES = 1 + KEY_BYTES;
/** Bytes of the record. */
const LENGTH_BYTES = 4;

export function arenaOf(bytes: number): Arena {
  const buffer = Buffer.allocUnsafeSlow(bytes);
  return Object.assign(buffer, { start: 0, end: bytes, view: new DataView(buffer.buffer) });
}

/** Changes in the order in which they came, sealed records ready to be written. Positions are bytes since it was made. */
export class WriteLog {
  readonly #chunks: Chunk[] = [{ arena: arenaOf(CHUNK_BYTES), base: 0, used: 0 }];
  readonly #free: Arena[] = [];
  #head = 0;

  /** Position behind the last change. */
  get end(): number {
    const last = this.#last;
    return last.base + last.used;
  }

  put(space: number, queue: number, key: number, value: Buffer): void {
    const length = SEAL_BYTES + value.length;
    const { arena, at } = this.#append(PUT, HEAD_BYTES + LENGTH_BYTES + length, space, queue, key);
    const start = at + HEAD_BYTES + LENGTH_BYTES;
    arena.set(value, start + SEAL_BYTES);
    const seal = crc32c(value, 0, value.length, crc32c(arena, at + 1, at + HEAD_BYTES));
    arena.view.setUint32(at + HEAD_BYTES, length);
    arena.view.setInt32(start, seal, true);
  }

  delete(space: number, queue: number, key: number): void {
    this.#append(DELETE, HEAD_BYTES, space, queue, key);
  }

  /** Hands over what was appended before position `to` and is not released. */
  writeTo(writer: LogWriter, to: number): void {
    for (const { arena, base, used } of this.#chunks) {
      const end = Math.min(used, to - base);
      for (let at = Math.max(this.#head - base, 0); at < end;) at = write(writer, arena, at);
    }
  }

  /** Forgets what was appended before a position. */
  release(to: number): void {
    this.#head = to;
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
function write(writer: LogWriter, arena: Arena, at: number): number {
  const space = spaceOf(arena, at + 1);
  const queue = queueOf(arena, at + 1);
  const key = keyOf(arena, at + 1);
  if (arena[at] === DELETE) {
    writer.delete(space, queue, key);
    return at + HEAD_BYTES;
  }
  arena.start = at + HEAD_BYTES + LENGTH_BYTES;
  arena.end = arena.start + arena.view.getUint32(at + HEAD_BYTES);
  writer.put(space, queue, key, arena);
  return arena.end;
}
