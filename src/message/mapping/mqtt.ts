import { AmqpMap, AmqpTyped, sym, type AmqpValue } from '../../amqp/codec/values';
import { decodeMessage } from '../decode-message';
import { encodeMessage } from '../encode-message';
import type { Message, MessageHeader, MessageProperties } from '../message';
import { bodyOfBytes, bodyToBytes, isRendered, RENDERED_TYPE } from './body';
import {
  attributeOfProperty,
  isAttribute,
  isBinaryEvent,
  propertyOfAttribute,
  REQUIRED_ATTRIBUTES,
} from './cloud-event-names';
import { contentTypeOf } from './content-type';
import { filled, readEntries, type Taken } from './entries-in';
import { writeEntries } from './entries-out';
import type { EntryPort } from './entry-port';
import type { NativeValue } from './field-codecs';
import { ANNOTATION, ENTRY, ENTRY_PREFIX } from './fields';
import { isMqttText } from './mqtt-topic';
import { fromUserProperties, toUserProperties, type UserProperties } from './mqtt-user-properties';
import { isAscii } from './scalar-text';

/** Properties of a PUBLISH of MQTT 5 that belong to the message, named as `mqtt-packet` names them. */
export interface MqttProperties {
  payloadFormatIndicator?: boolean;
  messageExpiryInterval?: number;
  contentType?: string;
  responseTopic?: string;
  correlationData?: Buffer;
  userProperties?: UserProperties;
}

export type MqttQos = 0 | 1 | 2;

/** A PUBLISH that comes in; of MQTT 3.1.1 it has no properties. */
export interface MqttPublish {
  readonly payload: Buffer;
  readonly qos: MqttQos;
  readonly retain: boolean;
  readonly properties?: MqttProperties;
}

/** A message that goes out. */
export interface MqttDelivery {
  readonly payload: Buffer;
  /** What it was published with by MQTT; null where another protocol did: then the subscription's counts. */
  readonly qos: MqttQos | null;
  readonly retain: boolean;
  readonly properties: MqttProperties;
}

const PORT: EntryPort = {
  protocol: 'mqtt5',
  fits: isMqttText,
  fitsNative: isMqttText,
  entryOf: (property, event) => {
    const attribute = event ? attributeOfProperty(property) : null;
    if (attribute !== null) return attribute;
    // Among the attributes of an event, which have no prefix here, others would be taken for some.
    if ((event && isAttribute(property)) || property.startsWith(ENTRY_PREFIX) || !isMqttText(property)) return null;
    return property;
  },
  propertyOf: (entry, event) => {
    if (entry.startsWith(ENTRY_PREFIX)) return null;
    return event && isAttribute(entry) ? propertyOfAttribute(entry) : entry;
  },
  encodeName: (property) => (isMqttText(ENTRY.typePrefix + property) ? property : null),
  decodeName: (encoded) => encoded,
};

/**
 * The AMQP message of a PUBLISH, encoded.
 * @param to the address that it was published to, such as `topic/a.b`
 * @param now wall-clock ms
 * @throws MessageFieldError
 */
export function mqttToAmqp(publish: MqttPublish, to: string, now: number): Buffer {
  return encodeMessage(mqttToMessage(publish, to, now));
}

export function mqttToMessage(
  { payload, qos, retain, properties = {} }: MqttPublish,
  to: string,
  now: number,
): Message {
  const { entries, repeated } = fromUserProperties(properties.userProperties ?? {});
  const natives = nativesOf(properties);
  const event = REQUIRED_ATTRIBUTES.every((name) => entries.has(name));
  const taken = readEntries(entries, natives, PORT, event);
  const annotations = taken.messageAnnotations;
  annotations.set(sym(ANNOTATION.mqttQos), new AmqpTyped('ubyte', qos));
  if (retain) annotations.set(sym(ANNOTATION.mqttRetain), true);
  if (
    properties.payloadFormatIndicator !== undefined &&
    !isTextAnyway(taken.bodyKind, properties.payloadFormatIndicator)
  )
    annotations.set(sym(ANNOTATION.mqttPayloadFormat), properties.payloadFormatIndicator);
  if (properties.contentType !== undefined && !isAscii(properties.contentType))
    annotations.set(sym(ANNOTATION.contentType), properties.contentType);
  if (repeated.size > 0) annotations.set(sym(ANNOTATION.repeated), repeatedMap(repeated, event));
  return messageOf(taken, payload, qos, to, properties.messageExpiryInterval, now);
}

function nativesOf({ contentType, responseTopic, correlationData }: MqttProperties): Map<string, NativeValue> {
  const natives = new Map<string, NativeValue>();
  if (contentType !== undefined && isAscii(contentType)) natives.set('contentType', contentType);
  if (responseTopic !== undefined) natives.set('responseTopic', responseTopic);
  if (correlationData !== undefined) natives.set('correlationData', correlationData);
  return natives;
}

/** A body that is told as text anyway needs no word about it. */
function isTextAnyway(kind: string | null, told: boolean): boolean {
  return told && (kind === 'string' || isRendered(kind));
}

function repeatedMap(repeated: ReadonlyMap<string, readonly string[]>, event: boolean): AmqpMap {
  return new AmqpMap([...repeated].map(([name, texts]) => [PORT.propertyOf(name, event) ?? name, texts] as const));
}

function messageOf(
  taken: Taken,
  payload: Buffer,
  qos: MqttQos,
  to: string,
  interval: number | undefined,
  now: number,
): Message {
  const { header, properties, bodyKind } = taken;
  header.durable = qos > 0;
  properties.to = to;
  if (isRendered(bodyKind) && properties.contentType === RENDERED_TYPE) delete properties.contentType;
  if (interval !== undefined) {
    header.ttl = Math.min(interval * 1_000, TTL_MAX);
    properties.absoluteExpiryTime = new Date(now + interval * 1_000);
  }
  return {
    header,
    messageAnnotations: taken.messageAnnotations,
    properties,
    applicationProperties: filled(taken.applicationProperties),
    body: bodyOfBytes(payload, bodyKind),
    footer: filled(taken.footer),
  };
}

/** A ttl of so many ms stands for longer ones too: their end is the absolute expiry time. */
const TTL_MAX = 0xffff_ffff;
const INTERVAL_MAX = 0xffff_ffff;

/** Seconds that are left, rounded up; at least one, for it is the mesh that decides what is over. */
function intervalOf(header: MessageHeader, properties: MessageProperties, now: number): number | undefined {
  const ttl = header.ttl === undefined || header.ttl === TTL_MAX ? Infinity : header.ttl;
  const until = properties.absoluteExpiryTime === undefined ? Infinity : properties.absoluteExpiryTime.getTime() - now;
  const left = Math.min(ttl, until);
  if (left === Infinity) return header.ttl === undefined ? undefined : Math.ceil(header.ttl / 1_000);
  return Math.min(Math.max(1, Math.ceil(left / 1_000)), INTERVAL_MAX);
}

/**
 * A message as MQTT 5 delivers it.
 * @param now wall-clock ms
 * @throws DecodeError, MessageFieldError
 */
export function amqpToMqtt(bytes: Buffer, start: number, end: number, now: number): MqttDelivery {
  return messageToMqtt(decodeMessage(bytes, start, end), now);
}

const SAID = [ANNOTATION.mqttPayloadFormat, ANNOTATION.contentType, ANNOTATION.repeated];

export function messageToMqtt(message: Message, now: number): MqttDelivery {
  const annotations = message.messageAnnotations ?? new AmqpMap();
  const { natives, entries } = writeEntries(message, PORT, SAID);
  const body = bodyToBytes(message.body);
  if (body.kind !== null) entries.set(ENTRY.body, body.kind);
  const format = annotations.named(ANNOTATION.mqttPayloadFormat);
  const properties: MqttProperties = {};
  if (typeof format === 'boolean') properties.payloadFormatIndicator = format;
  else if (body.text) properties.payloadFormatIndicator = true;
  const interval = intervalOf(message.header ?? {}, message.properties ?? {}, now);
  if (interval !== undefined) properties.messageExpiryInterval = interval;
  const contentType = contentTypeOf(message, natives.get('contentType'), annotations, body.kind, PORT.fits);
  if (contentType !== undefined) properties.contentType = contentType;
  setNatives(properties, natives);
  const user = toUserProperties(entries, repeatedOf(annotations.named(ANNOTATION.repeated), message, entries));
  if (user !== null) properties.userProperties = user;
  return { payload: body.bytes, ...deliveryOf(annotations), properties };
}

function setNatives(properties: MqttProperties, natives: ReadonlyMap<string, NativeValue>): void {
  const topic = natives.get('responseTopic');
  const correlation = natives.get('correlationData');
  if (typeof topic === 'string') properties.responseTopic = topic;
  if (Buffer.isBuffer(correlation)) properties.correlationData = correlation;
}

/** What a property that came several times said beside what it is, by entries that are there. */
function repeatedOf(
  value: AmqpValue | undefined,
  message: Message,
  entries: ReadonlyMap<string, string>,
): Map<string, string[]> {
  const repeated = new Map<string, string[]>();
  if (!(value instanceof AmqpMap)) return repeated;
  const event = isBinaryEvent(message.applicationProperties, PORT.fits);
  for (const [key, texts] of value) {
    const entry = typeof key === 'string' ? PORT.entryOf(key, event) : null;
    if (entry === null || !entries.has(entry) || !Array.isArray(texts)) continue;
    const said = texts.filter((text): text is string => typeof text === 'string' && PORT.fits(text));
    repeated.set(entry, said);
  }
  return repeated;
}

function deliveryOf(annotations: AmqpMap): { qos: MqttQos | null; retain: boolean } {
  const qos = annotations.named(ANNOTATION.mqttQos);
  const level = qos instanceof AmqpTyped ? Number(qos.value) : -1;
  return {
    qos: level === 0 || level === 1 || level === 2 ? level : null,
    retain: annotations.named(ANNOTATION.mqttRetain) === true,
  };
}
