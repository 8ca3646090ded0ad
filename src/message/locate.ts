import { DecodeError } from '../amqp/errors';

/** Descriptor codes of the sections of a message (part 3.2). */
export const SECTION = {
  header: 0x70,
  deliveryAnnotations: 0x71,
  messageAnnotations: 0x72,
  properties: 0x73,
  applicationProperties: 0x74,
  data: 0x75,
  sequence: 0x76,
  value: 0x77,
  footer: 0x78,
} as const;

/** Symbolic descriptors of the sections; nearly nobody sends them. */
export const SECTION_SYMBOLS: ReadonlyMap<string, number> = new Map([
  ['amqp:header:list', SECTION.header],
  ['amqp:delivery-annotations:map', SECTION.deliveryAnnotations],
  ['amqp:message-annotations:map', SECTION.messageAnnotations],
  ['amqp:properties:list', SECTION.properties],
  ['amqp:application-properties:map', SECTION.applicationProperties],
  ['amqp:data:binary', SECTION.data],
  ['amqp:amqp-sequence:list', SECTION.sequence],
  ['amqp:amqp-value:*', SECTION.value],
  ['amqp:footer:map', SECTION.footer],
]);

/** What {@link locate} found; reused from call to call. */
export class Located {
  durable = false;
  /** Bounds of the UTF-8 bytes of `to`; equal when there is none. */
  toStart = 0;
  toEnd = 0;
  /** Bounds of the section of message annotations; equal when there is none. */
  annotationsStart = 0;
  annotationsEnd = 0;
  /** False when the bytes ended before the properties could be looked at: there may be a `to` behind them. */
  complete = true;
}

const TRUE = 0x41;
const BOOLEAN = 0x56;
/** Offset of what passes the end of the bytes. */
export const BEYOND = -1;

/**
 * Finds, in an encoded message and without allocating, what routing needs of it: `durable` of the header and `to` of the properties.
 * Reads no further than the properties.
 * @param whole false for the head of a large message, which may end anywhere
 * @throws DecodeError
 */
export function locate(bytes: Buffer, start: number, end: number, whole: boolean, found: Located): void {
  found.durable = false;
  found.toStart = found.toEnd = found.annotationsStart = found.annotationsEnd = 0;
  found.complete = true;
  let at = start;
  while (at < end) {
    const body = sectionBody(bytes, at, end);
    const code = body === BEYOND ? BEYOND : sectionCode(bytes, at);
    if (code > SECTION.properties) return;
    const next = body === BEYOND ? BEYOND : skip(bytes, body, end);
    if (next === BEYOND) {
      if (whole) throw new DecodeError('message ends within a section');
      found.complete = false;
      return;
    }
    if (code === SECTION.header) findDurable(bytes, body, next, found);
    else if (code === SECTION.messageAnnotations) {
      found.annotationsStart = at;
      found.annotationsEnd = next;
    } else if (code === SECTION.properties) {
      findTo(bytes, body, next, found);
      return;
    }
    at = next;
  }
  found.complete = whole;
}

const FIXED_WIDTH = [0, 1, 2, 4, 8, 16];

/** Offset behind the value that begins at `at` and is not described, or BEYOND. @throws DecodeError */
export function skip(bytes: Buffer, at: number, end: number): number {
  if (at >= end) return BEYOND;
  const code = bytes[at] as number;
  const category = code >>> 4;
  let next = BEYOND;
  if (category >= 4 && category <= 9) next = at + 1 + (FIXED_WIDTH[category - 4] as number);
  else if (category === 0xa || category === 0xc || category === 0xe) {
    if (at + 2 <= end) next = at + 2 + (bytes[at + 1] as number);
  } else if (category === 0xb || category === 0xd || category === 0xf) {
    if (at + 5 <= end) next = at + 5 + bytes.readUInt32BE(at + 1);
  } else throw new DecodeError(`message with type constructor 0x${code.toString(16)}`);
  return next > end ? BEYOND : next;
}

/** Where a section's value begins, or BEYOND. @throws DecodeError when there is no section */
export function sectionBody(bytes: Buffer, at: number, end: number): number {
  if (bytes[at] !== 0) throw new DecodeError(`message section begins with 0x${(bytes[at] as number).toString(16)}`);
  return skip(bytes, at + 1, end);
}

/** The code of a section whose descriptor is whole. @throws DecodeError when it is none */
export function sectionCode(bytes: Buffer, at: number): number {
  const constructor = bytes[at + 1] as number;
  let code: number | undefined;
  if (constructor === 0x53) code = bytes[at + 2];
  else if (constructor === 0x80 && bytes.readUInt32BE(at + 2) === 0) code = bytes.readUInt32BE(at + 6);
  else if (constructor === 0xa3)
    code = SECTION_SYMBOLS.get(bytes.toString('latin1', at + 3, at + 3 + (bytes[at + 2] as number)));
  if (code === undefined || code < SECTION.header || code > SECTION.footer)
    throw new DecodeError(`message section with descriptor of type 0x${constructor.toString(16)} is not known`);
  return code;
}

/** Offset of the first field of a list of at least `fields`, or BEYOND when it has fewer. @throws DecodeError */
export function enterList(bytes: Buffer, at: number, fields: number): number {
  const code = bytes[at] as number;
  if (code === 0x45) return BEYOND;
  if (code === 0xc0) return (bytes[at + 1] as number) > 1 && (bytes[at + 2] as number) >= fields ? at + 3 : BEYOND;
  if (code === 0xd0) {
    const bytesOfFields = bytes.readUInt32BE(at + 1) - 4;
    return bytesOfFields > 0 && bytes.readUInt32BE(at + 5) >= fields ? at + 9 : BEYOND;
  }
  throw new DecodeError('message section is no list');
}

function findDurable(bytes: Buffer, at: number, end: number, found: Located): void {
  const field = enterList(bytes, at, 1);
  if (field === BEYOND) return;
  const code = bytes[field];
  found.durable = code === TRUE || (code === BOOLEAN && field + 1 < end && bytes[field + 1] === 1);
}

/** `to` is the third field, behind message-id and user-id. */
function findTo(bytes: Buffer, at: number, end: number, found: Located): void {
  let field = enterList(bytes, at, 3);
  for (let before = 0; before < 2 && field !== BEYOND; before++) field = skip(bytes, field, end);
  const after = field === BEYOND ? BEYOND : skip(bytes, field, end);
  if (after === BEYOND) return;
  const code = bytes[field];
  if (code === 0xa1) found.toStart = field + 2;
  else if (code === 0xb1) found.toStart = field + 5;
  else return;
  found.toEnd = after;
}
