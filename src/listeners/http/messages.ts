import { encodeMessage } from '../../message/encode-message';
import { ValueEncoder } from '../../amqp/codec/encoder';
import { EVENT_TYPE, toBinaryEvent } from '../../message/mapping/cloud-events';
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

/**
 * An event in structured mode (CloudEvents 1.0, JSON format) as one in binary mode: whoever consumes it meets it in one form.
 * @throws FairleadError when it is no event
 */
export function encodedEvent(headers: HttpHeadersIn, event: Buffer, to: string, id: string | null): Encoded {
  const structured = httpToMessage({ ...headers, 'content-type': EVENT_TYPE }, event, to);
  const message = identified(toBinaryEvent(structured), id);
  return { bytes: encodeMessage(message), durable: isDurable(message) };
}

export function isJson(type: string | undefined): boolean {
  return type !== undefined && /^[^;]*[/+]json\s*(;|$)/i.test(type);
}
