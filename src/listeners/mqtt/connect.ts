import { randomUUID } from 'node:crypto';
import { NEVER_EXPIRES, PROPERTY, REASON } from './constants';
import type { SessionWill } from '../../addresses/client-contract';
import type { ConnackProperties } from './cold-packets';
import type { ConnectPacket } from './connect-packet';
import { MqttError } from './errors';
import { CLIENT_ID_BYTES_MAX, KEEP_ALIVE_S_MAX, RECEIVE_MAXIMUM, TOPIC_ALIASES_MAX } from './limits';
import type { ClientFacts } from './peer';
import { sessionWill } from './will';

/** What is told where the client says nothing (3.1.2.11.3). */
const RECEIVE_MAXIMUM_DEFAULT = 65_535;

/** A CONNECT that is let in: what the client is, and what it is told. */
export interface Admission {
  readonly facts: ClientFacts;
  readonly keepAliveS: number;
  readonly told: ConnackProperties;
  readonly will: SessionWill | null;
}

/** Decides on a CONNECT, step by step as 3.1.4 has it. @throws MqttError */
export function admit(connect: ConnectPacket, packetBytesMax: number): Admission {
  refuseEnhancedAuthentication(connect);
  const clientId = clientIdOf(connect);
  const keepAliveS = keepAliveOf(connect);
  const told: ConnackProperties = {
    receiveMaximum: RECEIVE_MAXIMUM,
    maximumPacketSize: packetBytesMax,
    topicAliasMaximum: TOPIC_ALIASES_MAX,
    ...(connect.clientId === '' && { assignedClientIdentifier: clientId }),
    ...responseInformation(connect),
    ...(keepAliveS !== connect.keepAliveS && { serverKeepAlive: keepAliveS }),
  };
  const will = connect.will === null ? null : sessionWill(connect.will, Date.now());
  return { facts: factsOf(connect, clientId), keepAliveS, told, will };
}

/** A topic below which this connection alone may have its answers ([MQTT-3.1.2-28]). */
function responseInformation({ properties }: ConnectPacket): ConnackProperties {
  if (properties.number(PROPERTY.requestResponseInformation) !== 1) return {};
  return { responseInformation: `replies/${randomUUID()}` };
}

/** Enhanced authentication (4.12) is not served: [MQTT-4.12.0-1]. */
function refuseEnhancedAuthentication({ properties }: ConnectPacket): void {
  if (properties.has(PROPERTY.authenticationMethod))
    throw new MqttError('FL_MQTT_AUTH_METHOD', 'enhanced authentication is not served');
}

/** A client without an id gets one ([MQTT-3.1.3-6]); of MQTT 3.1.1 only for a clean session ([MQTT-3.1.3-8] there). */
function clientIdOf({ clientId, version, clean }: ConnectPacket): string {
  if (clientId === '') {
    if (version === 4 && !clean) throw new MqttError('FL_MQTT_CLIENT_ID', 'a session that stays needs a client id');
    return `fairlead-${randomUUID()}`;
  }
  if (Buffer.byteLength(clientId) > CLIENT_ID_BYTES_MAX)
    throw new MqttError('FL_MQTT_CLIENT_ID', `a client id of more than ${CLIENT_ID_BYTES_MAX} bytes`);
  return clientId;
}

/** MQTT 3.1.1 has no way to tell another one. */
function keepAliveOf({ keepAliveS, version }: ConnectPacket): number {
  if (version === 4) return keepAliveS;
  return keepAliveS === 0 ? KEEP_ALIVE_S_MAX : Math.min(keepAliveS, KEEP_ALIVE_S_MAX);
}

function factsOf({ version, properties }: ConnectPacket, clientId: string): ClientFacts {
  return {
    version,
    clientId,
    receiveMaximum: properties.number(PROPERTY.receiveMaximum) ?? RECEIVE_MAXIMUM_DEFAULT,
    packetBytesMax: properties.number(PROPERTY.maximumPacketSize) ?? Infinity,
    topicAliasMaximum: properties.number(PROPERTY.topicAliasMaximum) ?? 0,
    problemInformation: properties.number(PROPERTY.requestProblemInformation) !== 0,
  };
}

/** Reasons as the return codes of MQTT 3.1.1 (its table 3.1). */
const RETURN_CODES: Readonly<Record<number, number>> = {
  [REASON.version]: 1,
  [REASON.clientId]: 2,
  [REASON.serverUnavailable]: 3,
  [REASON.quota]: 3,
  [REASON.badAuthenticationMethod]: 5,
  [REASON.notAuthorized]: 5,
};

/** Null where MQTT 3.1.1 has no word: the connection is closed without one. */
export function returnCodeOf(reason: number): number | null {
  return RETURN_CODES[reason] ?? null;
}

/** How long the session is to outlive its connection (3.1.2.11.2); of MQTT 3.1.1 for ever, or not at all. */
export function sessionExpiryMs({ version, clean, properties }: ConnectPacket): number {
  if (version === 4) return clean ? 0 : Infinity;
  return expiryMsOf(properties.number(PROPERTY.sessionExpiry) ?? 0);
}

/** Session Expiry Interval as ms. */
export function expiryMsOf(seconds: number): number {
  return seconds === NEVER_EXPIRES ? Infinity : seconds * 1_000;
}
