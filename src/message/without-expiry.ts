import { ValueEncoder } from '../amqp/codec/encoder';
import { DecodeError } from '../amqp/errors';
import { listOf } from './fields-in-place';
import { BEYOND, SECTION, sectionBody, sectionCode, skip } from './locate';

const NULL = Buffer.from([0x40]);
const TTL = 2;
const ABSOLUTE_EXPIRY = 8;

/**
 * A message that never expires: without `ttl` and `absolute-expiry-time`; all else stays as it is. It is the one change of a bare message
 * that is made, to one whose time is over already: clients would throw away what they are to look at.
 * @param whole false for the head of a large message, which may end anywhere
 * @throws DecodeError
 */
export function withoutExpiry(bytes: Buffer, whole: boolean): Buffer {
  const parts: Buffer[] = [];
  let at = 0;
  while (at < bytes.length) {
    const body = sectionBody(bytes, at, bytes.length);
    const code = body === BEYOND ? BEYOND : sectionCode(bytes, at);
    if (code > SECTION.properties) break;
    const next = body === BEYOND ? BEYOND : skip(bytes, body, bytes.length);
    if (next === BEYOND) {
      if (whole) throw new DecodeError('message ends within a section');
      break;
    }
    if (code === SECTION.header) parts.push(listWithout(bytes, code, body, next, TTL));
    else if (code === SECTION.properties) parts.push(listWithout(bytes, code, body, next, ABSOLUTE_EXPIRY));
    else parts.push(bytes.subarray(at, next));
    at = next;
  }
  return Buffer.concat([...parts, bytes.subarray(at)]);
}

/** A list section with one field that is null. */
function listWithout(bytes: Buffer, code: number, body: number, end: number, without: number): Buffer {
  const { first, count } = listOf(bytes, body, end);
  const fields = new ValueEncoder();
  for (let at = first, field = 0; field < count; field++) {
    const next = skip(bytes, at, end);
    if (next === BEYOND) throw new DecodeError('message section ends within a field');
    fields.raw(field === without ? NULL : bytes.subarray(at, next));
    at = next;
  }
  const encoded = fields.take();
  const sizes = Buffer.allocUnsafe(8);
  sizes.writeUInt32BE(encoded.length + 4, 0);
  sizes.writeUInt32BE(count, 4);
  return new ValueEncoder().descriptor(code).u8(0xd0).raw(sizes).raw(encoded).take();
}
