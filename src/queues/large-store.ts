import type { LargeBody } from '../streams/contract';
import type { Group } from './group';
import { SEGMENT_BYTES, SEGMENTS_DELETED_PER_TURN, SEGMENTS_MAX } from './limits';
import { readU48, writeU48 } from './record';
import { type CountedGroup, ReferenceCounts } from './reference-counts';
import { SPACE } from './spaces';
import type { QueueStore } from './store-port';

/** The group of changes that a turn collects. */
export interface LargeStoreHome {
  /** The group, which has a change now. */
  change(): Group;
  wantsLargeTurn(): void;
}

/** A large message that is no message any more, or not yet. */
interface Garbage {
  readonly body: number;
  readonly segments: number;
  deleted: number;
}

const segmentKey = (body: number, index: number): number => body * SEGMENTS_MAX + index;
const segmentsOf = (length: number): number => Math.ceil(length / SEGMENT_BYTES);

/**
 * The parts of the large messages of all queues. From its first part on until a message says so a body is garbage on the disk, and from
 * the removal of that message on again: whatever a crash leaves is found by it.
 */
export class LargeStore {
  /** Of bodies that several messages have; the others are not in it. */
  readonly #holders: ReferenceCounts;
  #nextBody: number;
  readonly #garbage: Garbage[] = [];
  /** Bodies that are being read, with how often. */
  readonly #readers = new Map<number, number>();
  /** Garbage that somebody still reads. */
  readonly #awaited = new Map<number, Garbage>();

  /** @throws RecordDamagedError */
  constructor(
    private readonly store: QueueStore,
    private readonly home: LargeStoreHome,
  ) {
    this.#holders = new ReferenceCounts(store, SPACE.bodyHolders, () => void home.change());
    let last = Math.floor(store.last(SPACE.segments, 0) / SEGMENTS_MAX);
    store.scan(SPACE.garbage, 0, 0, Number.MAX_SAFE_INTEGER, (body, value) => {
      this.#garbage.push({ body, segments: segmentsOf(readU48(value, 0)), deleted: 0 });
      last = Math.max(last, body);
      return true;
    });
    this.#nextBody = Math.max(0, last) + 1;
    if (this.#garbage.length > 0) home.wantsLargeTurn();
  }

  /** Begins a body, which is garbage until it is adopted. */
  begin(length: number): number {
    const body = this.#nextBody++;
    this.#mark(body, length);
    return body;
  }

  #mark(body: number, length: number): void {
    const value = Buffer.allocUnsafe(6);
    writeU48(value, 0, length);
    this.home.change();
    this.store.put(SPACE.garbage, 0, body, value);
  }

  write(body: number, index: number, bytes: Buffer): void {
    this.home.change();
    this.store.put(SPACE.segments, 0, segmentKey(body, index), bytes);
  }

  /** So many messages of this group have the body. */
  adopt(body: number, holders = 1): void {
    this.home.change();
    this.store.delete(SPACE.garbage, 0, body);
    if (holders > 1) this.#holders.set(body, holders);
  }

  /** Ends the group with what it has changed. */
  writeHolders(group: CountedGroup): void {
    this.#holders.write(group);
  }

  /**
   * A message has the body no more, once this group is on the disk.
   * @param tentatively when the group fails, its message is there as before
   */
  discard(body: number, length: number, tentatively = false): void {
    const holders = this.#holders.of(body);
    if (holders > 0) {
      this.#holders.set(body, holders - 1);
      const { waiting } = this.home.change();
      if (tentatively) waiting.push({ done: (error) => error !== null && this.#retain(body) });
    }
    if (holders <= 1) this.#discardLast(body, length, tentatively);
  }

  #retain(body: number): void {
    this.#holders.set(body, this.#holders.of(body) + 1);
    this.home.change();
  }

  #discardLast(body: number, length: number, tentatively: boolean): void {
    this.#mark(body, length);
    this.home.change().waiting.push({
      done: (error) => {
        if (error === null) this.#collect({ body, segments: segmentsOf(length), deleted: 0 });
        else if (tentatively) this.#keep(body);
        else this.#discardLast(body, length, false);
      },
    });
  }

  /** It is no garbage, whatever the disk says by now. */
  #keep(body: number): void {
    this.adopt(body);
    this.home.change().waiting.push({
      done: (error) => {
        if (error !== null) this.#keep(body);
      },
    });
  }

  #collect(garbage: Garbage): void {
    if (this.#readers.has(garbage.body)) {
      this.#awaited.set(garbage.body, garbage);
      return;
    }
    this.#garbage.push(garbage);
    this.home.wantsLargeTurn();
  }

  get hasGarbage(): boolean {
    return this.#garbage.length > 0;
  }

  /** Deletes parts of garbage, some in each turn. */
  turn(): void {
    const garbage = this.#garbage[0];
    if (garbage === undefined || this.store.state === 'failed') return;
    const to = Math.min(garbage.segments, garbage.deleted + SEGMENTS_DELETED_PER_TURN);
    const group = this.home.change();
    for (let at = garbage.deleted; at < to; at++) this.store.delete(SPACE.segments, 0, segmentKey(garbage.body, at));
    garbage.deleted = to;
    if (to < garbage.segments) this.home.wantsLargeTurn();
    else {
      this.#garbage.shift();
      this.store.delete(SPACE.garbage, 0, garbage.body);
      if (this.#garbage.length > 0) this.home.wantsLargeTurn();
    }
    group.waiting.push({
      done: (error) => {
        if (error === null) return;
        garbage.deleted = 0;
        if (!this.#garbage.includes(garbage)) this.#garbage.push(garbage);
        this.home.wantsLargeTurn();
      },
    });
  }

  /** @param onError told what a read throws */
  open(body: number, length: number, onError: (error: unknown) => unknown): LargeBody {
    this.#readers.set(body, (this.#readers.get(body) ?? 0) + 1);
    return new StoredBody(
      length,
      (index) => this.#segment(body, index, onError),
      () => this.#closed(body),
    );
  }

  /** The parts of a body. @throws RecordDamagedError, or RangeError when one is not there */
  *parts(body: number, length: number): IterableIterator<Buffer> {
    for (let index = 0; index < segmentsOf(length); index++) yield this.#segment(body, index, (error) => error);
  }

  #segment(body: number, index: number, onError: (error: unknown) => unknown): Buffer {
    try {
      const bytes = this.store.get(SPACE.segments, 0, segmentKey(body, index));
      if (bytes === null) throw new RangeError(`part ${index} of large message ${body} is missing`);
      return bytes;
    } catch (error) {
      throw onError(error);
    }
  }

  #closed(body: number): void {
    const left = (this.#readers.get(body) ?? 1) - 1;
    if (left > 0) {
      this.#readers.set(body, left);
      return;
    }
    this.#readers.delete(body);
    const garbage = this.#awaited.get(body);
    if (garbage === undefined) return;
    this.#awaited.delete(body);
    this.#collect(garbage);
  }
}

/** A large message on the disk, read part by part. */
class StoredBody implements LargeBody {
  #refs = 1;
  #index = -1;
  #segment: Buffer = Buffer.alloc(0);

  constructor(
    readonly length: number,
    private readonly segment: (index: number) => Buffer,
    private readonly onClosed: () => void,
  ) {}

  read(offset: number, target: Buffer): number {
    let done = 0;
    while (done < target.length && offset + done < this.length) {
      const at = offset + done;
      const index = Math.floor(at / SEGMENT_BYTES);
      if (index !== this.#index) {
        this.#segment = this.segment(index);
        this.#index = index;
      }
      done += this.#segment.copy(target, done, at - index * SEGMENT_BYTES);
    }
    return done;
  }

  retain(): void {
    this.#refs++;
  }

  release(): void {
    if (--this.#refs > 0) return;
    this.#segment = Buffer.alloc(0);
    this.#index = -1;
    this.onClosed();
  }
}

/** A body with another beginning: `head` in place of its first `rest` bytes. It takes over one hold of the body. */
export class PatchedBody implements LargeBody {
  #refs = 1;
  readonly length: number;

  constructor(
    private readonly head: Buffer,
    private readonly rest: number,
    private readonly body: LargeBody,
  ) {
    this.length = head.length + body.length - rest;
  }

  read(offset: number, target: Buffer): number {
    const ofHead = offset < this.head.length ? this.head.copy(target, 0, offset) : 0;
    if (ofHead === target.length) return ofHead;
    return ofHead + this.body.read(offset + ofHead - this.head.length + this.rest, target.subarray(ofHead));
  }

  retain(): void {
    this.#refs++;
  }

  release(): void {
    if (--this.#refs === 0) this.body.release();
  }
}
