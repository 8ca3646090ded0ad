import { decodeMessage } from '../../src/message/decode-message';
import { encodeMessage } from '../../src/message/encode-message';
import { textBody, type MessageHeader } from '../../src/message/message';

/** An encoded durable message with a text. */
export function encodeText(text: string, header: MessageHeader = {}): Buffer {
  return encodeMessage({ header: { durable: true, ...header }, body: textBody(text) });
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
