import type { Chunk, ChunkPool } from '../common/chunk';
import { copyBytes } from '../common/copy';

/** What one turn holds together at most. */
const STAGE_BYTES = 64 * 1024;
/** A longer message has a chunk of its own. */
const TOGETHER_BYTES_MAX = 8 * 1024;

/**
 * Copies of messages of this node's publishers that have to wait for consumers here and are in no batch: those of one turn lie in
 * one chunk, which has its exact size from the end of the turn on. Charged to the pool of what publishers have sent.
 */
export class Holding {
  /** Where the message last held begins in its chunk. */
  at = 0;
  #chunk: Chunk | null = null;
  readonly #staging = Buffer.allocUnsafeSlow(STAGE_BYTES);

  constructor(
    private readonly pool: ChunkPool,
    /** `flush` is called when the turn ends. */
    private readonly scheduleFlush: () => void,
  ) {}

  /** @returns what the copy lies in, from `at` on; the reference is the caller's */
  hold(bytes: Buffer, start: number, end: number): Chunk {
    const length = end - start;
    if (length > TOGETHER_BYTES_MAX) {
      const own = Buffer.allocUnsafeSlow(length);
      bytes.copy(own, 0, start, end);
      this.at = 0;
      return this.pool.adopt(own);
    }
    if (this.#chunk !== null && this.#chunk.length + length > STAGE_BYTES) this.flush();
    const chunk = (this.#chunk ??= this.#open());
    const { length: at } = chunk;
    copyBytes(bytes, start, end, this.#staging, at);
    chunk.fill(at + length);
    this.at = at;
    return chunk.retain();
  }

  #open(): Chunk {
    this.scheduleFlush();
    return this.pool.stage(this.#staging);
  }

  /** The turn ends: what still waits gets bytes of its own. */
  flush(): void {
    const chunk = this.#chunk;
    if (chunk === null) return;
    this.#chunk = null;
    if (chunk.refs > 1) {
      const exact = Buffer.allocUnsafeSlow(chunk.length);
      this.#staging.copy(exact, 0, 0, chunk.length);
      chunk.moveTo(exact);
    }
    chunk.release();
  }
}
