import { crc32 } from '../../common/crc32';
import { crc32c } from '../crc32c';

/**
 * A segment of the redo log is a file of a fixed length: a page with its head, then blocks, each from a boundary of a sector on. A block
 * is a head and changes as `write-log.ts` has them. What a block does not reach is whatever was there before: zeros, or blocks of an
 * earlier number. Numbers and sequences grow over all lives of a store.
 */
export const SEGMENT_HEAD_BYTES = 4_096;
export const BLOCK_HEAD_BYTES = 44;
/** Blocks begin at multiples of it. */
export const SECTOR_BYTES = 512;
const FORMAT = 2;

const SEGMENT_MAGIC = 0x464c5247;
const BLOCK_MAGIC = 0x464c5242;
const SEGMENT_FIELDS_BYTES = 40;

/** Says what a segment is. */
export interface SegmentHead {
  /** Of the store that it belongs to. */
  readonly id: number;
  /** Which segment it is now: the next one has the next number. */
  readonly number: number;
  /** Length of the file. */
  readonly bytes: number;
}

/** Says what a block is. */
export interface BlockHead {
  readonly id: number;
  /** Number of its segment. */
  readonly number: number;
  readonly sequence: number;
  /** Of its changes. */
  readonly bytes: number;
  /** Check sum of its changes. */
  readonly check: number;
  /** It is the last of its segment, and another segment follows. */
  readonly isLast: boolean;
}

export function writeSegmentHead(head: Buffer, { id, number, bytes }: SegmentHead): void {
  head.writeUInt32LE(SEGMENT_MAGIC, 0);
  head.writeUInt32LE(FORMAT, 8);
  head.writeUInt32LE(0, 12);
  head.writeDoubleLE(id, 16);
  head.writeDoubleLE(number, 24);
  head.writeDoubleLE(bytes, 32);
  head.writeInt32LE(crc32c(head, 8, SEGMENT_FIELDS_BYTES), 4);
}

/** Null when there is none, it is damaged, or of another format. */
export function readSegmentHead(bytes: Buffer): SegmentHead | null {
  if (bytes.length < SEGMENT_FIELDS_BYTES || bytes.readUInt32LE(0) !== SEGMENT_MAGIC) return null;
  if (bytes.readInt32LE(4) !== crc32c(bytes, 8, SEGMENT_FIELDS_BYTES)) return null;
  if (bytes.readUInt32LE(8) !== FORMAT) return null;
  return {
    id: bytes.readDoubleLE(16),
    number: bytes.readDoubleLE(24),
    bytes: bytes.readDoubleLE(32),
  };
}

export function writeBlockHead(head: Buffer, { id, number, sequence, bytes, check, isLast }: BlockHead): void {
  head.writeUInt32LE(BLOCK_MAGIC, 0);
  head.writeDoubleLE(id, 8);
  head.writeDoubleLE(number, 16);
  head.writeDoubleLE(sequence, 24);
  head.writeUInt32LE(bytes, 32);
  head.writeUInt32LE(check, 36);
  head.writeUInt32LE(isLast ? 1 : 0, 40);
  head.writeInt32LE(crc32c(head, 8, BLOCK_HEAD_BYTES), 4);
}

/** The head of a block which begins there; null when none does. */
export function readBlockHead(bytes: Buffer, at: number): BlockHead | null {
  if (at + BLOCK_HEAD_BYTES > bytes.length || bytes.readUInt32LE(at) !== BLOCK_MAGIC) return null;
  if (bytes.readInt32LE(at + 4) !== crc32c(bytes, at + 8, at + BLOCK_HEAD_BYTES)) return null;
  return {
    id: bytes.readDoubleLE(at + 8),
    number: bytes.readDoubleLE(at + 16),
    sequence: bytes.readDoubleLE(at + 24),
    bytes: bytes.readUInt32LE(at + 32),
    check: bytes.readUInt32LE(at + 36),
    isLast: bytes.readUInt32LE(at + 40) === 1,
  };
}

/**
 * Check sum of the changes of a block, whose bytes stand in parts. It is CRC-32, which Node itself computes at once for all of them; a
 * CRC-32C for each record, as LMDB's have one, would be a sixth of what a message costs in a queue.
 */
export function checkOf(parts: readonly Uint8Array[]): number {
  return parts.reduce((check, part) => crc32(part, check), 0);
}

/** Where the next block begins behind one that ends there. */
export function nextSector(at: number): number {
  return Math.ceil(at / SECTOR_BYTES) * SECTOR_BYTES;
}
