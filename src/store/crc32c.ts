import { makeCrc32cModule, ROOM_AT, ROOM_BYTES, TABLES } from './crc32c-module';

const POLYNOMIAL = 0x82f63b78;
/** Up to so many bytes a loop here is as fast as copying them to the module. */
const LOOP_BYTES_MAX = 32;

const { memory, update } = makeCrc32cModule();
const tables = new Int32Array(memory.buffer, 0, TABLES * 256);
const room = new Uint8Array(memory.buffer, ROOM_AT, ROOM_BYTES);
/** The first table, for single bytes. */
const BYTES = new Int32Array(256);

for (let byte = 0; byte < 256; byte++) {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ POLYNOMIAL : crc >>> 1;
  BYTES[byte] = crc;
}
tables.set(BYTES);
for (let at = 256; at < tables.length; at++) {
  const before = tables[at - 256]!;
  tables[at] = (before >>> 8) ^ BYTES[before & 0xff]!;
}

/**
 * CRC-32C (Castagnoli) of bytes in [start, end), as an i32. The cheapest is that of all that a view has.
 * @param before that of the bytes that came before these
 */
export function crc32c(bytes: Uint8Array, start: number, end: number, before = 0): number {
  let crc = ~before;
  if (end - start > LOOP_BYTES_MAX) return ~longCrc(bytes, start, end, crc);
  for (let at = start; at < end; at++) crc = (crc >>> 8) ^ BYTES[(crc ^ bytes[at]!) & 0xff]!;
  return ~crc;
}

function longCrc(bytes: Uint8Array, start: number, end: number, register: number): number {
  let crc = register;
  for (let at = start; at < end; at += ROOM_BYTES) {
    const to = Math.min(end, at + ROOM_BYTES);
    room.set(at === 0 && to === bytes.length ? bytes : bytes.subarray(at, to));
    crc = update(ROOM_AT, ROOM_AT + to - at, crc);
  }
  return crc;
}
