import { decodeMessage } from '../decode-message';
import { encodeMessage } from '../encode-message';
import type { Message } from '../message';
import { bodyOfBytes, bodyToBytes, isRendered, RENDERED_TYPE } from './body';
import { attributeOfProperty, isAttribute, propertyOfAttribute } from './cloud-event-names';
import { filled, readEntries } from './entries-in';
import { writeEntries } from './entries-out';
import type { EntryPort } from './entry-port';
import { ENTRY, ENTRY_PREFIX } from './fields';
import type { NativeValue } from './field-codecs';
import { decodeHeaderText, encodeHeaderName, encodeHeaderText } from './http-text';

/** Headers by their names in small letters, as Node has them. */
export type HttpHeadersIn = Readonly<Record<string, string | readonly string[] | undefined>>;

/** A message as a body with headers, whose names are in small letters. */
export interface HttpDelivery {
  readonly headers: Record<string, string>;
  readonly body: Buffer;
}

const PROPERTY_PREFIX = `${ENTRY_PREFIX}property-`;
/** CloudEvents 1.0, HTTP binding 3.1.3.1. */
const EVENT_PREFIX = 'ce-';
const NATIVES = ['content-type', 'content-encoding'] as const;

const PORT: EntryPort = {
  protocol: 'http',
  fits: () => true,
  fitsNative: (text) => /^[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?$/.test(text),
  entryOf: (property) => {
    const attribute = attributeOfProperty(property);
    return attribute === null ? PROPERTY_PREFIX + encodeHeaderName(property) : EVENT_PREFIX + attribute;
  },
  propertyOf: (entry) => {
    if (entry.startsWith(PROPERTY_PREFIX)) return decodeHeaderText(entry.slice(PROPERTY_PREFIX.length));
    const attribute = entry.startsWith(EVENT_PREFIX) ? entry.slice(EVENT_PREFIX.length) : '';
    return isAttribute(attribute) ? propertyOfAttribute(attribute) : null;
  },
  encodeName: encodeHeaderName,
  decodeName: decodeHeaderText,
};

/**
 * The AMQP message of a request with one message, encoded. Headers that begin neither with `fairlead-` nor with `ce-` are of the
 * request, but for `content-type` and `content-encoding`.
 * @param to the address that it was posted to
 * @throws MessageFieldError
 */
export function httpToAmqp(headers: HttpHeadersIn, body: Buffer, to: string): Buffer {
  return encodeMessage(httpToMessage(headers, body, to));
}

export function httpToMessage(headers: HttpHeadersIn, bytes: Buffer, to: string): Message {
  const natives = new Map<string, NativeValue>();
  const entries = new Map<string, string>();
  for (const [name, value] of Object.entries(headers)) {
    const text = typeof value === 'string' ? value : value?.join(', ');
    if (text === undefined) continue;
    if ((NATIVES as readonly string[]).includes(name)) natives.set(name, text);
    else if (name.startsWith(ENTRY_PREFIX) || name.startsWith(EVENT_PREFIX)) entries.set(name, decodeHeaderText(text));
  }
  const taken = readEntries(entries, natives, PORT, true);
  const { header, properties, bodyKind } = taken;
  properties.to = to;
  if (isRendered(bodyKind) && properties.contentType === RENDERED_TYPE) delete properties.contentType;
  return {
    header,
    messageAnnotations: filled(taken.messageAnnotations),
    properties,
    applicationProperties: filled(taken.applicationProperties),
    body: bodyOfBytes(bytes, bodyKind),
    footer: filled(taken.footer),
  };
}

/**
 * A message as a body with headers.
 * @throws DecodeError
 */
export function amqpToHttp(bytes: Buffer, start: number, end: number): HttpDelivery {
  return messageToHttp(decodeMessage(bytes, start, end));
}

export function messageToHttp(message: Message): HttpDelivery {
  const { natives, entries } = writeEntries(message, PORT, []);
  const { bytes, kind } = bodyToBytes(message.body);
  const headers: Record<string, string> = {};
  for (const [name, native] of natives) if (typeof native === 'string') headers[name] = native;
  for (const [name, text] of entries) headers[name] = encodeHeaderText(text);
  if (isRendered(kind) && message.properties?.contentType === undefined) headers['content-type'] = RENDERED_TYPE;
  if (kind !== null) headers[ENTRY.body] = kind;
  return { headers, body: bytes };
}
