import type { AmqpMap, AmqpValue } from '../amqp/codec/values';

/** Header of a message (part 3.2.1); absent fields take the specification's defaults. */
export interface MessageHeader {
  readonly durable?: boolean;
  readonly priority?: number;
  /** ms. */
  readonly ttl?: number;
  readonly firstAcquirer?: boolean;
  readonly deliveryCount?: number;
}

/** Properties of a message (part 3.2.4). */
export interface MessageProperties {
  /** A string, a ulong, a uuid or a binary, like the correlation id. */
  readonly messageId?: AmqpValue;
  readonly userId?: Buffer;
  readonly to?: string;
  readonly subject?: string;
  readonly replyTo?: string;
  readonly correlationId?: AmqpValue;
  readonly contentType?: string;
  readonly contentEncoding?: string;
  readonly absoluteExpiryTime?: Date;
  readonly creationTime?: Date;
  readonly groupId?: string;
  readonly groupSequence?: number;
  readonly replyToGroupId?: string;
}

/** The body of a message is one of three (part 3.2.6 to 3.2.8). */
export type MessageBody =
  | { readonly kind: 'data'; readonly parts: readonly Buffer[] }
  | { readonly kind: 'sequence'; readonly lists: readonly (readonly AmqpValue[])[] }
  | { readonly kind: 'value'; readonly value: AmqpValue };

/** An AMQP 1.0 message with its sections taken apart. */
export interface Message {
  readonly header?: MessageHeader;
  readonly deliveryAnnotations?: AmqpMap;
  readonly messageAnnotations?: AmqpMap;
  readonly properties?: MessageProperties;
  readonly applicationProperties?: AmqpMap;
  readonly body: MessageBody;
  readonly footer?: AmqpMap;
}

/** A body of text. */
export function textBody(text: string): MessageBody {
  return { kind: 'value', value: text };
}

/** A body of bytes. */
export function dataBody(bytes: Buffer): MessageBody {
  return { kind: 'data', parts: [bytes] };
}
