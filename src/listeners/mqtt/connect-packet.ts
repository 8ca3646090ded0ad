import { PACKET, PROPERTY } from './constants';
import { malformed, MqttError, protocolError } from './errors';
import type { Fields } from './fields';
import { NO_PROPERTIES, type Properties, readProperties, WILL } from './properties';

export type Version = 4 | 5;

/** What is to be published for a client that goes without a word. */
export interface WillRequest {
  readonly topic: string;
  readonly payload: Buffer;
  readonly qos: number;
  readonly retain: boolean;
  readonly properties: Properties;
}

export interface ConnectPacket {
  readonly version: Version;
  readonly clientId: string;
  readonly clean: boolean;
  readonly keepAliveS: number;
  readonly will: WillRequest | null;
  readonly username: string | null;
  readonly password: Buffer | null;
  readonly properties: Properties;
}

/** Reads protocol name and version (3.1.2.1, 3.1.2.2); the version before 3.1.1 had a name of its own. @throws MqttError */
export function readVersion(fields: Fields): number {
  const name = fields.text('the protocol name');
  const version = fields.u8('the protocol version');
  if (name !== 'MQTT' && name !== 'MQIsdp') throw malformed('the protocol name is not MQTT [MQTT-3.1.2-1]');
  return name === 'MQTT' ? version : 3;
}

/** @throws MqttError */
export function checkVersion(version: number): void {
  if (version !== 4 && version !== 5)
    throw new MqttError('FL_MQTT_VERSION', `version ${version}, where 3.1.1 (4) and 5 are spoken [MQTT-3.1.2-2]`);
}

/** Reads what follows them (3.1). @throws MqttError */
export function readConnect(fields: Fields, version: Version): ConnectPacket {
  const flags = fields.u8('the connect flags');
  checkFlags(flags, version);
  const keepAliveS = fields.u16('the keep-alive');
  const properties = version === 5 ? readProperties(fields, PACKET.connect) : NO_PROPERTIES;
  if (properties.has(PROPERTY.authenticationData) && !properties.has(PROPERTY.authenticationMethod))
    throw protocolError('Authentication Data without a method');
  const clientId = fields.text('the client id');
  const will = (flags & 0x04) === 0 ? null : readWill(fields, flags, version);
  const username = (flags & 0x80) === 0 ? null : fields.text('the user name');
  const password = (flags & 0x40) === 0 ? null : fields.binary('the password');
  fields.done('the CONNECT');
  return { version, clientId, clean: (flags & 0x02) !== 0, keepAliveS, will, username, password, properties };
}

function checkFlags(flags: number, version: Version): void {
  if ((flags & 0x01) !== 0) throw malformed('the reserved flag is set [MQTT-3.1.2-3]');
  const qos = (flags >>> 3) & 3;
  if (qos === 3) throw malformed('a will of QoS 3 [MQTT-3.1.2-12]');
  if ((flags & 0x04) === 0 && (flags & 0x38) !== 0)
    throw malformed('QoS or retain of a will without a will [MQTT-3.1.2-11] [MQTT-3.1.2-13]');
  if (version === 4 && (flags & 0xc0) === 0x40) throw malformed('a password without a user name [MQTT-3.1.2-22]');
}

function readWill(fields: Fields, flags: number, version: Version): WillRequest {
  const properties = version === 5 ? readProperties(fields, WILL) : NO_PROPERTIES;
  const topic = fields.text('the topic of the will');
  const payload = fields.binary('the payload of the will');
  return { topic, payload, qos: (flags >>> 3) & 3, retain: (flags & 0x20) !== 0, properties };
}
