import { u32At } from '../common/big-endian';

/** Keys are fixed: space (u8), queue (u32), key (u56, of which 53 bits are used), so that LMDB orders them by number. */
export const KEY_BYTES = 12;
/** One past the greatest key. */
export const KEY_END = 2 ** 53;
/** Spaces below this are the queues'; the rest is the store's own. */
export const SPACE_END = 255;

export function writeKey(view: DataView, at: number, space: number, queue: number, key: number): void {
  const high = Math.floor(key / 0x1_0000_0000);
  view.setUint8(at, space);
  view.setUint32(at + 1, queue);
  view.setUint8(at + 5, high >>> 16);
  view.setUint16(at + 6, high);
  view.setUint32(at + 8, key);
}

export function spaceOf(bytes: Uint8Array, at: number): number {
  return bytes[at]!;
}

export function queueOf(bytes: Uint8Array, at: number): number {
  return u32At(bytes, at + 1);
}

export function keyOf(bytes: Uint8Array, at: number): number {
  const high = (bytes[at + 5]! << 16) | (bytes[at + 6]! << 8) | bytes[at + 7]!;
  return high * 0x1_0000_0000 + u32At(bytes, at + 8);
}

/** LMDB's binding is given numbers as keys, and this writes the space and the queue before them: no key is ever an object. */
export class KeyCodec {
  space = 0;
  queue = 0;

  /** Byte by byte, and only for the binding's buffers: a store that sees few kinds of them is ten times as fast. */
  readonly writeKey = (key: number, target: Uint8Array, at: number): number => {
    const high = Math.floor(key / 0x1_0000_0000);
    const { queue } = this;
    target[at] = this.space;
    target[at + 1] = queue >>> 24;
    target[at + 2] = queue >>> 16;
    target[at + 3] = queue >>> 8;
    target[at + 4] = queue;
    target[at + 5] = high >>> 16;
    target[at + 6] = high >>> 8;
    target[at + 7] = high;
    target[at + 8] = key >>> 24;
    target[at + 9] = key >>> 16;
    target[at + 10] = key >>> 8;
    target[at + 11] = key;
    return at + KEY_BYTES;
  };

  readonly readKey = (bytes: Uint8Array, at: number): number => {
    this.foundSpace = spaceOf(bytes, at);
    this.foundQueue = queueOf(bytes, at);
    return keyOf(bytes, at);
  };

  /** Of the key that was read last. */
  foundSpace = 0;
  foundQueue = 0;
}
