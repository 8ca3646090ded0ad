import { crc32c } from '../crc32c';
import { keyOf, queueOf, spaceOf } from '../queue-key';
import { SEAL_BYTES, whyDamaged } from '../sealed-record';
import { DELETE, HEAD_BYTES, LENGTH_BYTES, PUT } from '../write-log';

/** Told of a change: null when the record was deleted. */
export type ChangeTaker = (space: number, queue: number, key: number, record: Buffer | null) => void;

/**
 * Reads changes that stand in [start, end).
 * @param before check sum of the log before them
 * @returns that behind them; null when they are not what was written
 */
export function readChanges(
  bytes: Buffer,
  start: number,
  end: number,
  before: number,
  take: ChangeTaker,
): number | null {
  let check = before;
  let at = start;
  while (at + HEAD_BYTES <= end) {
    const kind = bytes[at];
    const [space, queue, key] = [spaceOf(bytes, at + 1), queueOf(bytes, at + 1), keyOf(bytes, at + 1)];
    const headEnd = at + HEAD_BYTES;
    if (kind === DELETE) {
      check = crc32c(bytes, at, headEnd, check);
      take(space, queue, key, null);
      at = headEnd;
      continue;
    }
    const recordAt = headEnd + LENGTH_BYTES;
    if (kind !== PUT || recordAt + SEAL_BYTES > end) return null;
    const next = recordAt + bytes.readUInt32BE(headEnd);
    if (next > end || next < recordAt + SEAL_BYTES) return null;
    const record = bytes.subarray(recordAt, next);
    if (whyDamaged(space, queue, key, record, record.length) !== null) return null;
    check = crc32c(bytes, at, recordAt + SEAL_BYTES, check);
    take(space, queue, key, record);
    at = next;
  }
  return at === end ? check : null;
}
