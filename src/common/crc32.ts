import * as zlib from 'node:zlib';

const POLYNOMIAL = 0xedb88320;

/** CRC-32 of ISO 3309 (zlib's), byte by byte. */
export class TableCrc32 {
  readonly #table = Int32Array.from({ length: 256 }, (_, byte) => {
    let rest = byte;
    for (let bit = 0; bit < 8; bit++) rest = rest & 1 ? (rest >>> 1) ^ POLYNOMIAL : rest >>> 1;
    return rest;
  });

  readonly of = (data: Uint8Array | string, before = 0): number => {
    const bytes = typeof data === 'string' ? Buffer.from(data) : data;
    let crc = ~before;
    for (let at = 0; at < bytes.length; at++)
      crc = (crc >>> 8) ^ (this.#table[(crc ^ (bytes[at] as number)) & 0xff] as number);
    return ~crc >>> 0;
  };
}

/**
 * CRC-32 as a u32, going on from that of what came before. Node has it since 20.15; before that it is ours, which is slower.
 */
export const crc32: (data: Uint8Array | string, before?: number) => number =
  (zlib as Partial<typeof zlib>).crc32 ?? new TableCrc32().of;
