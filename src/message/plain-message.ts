import { ValueEncoder } from '../amqp/codec/encoder';
import { encodeMessage } from './encode-message';
import { BEYOND, SECTION, sectionBody, sectionCode, skip } from './locate';
import type { Message } from './message';

/** Sections before the body, encoded: made once for the many messages that have the same. */
export function plainHead(sections: Omit<Message, 'body' | 'footer'>): Buffer {
  return encodeMessage({ ...sections, body: { kind: 'data', parts: [] } });
}

const DATA_SMALL = new ValueEncoder().descriptor(SECTION.data).u8(0xa0).take();
const DATA_LARGE = new ValueEncoder().descriptor(SECTION.data).u8(0xb0).take();
const SMALL_MAX = 255;

/** Bytes that {@link writePlainMessage} writes. */
export function plainMessageBytes(head: Buffer, bodyBytes: number): number {
  return head.length + DATA_SMALL.length + (bodyBytes > SMALL_MAX ? 4 : 1) + bodyBytes;
}

/**
 * Writes the message of a head and a body of bytes, without making anything anew.
 * @returns the offset behind it
 */
export function writePlainMessage(
  target: Buffer,
  at: number,
  head: Buffer,
  body: Uint8Array,
  start: number,
  end: number,
): number {
  const length = end - start;
  let next = at + copySmall(head, target, at);
  if (length > SMALL_MAX) {
    next += copySmall(DATA_LARGE, target, next);
    next = target.writeUInt32BE(length, next);
  } else {
    next += copySmall(DATA_SMALL, target, next);
    target[next++] = length;
  }
  target.set(start === 0 && end === body.length ? body : body.subarray(start, end), next);
  return next + length;
}

/** A call into the engine costs more than so few bytes do. */
const BY_HAND_MAX = 64;

function copySmall(from: Buffer, to: Buffer, at: number): number {
  const { length } = from;
  if (length > BY_HAND_MAX) return from.copy(to, at);
  for (let index = 0; index < length; index++) to[at + index] = from[index] as number;
  return length;
}

/** Where {@link bodyInPlace} found a body; reused from call to call. */
export class BodyBounds {
  start = 0;
  end = 0;
}

/**
 * Finds the body of an encoded message that is bytes: one data section, or a value that is binary or a string.
 * @returns false where the body is another one, and has to be rendered
 * @throws DecodeError
 */
export function bodyInPlace(bytes: Buffer, start: number, end: number, found: BodyBounds): boolean {
  found.start = found.end = 0;
  let at = start;
  let seen = false;
  while (at < end) {
    const body = sectionBody(bytes, at, end);
    const code = body === BEYOND ? BEYOND : sectionCode(bytes, at);
    // A described value is not for `skip`.
    if (code === SECTION.value && bytes[body] === 0) return false;
    const next = body === BEYOND ? BEYOND : skip(bytes, body, end);
    if (next === BEYOND || code === SECTION.sequence) return false;
    if (code === SECTION.data || code === SECTION.value) {
      if (seen || !boundsOf(bytes, code, body, next, found)) return false;
      seen = true;
    }
    at = next;
  }
  return seen;
}

function boundsOf(bytes: Buffer, section: number, at: number, next: number, found: BodyBounds): boolean {
  const code = bytes[at] as number;
  const small = code === 0xa0 || (code === 0xa1 && section === SECTION.value);
  const large = code === 0xb0 || (code === 0xb1 && section === SECTION.value);
  if (!small && !large) return false;
  found.start = at + (small ? 2 : 5);
  found.end = next;
  return true;
}
