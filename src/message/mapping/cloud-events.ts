import { AmqpMap, AmqpTyped, type AmqpValue } from '../../amqp/codec/values';
import { encodeMessage } from '../encode-message';
import type { Message, MessageBody } from '../message';
import { bodyToBytes } from './body';
import {
  attributeOfProperty,
  isAttribute,
  isBinaryEvent,
  propertyOfAttribute,
  REQUIRED_ATTRIBUTES,
} from './cloud-event-names';
import { MessageFieldError } from './errors';
import { utf8Of } from './field-codecs';
import { slicesOf, type JsonSlice } from './json-slices';
import { isAscii } from './scalar-text';
import { typedText } from './typed-json';

/** Content types of CloudEvents 1.0, JSON event format 3 and 4. */
export const EVENT_TYPE = 'application/cloudevents+json';
export const EVENT_BATCH_TYPE = 'application/cloudevents-batch+json';

/** What an event's data is when it does not say (JSON event format 3.1). */
const JSON_TYPE = 'application/json';

function mediaType(contentType: string | undefined): string {
  return (contentType ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? '';
}

/** Whether a message is an event in structured mode: its body is all of it. */
export function isStructuredEvent(contentType: string | undefined): boolean {
  return mediaType(contentType) === EVENT_TYPE;
}

export function isEventBatch(contentType: string | undefined): boolean {
  return mediaType(contentType) === EVENT_BATCH_TYPE;
}

function isJson(contentType: string | undefined): boolean {
  const [, subtype = ''] = mediaType(contentType).split('/');
  return contentType === undefined || subtype === 'json' || subtype.endsWith('+json');
}

/** Members of an event beside its attributes; one more than names of attributes that anybody has. */
const MEMBERS_MAX = 1_000;

/**
 * An event in structured mode as one in binary mode: its attributes become application properties, which selectors can ask for.
 * @throws MessageFieldError
 */
export function toBinaryEvent(message: Message): Message {
  return binaryOf(message, textOfBody(bodyToBytes(message.body).bytes), 'body');
}

/**
 * The messages of a batch, each an event in binary mode, encoded.
 * @param to the address that they go to
 * @param most events that are taken
 * @throws MessageFieldError naming the event by its place
 */
export function splitBatch(body: Buffer, to: string, most: number): Buffer[] {
  const text = textOfBody(body);
  if (!Array.isArray(parsed(text, 'body'))) throw new MessageFieldError('body', 'is no JSON array of events');
  const events = slicesOf(text, most + 1);
  if (events.length > most) throw new MessageFieldError('body', `has more than ${most} events`);
  const empty: Message = { properties: { to }, body: { kind: 'data', parts: [] } };
  return events.map((event, at) => encodeMessage(binaryOf(empty, event.text, `body[${at}]`)));
}

function textOfBody(bytes: Buffer): string {
  const text = utf8Of(bytes);
  if (text === null) throw new MessageFieldError('body', 'is no UTF-8');
  return text;
}

function parsed(text: string, field: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new MessageFieldError(field, 'is no JSON');
  }
}

function binaryOf(message: Message, text: string, field: string): Message {
  const event = parsed(text, field);
  if (typeof event !== 'object' || event === null || Array.isArray(event))
    throw new MessageFieldError(field, 'is no JSON object, as events are');
  const members = slicesOf(text, MEMBERS_MAX + 1);
  if (members.length > MEMBERS_MAX) throw new MessageFieldError(field, `has more than ${MEMBERS_MAX} members`);
  const values = event as Readonly<Record<string, unknown>>;
  for (const name of REQUIRED_ATTRIBUTES)
    if (typeof values[name] !== 'string')
      throw new MessageFieldError(`${field}.${name}`, 'is no text, and an event needs it');
  const contentType = contentTypeOf(values, field);
  const attributes = Object.entries(values).flatMap(([name, value]) => attributeOf(name, value, `${field}.${name}`));
  const { contentType: _structured, ...properties } = message.properties ?? {};
  return {
    ...message,
    properties: contentType === undefined ? properties : { ...properties, contentType },
    applicationProperties: new AmqpMap([...(message.applicationProperties ?? []), ...attributes]),
    body: dataOf(values, members, contentType, field),
  };
}

function contentTypeOf(
  { datacontenttype: type, data }: Readonly<Record<string, unknown>>,
  field: string,
): string | undefined {
  if (type === undefined || type === null) return data === undefined ? undefined : JSON_TYPE;
  if (typeof type !== 'string' || !isAscii(type))
    throw new MessageFieldError(`${field}.datacontenttype`, 'is no text of ASCII');
  return type;
}

const NOT_ATTRIBUTES: readonly string[] = ['data', 'data_base64', 'datacontenttype'];
/** CloudEvents 1.0, type system: an Integer has 32 bits. */
function isInteger(value: unknown): value is number {
  return Number.isInteger(value) && (value as number) >= -(2 ** 31) && (value as number) < 2 ** 31;
}

function attributeOf(name: string, value: unknown, field: string): [string, AmqpValue][] {
  // JSON event format 2.2: null is as if it were not there.
  if (NOT_ATTRIBUTES.includes(name) || value === null) return [];
  if (!isAttribute(name)) throw new MessageFieldError(field, 'is no name of an attribute: small letters and digits');
  if (typeof value !== 'string' && typeof value !== 'boolean' && !isInteger(value))
    throw new MessageFieldError(field, 'is no text, truth value or integer of 32 bits');
  return [[propertyOfAttribute(name), value]];
}

function dataOf(
  values: Readonly<Record<string, unknown>>,
  members: readonly JsonSlice[],
  contentType: string | undefined,
  field: string,
): MessageBody {
  const { data, data_base64: base64 } = values;
  if (base64 !== undefined && base64 !== null) {
    const bytes = typeof base64 === 'string' ? Buffer.from(base64, 'base64') : null;
    if (bytes === null || data !== undefined)
      throw new MessageFieldError(`${field}.data_base64`, 'is no text, or stands beside data');
    return { kind: 'data', parts: [bytes] };
  }
  if (data === undefined) return { kind: 'data', parts: [Buffer.alloc(0)] };
  if (typeof data === 'string' && !isJson(contentType)) return { kind: 'data', parts: [Buffer.from(data)] };
  // Of a name that comes twice the last counts, as with `JSON.parse`.
  const text = members.filter(({ name }) => name === 'data').at(-1)?.text ?? '';
  return { kind: 'data', parts: [Buffer.from(text)] };
}

/**
 * An event in binary mode as one in structured mode.
 * @throws MessageFieldError when it is no event
 */
export function toStructuredEvent(message: Message): Message {
  const { applicationProperties, properties } = message;
  if (!isBinaryEvent(applicationProperties, () => true))
    throw new MessageFieldError('cloudEvents_specversion', 'or another attribute that an event needs is missing');
  const attributes: [string, unknown][] = [];
  const others = new AmqpMap();
  for (const [key, value] of applicationProperties ?? []) {
    const attribute = typeof key === 'string' ? attributeOfProperty(key) : null;
    if (attribute === null || value === null) others.set(key, value);
    else attributes.push([attribute, attributeToJson(value)]);
  }
  const contentType = properties?.contentType;
  if (contentType !== undefined) attributes.push(['datacontenttype', contentType]);
  const head = JSON.stringify(Object.fromEntries(attributes)).slice(0, -1);
  const text = `${head}${dataMember(message.body, contentType)}}`;
  return {
    ...message,
    properties: { ...properties, contentType: EVENT_TYPE },
    applicationProperties: others.size > 0 ? others : undefined,
    body: { kind: 'data', parts: [Buffer.from(text)] },
  };
}

function attributeToJson(value: AmqpValue): unknown {
  if (typeof value === 'boolean') return value;
  const number = value instanceof AmqpTyped && value.type !== 'char' ? value.value : value;
  if (isInteger(number)) return number;
  return typedText(value).text;
}

/** With the comma before it; nothing of an empty body. */
function dataMember(body: MessageBody, contentType: string | undefined): string {
  const { bytes, text: isText } = bodyToBytes(body);
  if (bytes.length === 0) return '';
  const text = utf8Of(bytes);
  if (text !== null && isJson(contentType) && isParsable(text)) return `,"data":${text}`;
  if (text !== null && !isJson(contentType) && (isText || mediaType(contentType).startsWith('text/')))
    return `,"data":${JSON.stringify(text)}`;
  return `,"data_base64":"${bytes.toString('base64')}"`;
}

function isParsable(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
