import { PACKET, PROPERTY, REASON } from './constants';
import type { Version } from './connect-packet';
import { malformed } from './errors';
import type { Fields } from './fields';
import { readProperties } from './properties';

export interface DisconnectPacket {
  readonly reason: number;
  /** In place of the one of the CONNECT; null for none. */
  readonly sessionExpiryS: number | null;
}

/** What a client may say in a DISCONNECT (table 3-10). */
const REASONS: readonly number[] = [0x00, 0x04, 0x80, 0x81, 0x82, 0x83, 0x90, 0x93, 0x94, 0x95, 0x96, 0x97, 0x98, 0x99];

/** @throws MqttError */
export function readDisconnect(fields: Fields, version: Version): DisconnectPacket {
  if (version === 4) fields.done('the DISCONNECT');
  if (fields.left === 0) return { reason: REASON.success, sessionExpiryS: null };
  const reason = fields.u8('the reason');
  if (!REASONS.includes(reason)) throw malformed(`a client's DISCONNECT with reason ${reason}`);
  if (fields.left === 0) return { reason, sessionExpiryS: null };
  const properties = readProperties(fields, PACKET.disconnect);
  fields.done('the DISCONNECT');
  return { reason, sessionExpiryS: properties.number(PROPERTY.sessionExpiry) ?? null };
}
