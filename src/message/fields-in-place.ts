import { DecodeError } from '../amqp/errors';

/** Where the elements of a list or map lie. */
export interface ListBounds {
  first: number;
  count: number;
  end: number;
}

const bounds: ListBounds = { first: 0, count: 0, end: 0 };

/** The fields of a list section in [at, end). The result is used again by the next call. @throws DecodeError when it is no list */
export function listOf(bytes: Buffer, at: number, end: number): ListBounds {
  const code = bytes[at] as number;
  if (code !== 0x45 && code !== 0xc0 && code !== 0xd0) throw new DecodeError('message section is no list');
  return elementsOf(bytes, at, end, code === 0x45 ? 0 : code === 0xc0 ? 1 : 4);
}

/** The keys and values of a map section. The result is used again by the next call. @throws DecodeError when it is no map */
export function mapOf(bytes: Buffer, at: number, end: number): ListBounds {
  const code = bytes[at] as number;
  if (code !== 0x40 && code !== 0xc1 && code !== 0xd1) throw new DecodeError('message section is no map');
  return elementsOf(bytes, at, end, code === 0x40 ? 0 : code === 0xc1 ? 1 : 4);
}

function elementsOf(bytes: Buffer, at: number, end: number, width: number): ListBounds {
  bounds.first = at + 1 + 2 * width;
  if (bounds.first > end) throw new DecodeError('message section is shorter than its count');
  bounds.end = end;
  bounds.count = width === 0 ? 0 : width === 1 ? (bytes[at + 2] as number) : bytes.readUInt32BE(at + 5);
  // A field takes a byte at least, so this also bounds what a reader does.
  if (bounds.count > end - bounds.first) throw new DecodeError('message section with more fields than bytes');
  return bounds;
}

/** Not a number of an integer type, or no value at all. */
export const NO_INTEGER = Number.NaN;

/** The integer in [at, end), of whatever type; exact below 2^53. NaN for null and for what is no integer. */
export function integerOf(bytes: Buffer, at: number, end: number): number {
  if (at >= end) return NO_INTEGER;
  switch (bytes[at]) {
    case 0x43:
    case 0x44:
      return 0;
    case 0x50:
    case 0x52:
    case 0x53:
      return bytes[at + 1] as number;
    case 0x51:
    case 0x54:
    case 0x55:
      return bytes.readInt8(at + 1);
    case 0x60:
      return bytes.readUInt16BE(at + 1);
    case 0x61:
      return bytes.readInt16BE(at + 1);
    case 0x70:
      return bytes.readUInt32BE(at + 1);
    case 0x71:
      return bytes.readInt32BE(at + 1);
    case 0x80:
      return bytes.readUInt32BE(at + 1) * 0x1_0000_0000 + bytes.readUInt32BE(at + 5);
    case 0x81:
    case 0x83:
      return bytes.readInt32BE(at + 1) * 0x1_0000_0000 + bytes.readUInt32BE(at + 5);
    default:
      return NO_INTEGER;
  }
}
