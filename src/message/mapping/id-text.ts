import { AmqpTyped, type AmqpValue } from '../../amqp/codec/values';
import { uuidText } from './scalar-text';
import { typedText } from './typed-json';

const UUID = 'ID:AMQP_UUID:';
const ULONG = 'ID:AMQP_ULONG:';
const BINARY = 'ID:AMQP_BINARY:';
const STRING = 'ID:AMQP_STRING:';
const ULONG_MAX = 2n ** 64n - 1n;

/**
 * A message-id or correlation-id as text that tells its type, by the prefixes that JMS clients use. A string is what it is; one that
 * would be taken for something else gets a prefix too.
 */
export function idToText(id: AmqpValue): string {
  if (typeof id === 'string') return parseIdText(id) === id ? id : STRING + id;
  if (Buffer.isBuffer(id)) return BINARY + id.toString('hex').toUpperCase();
  if (id instanceof AmqpTyped && id.type === 'ulong') return ULONG + String(id.value as number | bigint);
  if (id instanceof AmqpTyped && id.type === 'uuid') return UUID + uuidText(id.value as Buffer);
  // No id of AMQP's, but what a careless client sent.
  return typedText(id).text;
}

/** The id of a text. Each text is the one of exactly one id: what only looks like another type's is a string. */
export function parseIdText(text: string): AmqpValue {
  if (!text.startsWith('ID:AMQP_')) return text;
  if (text.startsWith(UUID)) {
    const uuid = text.slice(UUID.length);
    return /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(uuid)
      ? new AmqpTyped('uuid', Buffer.from(uuid.replaceAll('-', ''), 'hex'))
      : text;
  }
  if (text.startsWith(ULONG)) return ulongOf(text.slice(ULONG.length)) ?? text;
  if (text.startsWith(BINARY)) {
    const hex = text.slice(BINARY.length);
    return hex.length % 2 === 0 && /^[0-9A-F]*$/.test(hex) ? Buffer.from(hex, 'hex') : text;
  }
  if (text.startsWith(STRING)) {
    const inner = text.slice(STRING.length);
    return parseIdText(inner) === inner ? text : inner;
  }
  return text;
}

function ulongOf(digits: string): AmqpTyped | null {
  if (!/^(0|[1-9]\d{0,19})$/.test(digits) || BigInt(digits) > ULONG_MAX) return null;
  const number = Number(digits);
  return new AmqpTyped('ulong', Number.isSafeInteger(number) ? number : BigInt(digits));
}
