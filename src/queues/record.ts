import { putU16, putU32, u16At, u32At } from '../common/big-endian';
import { copyBytes } from '../common/copy';
import { SLAB_BYTES } from './limits';
import { LENGTH_BYTES, messageAfterTopic } from './topic-head';

/** Bytes in front of all else in a record of `messages`. */
export const RECORD_HEAD = 14;

export const RECORD_FLAG = {
  /** The message lies in segments; the record names them. */
  large: 1,
  /** It has a group-id. */
  grouped: 2,
  /** A large one whose time was over: it is delivered without what says so. */
  expired: 4,
  /** The message is a payload that several queues have; the record names it. Never in an entry's flags. */
  shared: 8,
  /** The topic that it was published to is in the record: before the message, or behind what a large one is named by. */
  topic: 16,
} as const;

const HIGH = 0x1_0000_0000;

export function writeU48(target: Buffer, at: number, value: number): void {
  const high = Math.floor(value / HIGH);
  putU16(target, at, high);
  putU32(target, at + 2, value - high * HIGH);
}

export function readU48(source: Buffer, at: number): number {
  return u16At(source, at) * HIGH + u32At(source, at + 2);
}

/** Cuts small records from common pieces of memory, so that a copy needs no view of its own. */
export class RecordSlab {
  #slab = Buffer.allocUnsafeSlow(SLAB_BYTES);
  #used = 0;

  /**
   * Room for a record whose message is [start, end) of `source`, which is copied behind the head.
   * @param topic so many of the bytes are its topic; 0 where it has none
   */
  make(source: Buffer, start: number, end: number, topic = 0): Buffer {
    const head = topic === 0 ? RECORD_HEAD : RECORD_HEAD + LENGTH_BYTES;
    const bytes = head + end - start;
    if (bytes * 4 > SLAB_BYTES) {
      const record = Buffer.allocUnsafeSlow(bytes);
      source.copy(record, head, start, end);
      if (topic > 0) record.writeUInt16BE(topic, RECORD_HEAD);
      return record;
    }
    const at = this.#room(bytes);
    copyBytes(source, start, end, this.#slab, at + head);
    if (topic > 0) this.#slab.writeUInt16BE(topic, at + RECORD_HEAD);
    return this.#slab.subarray(at, at + bytes);
  }

  /** Room for a record of a few bytes. */
  take(bytes: number): Buffer {
    const at = this.#room(bytes);
    return this.#slab.subarray(at, at + bytes);
  }

  #room(bytes: number): number {
    if (this.#used + bytes > SLAB_BYTES) {
      this.#slab = Buffer.allocUnsafeSlow(SLAB_BYTES);
      this.#used = 0;
    }
    const at = this.#used;
    this.#used = at + bytes;
    return at;
  }
}

/** Fills the head of a record. @param expiresAt wall-clock ms, 0 for never */
export function writeHead(
  record: Buffer,
  flags: number,
  deliveries: number,
  publisher: number,
  expiresAt: number,
): void {
  record[0] = flags;
  record[1] = 0;
  putU16(record, 2, deliveries);
  putU32(record, 4, publisher);
  writeU48(record, 8, expiresAt);
}

export function flagsOf(record: Buffer): number {
  return record[0] as number;
}

export function deliveriesOf(record: Buffer): number {
  return u16At(record, 2);
}

export function publisherOf(record: Buffer): number {
  return u32At(record, 4);
}

export function expiresAtOf(record: Buffer): number {
  return readU48(record, 8);
}

/** Behind the head of the record of a large message: the number of its parts, and its length. */
const LARGE_BYTES = 14;

/** A record of a large message, its head still to be filled. @param topic null where there is none */
export function largeRecord(body: number, length: number, topic: Buffer | null): Buffer {
  const at = RECORD_HEAD + LARGE_BYTES;
  const record = Buffer.allocUnsafe(topic === null ? at : at + LENGTH_BYTES + topic.length);
  if (topic !== null) topic.copy(record, record.writeUInt16BE(topic.length, at));
  writeU48(record, RECORD_HEAD, body);
  record.writeUInt32BE(Math.floor(length / HIGH), RECORD_HEAD + 6);
  record.writeUInt32BE(length % HIGH, RECORD_HEAD + 10);
  return record;
}

export function isLargeRecord(record: Buffer): boolean {
  return (flagsOf(record) & RECORD_FLAG.large) !== 0;
}

/** The number that the parts of a large message are stored under. */
export function bodyOf(record: Buffer): number {
  return readU48(record, RECORD_HEAD);
}

/** Length of a large message. */
export function sizeOf(record: Buffer): number {
  return record.readUInt32BE(RECORD_HEAD + 6) * HIGH + record.readUInt32BE(RECORD_HEAD + 10);
}

/** What consumers have added to the annotations of a large message: an encoded map, or nothing. */
export function addedOf(record: Buffer): Buffer {
  const at = RECORD_HEAD + LARGE_BYTES;
  return record.subarray(
    (flagsOf(record) & RECORD_FLAG.topic) === 0 ? at : messageAfterTopic(record, at, record.length),
  );
}

/** Where the message begins in the record of one that is not large. */
export function messageStart(record: Buffer): number {
  return (flagsOf(record) & RECORD_FLAG.topic) === 0
    ? RECORD_HEAD
    : messageAfterTopic(record, RECORD_HEAD, record.length);
}

/** The message of a record that is not large. */
export function messageOf(record: Buffer): Buffer {
  return record.subarray(messageStart(record));
}

let lastTopic = '';
let lastTopicBytes: Buffer = Buffer.alloc(0);

/** The topic of a message, the same string for the same topic time and again; null where its record has none. */
export function topicOf(record: Buffer): string | null {
  const flags = flagsOf(record);
  if ((flags & RECORD_FLAG.topic) === 0) return null;
  const at = (flags & RECORD_FLAG.large) === 0 ? RECORD_HEAD : RECORD_HEAD + LARGE_BYTES;
  const end = messageAfterTopic(record, at, record.length);
  if (lastTopicBytes.compare(record, at + LENGTH_BYTES, end) === 0) return lastTopic;
  lastTopicBytes = Buffer.from(record.subarray(at + LENGTH_BYTES, end));
  lastTopic = lastTopicBytes.toString();
  return lastTopic;
}

/** Behind the head of a record that names a payload: its number, and the length of the message. */
export const REFERENCE_BYTES = RECORD_HEAD + 10;

/** Fills in which payload a reference names, its head still to be filled. */
export function writeReference(reference: Buffer, payload: number, length: number): void {
  writeU48(reference, RECORD_HEAD, payload);
  reference.writeUInt32BE(length, RECORD_HEAD + 6);
}

export function isReference(record: Buffer): boolean {
  return (flagsOf(record) & RECORD_FLAG.shared) !== 0;
}

/** The payload that a reference names. */
export function payloadOf(reference: Buffer): number {
  return readU48(reference, RECORD_HEAD);
}

/** What a message counts with: its record, the parts of a large one, and what it shares with others as if it were its own. */
export function chargeOf(record: Buffer): number {
  if (isReference(record)) return RECORD_HEAD + record.readUInt32BE(RECORD_HEAD + 6);
  return (flagsOf(record) & RECORD_FLAG.large) === 0 ? record.length : record.length + sizeOf(record);
}
