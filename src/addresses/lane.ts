import type { Chunk } from '../common/chunk';
import { LARGE_MEMORY_BYTES } from '../streams/limits';
import { DROP_REASON, OUTCOME, type DropReason, type LargeBody, type Outcome } from '../streams/contract';
import type { AddressEntry } from './address-entry';
import type { Holding } from './holding';
import { LANE_HIGH_MESSAGES, LANE_LOW_MESSAGES, LANE_OVERRUN, SPILL_LANE_BYTES } from './limits';
import { Spill, SpillBlock, type LaneBudget } from './spill';
import { WaitRing, type Held } from './wait-ring';

/** What a lane tells its consumer. */
export interface LanePorts {
  dropped(reason: DropReason, count: number): void;
  /** A tracked message will not be delivered by this lane. */
  settled(slot: number, outcome: Outcome): void;
  /** The lane has passed its upper mark. */
  onSlow(): void;
}

/**
 * What waits for one consumer, or for those that share an anycast address, in order; and what is done with more than its share: the
 * rule of the message's address says. Tracked messages (with a slot) are never dropped. Whatever the rule, memory is bounded: what
 * still comes by credit given before goes to the disk.
 */
export class Lane {
  readonly ring = new WaitRing();
  /** Over the upper mark, not yet below the lower one. */
  slow = false;
  #spill: Spill | null = null;
  #spilled = 0;
  /** More came than may wait in memory, though publishers were asked to wait. */
  #overrun = false;

  constructor(
    private readonly ports: LanePorts,
    private readonly budget: LaneBudget,
    private readonly holding: Holding,
  ) {}

  get size(): number {
    return this.ring.size;
  }

  /** Waiting bytes in memory. */
  get bytes(): number {
    return this.ring.bytes - this.spilledBytes;
  }

  get spilledBytes(): number {
    return this.#spill?.bytes ?? 0;
  }

  /**
   * Takes a message that cannot be delivered now.
   * @param held what the bytes lie in, retained here; null when they must be copied
   */
  push(entry: AddressEntry, bytes: Buffer, start: number, end: number, held: Chunk | null, slot: number): void {
    const length = end - start;
    if (this.#isOver(length)) {
      if (this.#isDropped(entry, length, slot)) return;
      if (this.#spills(entry, length)) {
        this.#spillInto(entry, bytes, start, end, slot);
        return;
      }
    }
    const { holding } = this;
    const copied = held === null || held.dwarfs(length);
    const own = copied ? holding.hold(bytes, start, end) : held.retain();
    this.#put(own, copied ? holding.at : start, length, entry, slot);
  }

  pushLarge(entry: AddressEntry, body: LargeBody, slot: number): void {
    const { length } = body;
    if (this.#isOver(length)) {
      if (this.#isDropped(entry, length, slot)) return;
      // Past that size it is on disk already.
      if (length <= LARGE_MEMORY_BYTES && this.#spills(entry, length)) {
        const bytes = Buffer.allocUnsafeSlow(length);
        body.read(0, bytes);
        this.#spillInto(entry, bytes, 0, length, slot);
        return;
      }
    }
    body.retain();
    this.#put(body, 0, length, entry, slot);
  }

  #put(held: Held, start: number, length: number, entry: AddressEntry, slot: number): void {
    this.ring.push(held, start, length, entry, slot);
    this.budget.memory += length;
    if (this.#isOver(0)) this.#slowDown();
  }

  #slowDown(): void {
    if (this.slow) return;
    this.slow = true;
    this.ports.onSlow();
  }

  /** A first message is never too much, whatever its size. */
  #isOver(more: number): boolean {
    const waiting = this.ring.size - this.#spilled;
    return waiting > 0 && (this.bytes + more > this.budget.laneBytesMax || waiting >= LANE_HIGH_MESSAGES);
  }

  /** Makes room as the rule says, or drops the message itself. */
  #isDropped(entry: AddressEntry, length: number, slot: number): boolean {
    const { slow } = entry.policy;
    if (slow === 'dropNewest' && slot < 0) {
      this.ports.dropped(DROP_REASON.slowNewest, 1);
      return true;
    }
    if (slow === 'dropOldest') while (this.#isOver(length) && this.#dropOldest());
    return false;
  }

  /** @returns false when the oldest one may not be dropped */
  #dropOldest(): boolean {
    const { ring } = this;
    if (ring.size === 0 || ring.slot >= 0 || ring.entry.policy.slow !== 'dropOldest') return false;
    this.shift().release();
    this.ports.dropped(DROP_REASON.slowOldest, 1);
    return true;
  }

  /** Whether a message that is too much for memory goes to the disk. */
  #spills(entry: AddressEntry, length: number): boolean {
    const asked = entry.policy.slow === 'spill';
    const waiting = this.ring.size - this.#spilled;
    const most = LANE_OVERRUN * this.budget.laneBytesMax;
    const overrun = this.bytes + length > most || waiting >= LANE_OVERRUN * LANE_HIGH_MESSAGES;
    if (!asked && !overrun) return false;
    this.#spill ??= new Spill(this.budget);
    if (!this.#spill.hasRoom(length)) return false;
    if (!asked) {
      this.#overrun = true;
      this.#slowDown();
    }
    return true;
  }

  #spillInto(entry: AddressEntry, bytes: Buffer, start: number, end: number, slot: number): void {
    const spill = this.#spill as Spill;
    const block = spill.put(bytes, start, end);
    this.#spilled++;
    this.ring.push(block, spill.at, end - start, entry, slot);
  }

  /** Takes the first one out; its reference is the caller's. */
  shift(): Held {
    const { held, length } = this.ring;
    this.ring.shift();
    if (held instanceof SpillBlock && this.#spill !== null) {
      this.#spill.bytes -= length;
      this.#spilled--;
    } else this.budget.memory -= length;
    return held;
  }

  /** Below its lower marks again after it was slow: it no longer is. */
  recovered(): boolean {
    const low = this.budget.laneBytesMax / 4;
    if (!this.slow || this.bytes > low || this.ring.size - this.#spilled > LANE_LOW_MESSAGES) return false;
    if (this.spilledBytes > (this.#overrun ? 0 : SPILL_LANE_BYTES / 2)) return false;
    this.slow = false;
    this.#overrun = false;
    return true;
  }

  /** The consumer has gone: tracked messages go back undelivered, the others are dropped. */
  clear(): void {
    let dropped = 0;
    while (this.ring.size > 0) {
      const { slot } = this.ring;
      this.shift().release();
      if (slot >= 0) this.ports.settled(slot, OUTCOME.undelivered);
      else dropped++;
    }
    if (dropped > 0) this.ports.dropped(DROP_REASON.disconnected, dropped);
  }
}
