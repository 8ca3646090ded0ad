import type { Chunk } from '../common/chunk';
import { invariant } from '../common/errors';
import type { NodeId } from '../links/contract';
import type { LargeBody, Outcome, OutcomeDetail } from '../streams/contract';
import type { AddressEntry } from './address-entry';
import type { Holding } from './holding';
import { KeptMessages } from './kept-messages';
import type { LocalPublisher } from './local-publisher';

const INITIAL = 64;

/** Messages of this node's publishers whose outcome is not known yet. Slots are small integers, used again. */
export class PendingTable {
  size = 0;
  readonly #publishers: (LocalPublisher | null)[] = [];
  readonly #entries: (AddressEntry | null)[] = [];
  /** Anycast: the message itself, for another try. */
  readonly #kept = new KeptMessages();
  /** Anycast: the same of large messages. */
  readonly #bodies = new Map<number, LargeBody>();
  /** Anycast: nodes that were tried in vain. Absent for nearly all. */
  readonly #tried = new Map<number, NodeId[]>();
  #serials = new Float64Array(INITIAL);
  #tokens = new Float64Array(INITIAL);
  #deadlines = new Float64Array(INITIAL);
  #flags = new Uint8Array(INITIAL);
  readonly #free: number[] = [];
  #lastSerial = 0;

  add(publisher: LocalPublisher, entry: AddressEntry, token: number, flags: number): number {
    const slot = this.#free.pop() ?? this.#publishers.length;
    if (slot >= this.#tokens.length) this.#grow();
    this.#publishers[slot] = publisher;
    this.#entries[slot] = entry;
    this.#kept.open(slot);
    this.#serials[slot] = ++this.#lastSerial;
    this.#tokens[slot] = token;
    this.#flags[slot] = flags;
    this.#deadlines[slot] = Infinity;
    this.size++;
    entry.inFlight++;
    publisher.pending++;
    return slot;
  }

  /** Tells two messages apart that had the same slot one after the other; 0 for a free one. */
  serial(slot: number): number {
    return this.#serials[slot] as number;
  }

  /** The address of a message, null for a free slot. */
  find(slot: number): AddressEntry | null {
    return this.#entries[slot] ?? null;
  }

  entry(slot: number): AddressEntry {
    const entry = this.find(slot);
    invariant(entry !== null, 'the slot is free');
    return entry;
  }

  /** False once the publisher was told the outcome; the slot stays taken until every site has answered. */
  isOpen(slot: number): boolean {
    return (this.#publishers[slot] ?? null) !== null;
  }

  /** Tells the publisher the outcome, once. */
  finish(slot: number, outcome: Outcome, detail: OutcomeDetail | null): void {
    const publisher = this.#publishers[slot] ?? null;
    this.#publishers[slot] = null;
    this.#deadlines[slot] = Infinity;
    publisher?.finish(this.#tokens[slot] as number, outcome, detail);
  }

  /** The publisher has given the message up, and waits for nothing. */
  withdraw(slot: number): void {
    const publisher = this.#publishers[slot] ?? null;
    this.#publishers[slot] = null;
    publisher?.forget();
  }

  free(slot: number): void {
    this.entry(slot).inFlight--;
    this.#publishers[slot] = null;
    this.#entries[slot] = null;
    this.#kept.drop(slot);
    this.#serials[slot] = 0;
    if (this.#bodies.size > 0) this.#freeBody(slot);
    if (this.#tried.size > 0) this.#tried.delete(slot);
    this.#free.push(slot);
    this.size--;
  }

  flags(slot: number): number {
    return this.#flags[slot] as number;
  }

  /** Keeps the bytes; what they lie in is retained. */
  keep(slot: number, chunk: Chunk, start: number, length: number): void {
    this.#kept.keep(slot, chunk, start, length);
  }

  /** Keeps a large message; the caller's reference becomes the table's, until the slot is free. */
  keepBody(slot: number, body: LargeBody): void {
    this.#bodies.set(slot, body);
  }

  body(slot: number): LargeBody | null {
    return this.#bodies.get(slot) ?? null;
  }

  #freeBody(slot: number): void {
    this.#bodies.get(slot)?.release();
    this.#bodies.delete(slot);
  }

  /** True while the message is kept, so that it can be sent again. */
  keeps(slot: number): boolean {
    return this.#kept.chunk(slot) !== null || this.#bodies.has(slot);
  }

  /** Takes the bytes out; they lie in what is returned, and the reference becomes the caller's. */
  takeKept(slot: number): Chunk | null {
    const chunk = this.#kept.chunk(slot)?.retain() ?? null;
    this.#kept.drop(slot);
    return chunk;
  }

  start(slot: number): number {
    return this.#kept.start(slot);
  }

  length(slot: number): number {
    return this.#kept.length(slot);
  }

  /** Memory is short: kept messages that alone hold far more than themselves are copied. */
  compact(holding: Holding): void {
    this.#kept.compact(holding);
  }

  /** Notes that a node was tried in vain. @returns all that were */
  tried(slot: number, node: NodeId): readonly NodeId[] {
    const tried = this.#tried.get(slot);
    if (tried !== undefined) {
      tried.push(node);
      return tried;
    }
    const first = [node];
    this.#tried.set(slot, first);
    return first;
  }

  expire(slot: number, deadline: number): void {
    this.#deadlines[slot] = deadline;
  }

  /** Open slots whose deadline has passed, and the earliest deadline of the others. */
  overdue(now: number): { readonly slots: number[]; readonly next: number } {
    const slots: number[] = [];
    let next = Infinity;
    for (let slot = 0; slot < this.#publishers.length; slot++) {
      if (this.#publishers[slot] === null) continue;
      const deadline = this.#deadlines[slot] as number;
      if (deadline <= now) slots.push(slot);
      else next = Math.min(next, deadline);
    }
    return { slots, next };
  }

  #grow(): void {
    const length = this.#tokens.length * 2;
    const grow = <T extends Float64Array | Uint8Array>(to: T, from: T): T => (to.set(from), to);
    this.#serials = grow(new Float64Array(length), this.#serials);
    this.#tokens = grow(new Float64Array(length), this.#tokens);
    this.#deadlines = grow(new Float64Array(length), this.#deadlines);
    this.#flags = grow(new Uint8Array(length), this.#flags);
  }
}
