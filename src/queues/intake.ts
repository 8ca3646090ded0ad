import { invariant } from '../common/errors';
import type { LargeBody } from '../streams/contract';
import type { PutSink } from './contract';
import type { DelayedMessages } from './delayed';
import { Duplicates } from './duplicates';
import type { Entry } from './entry';
import { QueueDamagedError } from './errors';
import { type Group, NOBODY } from './group';
import { incoming, incomingDue, incomingExpiry, incomingFlags, readIncoming } from './incoming';
import { LARGE_HEAD_BYTES, SEGMENT_BYTES, SEGMENTS_MAX } from './limits';
import { LargePut, type LargePutHome } from './large-put';
import type { Mark } from './marks';
import type { PlacedLarge } from './placed-large';
import type { QueueCore } from './queue-core';
import {
  bodyOf,
  flagsOf,
  largeRecord,
  publisherOf,
  RECORD_FLAG,
  RECORD_HEAD,
  REFERENCE_BYTES,
  sizeOf,
  writeHead,
  writeReference,
} from './record';
import { REFUSAL, type Refusal } from './refusals';

const head = Buffer.allocUnsafe(LARGE_HEAD_BYTES);

/** A large message that a transaction will put. */
export interface StagedLarge {
  /** Its beginning. */
  readonly head: Buffer;
  readonly length: number;
  readonly publisher: number;
  /** The number of its parts on the disk. */
  readonly stored: number;
  /** Its bytes, where the queue lives in memory. */
  readonly body: LargeBody | null;
  /** It will not be put. */
  abandon(): void;
}

/** Takes messages into a queue, or says why not. */
export class Intake implements LargePutHome {
  readonly #duplicates: Duplicates;
  /** Large messages that are being stored, in the order they came. */
  readonly #large: LargePut[] = [];

  /** @throws RecordDamagedError */
  constructor(
    private readonly core: QueueCore,
    private readonly delayed: DelayedMessages,
    /** Makes room by dropping a message; false when there is none to drop. */
    private readonly dropOldest: () => boolean,
  ) {
    this.#duplicates = new Duplicates(core.store, core.id);
    this.#duplicates.load();
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
  ): void {
    if (mark !== null && !this.#advance(mark, seq, sink, token)) return;
    let refusal = this.#closed();
    if (refusal === REFUSAL.none) refusal = this.#read(payload, start, end, true);
    if (refusal === REFUSAL.none) {
      if (this.#isDuplicate(payload, mark, seq, sink, token)) return;
      refusal = this.#makeRoom(end - start);
    }
    if (refusal !== REFUSAL.none) {
      this.refuse(mark, seq, sink, token, refusal);
      return;
    }
    const record = this.core.home.slab.make(payload, start, end);
    this.#add(this.#entryOf(record, 0, publisher), payload, mark, seq, sink, token);
  }

  /**
   * Why a message would not be taken now.
   * @param start its bytes, or the first of them
   * @param before messages and bytes that are to be put before it
   */
  refusalOf(start: Buffer, length: number, before: number, bytesBefore: number): Refusal {
    const refusal = this.refusalNow(length, before, bytesBefore);
    return refusal === REFUSAL.none ? this.#read(start, 0, start.length, start.length === length) : refusal;
  }

  /** The same of a message that was looked at already. */
  refusalNow(length: number, before: number, bytesBefore: number): Refusal {
    const { core } = this;
    const refusal = this.#closed();
    if (refusal !== REFUSAL.none) return refusal;
    if (length > SEGMENT_BYTES * SEGMENTS_MAX) return REFUSAL.tooLarge;
    const isOver = core.policy.overLimit === 'reject' && core.isOver(before + 1, bytesBefore + length);
    return isOver ? REFUSAL.overLimit : REFUSAL.none;
  }

  /**
   * Puts a message that other queues have too; whether it is taken was asked before.
   * @param record never changed
   * @returns false when it is not taken, for it was here before
   */
  putShared(record: Buffer, payload: number): boolean {
    const { core } = this;
    if (this.#read(record, RECORD_HEAD, record.length, true) !== REFUSAL.none) incoming.reset();
    if (this.#isDuplicate(record, null, 0, NOBODY, 0)) return false;
    const length = record.length - RECORD_HEAD;
    this.#makeRoom(length);
    const reference = core.home.slab.take(REFERENCE_BYTES);
    writeReference(reference, payload, length);
    writeHead(reference, flagsOf(record) | RECORD_FLAG.shared, 0, publisherOf(record), this.#expiresAt());
    this.#add(core.entryOf(9 - incoming.priority, record, reference), record, null, 0, NOBODY, 0);
    return true;
  }

  /** A message that the host moves here from another queue: it is taken whatever the limits, and expires by this queue's rule alone. */
  putMoved(message: Buffer, inTransaction: boolean): void {
    const { core } = this;
    if (this.#read(message, 0, message.length, true) === REFUSAL.malformed) incoming.reset();
    const record = core.home.slab.make(message, 0, message.length);
    this.#addMoved(record, incomingFlags(), 9 - incoming.priority, 0, inTransaction, null);
  }

  /**
   * The same of a large one.
   * @param from its record in the other queue
   * @param kept its bytes, where that queue lives in memory
   */
  putMovedLarge(from: Buffer, lane: number, kept: LargeBody | null, inTransaction: boolean): void {
    const { home, store } = this.core;
    const record = Buffer.from(from);
    const flags = flagsOf(from);
    let body = kept;
    if (store === null && body === null) {
      body = home.large.open(bodyOf(from), sizeOf(from), (error) => error);
      home.large.discard(bodyOf(from), sizeOf(from), inTransaction);
    }
    if (store === null || body === null) {
      this.#addMoved(record, flags, lane, publisherOf(from), inTransaction, body);
      return;
    }
    record.writeUIntBE(home.large.begin(body.length), RECORD_HEAD, 6);
    writeHead(record, flags, 0, publisherOf(from), this.#ruleExpiry());
    const entry = this.core.entryOf(lane, record);
    this.#stage(entry, body, 0);
  }

  #addMoved(
    record: Buffer,
    flags: number,
    lane: number,
    publisher: number,
    inTransaction: boolean,
    body: LargeBody | null,
  ): void {
    const { core } = this;
    if (core.policy.overLimit === 'dropOldest') this.#makeRoom(record.length);
    writeHead(record, flags, 0, publisher, this.#ruleExpiry());
    const entry = core.entryOf(lane, record);
    entry.isMoved = true;
    entry.inTransaction = inTransaction;
    entry.body = body;
    core.put++;
    core.add(entry);
  }

  #ruleExpiry(): number {
    const { ttlMs } = this.core.policy;
    return ttlMs === null ? 0 : Math.floor(this.core.home.wall() + ttlMs);
  }

  #entryOf(record: Buffer, flags: number, publisher: number): Entry {
    writeHead(record, flags | incomingFlags(), 0, publisher, this.#expiresAt());
    return this.core.entryOf(9 - incoming.priority, record);
  }

  #add(entry: Entry, payload: Buffer, mark: Mark | null, seq: number, sink: PutSink, token: number): void {
    entry.sink = sink;
    entry.token = token;
    entry.mark = mark;
    entry.putSeq = seq;
    this.core.put++;
    this.#rememberId(entry, payload);
    const due = this.#due();
    if (due > 0) this.delayed.add(entry, due);
    else this.core.add(entry);
  }

  putLarge(body: LargeBody, publisher: number, mark: Mark | null, seq: number, sink: PutSink, token: number): void {
    if (mark !== null && !this.#advance(mark, seq, sink, token)) return;
    const bytes = body.read(0, head.subarray(0, Math.min(head.length, body.length)));
    let refusal = this.#closed();
    if (refusal === REFUSAL.none && body.length > SEGMENT_BYTES * SEGMENTS_MAX) refusal = REFUSAL.tooLarge;
    if (refusal === REFUSAL.none) refusal = this.#read(head, 0, bytes, bytes === body.length);
    if (refusal === REFUSAL.none) {
      if (this.#isDuplicate(head, mark, seq, sink, token)) return;
      refusal = this.#makeRoom(body.length);
    }
    if (refusal !== REFUSAL.none) {
      this.refuse(mark, seq, sink, token, refusal);
      return;
    }
    const { home, store } = this.core;
    const record = largeRecord(store === null ? 0 : home.large.begin(body.length), body.length);
    const entry = this.#entryOf(record, RECORD_FLAG.large, publisher);
    body.retain();
    if (store === null) {
      entry.body = body;
      this.#add(entry, head, mark, seq, sink, token);
      return;
    }
    entry.sink = sink;
    entry.token = token;
    entry.mark = mark;
    entry.putSeq = seq;
    mark?.storing(seq, true);
    this.#rememberId(entry, head);
    this.#stage(entry, body, this.#due());
  }

  /** Its parts are stored first, in turns of their own; what comes behind it waits for it. */
  #stage(entry: Entry, body: LargeBody, due: number): void {
    this.#occupy(entry, due);
    this.#large.push(new LargePut(this, entry, bodyOf(entry.record), body, due));
    this.core.wantsTurn();
  }

  /** A large message has its place from now on. */
  #occupy(entry: Entry, due: number): void {
    const { core } = this;
    core.pendingLarge++;
    core.pendingBytes += entry.size;
    core.storing++;
    if (due <= 0) core.ready.lanes[entry.lane]?.raise(entry.key);
  }

  /**
   * A large message whose parts others store takes its place.
   * @param start its beginning; whether it is taken was asked before
   */
  place(start: Buffer, length: number, publisher: number, body: number): PlacedLarge {
    const { core } = this;
    this.#makeRoom(length);
    if (this.#read(start, 0, start.length, start.length === length) !== REFUSAL.none) incoming.reset();
    const entry = this.#entryOf(largeRecord(body, length), RECORD_FLAG.large, publisher);
    const due = this.#due();
    this.#rememberId(entry, start);
    this.#occupy(entry, due);
    return {
      stored: () => {
        this.#vacate(entry);
        if (core.error === null) this.#addPlaced(entry, due);
        return core.error === null;
      },
      failed: (refusal) => {
        this.#vacate(entry);
        this.#notPlaced(entry, refusal);
      },
    };
  }

  /** @returns false when the put was made before: it is answered as then */
  #advance(mark: Mark, seq: number, sink: PutSink, token: number): boolean {
    const isNew = mark.advance(seq);
    if (!isNew && !this.#isPending(mark, seq, sink, token))
      this.core.group.repeats.push({ sink, token, mark, seq, sharesFate: false });
    this.core.marks.touch(mark);
    this.core.touch();
    return isNew;
  }

  /** A large message that is being stored is answered when it is, to whom asked last. */
  #isPending(mark: Mark, seq: number, sink: PutSink, token: number): boolean {
    const pending = this.#large.find(({ entry }) => entry?.mark === mark && entry.putSeq === seq)?.entry ?? null;
    if (pending === null) return false;
    pending.sink = sink;
    pending.token = token;
    return true;
  }

  #closed(): Refusal {
    const { error, store } = this.core;
    if (error !== null) return error instanceof QueueDamagedError ? REFUSAL.damaged : REFUSAL.deleted;
    if (store === null || store.state === 'ok') return REFUSAL.none;
    return store.state === 'full' ? REFUSAL.storeFull : REFUSAL.storeFailed;
  }

  #read(payload: Buffer, start: number, end: number, whole: boolean): Refusal {
    return readIncoming(payload, start, end, whole, this.core.home.wall());
  }

  #due(): number {
    return incomingDue(this.core.home.wall());
  }

  #expiresAt(): number {
    return incomingExpiry(this.core.policy.ttlMs, this.core.home.wall());
  }

  #isDuplicate(payload: Buffer, mark: Mark | null, seq: number, sink: PutSink, token: number): boolean {
    const { duplicateWindowMs } = this.core.policy;
    if (duplicateWindowMs === null || incoming.idEnd === incoming.idStart) return false;
    const id = payload.toString('latin1', incoming.idStart, incoming.idEnd);
    if (!this.#duplicates.has(id, this.core.home.wall(), duplicateWindowMs)) return false;
    this.core.duplicates++;
    this.core.group.repeats.push({ sink, token, mark, seq, sharesFate: true });
    this.core.touch();
    return true;
  }

  #rememberId(entry: Entry, payload: Buffer): void {
    const { duplicateWindowMs } = this.core.policy;
    if (duplicateWindowMs === null || incoming.idEnd === incoming.idStart) return;
    const id = payload.toString('latin1', incoming.idStart, incoming.idEnd);
    this.#duplicates.add(id, this.#seqOf(entry), this.core.home.wall(), duplicateWindowMs);
  }

  #seqOf(entry: Entry): number {
    return entry.key - (this.core.ready.lanes[entry.lane]?.base ?? 0);
  }

  #makeRoom(bytes: number): Refusal {
    const { core } = this;
    const { overLimit } = core.policy;
    if (overLimit === 'block') return core.isMemoryFull(bytes) ? REFUSAL.overLimit : REFUSAL.none;
    while (core.isOver(1, bytes)) {
      if (overLimit === 'reject') return REFUSAL.overLimit;
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
    if (sink !== null) this.refuse(mark, entry.putSeq, sink, token, refusal);
  }

  // Large messages, part by part.

  /** Stores more of what is being stored. */
  turn(): void {
    this.#large[0]?.turn(this.core);
  }

  change(): Group {
    this.core.touch();
    return this.core.group;
  }

  staged(put: LargePut): void {
    const entry = this.#end(put);
    this.core.home.large.adopt(bodyOf(entry.record));
    this.#addPlaced(entry, put.due);
  }

  #addPlaced(entry: Entry, due: number): void {
    const { core } = this;
    core.put++;
    if (due > 0) this.delayed.add(entry, due);
    else core.add(entry);
  }

  failed(put: LargePut, refusal: Refusal): void {
    const entry = this.#end(put);
    this.core.finish(entry);
    this.#notPlaced(entry, refusal);
  }

  #notPlaced(entry: Entry, refusal: Refusal): void {
    const { core } = this;
    core.ready.lanes[entry.lane]?.lift(entry.key);
    core.put++;
    if (entry.sink === null) core.drops.failed++;
    this.notStored(entry, refusal);
  }

  #end(put: LargePut): Entry {
    const { core } = this;
    const { entry } = put;
    invariant(entry !== null, 'a large message of no transaction has its place');
    this.#next(put);
    if (entry.mark !== null) {
      entry.mark.storing(entry.putSeq, false);
      core.marks.touch(entry.mark);
    }
    this.#vacate(entry);
    return entry;
  }

  #vacate(entry: Entry): void {
    const { core } = this;
    core.pendingLarge--;
    core.pendingBytes -= entry.size;
    core.storing--;
  }

  #next(put: LargePut): void {
    this.#large.splice(this.#large.indexOf(put), 1);
    if (this.#large.length > 0) this.core.wantsTurn();
  }

  /**
   * Stores the parts of a large message that a transaction is to put; they are garbage until then.
   * @param told once, never within the call: whether they are all in groups that come before the next one, or in this turn's
   */
  stage(body: LargeBody, publisher: number, told: (refusal: Refusal) => void): StagedLarge {
    const { home, store } = this.core;
    const start = Buffer.alloc(Math.min(LARGE_HEAD_BYTES, body.length));
    body.read(0, start);
    body.retain();
    if (store === null) {
      home.later(() => told(REFUSAL.none));
      return { head: start, length: body.length, publisher, stored: 0, body, abandon: () => body.release() };
    }
    const stored = home.large.begin(body.length);
    let isStored = false;
    const discard = (): void => home.large.discard(stored, body.length);
    const put: LargePut = new LargePut(
      {
        change: () => this.change(),
        staged: () => {
          this.#next(put);
          isStored = true;
          told(REFUSAL.none);
        },
        failed: (_put, refusal) => {
          this.#next(put);
          discard();
          told(refusal);
        },
      },
      null,
      stored,
      body,
      0,
    );
    this.#large.push(put);
    this.core.wantsTurn();
    const abandon = (): void => (isStored ? discard() : put.abandon(REFUSAL.storeFailed));
    return { head: start, length: body.length, publisher, stored, body: null, abandon };
  }

  /** Puts what was staged, with the group of this turn. */
  putStaged({ head: start, length, publisher, stored, body }: StagedLarge, sink: PutSink): void {
    const { core } = this;
    if (this.#read(start, 0, start.length, start.length === length) !== REFUSAL.none) incoming.reset();
    const entry = this.#entryOf(largeRecord(stored, length), RECORD_FLAG.large, publisher);
    entry.body = body;
    if (core.store !== null) core.home.large.adopt(stored);
    this.#add(entry, start, null, 0, sink, 0);
  }

  /** The queue is served no more: what is being stored is refused. */
  end(): void {
    for (const put of this.#large.splice(0)) put.abandon(this.#closed());
  }
}
