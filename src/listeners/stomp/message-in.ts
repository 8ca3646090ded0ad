import { AmqpMap } from '../../amqp/codec/values';
import { encodeMessage } from '../../message/encode-message';
import { dataBody, type Message, type MessageHeader, type MessageProperties } from '../../message/message';
import type { FrameHead } from './frame';

type Writable<T> = { -readonly [K in keyof T]: T[K] };

/** Headers of SEND that say how it is to be done, and are no part of the message. */
const OF_FRAME: ReadonlySet<string> = new Set([
  'destination',
  'destination-type',
  'receipt',
  'transaction',
  'content-length',
]);

/** The message that a SEND is, its body apart. */
export interface SentMessage {
  readonly message: Omit<Message, 'body'>;
  readonly durable: boolean;
}

/** @param replyTo the address that `reply-to` means; null without one */
export function messageOf(head: FrameHead, replyTo: string | null): SentMessage {
  const header: Writable<MessageHeader> = {};
  const properties: Writable<MessageProperties> = {};
  const applicationProperties = new AmqpMap();
  const durable = head.flag('persistent');
  if (durable) header.durable = true;
  const priority = head.number('priority', 0, 255);
  if (priority !== undefined) header.priority = priority;
  const expires = head.number('expires', 0, 8.64e15) ?? 0;
  if (expires > 0) properties.absoluteExpiryTime = new Date(expires);
  if (replyTo !== null) properties.replyTo = replyTo;
  for (let at = 0; at < head.count; at++) {
    const name = head.names[at] as string;
    const value = head.values[at] as string;
    if (name === 'content-type') properties.contentType ??= value;
    else if (name === 'correlation-id') properties.correlationId ??= value;
    else if (!OF_FRAME.has(name) && !FIELDS.has(name) && applicationProperties.get(name) === undefined)
      applicationProperties.set(name, value);
  }
  return {
    message: { header, properties, ...(applicationProperties.size > 0 && { applicationProperties }) },
    durable,
  };
}

const FIELDS: ReadonlySet<string> = new Set(['persistent', 'priority', 'expires', 'reply-to']);

/** As AMQP has it, up to the body. */
export function encodeHead({ message }: SentMessage): Buffer {
  return encodeMessage({ ...message, body: { kind: 'data', parts: [] } });
}

export function encodeWhole({ message }: SentMessage, bytes: Buffer, start: number, end: number): Buffer {
  return encodeMessage({ ...message, body: dataBody(bytes.subarray(start, end)) });
}

/** The beginning of a data section of that many bytes. */
export function dataSection(length: number): Buffer {
  const bytes = Buffer.from([0x00, 0x53, 0x75, 0xb0, 0, 0, 0, 0]);
  bytes.writeUInt32BE(length, 4);
  return bytes;
}
