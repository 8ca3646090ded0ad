import { statfsSync } from 'node:fs';
import { join } from 'node:path';
import {
  REDO_PART,
  REDO_SEGMENT_BYTES_FIRST,
  REDO_SEGMENT_BYTES_MAX,
  REDO_SEGMENT_BYTES_MIN,
  REDO_SEGMENTS,
} from '../limits';
import { syncPath } from '../queue-environment';
import {
  BLOCK_HEAD_BYTES,
  type BlockHead,
  checkOf,
  nextSector,
  SECTOR_BYTES,
  SEGMENT_HEAD_BYTES,
  writeBlockHead,
} from './format';
import { redoFilesIn } from './reader';
import { SegmentFile } from './segment-file';

/** Where a log goes on. */
export interface RedoStart {
  readonly id: number;
  /** Sequence of the last block. */
  readonly sequence: number;
  /** The greatest number that a segment has. */
  readonly newest: number;
  /** Name of its file, which is not used again before {@link RedoLog.release}; null for none. */
  readonly kept: string | null;
}

interface FullSegment {
  readonly file: SegmentFile;
  /** Sequence of its last block. */
  readonly last: number;
}

interface Waiter {
  readonly ready: () => void;
  readonly failed: (error: unknown) => void;
}

/**
 * The redo log of a store, as it is written: blocks go to the live segment one by one, and each is on the disk when it is done. A segment
 * all of whose blocks are in LMDB is used again, under a new number.
 */
export class RedoLog {
  readonly #id: number;
  #files: SegmentFile[] = [];
  #full: FullSegment[] = [];
  #live: SegmentFile;
  /** Ready to be the live one. */
  #spare: SegmentFile | null = null;
  #number: number;
  #sequence: number;
  /** Where the next block begins. */
  #at = SEGMENT_HEAD_BYTES;
  readonly #head = Buffer.alloc(BLOCK_HEAD_BYTES);
  #bytes: number;
  readonly #bytesMax: number;
  #preparing: Promise<void> | null = null;
  #waiter: Waiter | null = null;
  #isBroken = false;
  /** There is no room on the disk: none is taken for more files. */
  isHeld = false;

  constructor(
    private readonly folder: string,
    { id, sequence, newest, kept }: RedoStart,
  ) {
    [this.#id, this.#sequence, this.#number] = [id, sequence, newest];
    this.#bytesMax = segmentBytesMax(folder);
    this.#bytes = Math.min(REDO_SEGMENT_BYTES_FIRST, this.#bytesMax);
    this.#files = redoFilesIn(folder).map((name) => new SegmentFile(join(folder, name)));
    const last = this.#files.find(({ path }) => kept !== null && path === join(folder, kept));
    if (last) {
      last.number = newest;
      this.#full.push({ file: last, last: sequence });
    }
    this.#live = this.#unused() ?? this.#made();
    this.#live.prepareNow(id, ++this.#number, this.#bytes);
    syncPath(folder);
  }

  /** Sequence of the last block. */
  get sequence(): number {
    return this.#sequence;
  }

  /** A write has failed: nothing can be appended before {@link restart}. */
  get isBroken(): boolean {
    return this.#isBroken;
  }

  /** Bytes of changes for which a block of the live segment has room, and the last block, which has none, behind it. */
  get room(): number {
    return this.#live.bytes - this.#at - BLOCK_HEAD_BYTES - SECTOR_BYTES;
  }

  /** And those for which any segment ever has. */
  get roomMax(): number {
    return this.#bytesMax - SEGMENT_HEAD_BYTES - BLOCK_HEAD_BYTES - SECTOR_BYTES;
  }

  /** No segment can be the next one before LMDB has what is in the others. */
  get isUsedUp(): boolean {
    return this.#spare === null && this.#preparing === null && !this.#unused() && !this.#mayMake;
  }

  /** Number of the segment that is needed for what comes after a block. */
  neededAfter(sequence: number): number {
    return this.#full.find(({ last }) => last > sequence)?.file.number ?? this.#live.number;
  }

  /**
   * Writes a block of changes, for which there is room; one at a time. Resolves with its sequence when it is on the disk.
   * @param bytes of all parts
   */
  async append(parts: readonly Buffer[], bytes: number): Promise<number> {
    const sequence = this.#sequence + 1;
    await this.#write(parts, { sequence, bytes, check: checkOf(parts), isLast: false });
    if (this.#at > this.#live.bytes / 2) this.#prepare();
    return (this.#sequence = sequence);
  }

  async #write(parts: readonly Buffer[], block: Omit<BlockHead, 'id' | 'number'>): Promise<void> {
    const length = BLOCK_HEAD_BYTES + block.bytes;
    writeBlockHead(this.#head, { id: this.#id, number: this.#live.number, ...block });
    try {
      await this.#live.write([this.#head, ...parts], length, this.#at);
    } catch (error) {
      this.#isBroken = true;
      throw error;
    }
    this.#at = nextSector(this.#at + length);
  }

  /** What LMDB has up to a sequence is in no block. */
  skipTo(sequence: number): void {
    this.#sequence = Math.max(this.#sequence, sequence);
  }

  /** Goes on with the next segment, once there is one: for that, what full ones have may have to go to LMDB. */
  async rotate(): Promise<void> {
    this.#bytes = Math.min(2 * this.#bytes, this.#bytesMax);
    await this.#next();
  }

  /** LMDB needs no segment before that number, and says so on the disk. */
  release(needed: number): void {
    for (const { file } of this.#full) if (file.number < needed) file.number = 0;
    this.#full = this.#full.filter(({ file }) => file.number !== 0);
    if (this.#waiter) this.#prepare();
  }

  /** Whoever waits for the next segment waits in vain. */
  interrupt(error: unknown): void {
    this.#waiter?.failed(error);
    this.#waiter = null;
  }

  /** After a failure: goes on in another segment, so that it is certain what the log ends with before. */
  async restart(): Promise<void> {
    await this.#next();
    this.#isBroken = false;
    await this.append([], 0);
  }

  /** There is no room on the disk: gives that of files back that it can do without. */
  async giveRoom(): Promise<void> {
    await this.#preparing;
    const unused = this.#files.filter(({ number }) => number === 0);
    this.#files = this.#files.filter(({ number }) => number !== 0);
    for (const file of unused) await file.remove();
  }

  async close(): Promise<void> {
    this.interrupt(new Error('it is closed'));
    await this.#preparing;
    for (const file of this.#files) await file.close();
  }

  async #next(): Promise<void> {
    while (this.#spare === null) {
      const spare = new Promise<void>((ready, failed) => (this.#waiter = { ready, failed }));
      this.#prepare();
      await spare;
    }
    // So that it is noticed when the next segment is lost. It has no changes, and no sequence of its own.
    if (!this.#isBroken)
      await this.#write([], { sequence: this.#sequence, bytes: 0, check: checkOf([]), isLast: true });
    this.#full.push({ file: this.#live, last: this.#sequence });
    [this.#live, this.#spare, this.#at] = [this.#spare, null, SEGMENT_HEAD_BYTES];
  }

  /** Prepares the next segment, if there may be one. */
  #prepare(): void {
    if (this.#spare !== null || this.#preparing !== null) return;
    const file = this.#unused() ?? (this.#mayMake ? this.#made() : null);
    if (file === null) return;
    this.#preparing = file.prepare(this.#id, ++this.#number, this.#bytes).then(
      () => {
        this.#preparing = null;
        this.#spare = file;
        this.#waiter?.ready();
        this.#waiter = null;
      },
      async (error: unknown) => {
        await this.#lose(file);
        this.#preparing = null;
        this.interrupt(error);
      },
    );
  }

  /** A file that cannot be written to is worth nothing. */
  async #lose(file: SegmentFile): Promise<void> {
    this.#files = this.#files.filter((other) => other !== file);
    try {
      await file.remove();
    } catch {
      // What it is becomes clear when the next one is made.
    }
  }

  get #mayMake(): boolean {
    return !this.isHeld && this.#files.length < REDO_SEGMENTS;
  }

  #unused(): SegmentFile | undefined {
    return this.#files.find(({ number }) => number === 0);
  }

  /** The first name that no file has. */
  #made(): SegmentFile {
    const paths = new Set(this.#files.map(({ path }) => path));
    let n = 0;
    while (paths.has(join(this.folder, `redo-${n}`))) n++;
    const file = new SegmentFile(join(this.folder, `redo-${n}`));
    this.#files.push(file);
    return file;
  }
}

/** A small volume has room for small segments. */
function segmentBytesMax(folder: string): number {
  try {
    const { blocks, bsize } = statfsSync(folder);
    const part = Math.floor((blocks * bsize) / REDO_PART / SEGMENT_HEAD_BYTES) * SEGMENT_HEAD_BYTES;
    if (part > 0) return Math.max(REDO_SEGMENT_BYTES_MIN, Math.min(part, REDO_SEGMENT_BYTES_MAX));
  } catch {
    // It does not say: nor does it say that it is small.
  }
  return REDO_SEGMENT_BYTES_MAX;
}
