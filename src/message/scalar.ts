import { DecodeError } from '../amqp/errors';
import { BEYOND, skip } from './locate';

/** Text, truth or number; null for no value, and for a value of another type. */
export type Scalar = string | boolean | number | bigint | null;

/** Reads a simple value in place (part 1.6). Integers beyond 2^53 are bigints. @throws DecodeError */
export function readScalar(bytes: Buffer, at: number, end: number): Scalar {
  const next = skip(bytes, at, end);
  if (next === BEYOND) throw new DecodeError('message ends within a value');
  const code = bytes[at] as number;
  const body = at + 1;
  switch (code) {
    case 0xa1:
      return bytes.toString('utf8', body + 1, next);
    case 0xb1:
      return bytes.toString('utf8', body + 4, next);
    case 0xa3:
      return bytes.toString('latin1', body + 1, next);
    case 0xb3:
      return bytes.toString('latin1', body + 4, next);
    case 0x41:
      return true;
    case 0x42:
      return false;
    case 0x56:
      return bytes[body] !== 0;
    default:
      return readNumber(bytes, code, body);
  }
}

function readNumber(bytes: Buffer, code: number, at: number): number | bigint | null {
  switch (code) {
    case 0x43:
    case 0x44:
      return 0;
    case 0x50:
    case 0x52:
    case 0x53:
      return bytes[at] as number;
    case 0x51:
    case 0x54:
    case 0x55:
      return bytes.readInt8(at);
    case 0x60:
      return bytes.readUInt16BE(at);
    case 0x61:
      return bytes.readInt16BE(at);
    case 0x70:
      return bytes.readUInt32BE(at);
    case 0x71:
      return bytes.readInt32BE(at);
    case 0x72:
      return bytes.readFloatBE(at);
    case 0x80:
      return wide(bytes.readUInt32BE(at), bytes, at, false);
    case 0x81:
    case 0x83:
      return wide(bytes.readInt32BE(at), bytes, at, true);
    case 0x82:
      return bytes.readDoubleBE(at);
    default:
      return null;
  }
}

/** @param high its first 32 bits, which tell whether a number holds it */
function wide(high: number, bytes: Buffer, at: number, signed: boolean): number | bigint {
  if (high >= -0x20_0000 && high < 0x20_0000) {
    const value = high * 0x1_0000_0000 + bytes.readUInt32BE(at + 4);
    if (Number.isSafeInteger(value)) return value;
  }
  return signed ? bytes.readBigInt64BE(at) : bytes.readBigUInt64BE(at);
}

/** Whether a value is of a floating type. */
export function isFloating(bytes: Buffer, at: number): boolean {
  return bytes[at] === 0x72 || bytes[at] === 0x82;
}
