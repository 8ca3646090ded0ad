import { DecodeError } from '../amqp/errors';
import { integerOf, listOf, mapOf } from './fields-in-place';
import { BEYOND, SECTION, sectionBody, sectionCode, skip } from './locate';

const PRIORITY_DEFAULT = 4;
const PRIORITY_MAX = 9;
const NONE = -1;

/** What a queue wants to know of a message that is put into it; reused from call to call. */
export class PutFields {
  durable = false;
  priority = PRIORITY_DEFAULT;
  /** ms; -1 for none, as everywhere here. */
  ttl = NONE;
  /** Wall-clock ms. */
  absoluteExpiry = NONE;
  creation = NONE;
  /** Wall-clock ms of `x-opt-delivery-time`. */
  deliveryTime = NONE;
  /** ms of `x-opt-delivery-delay`. */
  deliveryDelay = NONE;
  /** Bounds of the encoded message-id, with its constructor: ids of different types are different. Equal when there is none. */
  idStart = 0;
  idEnd = 0;
  /** Bounds of the UTF-8 bytes of group-id; equal when there is none, or an empty one. */
  groupStart = 0;
  groupEnd = 0;
  groupSequence = NONE;

  reset(): void {
    this.durable = false;
    this.priority = PRIORITY_DEFAULT;
    this.ttl = this.absoluteExpiry = this.creation = this.deliveryTime = this.deliveryDelay = NONE;
    this.idStart = this.idEnd = this.groupStart = this.groupEnd = 0;
    this.groupSequence = NONE;
  }
}

/**
 * Reads in place, without allocating, what a queue needs of an encoded message. Reads no further than the properties.
 * @param whole false for the head of a large message, which may end anywhere; what lies behind is as if it were not there
 * @throws DecodeError
 */
export function readPutFields(bytes: Buffer, start: number, end: number, whole: boolean, found: PutFields): void {
  found.reset();
  let at = start;
  if (at >= end && whole) throw new DecodeError('message without any section');
  while (at < end) {
    const body = sectionBody(bytes, at, end);
    const code = body === BEYOND ? BEYOND : sectionCode(bytes, at);
    if (code > SECTION.properties) return;
    const next = body === BEYOND ? BEYOND : skip(bytes, body, end);
    if (next === BEYOND) {
      if (whole) throw new DecodeError('message ends within a section');
      return;
    }
    if (code === SECTION.header) readHeader(bytes, body, next, found);
    else if (code === SECTION.messageAnnotations) readAnnotations(bytes, body, next, found);
    else if (code === SECTION.properties) {
      readProperties(bytes, body, next, found);
      return;
    }
    at = next;
  }
}

/**
 * The same of when a message may be delivered, and of nothing else: whatever is malformed says nothing.
 * @returns whether it says so
 */
export function readDeliveryTimes(bytes: Buffer, start: number, end: number, found: PutFields): boolean {
  found.deliveryTime = found.deliveryDelay = NONE;
  try {
    for (let at = start; at < end;) {
      const body = sectionBody(bytes, at, end);
      const code = body === BEYOND ? BEYOND : sectionCode(bytes, at);
      const next = body === BEYOND || code > SECTION.messageAnnotations ? BEYOND : skip(bytes, body, end);
      if (next === BEYOND) return false;
      if (code === SECTION.messageAnnotations) {
        readAnnotations(bytes, body, next, found);
        return found.deliveryTime !== NONE || found.deliveryDelay !== NONE;
      }
      at = next;
    }
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
  }
  return false;
}

const HEADER_FIELDS = 3;

function readHeader(bytes: Buffer, body: number, end: number, found: PutFields): void {
  const { first, count } = listOf(bytes, body, end);
  const fields = Math.min(count, HEADER_FIELDS);
  let at = first;
  for (let field = 0; field < fields; field++) {
    const next = fieldEnd(bytes, at, end);
    if (field === 0) found.durable = bytes[at] === 0x41 || (bytes[at] === 0x56 && bytes[at + 1] === 1);
    else if (field === 1) found.priority = priorityOf(bytes, at, next);
    else found.ttl = countOf(bytes, at, next, 'ttl');
    at = next;
  }
}

function priorityOf(bytes: Buffer, at: number, end: number): number {
  const priority = countOf(bytes, at, end, 'priority');
  return priority === NONE ? PRIORITY_DEFAULT : Math.min(priority, PRIORITY_MAX);
}

const MESSAGE_ID = 0;
const ABSOLUTE_EXPIRY = 8;
const CREATION = 9;
const GROUP_ID = 10;
const GROUP_SEQUENCE = 11;
const PROPERTY_FIELDS = 12;

function readProperties(bytes: Buffer, body: number, end: number, found: PutFields): void {
  const { first, count } = listOf(bytes, body, end);
  const fields = Math.min(count, PROPERTY_FIELDS);
  let at = first;
  for (let field = 0; field < fields; field++) {
    const next = fieldEnd(bytes, at, end);
    if (bytes[at] !== 0x40) readProperty(bytes, field, at, next, found);
    at = next;
  }
}

function readProperty(bytes: Buffer, field: number, at: number, next: number, found: PutFields): void {
  switch (field) {
    case MESSAGE_ID:
      found.idStart = at;
      found.idEnd = next;
      break;
    case ABSOLUTE_EXPIRY:
      found.absoluteExpiry = countOf(bytes, at, next, 'absolute-expiry-time');
      break;
    case CREATION:
      found.creation = countOf(bytes, at, next, 'creation-time');
      break;
    case GROUP_ID: {
      const head = bytes[at] === 0xa1 ? 2 : bytes[at] === 0xb1 ? 5 : 0;
      if (head === 0) throw new DecodeError('group-id of a message is no string');
      found.groupStart = at + head;
      found.groupEnd = next;
      break;
    }
    case GROUP_SEQUENCE:
      found.groupSequence = countOf(bytes, at, next, 'group-sequence');
      break;
    default:
      break;
  }
}

const DELIVERY_TIME = Buffer.from('x-opt-delivery-time');
const DELIVERY_DELAY = Buffer.from('x-opt-delivery-delay');

function readAnnotations(bytes: Buffer, body: number, end: number, found: PutFields): void {
  const { first, count } = mapOf(bytes, body, end);
  let at = first;
  for (let left = count; left > 1; left -= 2) {
    const value = fieldEnd(bytes, at, end);
    const next = anyEnd(bytes, value, end);
    if (isSymbol(bytes, at, value, DELIVERY_TIME))
      found.deliveryTime = countOf(bytes, value, next, 'x-opt-delivery-time');
    else if (isSymbol(bytes, at, value, DELIVERY_DELAY))
      found.deliveryDelay = countOf(bytes, value, next, 'x-opt-delivery-delay');
    at = next;
  }
}

/** Compared byte by byte: `Buffer.compare` costs more than the few that differ early. */
function isSymbol(bytes: Buffer, at: number, end: number, name: Buffer): boolean {
  const head = bytes[at] === 0xa3 ? 2 : bytes[at] === 0xb3 ? 5 : 0;
  if (head === 0 || end - at - head !== name.length) return false;
  for (let index = 0; index < name.length; index++) if (bytes[at + head + index] !== name[index]) return false;
  return true;
}

/** An integer that is not negative; one that is counts as 0, null as none. @throws DecodeError when it is no integer */
function countOf(bytes: Buffer, at: number, end: number, what: string): number {
  if (bytes[at] === 0x40) return NONE;
  const value = integerOf(bytes, at, end);
  if (Number.isNaN(value)) throw new DecodeError(`${what} of a message is no integer`);
  return value < 0 ? 0 : value;
}

function fieldEnd(bytes: Buffer, at: number, end: number): number {
  const next = skip(bytes, at, end);
  if (next === BEYOND) throw new DecodeError('message section ends within a field');
  return next;
}

/** Offset behind a value, described or not. */
function anyEnd(bytes: Buffer, at: number, end: number): number {
  let left = 1;
  let next = at;
  for (; left > 0; left--) {
    while (next < end && bytes[next] === 0) {
      next++;
      left++;
    }
    next = fieldEnd(bytes, next, end);
  }
  return next;
}
