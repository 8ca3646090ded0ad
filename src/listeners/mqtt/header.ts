import { PACKET } from './constants';
import type { Version } from './connect-packet';
import { malformed, MqttError, protocolError } from './errors';
import { CONTROL_BYTES_MAX } from './limits';

/** Flags of packets that have no choice, by type (2.1.3); -1 where the packet has flags of its own, undefined where no client sends it. */
const FLAGS: readonly (number | undefined)[] = (() => {
  const flags: (number | undefined)[] = [];
  for (const name of ['connect', 'puback', 'pubrec', 'pubcomp', 'pingreq', 'disconnect'] as const)
    flags[PACKET[name]] = 0;
  for (const name of ['pubrel', 'subscribe', 'unsubscribe'] as const) flags[PACKET[name]] = 2;
  flags[PACKET.publish] = -1;
  return flags;
})();

/** Looks at the first bytes of a packet of a connected client. @throws MqttError */
export function checkHeader(first: number, length: number, version: Version, publishBytesMax: number): void {
  const type = first >>> 4;
  const flags = FLAGS[type];
  if (flags === undefined) throw notForClients(type, version);
  if (flags >= 0 && (first & 0x0f) !== flags)
    throw malformed(`flags ${first & 0x0f} of packet type ${type} [MQTT-2.1.3-1]`);
  if (type === PACKET.connect) throw protocolError('a second CONNECT [MQTT-3.1.0-2]');
  if (type === PACKET.pingreq && length !== 0) throw malformed(`a PINGREQ of ${length} bytes`);
  const most = type === PACKET.publish ? publishBytesMax : CONTROL_BYTES_MAX;
  if (length > most) throw new MqttError('FL_MQTT_PACKET_SIZE', `a packet of ${length} bytes, where ${most} may come`);
}

function notForClients(type: number, version: Version): MqttError {
  if (type === 0 || (type === PACKET.auth && version === 4)) return malformed(`packet type ${type}`);
  if (type === PACKET.auth) return protocolError('AUTH without enhanced authentication');
  return protocolError(`packet type ${type}, which only servers send`);
}
