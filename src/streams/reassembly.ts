import type { Chunk, ChunkPool } from '../common/chunk';
import type { LargeBody } from './contract';
import { LARGE_MEMORY_BYTES, SEGMENT_BYTES } from './limits';

/** Where the bytes of large messages go past the memory bound. */
export interface SpoolPort {
  /** A new temporary file, removed when closed. */
  create(): SpoolFile;
}

export interface SpoolFile {
  append(bytes: Buffer): void;
  read(offset: number, target: Buffer): number;
  close(): void;
}

/** Where large messages are put together: memory that a pool counts, files past it. */
export interface LargeStorage {
  readonly spool: SpoolPort;
  readonly pool: ChunkPool;
  /** The disk did not take a message; told once for each. */
  readonly failed: (why: Error) => void;
}

/** While less than this share of the pool is free, large messages go to disk from their first segment on. */
const POOL_SHORT_SHARE = 4;

/**
 * Puts a large message together from its segments: in memory up to 1 MiB, in a spool file past that or when the pool is short.
 * A message is given on only when it is whole, so that no consumer ever sees half of one whose origin died.
 */
export class LargeAssembler {
  #parts: Chunk[] = [];
  #file: SpoolFile | null = null;
  #length = 0;
  #failed = false;

  constructor(private readonly storage: LargeStorage) {}

  get length(): number {
    return this.#length;
  }

  append(payload: Buffer, start: number, end: number): void {
    this.#length += end - start;
    if (this.#failed) return;
    const { pool } = this.storage;
    const short = pool.free < pool.capacity / POOL_SHORT_SHARE;
    if (this.#file === null && !short && this.#length <= LARGE_MEMORY_BYTES) {
      this.#parts.push(pool.adopt(Buffer.from(payload.subarray(start, end))));
      return;
    }
    try {
      this.#spool(payload.subarray(start, end));
    } catch (error) {
      this.#failed = true;
      this.abort();
      this.storage.failed(error as Error);
    }
  }

  #spool(bytes: Buffer): void {
    this.#file ??= this.storage.spool.create();
    for (const part of this.#parts) this.#file.append(part.bytes);
    this.#forgetParts();
    this.#file.append(bytes);
  }

  #forgetParts(): void {
    for (const part of this.#parts) part.release();
    this.#parts = [];
  }

  /** The whole message, held once by the caller; null when the disk did not take it. */
  finish(): LargeBody | null {
    if (this.#failed) return null;
    if (this.#file !== null) return new SpooledBody(this.#file, this.#length);
    const whole = Buffer.concat(
      this.#parts.map(({ bytes }) => bytes),
      this.#length,
    );
    this.#forgetParts();
    return new MemoryBody(this.storage.pool.adopt(whole));
  }

  abort(): void {
    this.#file?.close();
    this.#file = null;
    this.#forgetParts();
  }
}

/** A large message that still fits in memory; its pool is charged until the last holder has let go. */
class MemoryBody implements LargeBody {
  constructor(private readonly chunk: Chunk) {}

  get length(): number {
    return this.chunk.length;
  }

  read(offset: number, target: Buffer): number {
    return this.chunk.bytes.copy(target, 0, offset, offset + target.length);
  }

  retain(): void {
    this.chunk.retain();
  }

  release(): void {
    this.chunk.release();
  }
}

/** A large message in a file that goes with its last holder. */
class SpooledBody implements LargeBody {
  #refs = 1;

  constructor(
    private readonly file: SpoolFile,
    readonly length: number,
  ) {}

  read(offset: number, target: Buffer): number {
    return this.file.read(offset, target);
  }

  retain(): void {
    this.#refs++;
  }

  release(): void {
    if (--this.#refs === 0) this.file.close();
  }
}

/** How a segment's payload begins: u32 large id (per origin stream), u8 part. */
export const SEGMENT_PART = { middle: 0, first: 1, last: 2, abort: 4 } as const;
export const SEGMENT_HEAD_BYTES = 5;

/** Reusable buffer in which a segment's head and bytes are laid side by side for the batch. */
export class SegmentWriter {
  readonly buffer = Buffer.allocUnsafeSlow(SEGMENT_HEAD_BYTES + SEGMENT_BYTES);

  /** @returns end of the segment in `buffer` */
  write(id: number, part: number, payload: Buffer, start: number, end: number): number {
    this.buffer.writeUInt32BE(id, 0);
    this.buffer[4] = part;
    payload.copy(this.buffer, SEGMENT_HEAD_BYTES, start, end);
    return SEGMENT_HEAD_BYTES + (end - start);
  }
}
