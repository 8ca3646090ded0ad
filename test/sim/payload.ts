import { crc32 } from '../../src/common/crc32';

/** u32 publisher, u32 sequence, then filler that depends on both, so that no two messages are alike. */
const HEAD_BYTES = 8;
export const PAYLOAD_BYTES_MIN = HEAD_BYTES;

const FILLER = Buffer.alloc(4 * 1024 * 1024);
for (let at = 0; at < FILLER.length; at += 4) FILLER.writeUInt32LE(Math.imul(at + 1, 0x9e3779b1) >>> 0, at);

export function writePayload(publisher: number, seq: number, bytes: number): Buffer {
  const payload = Buffer.allocUnsafe(Math.max(HEAD_BYTES, bytes));
  payload.writeUInt32BE(publisher, 0);
  payload.writeUInt32BE(seq, 4);
  FILLER.copy(payload, HEAD_BYTES, (publisher * 131 + seq * 17) % 65_536);
  return payload;
}

export interface ReadPayload {
  readonly publisher: number;
  readonly seq: number;
  readonly hash: number;
}

export function readPayload(bytes: Buffer): ReadPayload {
  if (bytes.length < HEAD_BYTES) return { publisher: -1, seq: -1, hash: hashOf(bytes) };
  return { publisher: bytes.readUInt32BE(0), seq: bytes.readUInt32BE(4), hash: hashOf(bytes) };
}

export function hashOf(bytes: Buffer): number {
  return crc32(bytes);
}
