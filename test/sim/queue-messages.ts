import { AmqpMap, AmqpTyped, sym } from '../../src/amqp/codec/values';
import { decodeMessage } from '../../src/message/decode-message';
import { encodeMessage } from '../../src/message/encode-message';
import { dataBody, textBody, type MessageHeader } from '../../src/message/message';

/** An encoded durable message with a text. @param delayMs it is delivered so long after it was sent, not before */
export function encodeText(text: string, header: MessageHeader = {}, delayMs = 0): Buffer {
  const message = { header: { durable: true, ...header }, body: textBody(text) };
  if (delayMs === 0) return encodeMessage(message);
  const messageAnnotations = new AmqpMap([[sym('x-opt-delivery-delay'), new AmqpTyped('uint', delayMs)]]);
  return encodeMessage({ ...message, messageAnnotations });
}

/** A delivered message. */
export interface ReadText {
  readonly text: string;
  /** Deliveries before this one that failed, or may have. */
  readonly deliveryCount: number;
}

export function decodeText(bytes: Buffer): ReadText {
  const { header, body } = decodeMessage(bytes);
  if (body?.kind !== 'value' || typeof body.value !== 'string') throw new Error('no text message');
  return { text: body.value, deliveryCount: header?.deliveryCount ?? 0 };
}

/** An encoded durable message with bytes. */
export function encodeBytes(bytes: Buffer, header: MessageHeader = {}): Buffer {
  return encodeMessage({ header: { durable: true, ...header }, body: dataBody(bytes) });
}

/** A delivered message with bytes. */
export interface ReadBytes {
  readonly bytes: Buffer;
  readonly header: MessageHeader;
  /** It may have been delivered before. */
  readonly marked: boolean;
}

export function decodeBytes(message: Buffer): ReadBytes {
  const { header = {}, body } = decodeMessage(message);
  if (body.kind !== 'data') throw new Error('no message with bytes');
  const [bytes = Buffer.alloc(0)] = body.parts;
  return { bytes, header, marked: (header.deliveryCount ?? 0) > 0 || header.firstAcquirer === false };
}
