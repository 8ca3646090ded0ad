import { CO_HOLDERS_SPACE, HOLDS } from '../queues/co-holder';

/** Kinds of records of the outbox in the store of queues, whose own are below 32. Their queue is 0 unless it says otherwise. */
export const OUTBOX_SPACE = {
  /** By the number of a destination: the name of its queue. */
  names: 32,
  /** Queue: the number of a destination; by the number of the message. */
  messages: CO_HOLDERS_SPACE,
  /** What several destinations get, or is large: by the number of the message that it came with. */
  payloads: 34,
  /** How many messages have a payload, by its number. */
  holders: 35,
  /** What waits for a destination, by its number; under 0 the last number of a message. */
  totals: 36,
} as const;

/** Marks pending messages that come from the outbox; no record has it. */
export const FROM_OUTBOX = 64;

const HIGH = 0x1_0000_0000;

function writeU64(target: Buffer, at: number, value: number): void {
  target.writeUInt32BE(Math.floor(value / HIGH), at);
  target.writeUInt32BE(value % HIGH, at + 4);
}

function readU64(source: Buffer, at: number): number {
  return source.readUInt32BE(at) * HIGH + source.readUInt32BE(at + 4);
}

/** Before each message: u64 epoch, u64 wall-clock ms, u32 publisher, u8 flags, u8 kind. */
export const MESSAGE_HEAD = 22;

/** Where the message of a record is. */
export const RECORD_KIND = {
  /** Behind its head. */
  whole: 0,
  /** In `payloads`. */
  payload: 1,
  /** It is one of queues here, what stands before it behind the reference. */
  message: HOLDS.message,
  /** The same of a large one. */
  body: HOLDS.body,
} as const;
export type RecordKind = (typeof RECORD_KIND)[keyof typeof RECORD_KIND];

/** Of a record that names its message: u64 number, u64 length. */
const REFERENCE_BYTES = 16;
const NOTHING = Buffer.alloc(0);

/** A message with its payload, which is [start, end) of `source`. */
export function messageRecord(
  epoch: number,
  wall: number,
  tag: number,
  flags: number,
  source: Buffer,
  start: number,
  end: number,
): Buffer {
  const record = Buffer.allocUnsafe(MESSAGE_HEAD + end - start);
  writeHead(record, epoch, wall, tag, flags, RECORD_KIND.whole);
  source.copy(record, MESSAGE_HEAD, start, end);
  return record;
}

/**
 * A message that is named by a number.
 * @param length of all of it
 * @param before what stands before it, where queues here have it
 */
export function referenceRecord(
  epoch: number,
  wall: number,
  tag: number,
  flags: number,
  kind: RecordKind,
  id: number,
  length: number,
  before: Buffer = NOTHING,
): Buffer {
  const record = Buffer.allocUnsafe(MESSAGE_HEAD + REFERENCE_BYTES + before.length);
  writeHead(record, epoch, wall, tag, flags, kind);
  writeU64(record, MESSAGE_HEAD, id);
  writeU64(record, MESSAGE_HEAD + 8, length);
  before.copy(record, MESSAGE_HEAD + REFERENCE_BYTES);
  return record;
}

function writeHead(record: Buffer, epoch: number, wall: number, tag: number, flags: number, kind: number): void {
  writeU64(record, 0, epoch);
  writeU64(record, 8, wall);
  record.writeUInt32BE(tag, 16);
  record[20] = flags;
  record[21] = kind;
}

/** The same message in another life of this node's numbering. */
export function inEpoch(record: Buffer, epoch: number): Buffer {
  const copy = Buffer.from(record);
  writeU64(copy, 0, epoch);
  return copy;
}

export function epochOf(record: Buffer): number {
  return readU64(record, 0);
}

export function wallOf(record: Buffer): number {
  return readU64(record, 8);
}

export function tagOf(record: Buffer): number {
  return record.readUInt32BE(16);
}

export function flagsOf(record: Buffer): number {
  return record[20] as number;
}

export function kindOf(record: Buffer): RecordKind {
  return record[21] as RecordKind;
}

/** The number of a message that is not in its record. */
export function idOf(record: Buffer): number {
  return readU64(record, MESSAGE_HEAD);
}

/** Length of all of a message that is not in its record. */
export function lengthOf(record: Buffer): number {
  return readU64(record, MESSAGE_HEAD + 8);
}

/** What stands before a message of queues. */
export function beforeOf(record: Buffer): Buffer {
  return record.subarray(MESSAGE_HEAD + REFERENCE_BYTES);
}

/** What a message takes, its payload counted with each that has it. */
export function sizeOf(record: Buffer): number {
  return kindOf(record) === RECORD_KIND.whole ? record.length : record.length + lengthOf(record);
}

/** What a record of `payloads` begins with. */
export const PAYLOAD_HEAD = 1;

/** A payload that several messages have. */
export function payloadRecord(source: Buffer, start: number, end: number): Buffer {
  const record = Buffer.allocUnsafe(PAYLOAD_HEAD + end - start);
  record[0] = 0;
  source.copy(record, PAYLOAD_HEAD, start, end);
  return record;
}

/** The parts of a large message. */
export interface BodyName {
  readonly id: number;
  readonly length: number;
}

export function bodyRecord({ id, length }: BodyName): Buffer {
  const record = Buffer.alloc(PAYLOAD_HEAD + REFERENCE_BYTES, 1);
  writeU64(record, PAYLOAD_HEAD, id);
  writeU64(record, PAYLOAD_HEAD + 8, length);
  return record;
}

/** Null for a payload that is in the record. */
export function bodyOf(record: Buffer): BodyName | null {
  return record[0] === 0 ? null : { id: readU64(record, PAYLOAD_HEAD), length: readU64(record, PAYLOAD_HEAD + 8) };
}

export function numberRecord(value: number): Buffer {
  const record = Buffer.allocUnsafe(8);
  writeU64(record, 0, value);
  return record;
}

export function numberIn(record: Buffer): number {
  return readU64(record, 0);
}

/** What waits for a destination. */
export interface Totals {
  readonly messages: number;
  readonly bytes: number;
}

export function totalsRecord({ messages, bytes }: Totals): Buffer {
  const record = Buffer.allocUnsafe(16);
  writeU64(record, 0, messages);
  writeU64(record, 8, bytes);
  return record;
}

export function totalsIn(record: Buffer): Totals {
  return { messages: readU64(record, 0), bytes: readU64(record, 8) };
}
