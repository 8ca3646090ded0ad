import { ValueEncoder } from '../amqp/codec/encoder';
import { AmqpTyped, type AmqpTypeName, type AmqpValue, sym } from '../amqp/codec/values';
import { SECTION } from './locate';
import type { Message, MessageBody, MessageHeader, MessageProperties } from './message';

function typed(type: AmqpTypeName, value: number | undefined): AmqpValue {
  return value === undefined ? null : new AmqpTyped(type, value);
}

function headerFields(header: MessageHeader): AmqpValue[] {
  return [
    header.durable ?? null,
    typed('ubyte', header.priority),
    typed('uint', header.ttl),
    header.firstAcquirer ?? null,
    typed('uint', header.deliveryCount),
  ];
}

function propertyFields(properties: MessageProperties): AmqpValue[] {
  const { contentType, contentEncoding } = properties;
  return [
    properties.messageId ?? null,
    properties.userId ?? null,
    properties.to ?? null,
    properties.subject ?? null,
    properties.replyTo ?? null,
    properties.correlationId ?? null,
    contentType === undefined ? null : sym(contentType),
    contentEncoding === undefined ? null : sym(contentEncoding),
    properties.absoluteExpiryTime ?? null,
    properties.creationTime ?? null,
    properties.groupId ?? null,
    typed('uint', properties.groupSequence),
    properties.replyToGroupId ?? null,
  ];
}

/** Trailing fields without a value are left out (part 1.4). */
function trimmed(fields: readonly AmqpValue[]): readonly AmqpValue[] {
  let length = fields.length;
  while (length > 0 && fields[length - 1] === null) length--;
  return fields.slice(0, length);
}

function writeBody(encoder: ValueEncoder, body: MessageBody): void {
  if (body.kind === 'data') for (const part of body.parts) encoder.descriptor(SECTION.data).value(part);
  else if (body.kind === 'sequence') for (const list of body.lists) encoder.descriptor(SECTION.sequence).list(list);
  else encoder.descriptor(SECTION.value).value(body.value);
}

/** A message in its wire form (part 3.2). */
export function encodeMessage(message: Message): Buffer {
  const encoder = new ValueEncoder();
  const { header, properties, deliveryAnnotations, messageAnnotations, applicationProperties, footer } = message;
  if (header) encoder.descriptor(SECTION.header).list(trimmed(headerFields(header)));
  if (deliveryAnnotations) encoder.descriptor(SECTION.deliveryAnnotations).map(deliveryAnnotations);
  if (messageAnnotations) encoder.descriptor(SECTION.messageAnnotations).map(messageAnnotations);
  if (properties) encoder.descriptor(SECTION.properties).list(trimmed(propertyFields(properties)));
  if (applicationProperties) encoder.descriptor(SECTION.applicationProperties).map(applicationProperties);
  writeBody(encoder, message.body);
  if (footer) encoder.descriptor(SECTION.footer).map(footer);
  return encoder.take();
}
