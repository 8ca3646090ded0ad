import type { AmqpValue } from '../../amqp/codec/values';
import type { MessageBody } from '../message';
import { MessageFieldError } from './errors';
import { utf8Of } from './field-codecs';
import { ENTRY } from './fields';
import { parseTypedJson, typedJson } from './typed-json';

/** Content type of a body that had to be rendered, where the message names none. */
export const RENDERED_TYPE = 'application/vnd.fairlead.amqp+json';

/** Of a body of more data sections their places are not told, nor believed: each costs what its bytes do not. */
const PARTS_MAX = 1_000;

/** A body as the bytes that protocols without AMQP's types carry, and what it was. */
export interface BodyBytes {
  readonly bytes: Buffer;
  /** The value of the entry `fairlead-body`; null for one data section, which bytes are anyway. */
  readonly kind: string | null;
  /** It is text, whatever its content type. */
  readonly text: boolean;
}

/**
 * How each kind of body is rendered:
 * - data: its bytes; of several sections, joined, with `data` and the length of each (`data 3 4`)
 * - a value that is a string: its UTF-8, with `string`; one that is binary: its bytes, with `binary`; null: no bytes, with `null`
 * - any other value: typed JSON (`typed-json.ts`), with `value`; sequences: a JSON array of their lists, with `sequence`
 */
export function bodyToBytes(body: MessageBody): BodyBytes {
  if (body.kind === 'sequence')
    return { bytes: Buffer.from(typedJson(body.lists as AmqpValue)), kind: 'sequence', text: true };
  if (body.kind === 'value') return valueToBytes(body.value);
  const [only] = body.parts;
  if (body.parts.length === 1 && only !== undefined) return { bytes: only, kind: null, text: false };
  const lengths = body.parts.map(({ length }) => length);
  const kind = lengths.length > PARTS_MAX ? null : ['data', ...lengths].join(' ');
  return { bytes: Buffer.concat(body.parts), kind, text: false };
}

function valueToBytes(value: AmqpValue): BodyBytes {
  if (typeof value === 'string') return { bytes: Buffer.from(value), kind: 'string', text: true };
  if (Buffer.isBuffer(value)) return { bytes: value, kind: 'binary', text: false };
  if (value === null) return { bytes: Buffer.alloc(0), kind: 'null', text: false };
  return { bytes: Buffer.from(typedJson(value)), kind: 'value', text: true };
}

/** Whether a body of that kind was rendered as JSON. */
export function isRendered(kind: string | null): boolean {
  return kind === 'value' || kind === 'sequence';
}

/**
 * The body of bytes and the kind that came with them. Bytes that are no body of that kind any more, as when somebody who passes a message
 * on has changed them, are data where that can be told.
 * @throws MessageFieldError
 */
export function bodyOfBytes(bytes: Buffer, kind: string | null): MessageBody {
  const data: MessageBody = { kind: 'data', parts: [bytes] };
  switch (kind) {
    case null:
      return data;
    case 'string': {
      const text = utf8Of(bytes);
      if (text === null) throw new MessageFieldError(ENTRY.body, 'says string, and the body is no UTF-8');
      return { kind: 'value', value: text };
    }
    case 'binary':
      return { kind: 'value', value: bytes };
    case 'null':
      return bytes.length === 0 ? { kind: 'value', value: null } : data;
    case 'value':
      return { kind: 'value', value: parseTypedJson(textOf(bytes), 'body') };
    case 'sequence':
      return { kind: 'sequence', lists: listsOf(parseTypedJson(textOf(bytes), 'body')) };
    default:
      return { kind: 'data', parts: partsOf(bytes, kind) };
  }
}

function textOf(bytes: Buffer): string {
  const text = utf8Of(bytes);
  if (text === null) throw new MessageFieldError('body', 'is no UTF-8');
  return text;
}

function listsOf(value: AmqpValue): readonly (readonly AmqpValue[])[] {
  if (Array.isArray(value) && value.length > 0 && value.every((list) => Array.isArray(list)))
    return value as readonly (readonly AmqpValue[])[];
  throw new MessageFieldError('body', 'is no array of arrays, as sequences are');
}

function partsOf(bytes: Buffer, kind: string): Buffer[] {
  const [word, ...lengths] = kind.split(' ', PARTS_MAX + 2);
  if (word !== 'data' || lengths.length > PARTS_MAX || !lengths.every((length) => /^\d{1,10}$/.test(length)))
    throw new MessageFieldError(ENTRY.body, 'is none of string, binary, null, value, sequence, data');
  const parts: Buffer[] = [];
  let at = 0;
  for (const length of lengths) {
    parts.push(bytes.subarray(at, at + Number(length)));
    at += Number(length);
  }
  return at === bytes.length ? parts : [bytes];
}
