import type { WireReader } from '../common/wire';
import { WireError, WireWriter } from '../common/wire';
import { BUCKETS, PAGE_BYTES } from './limits';
import { bytesOf, readEntry, writeEntry, type TableEntry } from './table-entry';

/** Of the head of a page and of a delta: with so little there is no entry yet. */
const HEAD_BYTES_MAX = 8;

/** Kinds of control message between nodes: behind those of addresses. */
export const TABLE_CONTROL = {
  /** u53 number, entries that are new, to the end. */
  delta: 48,
  /** u32 for each bucket. */
  digest: 49,
  /** u8 bucket, text key: what is behind it. */
  ask: 50,
  /** u8 bucket, u8 1 where nothing follows, entries to the end. */
  page: 51,
  /** u53 number of the last delta that has come: behind those of sessions. */
  got: 54,
} as const;

export function writeDigest(digest: Uint32Array): Buffer {
  const writer = new WireWriter(BUCKETS * 4);
  for (const bucket of digest) writer.u32(bucket);
  return writer.take();
}

/** @throws WireError */
export function readDigest(reader: WireReader): Uint32Array {
  if (reader.remaining !== BUCKETS * 4) throw new WireError(`digest of ${reader.remaining} bytes`);
  return Uint32Array.from({ length: BUCKETS }, () => reader.u32());
}

export function writeAsk(bucket: number, after: string): Buffer {
  return new WireWriter(32).u8(bucket).text(after).take();
}

/** One page of a bucket. @param entries behind what was asked for */
export function writePage(bucket: number, entries: Iterable<TableEntry>): Buffer {
  const writer = new WireWriter(1_024).u8(bucket).u8(1);
  for (const entry of entries) {
    if (isFull(writer, entry)) {
      const page = writer.take();
      page[1] = 0;
      return page;
    }
    writeEntry(writer, entry);
  }
  return writer.take();
}

/** An entry that is larger than a page is one of its own. */
function isFull(writer: WireWriter, entry: TableEntry): boolean {
  return writer.length > HEAD_BYTES_MAX && writer.length + bytesOf(entry) > PAGE_BYTES;
}

/** Entries as messages, each of {@link PAGE_BYTES} at most, or of one entry. @param number of the next one, asked when it begins */
export function* writeDeltas(entries: Iterable<TableEntry>, number: () => number): IterableIterator<Buffer> {
  const writer = new WireWriter(1_024);
  for (const entry of entries) {
    if (isFull(writer, entry)) yield writer.take();
    if (writer.length === 0) writer.u53(number());
    writeEntry(writer, entry);
  }
  if (writer.length > 0) yield writer.take();
}

export function writeGot(number: number): Buffer {
  return new WireWriter(8).u53(number).take();
}

/** @throws WireError */
export function readEntries(reader: WireReader): TableEntry[] {
  const entries: TableEntry[] = [];
  while (reader.remaining > 0) entries.push(readEntry(reader));
  return entries;
}
