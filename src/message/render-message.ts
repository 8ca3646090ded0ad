import { AmqpArray, AmqpDescribed, AmqpMap, AmqpSymbol, AmqpTyped, type AmqpValue } from '../amqp/codec/values';
import type { Message, MessageBody } from './message';

/** What JSON can say. */
export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function textOf(bytes: Buffer): string | null {
  try {
    return UTF8.decode(bytes);
  } catch {
    return null; // not text: told as base64
  }
}

function bytesToJson(bytes: Buffer): Json {
  return textOf(bytes) ?? { base64: bytes.toString('base64') };
}

function typedToJson({ type, value }: AmqpTyped): Json {
  if (type === 'char') return String.fromCodePoint(Number(value));
  if (Buffer.isBuffer(value)) {
    const hex = value.toString('hex');
    return type === 'uuid' ? hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-') : { [type]: hex };
  }
  return numberToJson(value);
}

/** JSON has no infinity and no integer past 2^53: these are told as text. */
function numberToJson(value: number | bigint): Json {
  return typeof value === 'number' && Number.isFinite(value) ? value : String(value);
}

function keyOf(key: AmqpValue): string {
  const json = valueToJson(key);
  return typeof json === 'string' ? json : JSON.stringify(json);
}

/** A value of AMQP as JSON; types that JSON has not become the nearest it has. */
export function valueToJson(value: AmqpValue): Json {
  if (value === null || typeof value === 'boolean' || typeof value === 'string') return value;
  if (typeof value === 'number' || typeof value === 'bigint') return numberToJson(value);
  if (Buffer.isBuffer(value)) return bytesToJson(value);
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? null : value.toISOString();
  if (value instanceof AmqpSymbol) return value.value;
  if (value instanceof AmqpTyped) return typedToJson(value);
  if (value instanceof AmqpArray) return value.items.map(valueToJson);
  if (value instanceof AmqpMap) return mapToJson(value);
  if (value instanceof AmqpDescribed)
    return { descriptor: valueToJson(value.descriptor), value: valueToJson(value.value) };
  return (value as readonly AmqpValue[]).map(valueToJson);
}

function mapToJson(map: AmqpMap): Json {
  return Object.fromEntries([...map].map(([key, item]) => [keyOf(key), valueToJson(item)]));
}

function fieldsToJson(fields: object): Json {
  return Object.fromEntries(Object.entries(fields).map(([key, value]) => [key, valueToJson(value as AmqpValue)]));
}

function bodyToJson(body: MessageBody): Json {
  if (body.kind === 'data') return bytesToJson(Buffer.concat(body.parts));
  return body.kind === 'value' ? valueToJson(body.value) : body.lists.map((list) => list.map(valueToJson));
}

/** All of a message; sections that it has not are left out. */
export function messageToObject(message: Message): Json {
  const { header, deliveryAnnotations, messageAnnotations, properties, applicationProperties, body, footer } = message;
  return {
    ...(header && { header: fieldsToJson(header) }),
    ...(deliveryAnnotations && { deliveryAnnotations: mapToJson(deliveryAnnotations) }),
    ...(messageAnnotations && { messageAnnotations: mapToJson(messageAnnotations) }),
    ...(properties && { properties: fieldsToJson(properties) }),
    ...(applicationProperties && { applicationProperties: mapToJson(applicationProperties) }),
    body: bodyToJson(body),
    ...(footer && { footer: mapToJson(footer) }),
  };
}

/** All of a message as one line of JSON. */
export function messageToJson(message: Message): string {
  return JSON.stringify(messageToObject(message));
}

/** What would end the line, or drive the terminal. */
const CONTROL = /[\u0000-\u0008\u000a-\u001f\u007f-\u009f\u2028\u2029]/g;

function escapeControl(character: string): string {
  const short = { '\n': '\\n', '\r': '\\r' }[character];
  return short ?? `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

/** The body of a message as one line: text as it is, everything else as JSON. */
export function messageToLine({ body }: Message): string {
  const json = bodyToJson(body);
  return typeof json === 'string' ? json.replace(CONTROL, escapeControl) : JSON.stringify(json);
}
