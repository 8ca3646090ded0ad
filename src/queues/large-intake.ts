import { invariant } from '../common/errors';
import type { LargeBody, OutcomeDetail } from '../streams/contract';
import type { PutSink, StagedBody } from './contract';
import type { DelayedMessages } from './delayed';
import type { Entry } from './entry';
import { type Group, NOBODY } from './group';
import { incoming } from './incoming';
import { LargePut, type LargePutHome } from './large-put';
import { LARGE_HEAD_BYTES, SEGMENT_BYTES, SEGMENTS_MAX } from './limits';
import type { Mark } from './marks';
import type { PutsBehind } from './puts-behind';
import type { QueueCore } from './queue-core';
import { bodyOf, flagsOf, largeRecord, publisherOf, RECORD_FLAG, RECORD_HEAD, sizeOf, writeHead } from './record';
import { REFUSAL, type Refusal } from './refusals';

const head = Buffer.allocUnsafe(LARGE_HEAD_BYTES);

/** What large messages have in common with others when they are put. */
export interface LargeIntakeParts {
  readonly behind: PutsBehind;
  advance(mark: Mark, seq: number, sink: PutSink, token: number): boolean;
  closed(): Refusal;
  read(start: Buffer, from: number, to: number, whole: boolean, age: number): Refusal;
  isDuplicate(start: Buffer, mark: Mark | null, seq: number, sink: PutSink, token: number): boolean;
  makeRoom(bytes: number): Refusal;
  refuse(mark: Mark | null, seq: number, sink: PutSink, token: number, refusal: Refusal): void;
  entryOf(record: Buffer, flags: number, publisher: number): Entry;
  rememberId(entry: Entry, start: Buffer): void;
  add(entry: Entry, start: Buffer, mark: Mark | null, seq: number, sink: PutSink, token: number): void;
  addMoved(
    record: Buffer,
    flags: number,
    lane: number,
    publisher: number,
    inTransaction: boolean,
    body: LargeBody | null,
  ): void;
  notStored(entry: Entry, refusal: Refusal): void;
  due(): number;
  ruleExpiry(): number;
}

/** A large message that has its place in a queue while its parts are being stored for several queues at once. */
export interface PlacedLarge {
  /** All parts are in groups that come before this turn's, or in it. @returns false when the queue is served no more */
  stored(): boolean;
  /** It will not be stored. */
  failed(refusal: Refusal): void;
}

/** A large message that a transaction will put. */
export interface StagedLarge {
  /** Its beginning. */
  readonly head: Buffer;
  readonly length: number;
  readonly publisher: number;
  /** Its parts on the disk; null where the queue lives in memory, which has its bytes. */
  readonly stored: StagedBody | null;
  readonly body: LargeBody;
  /** It will not be put. */
  abandon(): void;
}

/** Takes large messages into a queue: their parts are stored first, in turns of their own. */
export class LargeIntake implements LargePutHome {
  /** Those that are being stored, in the order they came. */
  readonly #puts: LargePut[] = [];

  constructor(
    private readonly core: QueueCore,
    private readonly delayed: DelayedMessages,
    private readonly parts: LargeIntakeParts,
  ) {}

  put(
    body: LargeBody,
    publisher: number,
    mark: Mark | null,
    seq: number,
    sink: PutSink,
    token: number,
    age: number,
    topic: Buffer | null,
  ): void {
    const { behind } = this.parts;
    if (mark === null || !behind.holds(mark)) {
      this.#put(body, publisher, mark, seq, sink, token, age, topic);
      return;
    }
    body.retain();
    behind.wait(mark, () => {
      this.#put(body, publisher, mark, seq, sink, token, age, topic);
      body.release();
    });
  }

  #put(
    body: LargeBody,
    publisher: number,
    mark: Mark | null,
    seq: number,
    sink: PutSink,
    token: number,
    age: number,
    topic: Buffer | null,
  ): void {
    if (mark !== null && !this.parts.advance(mark, seq, sink, token)) return;
    const bytes = body.read(0, head.subarray(0, Math.min(head.length, body.length)));
    let refusal = this.parts.closed();
    if (refusal === REFUSAL.none && body.length > SEGMENT_BYTES * SEGMENTS_MAX) refusal = REFUSAL.tooLarge;
    if (refusal === REFUSAL.none) refusal = this.parts.read(head, 0, bytes, bytes === body.length, age);
    if (refusal === REFUSAL.none) {
      if (this.parts.isDuplicate(head, mark, seq, sink, token)) return;
      refusal = this.parts.makeRoom(body.length);
    }
    if (refusal !== REFUSAL.none) {
      this.parts.refuse(mark, seq, sink, token, refusal);
      return;
    }
    const { home, store } = this.core;
    const record = largeRecord(store === null ? 0 : home.large.begin(body.length), body.length, topic);
    const entry = this.parts.entryOf(record, largeFlags(topic), publisher);
    body.retain();
    if (store === null) {
      entry.body = body;
      this.parts.add(entry, head, mark, seq, sink, token);
      return;
    }
    entry.sink = sink;
    entry.token = token;
    entry.mark = mark;
    entry.putSeq = seq;
    mark?.storing(seq, true);
    this.parts.rememberId(entry, head);
    this.#stage(entry, body, this.parts.due());
  }

  /**
   * A message that the host moves here from another queue.
   * @param from its record in the other queue
   * @param kept its bytes, where that queue lives in memory
   */
  putMoved(from: Buffer, lane: number, kept: LargeBody | null, inTransaction: boolean): void {
    const { home, store } = this.core;
    const record = Buffer.from(from);
    const flags = flagsOf(from);
    let body = kept;
    if (store === null && body === null) {
      body = home.large.open(bodyOf(from), sizeOf(from), (error) => error);
      home.large.discard(bodyOf(from), sizeOf(from), inTransaction);
    }
    if (store === null || body === null) {
      this.parts.addMoved(record, flags, lane, publisherOf(from), inTransaction, body);
      return;
    }
    record.writeUIntBE(home.large.begin(body.length), RECORD_HEAD, 6);
    writeHead(record, flags, 0, publisherOf(from), this.parts.ruleExpiry());
    const entry = this.core.entryOf(lane, record);
    this.#stage(entry, body, 0);
  }

  /** Its parts are stored first, in turns of their own; what comes behind it waits for it. */
  #stage(entry: Entry, body: LargeBody, due: number): void {
    this.#occupy(entry, due);
    this.#puts.push(new LargePut(this, entry, bodyOf(entry.record), body, due));
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
  place(
    start: Buffer,
    length: number,
    publisher: number,
    body: number,
    age: number,
    topic: Buffer | null,
  ): PlacedLarge {
    const { core } = this;
    this.parts.makeRoom(length);
    if (this.parts.read(start, 0, start.length, start.length === length, age) !== REFUSAL.none) incoming.reset();
    const entry = this.parts.entryOf(largeRecord(body, length, topic), largeFlags(topic), publisher);
    const due = this.parts.due();
    this.parts.rememberId(entry, start);
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

  /** Stores more of what is being stored. */
  turn(): void {
    this.#puts[0]?.turn(this.core);
  }

  change(): Group {
    this.core.touch();
    return this.core.group;
  }

  staged(put: LargePut): void {
    const entry = this.#end(put);
    const { mark } = entry;
    this.core.home.large.adopt(bodyOf(entry.record));
    this.#addPlaced(entry, put.due);
    if (mark !== null) this.parts.behind.goOn(mark);
  }

  #addPlaced(entry: Entry, due: number): void {
    const { core } = this;
    core.put++;
    if (due > 0) this.delayed.add(entry, due);
    else core.add(entry);
  }

  failed(put: LargePut, refusal: Refusal): void {
    const entry = this.#end(put);
    const { mark } = entry;
    this.core.finish(entry);
    this.#notPlaced(entry, refusal);
    if (mark !== null) this.parts.behind.goOn(mark);
  }

  #notPlaced(entry: Entry, refusal: Refusal): void {
    const { core } = this;
    core.ready.lanes[entry.lane]?.lift(entry.key);
    core.put++;
    if (entry.sink === null) core.drops.failed++;
    this.parts.notStored(entry, refusal);
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
    this.#puts.splice(this.#puts.indexOf(put), 1);
    if (this.#puts.length > 0) this.core.wantsTurn();
  }

  /**
   * Stores the parts of a large message that a transaction is to put; they are garbage until then.
   * @param told once, never within the call: null when it can be put, else why not
   */
  stage(body: LargeBody, publisher: number, told: (refusal: OutcomeDetail | null) => void): StagedLarge {
    const { home, store } = this.core;
    const start = Buffer.alloc(Math.min(LARGE_HEAD_BYTES, body.length));
    body.read(0, start);
    const parts = { head: start, length: body.length, publisher, body };
    if (store !== null) {
      const stored = home.bodies.stage(body, told);
      return { ...parts, stored, abandon: () => stored.abandon() };
    }
    body.retain();
    home.later(() => told(null));
    return { ...parts, stored: null, abandon: () => body.release() };
  }

  /** Puts what was staged, with the group of this turn. */
  putStaged({ head: start, length, publisher, stored, body }: StagedLarge): void {
    stored?.adopt();
    this.putStored(start, length, publisher, stored?.id ?? 0, body, null);
  }

  /** Puts a large message whose parts are stored, and adopted. @param body for a queue in memory, which takes over one hold of it */
  putStored(
    start: Buffer,
    length: number,
    publisher: number,
    stored: number,
    body: LargeBody,
    topic: Buffer | null,
  ): void {
    if (this.parts.read(start, 0, start.length, start.length === length, 0) !== REFUSAL.none) incoming.reset();
    const entry = this.parts.entryOf(largeRecord(stored, length, topic), largeFlags(topic), publisher);
    if (this.core.store === null) entry.body = body;
    this.parts.add(entry, start, null, 0, NOBODY, 0);
  }

  /** The queue is served no more: what is being stored is refused. */
  end(): void {
    for (const put of this.#puts.splice(0)) put.abandon(this.parts.closed());
  }
}

function largeFlags(topic: Buffer | null): number {
  return topic === null ? RECORD_FLAG.large : RECORD_FLAG.large | RECORD_FLAG.topic;
}
