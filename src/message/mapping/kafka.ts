import { AmqpMap, sym, type AmqpValue } from '../../amqp/codec/values';
import { decodeMessage } from '../decode-message';
import { encodeMessage } from '../encode-message';
import type { Message } from '../message';
import { bodyOfBytes, bodyToBytes, isRendered, RENDERED_TYPE } from './body';
import { contentTypeOf } from './content-type';
import { attributeOfProperty, isAttribute, propertyOfAttribute } from './cloud-event-names';
import { filled, readEntries } from './entries-in';
import { writeEntries } from './entries-out';
import { escapeText, type EntryPort } from './entry-port';
import { MessageFieldError } from './errors';
import { utf8Of, type NativeValue } from './field-codecs';
import { ANNOTATION, ENTRY, ENTRY_PREFIX } from './fields';
import { isAscii } from './scalar-text';

/** A value of a header; Kafka has null too. */
export type KafkaHeader = Buffer | null;

/** A record without its topic, partition and offset. A name that comes several times has its values in order. */
export interface KafkaRecord {
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  /** Wall-clock ms; absent where the producer leaves it to the broker. */
  readonly timestamp?: number;
  readonly headers: Readonly<Record<string, KafkaHeader | readonly KafkaHeader[]>>;
}

/** CloudEvents 1.0, Kafka binding 3.2.3.1. */
const EVENT_PREFIX = 'ce_';
const CONTENT_TYPE = 'content-type';

/** CloudEvents 1.0, Kafka binding 3.1: this attribute of an event is the key of its record too, and stands for it in AMQP. */
const PARTITION_KEY = `${EVENT_PREFIX}partitionkey`;

function isEventHeader(name: string): boolean {
  return name.startsWith(EVENT_PREFIX) && isAttribute(name.slice(EVENT_PREFIX.length));
}

const PORT: EntryPort = {
  protocol: 'kafka',
  fits: () => true,
  fitsNative: () => true,
  entryOf: (property) => {
    const attribute = attributeOfProperty(property);
    if (attribute !== null) return EVENT_PREFIX + attribute;
    const reserved = property.startsWith(ENTRY_PREFIX) || property === CONTENT_TYPE || isEventHeader(property);
    return reserved ? null : property;
  },
  propertyOf: (entry) => {
    if (entry.startsWith(ENTRY_PREFIX) || entry === CONTENT_TYPE) return null;
    return isEventHeader(entry) ? propertyOfAttribute(entry.slice(EVENT_PREFIX.length)) : entry;
  },
  encodeName: (property) => property,
  decodeName: (encoded) => encoded,
};

/**
 * The AMQP message of a record, encoded.
 * @param to the address that it goes to
 * @throws MessageFieldError
 */
export function kafkaToAmqp(record: KafkaRecord, to: string): Buffer {
  return encodeMessage(kafkaToMessage(record, to));
}

export function kafkaToMessage({ key, value, timestamp, headers }: KafkaRecord, to: string): Message {
  const natives = new Map<string, NativeValue>();
  const kept = new AmqpMap();
  if (timestamp !== undefined && timestamp >= 0) natives.set('timestamp', timestamp);
  const partitionKey = headers[PARTITION_KEY];
  const isPartitionKey = key !== null && Buffer.isBuffer(partitionKey) && key.equals(partitionKey);
  // The attribute would be taken for the key otherwise.
  if (key === null && Buffer.isBuffer(partitionKey)) kept.set(sym(ANNOTATION.kafkaKey), null);
  else if (key !== null && !isPartitionKey && utf8Of(key) !== null) natives.set('key', key);
  else if (key !== null && !isPartitionKey) kept.set(sym(ANNOTATION.kafkaKey), key);
  if (value === null) kept.set(sym(ANNOTATION.kafkaTombstone), true);
  const split = splitHeaders(headers);
  const contentType = split.entries.get(CONTENT_TYPE);
  if (contentType !== undefined && isAscii(contentType)) natives.set(CONTENT_TYPE, contentType);
  else if (contentType !== undefined) kept.set(sym(ANNOTATION.contentType), contentType);
  if (split.repeated.size > 0) kept.set(sym(ANNOTATION.repeated), split.repeated);
  const { header, properties, ...taken } = readEntries(split.entries, natives, PORT, true);
  properties.to = to;
  if (isRendered(taken.bodyKind) && properties.contentType === RENDERED_TYPE) delete properties.contentType;
  return {
    header,
    messageAnnotations: filled(new AmqpMap([...taken.messageAnnotations, ...kept])),
    properties,
    applicationProperties: filled(new AmqpMap([...taken.applicationProperties, ...split.others])),
    body: value === null ? { kind: 'data', parts: [] } : bodyOfBytes(value, taken.bodyKind),
    footer: filled(taken.footer),
  };
}

interface SplitHeaders {
  readonly entries: Map<string, string>;
  /** Properties that are no text. */
  readonly others: AmqpMap;
  readonly repeated: AmqpMap;
}

function splitHeaders(headers: KafkaRecord['headers']): SplitHeaders {
  const split: SplitHeaders = { entries: new Map(), others: new AmqpMap(), repeated: new AmqpMap() };
  for (const [name, value] of Object.entries(headers)) {
    const [first, ...more] = Array.isArray(value) ? (value as readonly KafkaHeader[]) : [value as KafkaHeader];
    if (first === undefined) continue;
    const property = PORT.propertyOf(name, true);
    const text = first === null ? null : utf8Of(first);
    if (text !== null) split.entries.set(name, text);
    else if (property === null) throw new MessageFieldError(name, 'is null or no UTF-8');
    else split.others.set(property, first);
    if (more.length > 0 && property !== null) split.repeated.set(property, more.map(valueOfHeader));
  }
  return split;
}

function valueOfHeader(header: KafkaHeader): AmqpValue {
  return header === null ? null : (utf8Of(header) ?? header);
}

/** The inverse; undefined for what is none of these. */
function headerOfValue(value: AmqpValue): KafkaHeader | undefined {
  if (value === null) return null;
  if (Buffer.isBuffer(value)) return utf8Of(value) === null ? value : undefined;
  return undefined;
}

/**
 * A message as a record.
 * @throws DecodeError
 */
export function amqpToKafka(bytes: Buffer, start: number, end: number): KafkaRecord {
  return messageToKafka(decodeMessage(bytes, start, end));
}

const SAID = [ANNOTATION.kafkaKey, ANNOTATION.kafkaTombstone, ANNOTATION.contentType, ANNOTATION.repeated];

export function messageToKafka(message: Message): KafkaRecord {
  const annotations = message.messageAnnotations ?? new AmqpMap();
  const headers = Object.create(null) as Record<string, KafkaHeader | KafkaHeader[]>;
  const texts = new AmqpMap();
  for (const [property, value] of message.applicationProperties ?? []) {
    const entry = typeof property === 'string' ? PORT.entryOf(property, true) : null;
    const header = headerOfValue(value);
    if (entry !== null && header !== undefined) headers[entry] = header;
    else texts.set(property, value);
  }
  const { natives, entries } = writeEntries({ ...message, applicationProperties: texts }, PORT, SAID);
  const body = bodyToBytes(message.body);
  if (body.kind !== null && annotations.named(ANNOTATION.kafkaTombstone) !== true) entries.set(ENTRY.body, body.kind);
  const contentType = contentTypeOf(message, natives.get(CONTENT_TYPE), annotations, body.kind, PORT.fits);
  if (contentType !== undefined) headers[CONTENT_TYPE] = Buffer.from(contentType);
  for (const [name, text] of entries) headers[name] = Buffer.from(text);
  repeat(headers, annotations.named(ANNOTATION.repeated));
  const key = keyOf(message, natives.get('key'), headers);
  const timestamp = natives.get('timestamp');
  return {
    key,
    value: annotations.named(ANNOTATION.kafkaTombstone) === true ? null : body.bytes,
    headers,
    ...(typeof timestamp === 'number' && { timestamp }),
  };
}

/** A group that says the same as the attribute of an event is told apart, for else the attribute alone would come back. */
function keyOf(
  { messageAnnotations, properties }: Message,
  native: NativeValue | undefined,
  headers: Record<string, KafkaHeader | KafkaHeader[]>,
): Buffer | null {
  const partitionKey = headers[PARTITION_KEY];
  const own = Buffer.isBuffer(partitionKey) ? partitionKey : null;
  const kept = messageAnnotations?.get(sym(ANNOTATION.kafkaKey));
  if (kept === null && native === undefined) return null;
  const key = Buffer.isBuffer(native) ? native : Buffer.isBuffer(kept) ? kept : null;
  if (key !== null && own?.equals(key) === true && properties?.groupId !== undefined)
    headers[`${ENTRY_PREFIX}group-id`] = Buffer.from(escapeText(properties.groupId, PORT.fits));
  return key ?? own;
}

/** What a property that came several times said beside what it is, behind it. */
function repeat(headers: Record<string, KafkaHeader | KafkaHeader[]>, repeated: AmqpValue | undefined): void {
  if (!(repeated instanceof AmqpMap)) return;
  for (const [property, values] of repeated) {
    const entry = typeof property === 'string' ? PORT.entryOf(property, true) : null;
    const first = entry === null ? undefined : headers[entry];
    if (entry === null || first === undefined || Array.isArray(first) || !Array.isArray(values)) continue;
    headers[entry] = [first, ...(values as readonly AmqpValue[]).flatMap(repeatedHeader)];
  }
}

function repeatedHeader(value: AmqpValue): KafkaHeader[] {
  if (typeof value === 'string') return [Buffer.from(value)];
  const header = headerOfValue(value);
  return header === undefined ? [] : [header];
}
