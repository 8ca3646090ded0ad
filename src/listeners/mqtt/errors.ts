import { FairleadError } from '../../common/errors';
import { REASON } from './constants';

const REASONS = {
  /** A packet that cannot be read. */
  FL_MQTT_MALFORMED: REASON.malformed,
  /** A packet that must not come so, or not now. */
  FL_MQTT_PROTOCOL: REASON.protocol,
  /** Neither 3.1.1 nor 5. */
  FL_MQTT_VERSION: REASON.version,
  FL_MQTT_CLIENT_ID: REASON.clientId,
  /** Enhanced authentication, which is not served. */
  FL_MQTT_AUTH_METHOD: REASON.badAuthenticationMethod,
  /** No packet in one and a half times the keep-alive. */
  FL_MQTT_KEEP_ALIVE: REASON.keepAlive,
  /** No CONNECT in time. */
  FL_MQTT_CONNECT_TIME: REASON.protocol,
  FL_MQTT_FILTER: REASON.filter,
  FL_MQTT_TOPIC: REASON.topic,
  FL_MQTT_RECEIVE_MAXIMUM: REASON.receiveMaximum,
  FL_MQTT_TOPIC_ALIAS: REASON.topicAlias,
  FL_MQTT_PACKET_SIZE: REASON.packetSize,
  /** A limit of the client or of the node. */
  FL_MQTT_QUOTA: REASON.quota,
  /** The payload is not what its Payload Format Indicator says. */
  FL_MQTT_PAYLOAD: REASON.payloadFormat,
  /** The same client id has connected again. */
  FL_MQTT_TAKEN: REASON.taken,
  /** The node ends. */
  FL_MQTT_SHUTDOWN: REASON.shuttingDown,
  /** The mesh did not take a message of a client that cannot be told so, or ended a subscription. */
  FL_MQTT_REFUSED: REASON.implementation,
} as const;

export type MqttErrorCode = keyof typeof REASONS;

/** A client broke the protocol or met a limit; it is told `reason`. */
export class MqttError extends FairleadError {
  readonly reason: number;

  constructor(
    override readonly code: MqttErrorCode,
    message: string,
    reason: number = REASONS[code],
  ) {
    super(code, message);
    this.reason = reason;
  }
}

export function malformed(what: string): MqttError {
  return new MqttError('FL_MQTT_MALFORMED', what);
}

export function protocolError(what: string): MqttError {
  return new MqttError('FL_MQTT_PROTOCOL', what);
}
