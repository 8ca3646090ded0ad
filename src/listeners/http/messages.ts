import { encodeMessage } from '../../message/encode-message';
import { ValueEncoder } from '../../amqp/codec/encoder';
import { encodeHeaderText } from '../../message/mapping/http-text';
import { httpToMessage, type HttpHeadersIn } from '../../message/mapping/http';
import { SECTION } from '../../message/locate';
import type { Message } from '../../message/message';
import { HttpError } from './errors';

/** A message ready to be published, or what stands in front of its body. */
export interface Encoded {
  readonly bytes: Buffer;
  readonly durable: boolean;
}

const NO_BODY = Buffer.alloc(0);
const BODY_KIND = 'fairlead-body';

/** A body that is something else than bytes has to be whole to be understood. */
export function isTyped(headers: HttpHeadersIn): boolean {
  return headers[BODY_KIND] !== undefined;
}

/** @throws FairleadError when the headers are of no message */
export function encodedHead(headers: HttpHeadersIn, to: string, id: string | null): Encoded {
  const message = identified(httpToMessage(headers, NO_BODY, to), id);
  return { bytes: encodeMessage({ ...message, body: { kind: 'data', parts: [] } }), durable: isDurable(message) };
}

/** @throws FairleadError */
export function encodedWhole(headers: HttpHeadersIn, body: Buffer, to: string, id: string | null): Encoded {
  const message = identified(httpToMessage(headers, body, to), id);
  return { bytes: encodeMessage(message), durable: isDurable(message) };
}

function isDurable({ header }: Message): boolean {
  return header?.durable === true;
}

/** @param id what the message is known again by, unless it says so itself */
function identified(message: Message, id: string | null): Message {
  const said = message.properties?.messageId;
  if (id === null || said === id) return message;
  if (said !== undefined)
    throw new HttpError('FL_HTTP_REQUEST', 'idempotency-key and fairlead-message-id say different things');
  return { ...message, properties: { ...message.properties, messageId: id } };
}

/** What stands in front of the bytes of a data section. */
export function dataHead(length: number): Buffer {
  const size = Buffer.allocUnsafe(4);
  size.writeUInt32BE(length, 0);
  return new ValueEncoder().descriptor(SECTION.data).u8(0xb0).raw(size).take();
}

/** The longest data section. */
export const DATA_BYTES_MAX = 0xffff_ffff;

type Json = Readonly<Record<string, unknown>>;

/**
 * An event in structured mode (CloudEvents 1.0, JSON format) as what it is in binary mode: whoever consumes it meets it in one form.
 * @throws HttpError when it is no event
 */
export function eventInBinaryMode(event: unknown): { headers: HttpHeadersIn; body: Buffer } {
  if (typeof event !== 'object' || event === null || Array.isArray(event)) throw noEvent('an object');
  const { data, data_base64: base64, datacontenttype: type, ...attributes } = event as Json;
  for (const name of ['specversion', 'id', 'source', 'type'])
    if (typeof attributes[name] !== 'string' || attributes[name] === '') throw noEvent(`${name}: a text`);
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null) continue;
    if (!/^[a-z0-9]+$/.test(name)) throw noEvent('attributes whose names are of a to z and 0 to 9');
    if (typeof value === 'object') throw noEvent(`${name}: a text, a number or a truth value`);
    headers[`ce-${name}`] = encodeHeaderText(String(value));
  }
  if (type !== undefined && type !== null && typeof type !== 'string') throw noEvent('datacontenttype: a text');
  if (type) headers['content-type'] = type;
  else if (data !== undefined) headers['content-type'] = 'application/json';
  return { headers, body: dataOf(data, base64, headers['content-type']) };
}

function dataOf(data: unknown, base64: unknown, type: string | undefined): Buffer {
  if (base64 !== undefined && base64 !== null) {
    if (typeof base64 !== 'string' || data !== undefined) throw noEvent('data or data_base64, which is a text');
    return Buffer.from(base64, 'base64');
  }
  if (data === undefined) return NO_BODY;
  const isText = typeof data === 'string' && !isJson(type);
  return Buffer.from(isText ? data : JSON.stringify(data));
}

export function isJson(type: string | undefined): boolean {
  return type !== undefined && /^[^;]*[/+]json\s*(;|$)/i.test(type);
}

function noEvent(expected: string): HttpError {
  return new HttpError('FL_HTTP_REQUEST', `a CloudEvent in JSON: expected ${expected}`);
}
