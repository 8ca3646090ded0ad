import { decodeValue } from '../amqp/codec/decoder';
import { AmqpDescribed, AmqpMap, AmqpSymbol, AmqpTyped, type AmqpValue } from '../amqp/codec/values';
import { DecodeError } from '../amqp/errors';
import { SECTION, SECTION_SYMBOLS } from './locate';
import type { Message, MessageBody, MessageHeader, MessageProperties } from './message';

type Writable<T> = { -readonly [K in keyof T]: T[K] };

function sectionOf(descriptor: AmqpValue): number {
  if (descriptor instanceof AmqpTyped) return Number(descriptor.value);
  return (descriptor instanceof AmqpSymbol && SECTION_SYMBOLS.get(descriptor.value)) || -1;
}

function listOf(value: AmqpValue, section: string): readonly AmqpValue[] {
  if (Array.isArray(value)) return value as readonly AmqpValue[];
  throw new DecodeError(`message section ${section} is no list`);
}

function mapOf(value: AmqpValue, section: string): AmqpMap {
  if (value instanceof AmqpMap) return value;
  throw new DecodeError(`message section ${section} is no map`);
}

const UNSIGNED: readonly string[] = ['ubyte', 'ushort', 'uint', 'ulong'];

/** Some clients write a wider type than the field has; that does not matter as long as the number fits. */
function unsigned(value: AmqpValue, max: number): number | undefined {
  if (!(value instanceof AmqpTyped) || !UNSIGNED.includes(value.type)) return undefined;
  const number = Number(value.value);
  return number <= max ? number : undefined;
}

/** Reads a field by what its value must be; absent and null fields stay absent. */
const AS = {
  any: (value: AmqpValue) => value,
  boolean: (value: AmqpValue) => (typeof value === 'boolean' ? value : undefined),
  ubyte: (value: AmqpValue) => unsigned(value, 0xff),
  uint: (value: AmqpValue) => unsigned(value, 0xffff_ffff),
  string: (value: AmqpValue) => (typeof value === 'string' ? value : undefined),
  symbol: (value: AmqpValue) => (value instanceof AmqpSymbol ? value.value : undefined),
  binary: (value: AmqpValue) => (Buffer.isBuffer(value) ? value : undefined),
  date: (value: AmqpValue) => (value instanceof Date ? value : undefined),
} as const;

type FieldReader = (value: AmqpValue) => unknown;

const HEADER: readonly (readonly [keyof MessageHeader, FieldReader])[] = [
  ['durable', AS.boolean],
  ['priority', AS.ubyte],
  ['ttl', AS.uint],
  ['firstAcquirer', AS.boolean],
  ['deliveryCount', AS.uint],
];

const PROPERTIES: readonly (readonly [keyof MessageProperties, FieldReader])[] = [
  ['messageId', AS.any],
  ['userId', AS.binary],
  ['to', AS.string],
  ['subject', AS.string],
  ['replyTo', AS.string],
  ['correlationId', AS.any],
  ['contentType', AS.symbol],
  ['contentEncoding', AS.symbol],
  ['absoluteExpiryTime', AS.date],
  ['creationTime', AS.date],
  ['groupId', AS.string],
  ['groupSequence', AS.uint],
  ['replyToGroupId', AS.string],
];

function fieldsOf<T>(value: AmqpValue, section: string, table: readonly (readonly [keyof T, FieldReader])[]): T {
  const items = listOf(value, section);
  if (items.length > table.length)
    throw new DecodeError(`message section ${section} of ${items.length} fields, expected at most ${table.length}`);
  const fields: Partial<T> = {};
  items.forEach((item, at) => {
    const [name, read] = table[at] as readonly [keyof T, FieldReader];
    if (item === null) return;
    const field = read(item);
    if (field === undefined)
      throw new DecodeError(`field ${String(name)} of message section ${section} has a wrong type, or is out of range`);
    fields[name] = field as T[keyof T];
  });
  return fields as T;
}

/** Adds one body section to those before it; sections of different kinds do not mix (part 3.2). */
function joinBody(body: MessageBody | null, code: number, value: AmqpValue): MessageBody {
  if (code === SECTION.data && Buffer.isBuffer(value) && (body === null || body.kind === 'data'))
    return { kind: 'data', parts: [...(body?.parts ?? []), value] };
  if (code === SECTION.sequence && (body === null || body.kind === 'sequence'))
    return { kind: 'sequence', lists: [...(body?.lists ?? []), listOf(value, 'amqp-sequence')] };
  if (code === SECTION.value && body === null) return { kind: 'value', value };
  throw new DecodeError('message with a malformed body');
}

/**
 * Takes a message apart (part 3.2).
 * @throws DecodeError
 */
export function decodeMessage(bytes: Buffer, start = 0, end = bytes.length): Message {
  const message: Partial<Writable<Message>> = {};
  let body: MessageBody | null = null;
  let at = start;
  while (at < end) {
    const section = decodeValue(bytes, at, end);
    at = section.end;
    if (!(section.value instanceof AmqpDescribed)) throw new DecodeError('message section without a descriptor');
    const { descriptor, value } = section.value;
    const code = sectionOf(descriptor);
    if (code === SECTION.header) message.header = fieldsOf<MessageHeader>(value, 'header', HEADER);
    else if (code === SECTION.deliveryAnnotations) message.deliveryAnnotations = mapOf(value, 'delivery-annotations');
    else if (code === SECTION.messageAnnotations) message.messageAnnotations = mapOf(value, 'message-annotations');
    else if (code === SECTION.properties)
      message.properties = fieldsOf<MessageProperties>(value, 'properties', PROPERTIES);
    else if (code === SECTION.applicationProperties)
      message.applicationProperties = mapOf(value, 'application-properties');
    else if (code === SECTION.footer) message.footer = mapOf(value, 'footer');
    else body = joinBody(body, code, value);
  }
  return { ...message, body: body ?? { kind: 'data', parts: [] } };
}
