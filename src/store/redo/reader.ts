import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { seal } from '../sealed-record';
import { type ChangeTaker, readChanges } from './changes';
import {
  BLOCK_HEAD_BYTES,
  type BlockHead,
  checkOf,
  nextSector,
  readBlockHead,
  readSegmentHead,
  SECTOR_BYTES,
  SEGMENT_HEAD_BYTES,
  type SegmentHead,
} from './format';

const FILE = /^redo-\d+$/;

/** The files of a redo log in a folder. */
export function redoFilesIn(folder: string): string[] {
  return readdirSync(folder)
    .filter((name) => FILE.test(name))
    .sort();
}

/** What LMDB says of the redo log beside it. */
export interface RedoPosition {
  /** Whose redo log it is; 0 for none. */
  readonly id: number;
  /** Sequence of the last block that is in LMDB. */
  readonly applied: number;
  /** Number of the segment that is needed for what comes after. */
  readonly needed: number;
}

/** A file of a redo log, as it was read. */
export interface RedoFile {
  readonly name: string;
  readonly bytes: Buffer;
}

interface Segment extends RedoFile {
  readonly head: SegmentHead;
}

interface Block {
  readonly segment: Segment;
  readonly at: number;
  readonly head: BlockHead;
}

export function readRedoFiles(folder: string): RedoFile[] {
  return redoFilesIn(folder).flatMap((name) => readIfThere(join(folder, name)).map((bytes) => ({ name, bytes })));
}

/** A node that runs may remove it meanwhile. */
function readIfThere(path: string): Buffer[] {
  try {
    return [readFileSync(path)];
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

/** A redo log as it was read: its blocks that are not in LMDB, in order. */
export class RedoImage {
  readonly #blocks: Block[] = [];
  /** Number of the last segment that says that another one follows. */
  #closed = 0;
  /** What is wrong with it. What can be read is read nevertheless. */
  readonly damages: string[] = [];
  /** The greatest number of a segment, and the name of its file; null where there is none. */
  readonly newest: number;
  readonly newestFile: string | null;

  constructor(
    files: readonly RedoFile[],
    private readonly position: RedoPosition,
  ) {
    const { id, needed } = position;
    const heads = files.map((file) => ({ ...file, head: readSegmentHead(file.bytes) }));
    const own = heads.filter((file): file is Segment => file.head?.id === id && id !== 0);
    own.sort((a, b) => a.head.number - b.head.number);
    this.newest = own.at(-1)?.head.number ?? needed;
    this.newestFile = own.at(-1)?.name ?? null;
    const segments = own.filter(({ head }) => head.number >= needed);
    if (id !== 0 && segments[0]?.head.number !== needed)
      this.damages.push(`segment ${needed} of the redo log is missing`);
    for (const segment of segments) this.#read(segment);
    if (this.#closed > 0 && this.#closed === this.newest)
      this.damages.push(`the segment behind ${this.newestFile} is missing`);
    for (const { name, bytes, head } of heads) if (head === null) this.#lookInto(name, bytes);
  }

  /** Sequence of the last block. */
  get last(): number {
    return this.#blocks.at(-1)?.head.sequence ?? this.position.applied;
  }

  get isEmpty(): boolean {
    return this.#blocks.length === 0;
  }

  /** Tells the changes of all blocks, in order. Their records are sealed now. */
  visit(take: ChangeTaker): void {
    const sealed: ChangeTaker = (space, queue, key, record) => {
      if (record !== null) seal(space, queue, key, record, 0, record.length);
      take(space, queue, key, record);
    };
    for (const { segment, at, head } of this.#blocks) {
      const start = at + BLOCK_HEAD_BYTES;
      readChanges(segment.bytes, start, start + head.bytes, sealed);
    }
  }

  #read(segment: Segment): void {
    const { bytes, head, name } = segment;
    if (bytes.length < head.bytes) this.damages.push(`${name} has ${bytes.length} bytes where ${head.bytes} should be`);
    let at = SEGMENT_HEAD_BYTES;
    for (let block = blockAt(segment, at); block !== null; block = blockAt(segment, at)) {
      this.#take(block, at === SEGMENT_HEAD_BYTES);
      at = endOf(block);
    }
    // A write that was cut off has nothing behind it that was written later.
    let later = blockFrom(segment, at + SECTOR_BYTES);
    if (later !== null) this.damages.push(`a block of ${name} is damaged`);
    for (; later !== null; later = blockFrom(segment, endOf(later))) this.#take(later, false);
  }

  #take(block: Block, isFirst: boolean): void {
    const { sequence, isLast, number } = block.head;
    if (isLast) return void (this.#closed = number);
    if (sequence <= this.position.applied) return;
    // Of a write that failed it is not known whether it is there: the next segment begins with its sequence again.
    if (isFirst) while (this.#blocks.length > 0 && this.last >= sequence) this.#blocks.pop();
    if (sequence !== this.last + 1)
      this.damages.push(`block ${this.last + 1} of the redo log is missing, and what is there is block ${sequence}`);
    this.#blocks.push(block);
  }

  /** A file that is no segment may never have become one, or not be one any more. */
  #lookInto(name: string, bytes: Buffer): void {
    for (let at = SEGMENT_HEAD_BYTES; at < bytes.length; at += SECTOR_BYTES) {
      const head = readBlockHead(bytes, at);
      if (head?.id === this.position.id && head.number >= this.position.needed && head.sequence > this.last)
        return void this.damages.push(`the head of ${name} is damaged`);
    }
  }
}

/** The block that begins there, if all of it is there. */
function blockAt(segment: Segment, at: number): Block | null {
  const { bytes, head: of } = segment;
  const head = readBlockHead(bytes, at);
  if (head?.id !== of.id || head.number !== of.number) return null;
  const start = at + BLOCK_HEAD_BYTES;
  const end = start + head.bytes;
  if (end > bytes.length) return null;
  const isWhole = checkOf([bytes.subarray(start, end)]) === head.check;
  return isWhole && readChanges(bytes, start, end, () => undefined) ? { segment, at, head } : null;
}

/** The first whole block from there on. */
function blockFrom(segment: Segment, from: number): Block | null {
  for (let at = from; at < segment.bytes.length; at += SECTOR_BYTES) {
    const block = blockAt(segment, at);
    if (block !== null) return block;
  }
  return null;
}

function endOf({ at, head }: Block): number {
  return nextSector(at + BLOCK_HEAD_BYTES + head.bytes);
}
