import { ValueEncoder } from '../amqp/codec/encoder';
import { DecodeError } from '../amqp/errors';
import type { Annotated } from './annotate';
import { integerOf, listOf, type ListBounds } from './fields-in-place';
import { BEYOND, SECTION, sectionBody, sectionCode, skip } from './locate';

const NULL = 0x40;
const FALSE = 0x42;
const BOOLEAN = 0x56;
/** Place of `first-acquirer` in the header. */
const FIRST_ACQUIRER = 3;

/**
 * Gives a message another header, one that tells of earlier deliveries: `delivery-count` on top of what its sender said, and
 * `first-acquirer` false. The other fields and sections stay as they are.
 * @param end of the message, or of a head of it that holds its header
 * @throws DecodeError
 */
export function redelivered(bytes: Buffer, start: number, end: number, deliveries: number): Annotated {
  const body = start < end ? sectionBody(bytes, start, end) : BEYOND;
  const hasHeader = body !== BEYOND && sectionCode(bytes, start) === SECTION.header;
  if (!hasHeader) return { head: headerOf(bytes, [], deliveries), rest: start };
  const rest = skip(bytes, body, end);
  if (rest === BEYOND) throw new DecodeError('message ends within its header');
  const fields = fieldsOf(bytes, listOf(bytes, body, rest));
  const count = fields[4];
  const before = count === undefined ? 0 : integerOf(bytes, count.start, count.end);
  return { head: headerOf(bytes, fields.slice(0, 3), deliveries + (before > 0 ? before : 0)), rest };
}

/** Whether the header tells that the message may have been delivered before: `first-acquirer` is said to be false. @throws DecodeError */
export function wasDelivered(bytes: Buffer, start: number, end: number): boolean {
  const body = start < end ? sectionBody(bytes, start, end) : BEYOND;
  if (body === BEYOND || sectionCode(bytes, start) !== SECTION.header) return false;
  const rest = skip(bytes, body, end);
  if (rest === BEYOND) throw new DecodeError('message ends within its header');
  const { first, count } = listOf(bytes, body, rest);
  if (count <= FIRST_ACQUIRER) return false;
  let at = first;
  for (let left = FIRST_ACQUIRER; left > 0 && at !== BEYOND; left--) at = skip(bytes, at, rest);
  return at !== BEYOND && (bytes[at] === FALSE || (bytes[at] === BOOLEAN && bytes[at + 1] === 0));
}

interface Field {
  readonly start: number;
  readonly end: number;
}

function fieldsOf(bytes: Buffer, { first, count, end }: ListBounds): Field[] {
  const fields: Field[] = [];
  for (let at = first, left = count; left > 0; left--) {
    const next = skip(bytes, at, end);
    if (next === BEYOND) throw new DecodeError('message header ends within a field');
    fields.push({ start: at, end: next });
    at = next;
  }
  return fields;
}

/** @param kept durable, priority and ttl, as far as there are any */
function headerOf(bytes: Buffer, kept: readonly Field[], deliveries: number): Buffer {
  const list = new ValueEncoder();
  for (let at = 0; at < 3; at++) {
    const field = kept[at];
    if (field === undefined) list.u8(NULL);
    else list.raw(bytes.subarray(field.start, field.end));
  }
  const fields = list.u8(FALSE).uint(deliveries).take();
  return new ValueEncoder()
    .descriptor(SECTION.header)
    .u8(0xd0)
    .raw(sizeOf(fields.length + 4))
    .raw(sizeOf(5))
    .raw(fields)
    .take();
}

function sizeOf(value: number): Buffer {
  const bytes = Buffer.allocUnsafe(4);
  bytes.writeUInt32BE(value, 0);
  return bytes;
}
