/** Kinds of records of the outbox in the store of queues, whose own are below 32. Their queue is 0 unless it says otherwise. */
export const OUTBOX_SPACE = {
  /** By the number of a destination: the name of its queue. */
  names: 32,
  /** Queue: the number of a destination; by the number of the message. */
  messages: 33,
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

/** Before each message: u64 epoch, u64 wall-clock ms, u32 publisher, u8 flags, u8 1 when its payload is elsewhere. */
export const MESSAGE_HEAD = 22;
const REFERENCE_BYTES = 16;

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
  writeHead(record, epoch, wall, tag, flags, 0);
  source.copy(record, MESSAGE_HEAD, start, end);
  return record;
}

/** A message whose payload has a record of its own. */
export function referenceRecord(
  epoch: number,
  wall: number,
  tag: number,
  flags: number,
  payload: number,
  length: number,
): Buffer {
  const record = Buffer.allocUnsafe(MESSAGE_HEAD + REFERENCE_BYTES);
  writeHead(record, epoch, wall, tag, flags, 1);
  writeU64(record, MESSAGE_HEAD, payload);
  writeU64(record, MESSAGE_HEAD + 8, length);
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

/** The number of its payload, 0 when that is in the record. */
export function payloadOf(record: Buffer): number {
  return record[21] === 0 ? 0 : readU64(record, MESSAGE_HEAD);
}

/** What a message takes, its payload counted with each that has it. */
export function sizeOf(record: Buffer): number {
  return record[21] === 0 ? record.length : record.length + readU64(record, MESSAGE_HEAD + 8);
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
