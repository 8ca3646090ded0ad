import { encodeTagged } from './encode';
import type { Tagged } from './tagged';

/** Descriptors of the sections of a message (part 3.2). */
export const SECTION = {
  header: 0x70,
  deliveryAnnotations: 0x71,
  messageAnnotations: 0x72,
  properties: 0x73,
  applicationProperties: 0x74,
  data: 0x75,
  sequence: 0x76,
  value: 0x77,
  footer: 0x78,
} as const;

/** One encoded section; `wide` writes descriptor and body with the longest constructors. */
export function section(code: number, body: Tagged, wide = false): Buffer {
  return encodeTagged({ t: 'described', d: { t: 'ulong', v: String(code) }, v: body }, wide);
}

const WIDTHS = [0, 1, 2, 4, 8, 16];

/** Length of the value that begins at `at`. */
function lengthOf(bytes: Buffer, at: number): number {
  const code = bytes.readUInt8(at);
  const category = code >>> 4;
  if (category === 0) {
    const descriptor = lengthOf(bytes, at + 1);
    return 1 + descriptor + lengthOf(bytes, at + 1 + descriptor);
  }
  if (category <= 9) return 1 + (WIDTHS[category - 4] as number);
  return category === 0xa || category === 0xc || category === 0xe
    ? 2 + bytes.readUInt8(at + 1)
    : 5 + bytes.readUInt32BE(at + 1);
}

/** An encoded message cut into its sections, in order. */
export function sectionsOf(message: Buffer): { readonly code: number; readonly bytes: Buffer }[] {
  const found: { code: number; bytes: Buffer }[] = [];
  for (let at = 0; at < message.length;) {
    const length = lengthOf(message, at);
    const code = message[at + 1] === 0x80 ? Number(message.readBigUInt64BE(at + 2)) : message.readUInt8(at + 2);
    found.push({ code, bytes: message.subarray(at, at + length) });
    at += length;
  }
  return found;
}

/** Properties, application properties and body: what nobody on the way may touch (part 3.2). */
export function bareMessageOf(message: Buffer): Buffer {
  const bare = sectionsOf(message).filter(({ code }) => code >= SECTION.properties && code <= SECTION.value);
  return Buffer.concat(bare.map(({ bytes }) => bytes));
}
