import { encodeValue } from '../../amqp/codec/encoder';
import { AmqpTyped, type AmqpValue } from '../../amqp/codec/values';
import type { Message, MessageBody } from '../../message/message';
import { destinationOf } from './destinations';
import type { FrameOutput } from './frame-output';
import type { StompVersion } from './version';

/** Headers that this node writes itself, whatever a message calls its properties. */
const OF_FRAME: ReadonlySet<string> = new Set([
  'subscription',
  'message-id',
  'ack',
  'destination',
  'content-length',
  'redelivered',
]);

/** Writes what a message says of itself as headers. */
export function writeHeaders(
  { header, properties, applicationProperties }: Message,
  output: FrameOutput,
  version: StompVersion,
): void {
  const put = (name: string, value: string): void => void output.header(name, value, version);
  if (header?.durable === true) put('persistent', 'true');
  if (header?.priority !== undefined) put('priority', String(header.priority));
  if ((header?.deliveryCount ?? 0) > 0) put('redelivered', 'true');
  if (properties?.contentType !== undefined) put('content-type', properties.contentType);
  if (properties?.absoluteExpiryTime !== undefined) put('expires', String(properties.absoluteExpiryTime.getTime()));
  if (properties?.replyTo !== undefined) put('reply-to', destinationOf(properties.replyTo));
  if (properties?.correlationId !== undefined) put('correlation-id', textOf(properties.correlationId));
  for (const [name, value] of applicationProperties ?? [])
    if (typeof name === 'string' && !OF_FRAME.has(name)) put(name, textOf(value));
}

function textOf(value: AmqpValue): string {
  if (typeof value === 'string') return value;
  if (value instanceof AmqpTyped) return String(value.value as number);
  return String(value as number);
}

export function bytesOf(body: MessageBody): Buffer {
  if (body.kind === 'data') return body.parts.length === 1 ? (body.parts[0] as Buffer) : Buffer.concat(body.parts);
  if (body.kind === 'sequence') return encodeValue(body.lists as AmqpValue);
  if (Buffer.isBuffer(body.value)) return body.value;
  return Buffer.from(textOf(body.value));
}
