import type { Version } from './connect-packet';
import { malformed } from './errors';
import { Fields } from './fields';
import { readProperties } from './properties';

/** Reasons of PUBACK and PUBREC (tables 3-4 and 3-5), and of PUBREL and PUBCOMP. */
const OF_PUBLISH: readonly number[] = [0x00, 0x10, 0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99];
const OF_RELEASE: readonly number[] = [0x00, 0x92];
const PUBREL = 6;

/** Reads an acknowledgement in place; @returns its packet id and, from bit 16 on, its reason. @throws MqttError */
export function readAck(type: number, bytes: Buffer, start: number, end: number, version: Version): number {
  const length = end - start;
  if (length < 2) throw malformed('the packet ends within the packet id');
  const packetId = bytes.readUInt16BE(start);
  if (packetId === 0) throw malformed('packet id 0 [MQTT-2.2.1-3]');
  if (length === 2) return packetId;
  if (version === 4) throw malformed(`an acknowledgement of ${length} bytes`);
  const reason = bytes[start + 2] as number;
  if (!(type >= PUBREL ? OF_RELEASE : OF_PUBLISH).includes(reason))
    throw malformed(`reason ${reason} does not belong here`);
  if (length > 3) {
    const fields = new Fields(bytes, start + 3, end);
    readProperties(fields, type);
    fields.done('the acknowledgement');
  }
  return (reason << 16) | packetId;
}
