import { ValueEncoder } from '../amqp/codec/encoder';
import { sym, type AmqpValue } from '../amqp/codec/values';
import { DecodeError } from '../amqp/errors';
import { BEYOND, SECTION, sectionBody, sectionCode, skip } from './locate';

/** A message with another beginning: `head`, and behind it what stands from `rest` on in the bytes that it was made from. */
export interface Annotated {
  readonly head: Buffer;
  readonly rest: number;
}

/**
 * Sets one message annotation of an encoded message. The others stay as they are, byte for byte, and so does the bare message.
 * @param whole false for the head of a large message, which may end anywhere
 * @returns null when the head ends before the place where the annotation belongs
 * @throws DecodeError
 */
export function annotate(
  bytes: Buffer,
  start: number,
  end: number,
  whole: boolean,
  key: string,
  value: AmqpValue,
): Annotated | null {
  let at = start;
  while (at < end) {
    const body = sectionBody(bytes, at, end);
    const code = body === BEYOND ? BEYOND : sectionCode(bytes, at);
    if (code > SECTION.messageAnnotations) break;
    const next = body === BEYOND ? BEYOND : skip(bytes, body, end);
    if (next === BEYOND) {
      if (whole) throw new DecodeError('message ends within a section');
      return null;
    }
    if (code === SECTION.messageAnnotations) {
      const entries = entriesOf(bytes, body, next);
      const others = pairsBut(bytes, entries, next, (from, to) => isSymbol(bytes, from, to, key));
      return { head: headOf(bytes, start, at, [...others, pairOf(key, value)]), rest: next };
    }
    at = next;
  }
  if (at >= end && !whole) return null;
  return { head: headOf(bytes, start, at, [pairOf(key, value)]), rest: at };
}

/**
 * Where the value of a message annotation is, or BEYOND where there is none. Looks no further than the annotations.
 * @throws DecodeError
 */
export function annotationAt(bytes: Buffer, start: number, end: number, key: string): number {
  let at = start;
  while (at < end) {
    const body = sectionBody(bytes, at, end);
    const code = body === BEYOND ? BEYOND : sectionCode(bytes, at);
    const next = body === BEYOND || code > SECTION.messageAnnotations ? BEYOND : skip(bytes, body, end);
    if (next === BEYOND) return BEYOND;
    if (code === SECTION.messageAnnotations) return valueOf(bytes, entriesOf(bytes, body, next), next, key);
    at = next;
  }
  return BEYOND;
}

function valueOf(bytes: Buffer, { first, count }: Entries, end: number, key: string): number {
  let at = first;
  for (let left = count; left > 1; left -= 2) {
    const value = skipAny(bytes, at, end);
    if (isSymbol(bytes, at, value, key)) return value;
    at = skipAny(bytes, value, end);
  }
  return BEYOND;
}

interface Entries {
  readonly first: number;
  /** Keys and values together. */
  readonly count: number;
}

/** @throws DecodeError when the value is no map */
function entriesOf(bytes: Buffer, at: number, end: number): Entries {
  const code = bytes[at];
  if (code === 0x40) return { first: end, count: 0 };
  const width = code === 0xc1 ? 1 : code === 0xd1 ? 4 : 0;
  const first = at + 1 + 2 * width;
  if (width === 0 || first > end) throw new DecodeError('message annotations are no map');
  return { first, count: width === 1 ? (bytes[first - 1] as number) : bytes.readUInt32BE(first - 4) };
}

/**
 * An encoded message without those of its annotations whose names begin in a way.
 * @param at where the section of message annotations begins
 * @param next and ends, as `locate` has found it
 * @throws DecodeError
 */
export function withoutAnnotations(bytes: Buffer, start: number, at: number, next: number, prefix: string): Annotated {
  const entries = entriesOf(bytes, sectionBody(bytes, at, next), next);
  const others = pairsBut(bytes, entries, next, (from, to) => symbolBegins(bytes, from, to, prefix));
  const head = others.length > 0 ? headOf(bytes, start, at, others) : bytes.subarray(start, at);
  return { head, rest: next };
}

/** The encoded pairs of a map but for those whose key, which lies between two offsets, is left out. @throws DecodeError */
function pairsBut(
  bytes: Buffer,
  { first, count }: Entries,
  end: number,
  leftOut: (from: number, to: number) => boolean,
): Buffer[] {
  if (count % 2 !== 0) throw new DecodeError(`message annotations of ${count} elements, expected an even number`);
  const others: Buffer[] = [];
  let at = first;
  for (let left = count; left > 0; left -= 2) {
    const value = skipAny(bytes, at, end);
    const next = skipAny(bytes, value, end);
    if (!leftOut(at, value)) others.push(bytes.subarray(at, next));
    at = next;
  }
  if (at !== end) throw new DecodeError('message annotations with bytes behind their last entry');
  return others;
}

/** Offset behind a value, described or not. @throws DecodeError */
function skipAny(bytes: Buffer, at: number, end: number): number {
  // A descriptor and its value are two for one.
  for (let left = 1; left > 0; left--) {
    while (bytes[at] === 0 && at < end) {
      at++;
      left++;
    }
    at = skip(bytes, at, end);
    if (at === BEYOND) throw new DecodeError('message annotations end within an entry');
  }
  return at;
}

/** Offset of the text of a symbol, or of a string, which some clients take for one. */
function textAt(bytes: Buffer, at: number): number {
  const code = bytes[at];
  return code === 0xa3 || code === 0xa1 ? at + 2 : code === 0xb3 || code === 0xb1 ? at + 5 : BEYOND;
}

function symbolBegins(bytes: Buffer, at: number, end: number, prefix: string): boolean {
  const text = textAt(bytes, at);
  return (
    text !== BEYOND && text + prefix.length <= end && bytes.toString('latin1', text, text + prefix.length) === prefix
  );
}

function isSymbol(bytes: Buffer, at: number, end: number, name: string): boolean {
  const head = bytes[at] === 0xa3 ? 2 : bytes[at] === 0xb3 ? 5 : 0;
  return head > 0 && end - at - head === name.length && bytes.toString('latin1', at + head, end) === name;
}

function pairOf(key: string, value: AmqpValue): Buffer {
  return new ValueEncoder().value(sym(key)).value(value).take();
}

/** What stands before the annotations, and those of the given pairs. */
function headOf(bytes: Buffer, start: number, at: number, pairs: readonly Buffer[]): Buffer {
  const length = pairs.reduce((sum, pair) => sum + pair.length, 0);
  const section = new ValueEncoder().descriptor(SECTION.messageAnnotations).u8(0xd1).take();
  const size = Buffer.alloc(8);
  size.writeUInt32BE(length + 4, 0);
  size.writeUInt32BE(2 * pairs.length, 4);
  return Buffer.concat([bytes.subarray(start, at), section, size, ...pairs]);
}
