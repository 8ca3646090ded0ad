import { decodeValue } from '../../amqp/codec/decoder';
import { encodeValue } from '../../amqp/codec/encoder';
import { AmqpArray, AmqpDescribed, AmqpMap, AmqpTyped, type AmqpValue } from '../../amqp/codec/values';
import { DecodeError } from '../../amqp/errors';
import { MessageFieldError, shown } from './errors';
import { parseScalarText, scalarText, type TypedText } from './scalar-text';

/** What JSON can say. */
type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

/** Lists and maps within each other, as with AMQP's own encoding. */
const DEPTH_MAX = 32;

/**
 * A value of AMQP as JSON from which it can be made again. Texts, truth values, null, lists and maps with keys of text are what they
 * are; a long is an integer, a double a number with a fraction. Every other type is an object with one key: `{"$int":"5"}`,
 * `{"$uuid":"…"}`, with the text that it has elsewhere beside its type; `{"$map":[[key,value],…]}` for other maps,
 * `{"$described":[descriptor,value]}`, and `{"$amqp":"…"}` for arrays: the base64 of their encoding.
 */
export function typedJson(value: AmqpValue): string {
  return JSON.stringify(toJson(value));
}

function toJson(value: AmqpValue): Json {
  if (value === null || typeof value === 'boolean' || typeof value === 'string') return value;
  if (typeof value === 'number' && Number.isSafeInteger(value)) return value;
  if (value instanceof AmqpMap) return mapToJson(value);
  if (value instanceof AmqpDescribed) return { $described: [toJson(value.descriptor), toJson(value.value)] };
  if (value instanceof AmqpArray) return { $amqp: encodeValue(value).toString('base64') };
  if (value instanceof AmqpTyped && value.type === 'double' && isFraction(value.value)) return value.value;
  const scalar = scalarText(value);
  return scalar === null ? (value as readonly AmqpValue[]).map(toJson) : { [`$${scalar.type}`]: scalar.text };
}

function isFraction(value: AmqpTyped['value']): value is number {
  return typeof value === 'number' && Number.isFinite(value) && !Number.isInteger(value);
}

/** Keys that keep their place and their meaning in an object. */
function isPlainKey(key: AmqpValue): key is string {
  return typeof key === 'string' && !/^(\$|\d|__proto__$)/.test(key);
}

function mapToJson(map: AmqpMap): Json {
  const entries = [...map];
  if (entries.every(([key]) => isPlainKey(key)))
    return Object.fromEntries(entries.map(([key, item]) => [key as string, toJson(item)]));
  return { $map: entries.map(([key, item]) => [toJson(key), toJson(item)]) };
}

/** @throws MessageFieldError when the text is none of the above */
export function parseTypedJson(text: string, field: string): AmqpValue {
  let json: Json;
  try {
    json = JSON.parse(text) as Json;
  } catch {
    throw new MessageFieldError(field, 'is no JSON');
  }
  return fromJson(json, field, 0);
}

function fromJson(json: Json, field: string, depth: number): AmqpValue {
  if (depth > DEPTH_MAX) throw new MessageFieldError(field, `is nested more than ${DEPTH_MAX} deep`);
  if (json === null || typeof json === 'boolean') return json;
  if (typeof json === 'string') return wellFormed(json, field);
  // Minus zero is a double's alone.
  if (typeof json === 'number') return Number.isSafeInteger(json) ? json + 0 : new AmqpTyped('double', json);
  if (Array.isArray(json)) return json.map((item) => fromJson(item, field, depth + 1));
  const entries = Object.entries(json);
  const [first] = entries;
  if (entries.length === 1 && first !== undefined && first[0].startsWith('$'))
    return fromTagged(first[0], first[1], field, depth);
  return new AmqpMap(entries.map(([key, item]) => [wellFormed(key, field), fromJson(item, field, depth + 1)]));
}

/** JSON can escape halves of characters, which no UTF-8 has. */
function wellFormed(text: string, field: string): string {
  if (/\p{Surrogate}/u.test(text)) throw new MessageFieldError(field, 'holds half a character');
  return text;
}

function fromTagged(tag: string, json: Json, field: string, depth: number): AmqpValue {
  const inner = (item: Json): AmqpValue => fromJson(item, field, depth + 1);
  if (tag === '$map' && Array.isArray(json))
    return new AmqpMap(
      json.map((pair) => pairOf(pair, field)).map(([key, value]) => [inner(key), inner(value)] as const),
    );
  if (tag === '$described') {
    const [descriptor, value] = pairOf(json, field);
    return new AmqpDescribed(inner(descriptor), inner(value));
  }
  if (typeof json !== 'string') throw new MessageFieldError(field, `has a '${shown(tag)}' that is not understood`);
  if (tag === '$amqp') return arrayOf(json, field);
  return parseScalarText(tag.slice(1), wellFormed(json, field), field);
}

function pairOf(json: Json, field: string): [Json, Json] {
  if (Array.isArray(json) && json.length === 2) return json as [Json, Json];
  throw new MessageFieldError(field, 'has a pair that is none');
}

function arrayOf(base64: string, field: string): AmqpArray {
  const bytes = Buffer.from(base64, 'base64');
  try {
    const { value, end } = decodeValue(bytes, 0, bytes.length);
    if (value instanceof AmqpArray && end === bytes.length) return value;
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
  }
  throw new MessageFieldError(field, "has a '$amqp' that is no array");
}

/** Any value as text beside its type: simple ones as `scalar-text.ts` has them, all others as JSON. */
export function typedText(value: AmqpValue): TypedText {
  return scalarText(value) ?? { type: 'json', text: typedJson(value) };
}

/** @throws MessageFieldError when the text is none of its type */
export function parseTypedText(type: string, text: string, field: string): AmqpValue {
  return type === 'json' ? parseTypedJson(text, field) : parseScalarText(type, text, field);
}
