import type { LargeBody } from '../streams/contract';
import type { PutSink } from './contract';
import type { DelayedMessages } from './delayed';
import { Duplicates, type SeenId } from './duplicates';
import type { Entry } from './entry';
import { QueueDamagedError } from './errors';
import { NOBODY } from './group';
import { incoming, incomingDue, incomingExpiry, incomingFlags, readIncoming } from './incoming';
import { LargeIntake, type LargeIntakeParts } from './large-intake';
import { SEGMENT_BYTES, SEGMENTS_MAX } from './limits';
import type { Mark } from './marks';
import { PutsBehind } from './puts-behind';
import type { QueueCore } from './queue-core';
import {
  flagsOf,
  isLargeRecord,
  messageStart,
  publisherOf,
  RECORD_FLAG,
  RECORD_HEAD,
  REFERENCE_BYTES,
  writeHead,
  writeReference,
} from './record';
import { REFUSAL, type Refusal, refusalOfStore } from './refusals';

/** Refusals of a queue that has as much as it may. */
const LIMITS: ReadonlySet<Refusal> = new Set([REFUSAL.overLimit, REFUSAL.largerThanQueue, REFUSAL.memoryFull]);

/** Takes messages into a queue, or says why not. */
export class Intake implements LargeIntakeParts {
  readonly #duplicates: Duplicates;
  readonly large: LargeIntake;
  readonly behind = new PutsBehind();

  /** @throws RecordDamagedError */
  constructor(
    private readonly core: QueueCore,
    private readonly delayed: DelayedMessages,
    /** Makes room by dropping a message; false when there is none to drop. */
    private readonly dropOldest: () => boolean,
  ) {
    this.#duplicates = new Duplicates(core.store, core.id);
    this.#duplicates.load();
    this.large = new LargeIntake(core, delayed, this);
  }

  put(
    payload: Buffer,
    start: number,
    end: number,
    publisher: number,
    mark: Mark | null,
    seq: number,
    sink: PutSink,
    token: number,
    age: number,
    topic: number,
  ): void {
    if (mark === null || !this.behind.holds(mark)) {
      this.#put(payload, start, end, publisher, mark, seq, sink, token, age, topic);
      return;
    }
    const kept = Buffer.from(payload.subarray(start, end));
    this.behind.wait(mark, () => this.#put(kept, 0, kept.length, publisher, mark, seq, sink, token, age, topic));
  }

  #put(
    payload: Buffer,
    start: number,
    end: number,
    publisher: number,
    mark: Mark | null,
    seq: number,
    sink: PutSink,
    token: number,
    age: number,
    topic: number,
  ): void {
    if (mark !== null && !this.advance(mark, seq, sink, token)) return;
    let refusal = this.closed();
    if (refusal === REFUSAL.none) refusal = this.read(payload, start + topic, end, true, age);
    if (refusal === REFUSAL.none) {
      if (this.isDuplicate(payload, mark, seq, sink, token)) return;
      refusal = this.makeRoom(end - start);
    }
    if (refusal !== REFUSAL.none) {
      this.refuse(mark, seq, sink, token, refusal);
      return;
    }
    const record = this.core.home.slab.make(payload, start, end, topic);
    this.add(this.entryOf(record, topic > 0 ? RECORD_FLAG.topic : 0, publisher), payload, mark, seq, sink, token);
  }

  /**
   * Why a message would not be taken now.
   * @param start its bytes, or the first of them
   * @param before messages and bytes that are to be put before it
   */
  refusalOf(start: Buffer, length: number, before: number, bytesBefore: number): Refusal {
    const refusal = this.refusalNow(length, before, bytesBefore);
    return refusal === REFUSAL.none ? this.read(start, 0, start.length, start.length === length, 0) : refusal;
  }

  /** The same of a message that was looked at already. */
  refusalNow(length: number, before: number, bytesBefore: number): Refusal {
    const { core } = this;
    const refusal = this.closed();
    if (refusal !== REFUSAL.none) return refusal;
    if (length > SEGMENT_BYTES * SEGMENTS_MAX) return REFUSAL.tooLarge;
    if (core.isNodeFull(bytesBefore + length)) return REFUSAL.memoryFull;
    const isOver = core.policy.overLimit === 'reject' && core.isOver(before + 1, bytesBefore + length);
    return isOver ? this.#overLimit(length) : REFUSAL.none;
  }

  /** There is no room now for so many bytes, or never will be. */
  #overLimit(bytes: number): Refusal {
    const { maxBytes } = this.core.policy;
    return maxBytes !== null && bytes > maxBytes ? REFUSAL.largerThanQueue : REFUSAL.overLimit;
  }

  /** A message that it would have refused is lost to it: its publisher was answered long ago. */
  drop(refusal: Refusal): void {
    if (LIMITS.has(refusal)) this.core.drops.limit++;
    else this.core.drops.failed++;
  }

  /**
   * Puts a message that other queues have too; whether it is taken was asked before.
   * @param record never changed
   * @returns false when it is not taken, for it was here before
   */
  putShared(record: Buffer, payload: number, age: number): boolean {
    const { core } = this;
    if (this.read(record, messageStart(record), record.length, true, age) !== REFUSAL.none) incoming.reset();
    if (this.isDuplicate(record, null, 0, NOBODY, 0)) return false;
    const length = record.length - RECORD_HEAD;
    this.makeRoom(length);
    const reference = core.home.slab.take(REFERENCE_BYTES);
    writeReference(reference, payload, length);
    writeHead(reference, flagsOf(record) | RECORD_FLAG.shared, 0, publisherOf(record), this.#expiresAt());
    this.add(core.entryOf(9 - incoming.priority, record, reference), record, null, 0, NOBODY, 0);
    return true;
  }

  /** A message that the host moves here from another queue: it is taken whatever the limits, and expires by this queue's rule alone. */
  putMoved(message: Buffer, inTransaction: boolean): void {
    const { core } = this;
    if (this.read(message, 0, message.length, true, 0) === REFUSAL.malformed) incoming.reset();
    const record = core.home.slab.make(message, 0, message.length);
    this.addMoved(record, incomingFlags(), 9 - incoming.priority, 0, inTransaction, null);
  }

  /** @param body of a large one in a queue in memory */
  addMoved(
    record: Buffer,
    flags: number,
    lane: number,
    publisher: number,
    inTransaction: boolean,
    body: LargeBody | null,
  ): void {
    const { core } = this;
    if (core.policy.overLimit === 'dropOldest') this.makeRoom(record.length);
    writeHead(record, flags, 0, publisher, this.ruleExpiry());
    const entry = core.entryOf(lane, record);
    entry.isMoved = true;
    entry.inTransaction = inTransaction;
    entry.body = body;
    core.put++;
    core.add(entry);
  }

  /**
   * A message of another queue of the host, whose record, and parts, are its own from now on.
   * @param due when it may be delivered; 0 for at once
   * @returns its key; null where the window of duplicates knows it
   */
  takeOver(record: Buffer, lane: number, due: number): number | null {
    const { core } = this;
    if (this.#wasPutHere(record)) {
      core.duplicates++;
      return null;
    }
    const entry = core.entryOf(lane, record);
    entry.isMoved = true;
    entry.seen = entry.deliveries > 0;
    core.put++;
    if (due > 0) this.delayed.add(entry, due);
    else core.add(entry);
    return entry.key;
  }

  #wasPutHere(record: Buffer): boolean {
    const { duplicateWindowMs } = this.core.policy;
    if (duplicateWindowMs === null || isLargeRecord(record)) return false;
    if (this.read(record, messageStart(record), record.length, true, 0) !== REFUSAL.none) return false;
    if (incoming.idEnd === incoming.idStart) return false;
    const id = record.toString('latin1', incoming.idStart, incoming.idEnd);
    return this.#duplicates.hasOwn(id, this.core.home.wall(), duplicateWindowMs);
  }

  /** Message-ids that another queue has seen, whose messages come here. */
  takeOverIds(ids: readonly SeenId[]): void {
    const { duplicateWindowMs } = this.core.policy;
    if (duplicateWindowMs === null) return;
    this.#duplicates.join(ids, this.core.home.wall(), duplicateWindowMs);
    this.core.touch();
    this.core.group.waiting.push({ done: (error) => error !== null && this.takeOverIds(ids) });
  }

  /** When a message expires by the rule alone; 0 for never. */
  ruleExpiry(): number {
    const { ttlMs } = this.core.policy;
    return ttlMs === null ? 0 : Math.floor(this.core.home.wall() + ttlMs);
  }

  /** The entry of the message that was read last. */
  entryOf(record: Buffer, flags: number, publisher: number): Entry {
    writeHead(record, flags | incomingFlags(), 0, publisher, this.#expiresAt());
    return this.core.entryOf(9 - incoming.priority, record);
  }

  /** Puts the message that was read last. */
  add(entry: Entry, payload: Buffer, mark: Mark | null, seq: number, sink: PutSink, token: number): void {
    entry.sink = sink;
    entry.token = token;
    entry.mark = mark;
    entry.putSeq = seq;
    this.core.put++;
    this.rememberId(entry, payload);
    const due = this.due();
    if (due > 0) this.delayed.add(entry, due);
    else this.core.add(entry);
  }

  /** @returns false when the put was made before: it is answered as then */
  advance(mark: Mark, seq: number, sink: PutSink, token: number): boolean {
    const isNew = mark.advance(seq);
    if (!isNew) this.core.group.repeats.push({ sink, token, mark, seq, sharesFate: false });
    this.core.marks.touch(mark);
    this.core.touch();
    return isNew;
  }

  /** Why nothing is taken now. */
  closed(): Refusal {
    const { error, store } = this.core;
    if (error !== null) return error instanceof QueueDamagedError ? REFUSAL.damaged : REFUSAL.deleted;
    return store === null ? REFUSAL.none : refusalOfStore(store);
  }

  /** Reads what it wants to know of a message. */
  read(payload: Buffer, start: number, end: number, whole: boolean, age: number): Refusal {
    return readIncoming(payload, start, end, whole, this.core.home, age);
  }

  /** When the message that was read last may be delivered; 0 for at once. */
  due(): number {
    return incomingDue(this.core.home);
  }

  #expiresAt(): number {
    return incomingExpiry(this.core.policy.ttlMs, this.core.home);
  }

  /** @returns whether a message with its id was here lately; then it is answered as that one */
  isDuplicate(payload: Buffer, mark: Mark | null, seq: number, sink: PutSink, token: number): boolean {
    const { duplicateWindowMs } = this.core.policy;
    if (duplicateWindowMs === null || incoming.idEnd === incoming.idStart) return false;
    const id = payload.toString('latin1', incoming.idStart, incoming.idEnd);
    if (!this.#duplicates.has(id, this.core.home.wall(), duplicateWindowMs)) return false;
    this.core.duplicates++;
    this.core.group.repeats.push({ sink, token, mark, seq, sharesFate: true });
    this.core.touch();
    return true;
  }

  /** The id of the message that was read last. */
  rememberId(entry: Entry, payload: Buffer): void {
    const { duplicateWindowMs } = this.core.policy;
    if (duplicateWindowMs === null || incoming.idEnd === incoming.idStart) return;
    const id = payload.toString('latin1', incoming.idStart, incoming.idEnd);
    this.#duplicates.add(id, this.#seqOf(entry), this.core.home.wall(), duplicateWindowMs);
  }

  #seqOf(entry: Entry): number {
    return entry.key - (this.core.ready.lanes[entry.lane]?.base ?? 0);
  }

  /** Drops the oldest for a message, where its rule says so. */
  makeRoom(bytes: number): Refusal {
    const { core } = this;
    const { overLimit } = core.policy;
    if (core.isNodeFull(bytes)) return REFUSAL.memoryFull;
    if (overLimit === 'block') return core.isMemoryFull(bytes) ? REFUSAL.overLimit : REFUSAL.none;
    while (core.isOver(1, bytes)) {
      if (overLimit === 'reject') return this.#overLimit(bytes);
      // What consumers have cannot be dropped: it is put nevertheless.
      if (!this.dropOldest()) return core.isMemoryFull(bytes) ? REFUSAL.overLimit : REFUSAL.none;
    }
    return REFUSAL.none;
  }

  /** What came faster than the oldest could be dropped, which are those on the disk, makes room now. */
  trim(): void {
    if (this.core.policy.overLimit !== 'dropOldest') return;
    while (this.core.isOver(0, 0) && this.dropOldest());
  }

  refuse(mark: Mark | null, seq: number, sink: PutSink, token: number, refusal: Refusal): void {
    mark?.refuse(seq, refusal);
    this.core.home.refuse(sink, token, refusal);
  }

  /** A put that is not on the disk, and never will be. */
  notStored(entry: Entry, refusal: Refusal): void {
    this.core.put--;
    this.#duplicates.forget(this.#seqOf(entry));
    const { sink, mark, token } = entry;
    entry.sink = null;
    if (mark !== null) {
      this.core.marks.touch(mark);
      this.core.touch();
    }
    if (sink === null) return;
    if (mark?.comesAgain !== true) {
      this.refuse(mark, entry.putSeq, sink, token, refusal);
      return;
    }
    mark.notWritten(entry.putSeq, refusal);
    this.core.home.giveBack(sink, token, refusal);
  }
}
