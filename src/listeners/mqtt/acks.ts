import { PROPERTY, REASON } from './constants';
import { REASON_CHARS_MAX } from './limits';
import type { Peer } from './peer';

/** PUBACK, PUBREC, PUBREL or PUBCOMP without a reason. */
export function writeAck({ output, totals }: Pick<Peer, 'output' | 'totals'>, first: number, packetId: number): void {
  totals.packetsOut++;
  const at = output.reserve(4);
  const { buffer } = output;
  buffer[at] = first;
  buffer[at + 1] = 2;
  buffer[at + 2] = packetId >>> 8;
  buffer[at + 3] = packetId & 0xff;
  output.commit(at + 4);
}

/** The same with a reason, which only MQTT 5 has, and with words about it where they are wanted and fit. */
export function writeReasonedAck(
  peer: Pick<Peer, 'output' | 'facts' | 'totals'>,
  first: number,
  packetId: number,
  reason: number,
  why = '',
): void {
  const { output, facts } = peer;
  if (facts.version === 4 || (reason === REASON.success && why === '')) {
    writeAck(peer, first, packetId);
    return;
  }
  const text = facts.problemInformation ? Buffer.from(why.slice(0, REASON_CHARS_MAX)) : NO_TEXT;
  const told = text.length > 0 && 10 + text.length <= facts.packetBytesMax ? text : NO_TEXT;
  const packet = reasonedAck(first, packetId, reason, told);
  peer.totals.packetsOut++;
  output.copy(packet, 0, packet.length);
}

const NO_TEXT: Buffer = Buffer.alloc(0);

function reasonedAck(first: number, packetId: number, reason: number, text: Buffer): Buffer {
  const id = [packetId >>> 8, packetId & 0xff];
  if (text.length === 0) return Buffer.from([first, 3, ...id, reason]);
  const properties = [PROPERTY.reasonString, text.length >>> 8, text.length & 0xff, ...text];
  const behind = [...varint(properties.length), ...properties];
  return Buffer.from([first, ...varint(3 + behind.length), ...id, reason, ...behind]);
}

/** A variable byte integer (1.5.5). */
export function varint(value: number): number[] {
  const bytes: number[] = [];
  let left = value;
  do {
    bytes.push((left & 0x7f) | (left > 0x7f ? 0x80 : 0));
    left >>>= 7;
  } while (left > 0);
  return bytes;
}
