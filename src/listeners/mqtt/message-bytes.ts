import { copyBytes } from '../../common/copy';
import { MESSAGE_BYTES_MAX } from '../../streams/limits';

/** Where a message is put together before it is published: published bytes are copied at once. */
export const SCRATCH: Buffer = Buffer.allocUnsafeSlow(2 * MESSAGE_BYTES_MAX);

const DATA = 0x75;
const VALUE = 0x77;
const SMALL_MAX = 255;

/** Writes the head of a message to the front of {@link SCRATCH}, and the beginning of its body. @returns where its bytes follow */
export function beginMessage(head: Buffer, bodyBytes: number, isText: boolean): number {
  copyBytes(head, 0, head.length, SCRATCH, 0);
  let at = head.length;
  SCRATCH[at] = 0;
  SCRATCH[at + 1] = 0x53;
  SCRATCH[at + 2] = isText ? VALUE : DATA;
  at += 3;
  if (bodyBytes <= SMALL_MAX) {
    SCRATCH[at] = isText ? 0xa1 : 0xa0;
    SCRATCH[at + 1] = bodyBytes;
    return at + 2;
  }
  SCRATCH[at] = isText ? 0xb1 : 0xb0;
  return SCRATCH.writeUInt32BE(bodyBytes, at + 1);
}

/** Writes a message whose body is the bytes in [start, end). @returns its length */
export function plainMessage(head: Buffer, bytes: Buffer, start: number, end: number): number {
  const at = beginMessage(head, end - start, false);
  copyBytes(bytes, start, end, SCRATCH, at);
  return at + end - start;
}
