import { keyOf, queueOf, spaceOf } from '../queue-key';
import { SEAL_BYTES } from '../sealed-record';
import { DELETE, HEAD_BYTES, LENGTH_BYTES, PUT } from '../write-log';

/** Told of a change: null when the record was deleted. It is as the log has it, with room for a seal. */
export type ChangeTaker = (space: number, queue: number, key: number, record: Buffer | null) => void;

/** Reads changes that stand in [start, end). @returns whether they are what changes look like */
export function readChanges(bytes: Buffer, start: number, end: number, take: ChangeTaker): boolean {
  let at = start;
  while (at + HEAD_BYTES <= end) {
    const kind = bytes[at];
    const [space, queue, key] = [spaceOf(bytes, at + 1), queueOf(bytes, at + 1), keyOf(bytes, at + 1)];
    const headEnd = at + HEAD_BYTES;
    if (kind === DELETE) {
      take(space, queue, key, null);
      at = headEnd;
      continue;
    }
    const recordAt = headEnd + LENGTH_BYTES;
    if (kind !== PUT || recordAt + SEAL_BYTES > end) return false;
    const next = recordAt + bytes.readUInt32BE(headEnd);
    if (next > end || next < recordAt + SEAL_BYTES) return false;
    take(space, queue, key, bytes.subarray(recordAt, next));
    at = next;
  }
  return at === end;
}
