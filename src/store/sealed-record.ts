import { RecordDamagedError } from '../queues/store-port';
import { crc32c } from './crc32c';
import { KEY_BYTES, writeKey } from './queue-key';

/** A record is the check sum of its key and value, and the value. */
export const SEAL_BYTES = 4;
const scratch = new Uint8Array(KEY_BYTES);
const scratchView = new DataView(scratch.buffer);

/** Check sum of a key and a value that stands in [start, end). */
export function sealOf(
  space: number,
  queue: number,
  key: number,
  bytes: Uint8Array,
  start: number,
  end: number,
): number {
  writeKey(scratchView, 0, space, queue, key);
  return crc32c(bytes, start, end, crc32c(scratch, 0, KEY_BYTES));
}

/** Seals the record of a key, which stands in [start, end): its first bytes are for that. */
export function seal(space: number, queue: number, key: number, record: Buffer, start: number, end: number): void {
  record.writeInt32LE(sealOf(space, queue, key, record, start + SEAL_BYTES, end), start);
}

/** Why the record of a key cannot be believed; null when it can. */
export function whyDamaged(
  space: number,
  queue: number,
  key: number,
  record: Uint8Array,
  length: number,
): string | null {
  if (length < SEAL_BYTES) return `it has ${length} bytes`;
  const found = record[0]! | (record[1]! << 8) | (record[2]! << 16) | (record[3]! << 24);
  return found === sealOf(space, queue, key, record, SEAL_BYTES, length) ? null : 'its check sum is wrong';
}

/** The value of a record, copied. @throws RecordDamagedError */
export function unsealed(space: number, queue: number, key: number, record: Buffer, length: number): Buffer {
  const why = whyDamaged(space, queue, key, record, length);
  if (why !== null) throw new RecordDamagedError(space, queue, key, why);
  const value = Buffer.allocUnsafe(length - SEAL_BYTES);
  record.copy(value, 0, SEAL_BYTES, length);
  return value;
}
