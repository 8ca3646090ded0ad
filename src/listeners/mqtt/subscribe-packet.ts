import { PACKET, PROPERTY } from './constants';
import type { Version } from './connect-packet';
import { malformed, protocolError } from './errors';
import type { Fields } from './fields';
import { NO_PROPERTIES, readProperties } from './properties';

/** When retained messages are sent (3.8.3.1): always, only for a subscription that did not exist, never. */
export const RETAIN_HANDLING = { always: 0, ifNew: 1, never: 2 } as const;

/** What a client wants of one filter. */
export interface SubscriptionRequest {
  /** As it was written. */
  readonly filter: string;
  readonly qos: number;
  readonly noLocal: boolean;
  readonly retainAsPublished: boolean;
  readonly retainHandling: number;
}

export interface SubscribePacket {
  readonly packetId: number;
  /** 0 for none. */
  readonly subscriptionId: number;
  readonly requests: readonly SubscriptionRequest[];
}

export interface UnsubscribePacket {
  readonly packetId: number;
  readonly filters: readonly string[];
}

function readPacketId(fields: Fields): number {
  const packetId = fields.u16('the packet id');
  if (packetId === 0) throw malformed('packet id 0 [MQTT-2.2.1-3]');
  return packetId;
}

/** @throws MqttError */
export function readSubscribe(fields: Fields, version: Version): SubscribePacket {
  const packetId = readPacketId(fields);
  const properties = version === 5 ? readProperties(fields, PACKET.subscribe) : NO_PROPERTIES;
  const requests: SubscriptionRequest[] = [];
  while (fields.left > 0) requests.push(readRequest(fields, version));
  if (requests.length === 0) throw protocolError('a SUBSCRIBE without a filter [MQTT-3.8.3-2]');
  return { packetId, subscriptionId: properties.number(PROPERTY.subscriptionId) ?? 0, requests };
}

function readRequest(fields: Fields, version: Version): SubscriptionRequest {
  const filter = fields.text('a filter');
  const options = fields.u8('the options of a subscription');
  const qos = options & 3;
  if (qos === 3) throw malformed('a subscription of QoS 3');
  if (options > (version === 5 ? 0x3f : 0x03)) throw malformed('reserved options of a subscription [MQTT-3.8.3-5]');
  const retainHandling = (options >>> 4) & 3;
  if (retainHandling === 3) throw protocolError('retain handling 3');
  const noLocal = (options & 0x04) !== 0;
  if (noLocal && filter.startsWith('$share/')) throw protocolError('No Local and shared [MQTT-3.8.3-4]');
  return { filter, qos, noLocal, retainAsPublished: (options & 0x08) !== 0, retainHandling };
}

/** @throws MqttError */
export function readUnsubscribe(fields: Fields, version: Version): UnsubscribePacket {
  const packetId = readPacketId(fields);
  if (version === 5) readProperties(fields, PACKET.unsubscribe);
  const filters: string[] = [];
  while (fields.left > 0) filters.push(fields.text('a filter'));
  if (filters.length === 0) throw protocolError('an UNSUBSCRIBE without a filter [MQTT-3.10.3-2]');
  return { packetId, filters };
}
