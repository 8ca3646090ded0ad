import { encodeMessage } from '../../message/encode-message';
import type { Message } from '../../message/message';
import { mqttToMessage, type MqttProperties, type MqttQos } from '../../message/mapping/mqtt';
import { PACKET, PROPERTY } from './constants';
import { Fields } from './fields';
import { type Properties, readProperties } from './properties';
import type { PublishView } from './publish-packet';

const NOTHING = Buffer.alloc(0);

/** Properties of a message as the table of `message/mapping` names them. */
export function messageProperties(properties: Properties): MqttProperties {
  const message: MqttProperties = {};
  const format = properties.number(PROPERTY.payloadFormat);
  if (format !== undefined) message.payloadFormatIndicator = format === 1;
  const expiry = properties.number(PROPERTY.messageExpiry);
  if (expiry !== undefined) message.messageExpiryInterval = expiry;
  const type = properties.text(PROPERTY.contentType);
  if (type !== undefined) message.contentType = type;
  const topic = properties.text(PROPERTY.responseTopic);
  if (topic !== undefined) message.responseTopic = topic;
  const correlation = properties.binary(PROPERTY.correlationData);
  if (correlation !== undefined) message.correlationData = correlation;
  if (properties.user.length > 0) message.userProperties = userPropertiesOf(properties.user);
  return message;
}

function userPropertiesOf(pairs: Properties['user']): Record<string, string | string[]> {
  const all = Object.create(null) as Record<string, string | string[]>;
  for (const [name, value] of pairs) {
    const before = all[name];
    if (before === undefined) all[name] = value;
    else all[name] = typeof before === 'string' ? [before, value] : [...before, value];
  }
  return all;
}

/** The AMQP message of a PUBLISH that has properties. @throws MessageFieldError */
export function richMessage(view: PublishView, bytes: Buffer, address: string, now: number): Buffer {
  const payload = bytes.subarray(view.payloadStart, view.payloadEnd);
  return encodeMessage(messageOf(view, bytes, payload, address, now));
}

/** All of it before the body, whose bytes come later. @throws MessageFieldError */
export function richHead(view: PublishView, bytes: Buffer, address: string, now: number): RichHead {
  const message = messageOf(view, bytes, NOTHING, address, now);
  const isText = message.body.kind === 'value' && typeof message.body.value === 'string';
  return { head: encodeMessage({ ...message, body: { kind: 'data', parts: [] } }), isText };
}

/** A message whose body follows: bytes, or text that is one value. */
export interface RichHead {
  readonly head: Buffer;
  readonly isText: boolean;
}

function messageOf(view: PublishView, bytes: Buffer, payload: Buffer, address: string, now: number): Message {
  const fields = new Fields(bytes, view.propertiesStart, view.payloadStart);
  const properties = messageProperties(readProperties(fields, PACKET.publish));
  return mqttToMessage({ payload, qos: view.qos as MqttQos, retain: view.retain, properties }, address, now);
}
