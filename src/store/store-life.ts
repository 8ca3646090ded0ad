import { StoreVersionError } from './errors';
import type { QueueEnvironment } from './queue-environment';
import { SPACE_END } from './queue-key';
import type { RedoPosition } from './redo/reader';
import { SEAL_BYTES, sealOf, unsealed } from './sealed-record';
import { arenaOf } from './write-log';

/**
 * 2: records may have a topic. 3: there is a redo log beside it. A store of an earlier format is read as it is, and is of this one from
 * then on.
 */
export const QUEUE_STORE_FORMAT = 3;
const FORMATS_READ: readonly number[] = [1, 2, QUEUE_STORE_FORMAT];
const EPOCH_RANDOM = 0x1_0000;

/** What the store says of itself: numbers in the space behind those of queues. */
export const FORMAT = 0;
const EPOCH = 1;
const CLEAN = 2;
/** 1 in a backup: whoever opens it first is another life of its numbering. */
const RESTORED = 3;
/** Written to see whether writing works. */
const TRIAL = 4;
/** Whose redo log is this store's; 0 in a copy, which has none. */
export const REDO_ID = 5;
/** Sequence of the last block of the redo log that is in here. */
export const APPLIED = 6;
/** Number of the segment of the redo log that is needed for what comes after. */
export const NEEDED = 7;

export interface StoreLife {
  readonly putEpoch: number;
  readonly wasClean: boolean;
}

/** The number in a record of the store's own. */
export function numberIn(record: Buffer): number {
  return record.readDoubleLE(SEAL_BYTES);
}

function readNumber({ root, codec }: QueueEnvironment, key: number): number | null {
  [codec.space, codec.queue] = [SPACE_END, 0];
  const record = root.get(key);
  return record === undefined ? null : unsealed(SPACE_END, 0, key, record, record.length).readDoubleLE();
}

function writeNumber({ root, codec }: QueueEnvironment, key: number, value: number): Promise<boolean> {
  const end = SEAL_BYTES + 8;
  const arena = arenaOf(end);
  arena.writeDoubleLE(value, SEAL_BYTES);
  arena.writeInt32LE(sealOf(SPACE_END, 0, key, arena, SEAL_BYTES, end));
  [codec.space, codec.queue] = [SPACE_END, 0];
  return root.put(key, arena);
}

function writeNow(environment: QueueEnvironment, numbers: readonly (readonly [key: number, value: number])[]): void {
  environment.root.transactionSync(() => {
    for (const [key, value] of numbers) void writeNumber(environment, key, value);
  });
}

/**
 * Begins a life of the store: from here on it counts as not stopped cleanly. On the disk before it returns.
 * @throws StoreVersionError, RecordDamagedError
 */
export function beginLife(file: string, environment: QueueEnvironment, wall: number, random16: number): StoreLife {
  const format = readFormat(file, environment);
  const before = readNumber(environment, EPOCH);
  const goesOn = before !== null && readNumber(environment, RESTORED) !== 1;
  const newest = Math.max(Math.floor((before ?? 0) / EPOCH_RANDOM) + 1, Math.floor(wall / 1000));
  const putEpoch = goesOn ? before : newest * EPOCH_RANDOM + (random16 % EPOCH_RANDOM);
  const wasClean = format === null || readNumber(environment, CLEAN) === 1;
  writeNow(environment, [
    [FORMAT, QUEUE_STORE_FORMAT],
    [EPOCH, putEpoch],
    [CLEAN, 0],
    [RESTORED, 0],
  ]);
  return { putEpoch, wasClean };
}

/** @throws StoreVersionError for one that this version cannot read */
export function checkFormat(file: string, format: number): void {
  if (!FORMATS_READ.includes(format)) throw new StoreVersionError(file, format, QUEUE_STORE_FORMAT);
}

/** Null for a store that has just been made. @throws StoreVersionError */
export function readFormat(file: string, environment: QueueEnvironment): number | null {
  const format = readNumber(environment, FORMAT);
  if (format !== null) checkFormat(file, format);
  return format;
}

/** What the store says of its redo log. */
export function redoPosition(environment: QueueEnvironment): RedoPosition {
  const [id, applied, needed] = [REDO_ID, APPLIED, NEEDED].map((key) => readNumber(environment, key) ?? 0);
  return { id: id!, applied: applied!, needed: needed! };
}

/** Says, in the batch that is open, that blocks of the redo log are in here. */
export function writeApplied(environment: QueueEnvironment, applied: number, needed: number): void {
  void writeNumber(environment, APPLIED, applied);
  void writeNumber(environment, NEEDED, needed);
}

/** Says whose redo log is this store's. On the disk before it returns. */
export function beginRedo(environment: QueueEnvironment, { id, applied, needed }: RedoPosition): void {
  writeNow(environment, [
    [REDO_ID, id],
    [APPLIED, applied],
    [NEEDED, needed],
  ]);
}

export function wasStoppedCleanly(environment: QueueEnvironment): boolean {
  return readNumber(environment, CLEAN) === 1;
}

/** Says in the store that all is in it. */
export function endLife(environment: QueueEnvironment): Promise<unknown> {
  return environment.root.batch(() => void writeNumber(environment, CLEAN, 1));
}

/** A write that changes nothing. */
export function tryWrite(environment: QueueEnvironment): Promise<unknown> {
  return environment.root.batch(() => void writeNumber(environment, TRIAL, 0));
}

/** The same, on the disk before it returns. */
export function tryWriteNow(environment: QueueEnvironment): void {
  writeNow(environment, [[TRIAL, 0]]);
}

/** Says in a store that was made of another one's records what format they have. */
export function beginFormat(environment: QueueEnvironment): void {
  writeNow(environment, [[FORMAT, QUEUE_STORE_FORMAT]]);
}

/** Marks a copy that has all of its redo log in it, so that it is another life of the numbering of puts and no clean end of the one before. */
export function markRestored(environment: QueueEnvironment): void {
  writeNow(environment, [
    [RESTORED, 1],
    [CLEAN, 0],
    [REDO_ID, 0],
  ]);
}
