import { decodeValue } from '../amqp/codec/decoder';
import { AmqpMap } from '../amqp/codec/values';
import { annotate } from '../message/annotate';
import { redelivered } from '../message/redelivered';
import { withoutExpiry } from '../message/without-expiry';
import type { LargeBody } from '../streams/contract';
import { PatchedBody } from './large-store';
import { LARGE_HEAD_BYTES } from './limits';
import { messageStart } from './record';

/** The message of a record with a header that says how often it was delivered. */
export function redelivery(record: Buffer, deliveries: number): Buffer {
  const { head, rest } = redelivered(record, messageStart(record), record.length, deliveries);
  const message = Buffer.allocUnsafe(head.length + record.length - rest);
  head.copy(message);
  record.copy(message, head.length, rest);
  return message;
}

/** A message, or the head of one, with more annotations; those whose place is not in it are left out. @throws DecodeError */
export function annotated(message: Buffer, whole: boolean, annotations: AmqpMap): Buffer {
  let bytes = message;
  for (const [key, value] of annotations) {
    const name = typeof key === 'string' ? key : String(key);
    const changed = annotate(bytes, 0, bytes.length, whole, name, value);
    if (changed !== null) bytes = Buffer.concat([changed.head, bytes.subarray(changed.rest)]);
  }
  return bytes;
}

/**
 * A large message with a header that tells of deliveries, and more annotations. Takes over one hold of the body.
 * @param deliveries -1 when the header stays
 * @param isExpired it is told without its expiry
 */
export function patchedBody(
  body: LargeBody,
  deliveries: number,
  annotations: AmqpMap | null,
  isExpired: boolean,
): LargeBody {
  if (deliveries < 0 && annotations === null && !isExpired) return body;
  const original = Buffer.allocUnsafe(Math.min(LARGE_HEAD_BYTES, body.length));
  body.read(0, original);
  let head: Buffer = original;
  if (deliveries >= 0) {
    const changed = redelivered(head, 0, head.length, deliveries);
    head = Buffer.concat([changed.head, head.subarray(changed.rest)]);
  }
  if (isExpired) head = withoutExpiry(head, original.length === body.length);
  if (annotations !== null) head = annotated(head, original.length === body.length, annotations);
  return new PatchedBody(head, original.length, body);
}

/** Annotations of an encoded map; null where there is none, or it is none. @throws DecodeError */
export function decodeAnnotations(encoded: Buffer): AmqpMap | null {
  if (encoded.length === 0) return null;
  const { value } = decodeValue(encoded, 0, encoded.length);
  return value instanceof AmqpMap ? value : null;
}
