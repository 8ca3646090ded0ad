import { generate, type Packet } from 'mqtt-packet';
import type { Version } from './connect-packet';
import { REASON_CHARS_MAX } from './limits';

/** What a CONNACK tells a client of MQTT 5 beside its reason; absent for the protocol's defaults. */
export interface ConnackProperties {
  sessionExpiryInterval?: number;
  receiveMaximum?: number;
  maximumPacketSize?: number;
  assignedClientIdentifier?: string;
  topicAliasMaximum?: number;
  reasonString?: string;
  serverKeepAlive?: number;
  responseInformation?: string;
}

export function connack(
  version: Version,
  reason: number,
  sessionPresent: boolean,
  properties: ConnackProperties,
): Buffer {
  if (version === 4) return encode({ cmd: 'connack', returnCode: reason, sessionPresent }, 4);
  return encode({ cmd: 'connack', reasonCode: reason, sessionPresent, properties: { ...properties } }, 5);
}

export function suback(version: Version, messageId: number, granted: readonly number[]): Buffer {
  return encode({ cmd: 'suback', messageId, granted: [...granted] }, version);
}

export function unsuback(version: Version, messageId: number, granted: readonly number[]): Buffer {
  return encode({ cmd: 'unsuback', messageId, granted: version === 4 ? [] : [...granted] } as Packet, version);
}

/** Only MQTT 5 lets a server say farewell. */
export function disconnect(reasonCode: number, why: string): Buffer {
  const reasonString = why.slice(0, REASON_CHARS_MAX);
  return encode({ cmd: 'disconnect', reasonCode, ...(why !== '' && { properties: { reasonString } }) }, 5);
}

function encode(packet: Packet, protocolVersion: Version): Buffer {
  return generate(packet, { protocolVersion } as never);
}
