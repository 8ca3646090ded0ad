import { AmqpMap, sym } from '../../amqp/codec/values';
import { decodeMessage } from '../decode-message';
import { encodeMessage } from '../encode-message';
import type { Message } from '../message';
import { bodyOfBytes, bodyToBytes, isRendered, RENDERED_TYPE } from './body';
import { canonicalProperty } from './cloud-event-names';
import { filled, readEntries } from './entries-in';
import { writeEntries } from './entries-out';
import type { EntryPort } from './entry-port';
import { ANNOTATION, ENTRY, ENTRY_PREFIX, FIELDS } from './fields';
import type { NativeValue } from './field-codecs';
import { isAscii } from './scalar-text';

/** Headers of a frame as they are after unescaping, the first of each name. */
export type StompHeaders = ReadonlyMap<string, string>;

/** What a MESSAGE frame says of a message; the listener adds destination, message-id, subscription, ack and content-length. */
export interface StompDelivery {
  readonly headers: Map<string, string>;
  readonly body: Buffer;
}

/** Headers that are of the frame or the connection, and of no message. */
const OF_FRAME: ReadonlySet<string> = new Set([
  'destination',
  'content-length',
  'receipt',
  'receipt-id',
  'transaction',
  'message-id',
  'subscription',
  'ack',
  'id',
  'redelivered',
]);

/** Names of ours for fields of a message. */
const OF_FIELDS: ReadonlySet<string> = new Set(FIELDS.flatMap(({ native: { stomp } }) => (stomp ? [stomp.name] : [])));

/** Versions from 1.1 on have escapes for line feeds and colons; that for carriage returns came with 1.2. */
function fitsEscaped(text: string): boolean {
  return !/[\0\r]/.test(text);
}

function fitsBare(text: string): boolean {
  return !/[\0\r\n]/.test(text) && text.trim() === text;
}

function portOf(fits: (text: string) => boolean, nameFits: (name: string) => boolean): EntryPort {
  return {
    protocol: 'stomp',
    fits,
    fitsNative: fits,
    entryOf: (name) => {
      const property = canonicalProperty(name);
      return isReserved(property) || !nameFits(property) ? null : property;
    },
    propertyOf: (entry) => (isReserved(entry) ? null : entry),
    encodeName: (property) => (nameFits(property) ? property : null),
    decodeName: (encoded) => encoded,
  };
}

function isReserved(name: string): boolean {
  return name.startsWith(ENTRY_PREFIX) || OF_FRAME.has(name) || OF_FIELDS.has(name);
}

const ESCAPED = portOf(fitsEscaped, (name) => name !== '' && fitsEscaped(name));
const BARE = portOf(fitsBare, (name) => name !== '' && fitsBare(name) && !name.includes(':'));

/**
 * The AMQP message of a SEND, encoded.
 * @param to the address that it was sent to, such as `queue/jobs`
 * @throws MessageFieldError
 */
export function stompToAmqp(headers: StompHeaders, body: Buffer, to: string): Buffer {
  return encodeMessage(stompToMessage(headers, body, to));
}

export function stompToMessage(headers: StompHeaders, bytes: Buffer, to: string): Message {
  const natives = new Map<string, NativeValue>();
  const kept = new AmqpMap();
  for (const name of OF_FIELDS) {
    const text = headers.get(name);
    if (text === undefined || isNothing(name, text)) continue;
    if (name === 'content-type' && !isAscii(text)) kept.set(sym(ANNOTATION.contentType), text);
    else natives.set(name, text);
  }
  const taken = readEntries(headers, natives, ESCAPED, false);
  const { header, properties, bodyKind } = taken;
  properties.to = to;
  if (isRendered(bodyKind) && properties.contentType === RENDERED_TYPE) delete properties.contentType;
  return {
    header,
    messageAnnotations: filled(new AmqpMap([...taken.messageAnnotations, ...kept])),
    properties,
    applicationProperties: filled(taken.applicationProperties),
    body: bodyOfBytes(bytes, bodyKind),
    footer: filled(taken.footer),
  };
}

/** Brokers and clients write `expires:0` for a message that does not. */
function isNothing(name: string, text: string): boolean {
  return name === 'expires' && text === '0';
}

/**
 * A message as STOMP delivers it.
 * @param escapes false for STOMP 1.0, whose headers cannot hold line feeds, nor colons in their names
 * @throws DecodeError
 */
export function amqpToStomp(bytes: Buffer, start: number, end: number, escapes = true): StompDelivery {
  return messageToStomp(decodeMessage(bytes, start, end), escapes);
}

export function messageToStomp(message: Message, escapes = true): StompDelivery {
  const port = escapes ? ESCAPED : BARE;
  const kept = message.messageAnnotations?.named(ANNOTATION.contentType);
  const untold = message.properties?.contentType === undefined;
  const says = typeof kept === 'string' && port.fits(kept) && untold;
  const { natives, entries } = writeEntries(message, port, says ? [ANNOTATION.contentType] : []);
  const { bytes, kind } = bodyToBytes(message.body);
  const headers = new Map<string, string>();
  for (const [name, native] of natives)
    if (typeof native === 'string')
      headers.set(isNothing(name, native) ? `${ENTRY_PREFIX}absolute-expiry-time` : name, native);
  for (const [name, text] of entries) headers.set(name, text);
  if (says) headers.set('content-type', kept);
  else if (isRendered(kind) && untold) headers.set('content-type', RENDERED_TYPE);
  if (kind !== null) headers.set(ENTRY.body, kind);
  return { headers, body: bytes };
}
