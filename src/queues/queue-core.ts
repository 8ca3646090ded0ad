import type { FairleadError } from '../common/errors';
import type { LargeBody } from '../streams/contract';
import type { Queue, QueueDrops, QueuePolicy } from './contract';
import { ENTRY, Entry, type EntryOwner } from './entry';
import { Exclusions } from './exclusions';
import type { Group } from './group';
import { DELIVERED_MARK_STEP, ROOM_MAX, SEGMENT_BYTES, TEMPORARY_BYTES_ALL_MAX, TEMPORARY_BYTES_MAX } from './limits';
import type { HostedQueue, QueueHome } from './queue-home';
import { QueueMarks } from './queue-marks';
import { QueueState } from './queue-state';
import { ReadyMessages } from './ready';
import { addedOf, bodyOf, isReference, payloadOf, RECORD_FLAG, sizeOf, flagsOf, writeHead } from './record';
import { decodeAnnotations, patchedBody } from './redelivery';
import { keyOf, SPACE } from './spaces';
import { type QueueStore, RecordDamagedError } from './store-port';

const NO_DROPS: QueueDrops = { limit: 0, maxDeliveries: 0, rejected: 0, failed: 0 };

const start = Buffer.allocUnsafe(SEGMENT_BYTES);

function partDamaged(body: number, error: unknown): unknown {
  return error instanceof RangeError ? new RecordDamagedError(SPACE.segments, 0, body, error.message) : error;
}

/** A record for the disk, its head as the entry is now; the one before is left as it is. */
export function storedOf(entry: Entry, record: Buffer, isShared: boolean): Buffer {
  const { flags, deliveries, publisher, expiresAt } = entry;
  const stored = Buffer.from(record);
  writeHead(stored, isShared ? flags | RECORD_FLAG.shared : flags, Math.min(deliveries, 0xffff), publisher, expiresAt);
  return stored;
}

/** Its record tells how often it was delivered. */
export function renewHead(entry: Entry): void {
  if (entry.reference !== null) entry.reference = storedOf(entry, entry.reference, true);
  else entry.record = storedOf(entry, entry.record, false);
}

/** What the parts of a queue have in common: its records, its counts, and the group of this turn. */
export class QueueCore {
  readonly state: QueueState;
  readonly marks = new QueueMarks();
  readonly ready: ReadyMessages;
  readonly exclusions: Exclusions;
  /** Messages up to this sequence may have been delivered before the last crash. */
  readonly crashMark: number;
  /** Up to this sequence the disk knows that messages may have been delivered. */
  deliverableTo: number;
  /** Why it is not served any more. */
  error: FairleadError | null = null;
  isTouched = false;
  acquired = 0;
  /** On their way to the disk. */
  storing = 0;
  put = 0;
  removed = 0;
  expired = 0;
  deadLettered = 0;
  readonly drops: { -readonly [reason in keyof QueueDrops]: number } = { ...NO_DROPS };
  duplicates = 0;
  /** Large messages that are being stored: they count already. */
  pendingLarge = 0;
  pendingBytes = 0;
  /** What it counts for in the memory of the node. */
  #inMemory = 0;
  #hadRoom = true;

  /** @throws RecordDamagedError */
  constructor(
    readonly home: QueueHome,
    /** Null for a queue that lives in memory. */
    readonly store: QueueStore | null,
    readonly id: number,
    readonly name: string,
    public policy: QueuePolicy,
    private readonly queue: HostedQueue & Queue & EntryOwner,
  ) {
    const state = store?.get(SPACE.state, id, 0) ?? null;
    this.state = state === null ? new QueueState() : QueueState.decode(state);
    if (store !== null) this.marks.load(store, id);
    this.exclusions = new Exclusions(this);
    this.exclusions.load();
    this.crashMark = this.state.mark;
    this.deliverableTo = store === null ? Number.POSITIVE_INFINITY : this.state.mark;
    const { budget, payloads } = home;
    this.ready = new ReadyMessages({ id, store, payloads, budget, owner: queue, crashMark: this.crashMark });
    this.ready.recovered(this.state.lastSeq, this.state.lanes);
  }

  get group(): Group {
    return this.home.group(this.store === null);
  }

  /** This turn changes something that is to be on the disk soon. */
  touch(): void {
    this.touchLazily();
    this.home.hurry();
  }

  /** Nobody waits for this change: it goes with the next that somebody waits for, or a little later. */
  touchLazily(): void {
    if (this.isTouched) return;
    this.isTouched = true;
    this.home.touched(this.queue);
  }

  entryOf(lane: number, record: Buffer, reference: Buffer | null = null): Entry {
    return new Entry(this.queue, keyOf(lane, ++this.state.lastSeq), lane, record, reference);
  }

  /** Writes the record of a new message of `messages`. */
  add(entry: Entry): void {
    this.state.count(entry.lane, entry.bytes, entry.expiresAt !== 0, 1);
    this.store?.put(SPACE.messages, this.id, entry.key, entry.stored);
    this.storing++;
    this.group.puts.push(entry);
    this.touch();
    if (this.#hadRoom) this.checkRoom();
  }

  /** The record of a message that was moved here failed with its group: it is written again. */
  addAgain(entry: Entry): void {
    this.store?.put(SPACE.messages, this.id, entry.key, entry.stored);
    this.group.puts.push(entry);
    this.touch();
  }

  /** Deletes a message that is neither in a window nor with a consumer any more. */
  remove(entry: Entry): void {
    this.ready.removing(entry);
    this.state.count(entry.lane, entry.bytes, entry.expiresAt !== 0, -1);
    this.store?.delete(SPACE.messages, this.id, entry.key);
    if (this.store !== null) this.#change(entry, entry.inTransaction ? this.group.taken : this.group.changes);
    if (entry.inTransaction) this.touch();
    else this.touchLazily();
    if (!this.#hadRoom) this.checkRoom();
  }

  /** A message is gone for good, with its group: what it left behind goes too. */
  finish(entry: Entry): void {
    this.exclusions.forget(entry.key);
    this.release(entry);
    if (!entry.isLarge) return;
    if (this.store !== null) this.home.large.discard(bodyOf(entry.record), entry.size, entry.inTransaction);
    entry.body?.release();
    entry.body = null;
  }

  /** A message is gone from here: it has the payload that it shared no more. */
  release(entry: Entry): void {
    if (entry.reference === null) return;
    this.home.payloads.release(payloadOf(entry.reference));
    entry.isReleased = true;
  }

  /** The same of a record of a message, which no entry has. */
  discard(record: Buffer): void {
    if (isReference(record)) this.home.payloads.release(payloadOf(record));
    else if ((flagsOf(record) & RECORD_FLAG.large) !== 0) this.home.large.discard(bodyOf(record), sizeOf(record));
  }

  /** The body of a large message, held once. @param deliveries that its header tells of; -1 where it stays as it is */
  openBody(entry: Entry, deliveries: number): LargeBody {
    entry.body?.retain();
    const body =
      entry.body ?? this.home.large.open(bodyOf(entry.record), entry.size, (error) => this.onUnreadable(error));
    const isExpired = (entry.flags & RECORD_FLAG.expired) !== 0;
    return patchedBody(body, deliveries, decodeAnnotations(addedOf(entry.record)), isExpired);
  }

  /**
   * The beginning of a large message, valid until the next call: its first part, or as much of one that lies in memory.
   * @returns null while it cannot be read
   * @throws RecordDamagedError
   */
  startOf(entry: Entry): Buffer | null {
    if (entry.body === null && !this.ready.canRead) return null;
    const { large } = this.home;
    const id = bodyOf(entry.record);
    entry.body?.retain();
    const body = entry.body ?? large.open(id, entry.size, (error) => partDamaged(id, error));
    const bytes = body.read(0, start.subarray(0, Math.min(start.length, entry.size)));
    body.release();
    return start.subarray(0, bytes);
  }

  /** The store is being opened again: whoever reads goes on in the turn that every queue has then. */
  get isUnreadable(): boolean {
    return this.store !== null && !this.ready.canRead;
  }

  /** What a part of a message could not be read for. @returns what its reader is told */
  onUnreadable: (error: unknown) => unknown = (error) => error;

  /** Writes what is new of an entry. @param changed another record; null for the one that it has */
  rewrite(entry: Entry, changed: Buffer | null): void {
    const before = entry.bytes;
    if (changed !== null && entry.reference !== null) {
      // What is changed is shared no more.
      this.home.payloads.release(payloadOf(entry.reference));
      entry.reference = null;
    }
    if (changed !== null) entry.record = changed;
    renewHead(entry);
    this.state.bytes += entry.bytes - before;
    this.store?.put(SPACE.messages, this.id, entry.key, entry.stored);
    if (this.store !== null) this.#change(entry, this.group.changes);
    this.touch();
  }

  #change(entry: Entry, changes: Entry[]): void {
    entry.changing++;
    changes.push(entry);
  }

  /** A change failed with its group: it is made again. */
  changeAgain(entry: Entry): void {
    if (entry.state === ENTRY.gone) this.store?.delete(SPACE.messages, this.id, entry.key);
    else {
      this.store?.put(SPACE.messages, this.id, entry.key, entry.stored);
      if (entry.reference !== null) this.home.payloads.writeAgain(payloadOf(entry.reference), entry.record);
    }
    this.group.changes.push(entry);
    this.touch();
  }

  /** A removal failed with its transaction: the message is there as before. */
  restore(entry: Entry): void {
    this.state.count(entry.lane, entry.bytes, entry.expiresAt !== 0, 1);
    entry.inTransaction = false;
    if (entry.isReleased && entry.reference !== null) this.home.payloads.retain(payloadOf(entry.reference));
    entry.isReleased = false;
    entry.state = ENTRY.acquired;
    this.changeAgain(entry);
  }

  /** Messages of sequence `seq` are delivered about now. */
  raiseMark(seq: number): void {
    if (this.store === null || seq + DELIVERED_MARK_STEP / 2 <= this.state.mark) return;
    this.state.mark = seq + DELIVERED_MARK_STEP;
    this.touch();
  }

  isOver(messages: number, bytes: number): boolean {
    const { maxDepth, maxBytes } = this.policy;
    if (this.isMemoryFull(bytes)) return true;
    return (
      (maxDepth !== null && this.state.depth + this.pendingLarge + messages > maxDepth) ||
      (maxBytes !== null && this.state.bytes + this.pendingBytes + bytes > maxBytes)
    );
  }

  /** A queue in memory has no room for so many bytes more, whatever its rule says. */
  isMemoryFull(bytes: number): boolean {
    return this.store === null && this.state.bytes + bytes > TEMPORARY_BYTES_MAX;
  }

  /** The same for all that the queues of this node in memory hold. One whose publishers wait is not told when there is room again. */
  isNodeFull(bytes: number): boolean {
    if (this.store !== null || this.policy.overLimit === 'block') return false;
    return this.home.memory.bytes - this.#inMemory + this.state.bytes + bytes > TEMPORARY_BYTES_ALL_MAX;
  }

  /** What it has in memory counts for the node from now on. @param bytes of it; none where it is served no more */
  countMemory(bytes: number): void {
    if (this.store !== null) return;
    this.home.memory.bytes += bytes - this.#inMemory;
    this.#inMemory = bytes;
  }

  get room(): number {
    if (this.error !== null || (this.home.pressed && this.store !== null)) return 0;
    const { overLimit, maxDepth } = this.policy;
    if (overLimit !== 'block') return ROOM_MAX;
    if (this.isOver(1, 1)) return 0;
    return maxDepth === null ? ROOM_MAX : Math.min(ROOM_MAX, maxDepth - this.state.depth - this.pendingLarge);
  }

  checkRoom(): void {
    const hasRoom = this.room > 0;
    if (hasRoom === this.#hadRoom) return;
    this.#hadRoom = hasRoom;
    this.home.onRoom(this.queue);
  }

  /** The queue is served no more: what it had in memory is let go. */
  clear(): void {
    this.countMemory(0);
    this.ready.clear((entry) => {
      entry.body?.release();
      entry.body = null;
    });
  }

  wantsTurn(): void {
    this.home.wantsTurn(this.queue);
  }

  wakeAt(wall: number): void {
    this.home.wakeAt(this.queue, wall);
  }

  get waiting(): number {
    return this.state.depth - this.storing - this.acquired - this.state.delayed - this.state.dead;
  }
}
