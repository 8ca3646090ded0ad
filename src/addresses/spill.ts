import type { Journal } from '../common/ports';
import type { SpoolFile, SpoolPort } from '../streams/reassembly';
import {
  LANE_HIGH_BYTES,
  LANE_SHORT_BYTES,
  LANES_BYTES_MAX,
  SPILL_BLOCK_BYTES,
  SPILL_BYTES_MAX,
  SPILL_FILE_BYTES,
  SPILL_LANE_BYTES,
} from './limits';

/** What all lanes of a node share: memory, and what they may have on disk together. */
export class LaneBudget {
  /** Bytes that wait in memory, in all lanes. */
  memory = 0;
  /** Bytes on disk. */
  used = 0;

  constructor(
    readonly spool: SpoolPort,
    readonly journal: Journal,
    readonly capacity = SPILL_BYTES_MAX,
    private readonly memoryMax = LANES_BYTES_MAX,
  ) {}

  /** Waiting bytes of one lane that are too much: less while all of them together are. */
  get laneBytesMax(): number {
    return this.memory > this.memoryMax ? LANE_SHORT_BYTES : LANE_HIGH_BYTES;
  }
}

/** A file of several blocks, gone with the last of them. */
class SpillFile {
  #blocks = 0;
  #length = 0;
  #closed = false;

  constructor(private readonly file: SpoolFile) {}

  get full(): boolean {
    return this.#closed || this.#length >= SPILL_FILE_BYTES;
  }

  /** @returns where the bytes begin */
  append(bytes: Buffer): number {
    const at = this.#length;
    this.file.append(bytes);
    this.#length += bytes.length;
    this.#blocks++;
    return at;
  }

  read(offset: number, target: Buffer): void {
    this.file.read(offset, target);
  }

  release(): void {
    if (--this.#blocks > 0) return;
    this.#closed = true;
    this.file.close();
  }
}

/** Messages written together: in memory while they are gathered and while they are given out, on disk between. */
export class SpillBlock {
  #messages = 0;
  #length = 0;
  #bytes: Buffer | null;
  #file: SpillFile | null = null;
  #at = 0;

  constructor(
    private readonly budget: LaneBudget,
    capacity: number,
  ) {
    this.#bytes = Buffer.allocUnsafeSlow(capacity);
  }

  fits(length: number): boolean {
    return this.#bytes !== null && this.#length + length <= this.#bytes.length;
  }

  /** @returns where the message begins */
  append(bytes: Buffer, start: number, end: number): number {
    const at = this.#length;
    bytes.copy(this.#bytes as Buffer, at, start, end);
    this.#length += end - start;
    this.#messages++;
    this.budget.used += end - start;
    return at;
  }

  /** Moves what was gathered to the disk. */
  store(file: SpillFile): void {
    if (this.#messages === 0) return;
    this.#at = file.append((this.#bytes as Buffer).subarray(0, this.#length));
    this.#file = file;
    this.#bytes = null;
  }

  /** The block's bytes, read back when they are on disk. */
  get bytes(): Buffer {
    if (this.#bytes !== null) return this.#bytes;
    this.#bytes = Buffer.allocUnsafeSlow(this.#length);
    this.#file?.read(this.#at, this.#bytes);
    return this.#bytes;
  }

  /** One of its messages has been given out or dropped. */
  release(): void {
    if (--this.#messages > 0) return;
    this.budget.used -= this.#length;
    this.#length = 0;
    this.#file?.release();
    this.#file = null;
  }
}

/** What waits in one lane past its memory bound: on disk, in blocks, up to a bound of its own. */
export class Spill {
  /** Bytes of the lane's messages that are in blocks. */
  bytes = 0;
  /** Where the message last put begins in its block. */
  at = 0;
  #gathering: SpillBlock | null = null;
  #file: SpillFile | null = null;
  #failed = false;

  constructor(private readonly budget: LaneBudget) {}

  /** False when no more fits, or the disk has failed: then the lane is at its bound. */
  hasRoom(length: number): boolean {
    const { used, capacity } = this.budget;
    return !this.#failed && this.bytes + length <= SPILL_LANE_BYTES && used + length <= capacity;
  }

  /** @returns the block that the message is in, from `at` on; held once for it */
  put(bytes: Buffer, start: number, end: number): SpillBlock {
    const length = end - start;
    let block = this.#gathering;
    if (block === null || !block.fits(length)) {
      if (block !== null) this.#store(block);
      block = new SpillBlock(this.budget, Math.max(SPILL_BLOCK_BYTES, length));
      this.#gathering = block;
    }
    this.at = block.append(bytes, start, end);
    this.bytes += length;
    return block;
  }

  /** A block that cannot be written stays in memory, and nothing is added any more. */
  #store(block: SpillBlock): void {
    try {
      if (this.#file === null || this.#file.full) this.#file = new SpillFile(this.budget.spool.create());
      block.store(this.#file);
    } catch (error) {
      this.#failed = true;
      this.budget.journal.warn('spill-failed', { error: error instanceof Error ? error.message : String(error) });
    }
  }
}
