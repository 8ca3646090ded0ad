import { idText, jmsIdText } from './ids';
import { BEYOND, skip } from './locate';
import { HEADER_FIELD, type MessageFields, PROPERTY_FIELD } from './message-fields';
import type { Scalar } from './scalar';

/** What a name stands for in a message. @throws DecodeError */
export type ReadField = (message: MessageFields) => Scalar;

const PRIORITY_DEFAULT = 4;

function header(field: number, absent: Scalar = null): ReadField {
  return (message) => message.header(field) ?? absent;
}

function property(field: number, absent: Scalar = null): ReadField {
  return (message) => message.property(field) ?? absent;
}

const deliveryMode: ReadField = (message) =>
  message.header(HEADER_FIELD.durable) === true ? 'PERSISTENT' : 'NON_PERSISTENT';

function deliveryCount(message: MessageFields): number {
  const count = message.header(HEADER_FIELD.deliveryCount);
  return typeof count === 'number' ? count : 0;
}

const redelivered: ReadField = (message) => deliveryCount(message) > 0;

function id(field: number): ReadField {
  return (message) => idText(message.bytes, message.propertyAt(field), message.end);
}

function jmsId(field: number, own: boolean): ReadField {
  return (message) => jmsIdText(message.bytes, message.propertyAt(field), message.end, own);
}

/** It is a binary; what JMS clients put into it is text. */
const userId: ReadField = (message) => {
  const { bytes, end } = message;
  const at = message.propertyAt(PROPERTY_FIELD.userId);
  const next = at === BEYOND ? BEYOND : skip(bytes, at, end);
  if (next === BEYOND) return null;
  const head = bytes[at] === 0xa0 ? 2 : bytes[at] === 0xb0 ? 5 : 0;
  return head === 0 ? null : bytes.toString('utf8', at + head, next);
};

/**
 * Names of selectors that are no application properties: headers and properties by their names in JMS (3.5, 3.8.1.1), as clients send
 * them, and by those that some clients translate them into (`amqp.`, as Qpid's C++ broker knows them).
 */
export const SELECTOR_NAMES: ReadonlyMap<string, ReadField> = new Map<string, ReadField>([
  ['JMSDeliveryMode', deliveryMode],
  ['JMSPriority', header(HEADER_FIELD.priority, PRIORITY_DEFAULT)],
  ['JMSMessageID', jmsId(PROPERTY_FIELD.messageId, true)],
  ['JMSCorrelationID', jmsId(PROPERTY_FIELD.correlationId, false)],
  ['JMSTimestamp', property(PROPERTY_FIELD.creationTime)],
  ['JMSType', property(PROPERTY_FIELD.subject)],
  ['JMSDestination', property(PROPERTY_FIELD.to)],
  ['JMSReplyTo', property(PROPERTY_FIELD.replyTo)],
  ['JMSExpiration', property(PROPERTY_FIELD.absoluteExpiryTime, 0)],
  ['JMSRedelivered', redelivered],
  ['JMSXDeliveryCount', (message) => deliveryCount(message) + 1],
  ['JMSXGroupID', property(PROPERTY_FIELD.groupId)],
  ['JMSXGroupSeq', property(PROPERTY_FIELD.groupSequence)],
  ['JMSXUserID', userId],
  ['amqp.durable', header(HEADER_FIELD.durable, false)],
  ['amqp.delivery_mode', deliveryMode],
  ['amqp.priority', header(HEADER_FIELD.priority, PRIORITY_DEFAULT)],
  ['amqp.ttl', header(HEADER_FIELD.ttl)],
  ['amqp.first_acquirer', header(HEADER_FIELD.firstAcquirer, false)],
  ['amqp.delivery_count', deliveryCount],
  ['amqp.redelivered', redelivered],
  ['amqp.message_id', id(PROPERTY_FIELD.messageId)],
  ['amqp.user_id', userId],
  ['amqp.to', property(PROPERTY_FIELD.to)],
  ['amqp.subject', property(PROPERTY_FIELD.subject)],
  ['amqp.jms_type', property(PROPERTY_FIELD.subject)],
  ['amqp.reply_to', property(PROPERTY_FIELD.replyTo)],
  ['amqp.correlation_id', id(PROPERTY_FIELD.correlationId)],
  ['amqp.content_type', property(PROPERTY_FIELD.contentType)],
  ['amqp.content_encoding', property(PROPERTY_FIELD.contentEncoding)],
  ['amqp.absolute_expiry_time', property(PROPERTY_FIELD.absoluteExpiryTime)],
  ['amqp.creation_time', property(PROPERTY_FIELD.creationTime)],
  ['amqp.group_id', property(PROPERTY_FIELD.groupId)],
  ['amqp.group_sequence', property(PROPERTY_FIELD.groupSequence)],
  ['amqp.reply_to_group_id', property(PROPERTY_FIELD.replyToGroupId)],
]);
