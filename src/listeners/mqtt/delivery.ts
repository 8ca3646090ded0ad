import { DecodeError } from '../../amqp/errors';
import { amqpToMqtt, type MqttProperties } from '../../message/mapping/mqtt';
import { MqttPlain, readMqttPlain } from '../../message/mapping/mqtt-plain';
import { FairleadError } from '../../common/errors';
import { PROPERTY } from './constants';
import { varint } from './acks';

const NO_BYTES: Buffer = Buffer.alloc(0);

/** A message as it is sent to a client; reused from message to message. */
export class Delivery {
  /** -1 where MQTT did not publish it: the subscription's QoS counts. */
  qos = 0;
  retain = false;
  /** It may have been delivered before, and so may be one that the client has. */
  again = false;
  /** Encoded, without the properties that are the subscription's. */
  properties = NO_BYTES;
  bytes: Buffer = NO_BYTES;
  start = 0;
  end = 0;
}

const PLAIN = new MqttPlain();

/**
 * Reads a message for a client: in place where that can be.
 * @returns false when nothing can be made of it for MQTT
 */
export function readDelivery(bytes: Buffer, start: number, end: number, v5: boolean, delivery: Delivery): boolean {
  try {
    if (readMqttPlain(bytes, start, end, PLAIN) && (PLAIN.bare || !v5)) {
      delivery.qos = PLAIN.qos;
      delivery.retain = PLAIN.retain;
      delivery.properties = NO_BYTES;
      delivery.bytes = bytes;
      delivery.start = PLAIN.body.start;
      delivery.end = PLAIN.body.end;
      return true;
    }
    readRich(bytes, start, end, v5, delivery);
    return true;
  } catch (error) {
    if (error instanceof DecodeError || error instanceof FairleadError) return false;
    throw error;
  }
}

function readRich(bytes: Buffer, start: number, end: number, v5: boolean, delivery: Delivery): void {
  const { payload, qos, retain, properties } = amqpToMqtt(bytes, start, end, Date.now());
  delivery.qos = qos ?? -1;
  delivery.retain = retain;
  delivery.properties = v5 ? encodeProperties(properties) : NO_BYTES;
  delivery.bytes = payload;
  delivery.start = 0;
  delivery.end = payload.length;
}

/** Properties of a message as they stand in a PUBLISH (3.3.2.3). */
export function encodeProperties(properties: MqttProperties): Buffer {
  const parts: Buffer[] = [];
  const { payloadFormatIndicator, messageExpiryInterval, contentType, responseTopic, correlationData } = properties;
  if (payloadFormatIndicator !== undefined)
    parts.push(Buffer.from([PROPERTY.payloadFormat, payloadFormatIndicator ? 1 : 0]));
  if (messageExpiryInterval !== undefined) parts.push(u32Property(PROPERTY.messageExpiry, messageExpiryInterval));
  if (contentType !== undefined) parts.push(textProperty(PROPERTY.contentType, contentType));
  if (responseTopic !== undefined) parts.push(textProperty(PROPERTY.responseTopic, responseTopic));
  if (correlationData !== undefined) parts.push(textProperty(PROPERTY.correlationData, correlationData));
  for (const [name, values] of Object.entries(properties.userProperties ?? {}))
    for (const value of typeof values === 'string' ? [values] : values)
      parts.push(textProperty(PROPERTY.userProperty, name), field(value));
  return Buffer.concat(parts);
}

function u32Property(id: number, value: number): Buffer {
  const bytes = Buffer.allocUnsafe(5);
  bytes[0] = id;
  bytes.writeUInt32BE(value, 1);
  return bytes;
}

function field(value: string | Buffer): Buffer {
  const bytes = typeof value === 'string' ? Buffer.from(value) : value;
  const length = Buffer.allocUnsafe(2);
  length.writeUInt16BE(bytes.length, 0);
  return Buffer.concat([length, bytes]);
}

function textProperty(id: number, value: string | Buffer): Buffer {
  return Buffer.concat([Buffer.from([id]), field(value)]);
}

/** The Subscription Identifier that every message of a subscription bears (3.3.2.3.8). */
export function subscriptionIdProperty(id: number): Buffer {
  return id === 0 ? NO_BYTES : Buffer.from([PROPERTY.subscriptionId, ...varint(id)]);
}
