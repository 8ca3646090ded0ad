import { readScalar } from './scalar';
import { BEYOND, skip } from './locate';

const ULONG_SMALL = 0x53;
const ULONG_ZERO = 0x44;
const ULONG = 0x80;
const UUID = 0x98;
const BINARY = 0xa0;
const BINARY_LONG = 0xb0;

/** The text of a message-id or correlation-id; null when there is none. @throws DecodeError */
export function idText(bytes: Buffer, at: number, end: number): string | null {
  if (at === BEYOND) return null;
  const next = skip(bytes, at, end);
  const code = bytes[at];
  if (code === UUID && next !== BEYOND) return uuidText(bytes.toString('hex', at + 1, next));
  if (code === BINARY && next !== BEYOND) return hexText(bytes, at + 2, next);
  if (code === BINARY_LONG && next !== BEYOND) return hexText(bytes, at + 5, next);
  const value = readScalar(bytes, at, end);
  return value === null || typeof value === 'boolean' ? null : String(value);
}

function hexText(bytes: Buffer, from: number, to: number): string {
  return bytes.toString('hex', from, to).toUpperCase();
}

function uuidText(hex: string): string {
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}

const PREFIX = 'ID:';
const ENCODINGS = ['AMQP_BINARY:', 'AMQP_UUID:', 'AMQP_ULONG:', 'AMQP_STRING:', 'AMQP_NO_PREFIX:'];

/**
 * A message-id or correlation-id as JMS clients tell it: what is no text, or could be taken for something else, gets a prefix that says so.
 * @param own it is the message's own id, which in JMS always begins with `ID:`
 */
export function jmsIdText(bytes: Buffer, at: number, end: number, own: boolean): string | null {
  const text = idText(bytes, at, end);
  if (text === null) return null;
  switch (bytes[at]) {
    case UUID:
      return `${PREFIX}AMQP_UUID:${text}`;
    case ULONG_ZERO:
    case ULONG_SMALL:
    case ULONG:
      return `${PREFIX}AMQP_ULONG:${text}`;
    case BINARY:
    case BINARY_LONG:
      return `${PREFIX}AMQP_BINARY:${text}`;
    default:
      break;
  }
  if (!text.startsWith(PREFIX)) return own ? `${PREFIX}AMQP_NO_PREFIX:${text}` : text;
  return ENCODINGS.some((encoding) => text.startsWith(encoding, PREFIX.length)) ? `${PREFIX}AMQP_STRING:${text}` : text;
}
