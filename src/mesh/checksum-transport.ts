import { crc32 } from '../common/crc32';
import { FRAME, type LinkTransport, type TrafficClass } from '../links/contract';
import { headLength } from '../streams/frames';

const CRC_BYTES = 4;

/**
 * Puts a CRC-32 before every frame's head, so that a byte damaged on a link without TLS is noticed before anything is done
 * with it (FAULTS F11). A batch's body has a checksum of its own in its head, made once by its origin.
 */
export class ChecksumTransport implements LinkTransport {
  constructor(private readonly below: LinkTransport) {}

  send(cls: TrafficClass, head: Buffer, body: Buffer | null): void {
    const framed = Buffer.allocUnsafe(CRC_BYTES + head.length);
    framed.writeUInt32BE(crc32(head), 0);
    head.copy(framed, CRC_BYTES);
    this.below.send(cls, framed, body);
  }

  room(cls: TrafficClass): number {
    return this.below.room(cls);
  }

  close(condition: string, reason: string): void {
    this.below.close(condition, reason);
  }
}

/** Checks and strips the checksum of a received frame. @returns the start of the head, or -1 when it is damaged */
export function checkedStart(bytes: Buffer, start: number, end: number): number {
  const from = start + CRC_BYTES;
  if (end - from < 1) return -1;
  const until = bytes[from] === FRAME.batch ? from + headLength(bytes, from, end) : end;
  return crc32(bytes.subarray(from, until)) === bytes.readUInt32BE(start) ? from : -1;
}
