import type { LocalConsumer } from './consumer';
import { ENTRY, type Entry } from './entry';
import type { Lane } from './lane';
import { ASIDE_MAX } from './limits';
import type { ReadyMessages } from './ready';

/** The queue, as far as deliveries ask it. */
export interface DispatchParts {
  readonly ready: ReadyMessages;
  /** Up to this sequence the disk knows that messages may have been delivered. */
  readonly deliverableTo: number;
  /** A message of this sequence is to be delivered, or has just been. */
  raiseMark(seq: number): void;
  wall(): number;
  expired(entry: Entry): void;
  acquired(entry: Entry): void;
  /** Given to a consumer that settles on delivery. */
  settledOnDelivery(entry: Entry): void;
}

/** Consumers that had credit when they were last asked, each in its turn. */
class HungryRing {
  readonly #consumers: LocalConsumer[] = [];
  #at = 0;

  get size(): number {
    return this.#consumers.length;
  }

  add(consumer: LocalConsumer): void {
    this.#consumers.push(consumer);
  }

  remove(consumer: LocalConsumer): void {
    const at = this.#consumers.indexOf(consumer);
    if (at >= 0) this.#removeAt(at);
  }

  #removeAt(at: number): void {
    this.#consumers.splice(at, 1);
    if (at < this.#at) this.#at--;
  }

  /** The next that has credit and takes the entry. Those without credit leave the ring. */
  choose(entry: Entry): LocalConsumer | null {
    let left = this.#consumers.length;
    while (left-- > 0) {
      if (this.#at >= this.#consumers.length) this.#at = 0;
      const consumer = this.#consumers[this.#at] as LocalConsumer;
      if (consumer.sink.credit() <= 0) {
        consumer.isHungry = false;
        this.#removeAt(this.#at);
        continue;
      }
      this.#at++;
      if (consumer.takes(entry)) return consumer;
    }
    return null;
  }
}

/** Gives what is ready to consumers with credit: the first message to the next consumer, one at a time. */
export class Dispatcher {
  /** Consumers that come first, where the queue prefers near ones. */
  readonly #near = new HungryRing();
  readonly #others = new HungryRing();
  /** Messages that no consumer with credit takes, although others would be taken. */
  #aside: Entry[] = [];
  #isPumping = false;
  #again = false;
  preferNear = false;

  constructor(private readonly parts: DispatchParts) {}

  hungry(consumer: LocalConsumer): void {
    if (consumer.isHungry) return;
    consumer.isHungry = true;
    (this.preferNear && consumer.spec.near ? this.#near : this.#others).add(consumer);
  }

  leave(consumer: LocalConsumer): void {
    consumer.isHungry = false;
    this.#near.remove(consumer);
    this.#others.remove(consumer);
  }

  /** Nothing waits that this consumer takes. */
  isIdleFor(consumer: LocalConsumer): boolean {
    return this.parts.ready.empty && !this.#aside.some((entry) => consumer.takes(entry));
  }

  /** @throws RecordDamagedError */
  pump(): void {
    this.#again = true;
    if (this.#isPumping) return;
    this.#isPumping = true;
    try {
      while (this.#again) {
        this.#again = false;
        this.#offerAside();
        for (const lane of this.parts.ready.lanes) if (!this.#pumpLane(lane)) break;
      }
    } finally {
      this.#isPumping = false;
    }
  }

  get #hasHungry(): boolean {
    return this.#near.size > 0 || this.#others.size > 0;
  }

  /** Delivers what a lane has. @returns false when nothing more can be delivered now */
  #pumpLane(lane: Lane): boolean {
    const { ready } = this.parts;
    while (this.#hasHungry) {
      const entry = ready.first(lane);
      if (entry === undefined) return true;
      if (this.#isExpired(entry)) {
        lane.shift();
        this.parts.expired(entry);
        continue;
      }
      if (!this.#mayDeliver(entry, lane)) return false;
      const consumer = this.#choose(entry);
      if (consumer !== null) {
        lane.shift();
        this.#deliver(entry, consumer);
      } else if (!this.#setAside(entry, lane)) return false;
    }
    return false;
  }

  #isExpired(entry: Entry): boolean {
    return entry.expiresAt !== 0 && entry.expiresAt <= this.parts.wall();
  }

  #mayDeliver(entry: Entry, lane: Lane): boolean {
    const seq = entry.key - lane.base;
    this.parts.raiseMark(seq);
    return seq <= this.parts.deliverableTo;
  }

  #choose(entry: Entry): LocalConsumer | null {
    if (this.#near.size > 0) {
      const near = this.#near.choose(entry);
      if (near !== null) return near;
    }
    return this.#others.choose(entry);
  }

  #deliver(entry: Entry, consumer: LocalConsumer): void {
    entry.state = ENTRY.acquired;
    this.parts.acquired(entry);
    consumer.give(entry);
    if (consumer.spec.settled) this.parts.settledOnDelivery(entry);
  }

  /** What others may take must not wait for it. @returns false when nobody has credit, or too many were set aside */
  #setAside(entry: Entry, lane: Lane): boolean {
    if (!this.#hasHungry || this.#aside.length >= ASIDE_MAX) return false;
    lane.shift();
    this.#aside.push(entry);
    return true;
  }

  #offerAside(): void {
    if (this.#aside.length === 0 || !this.#hasHungry) return;
    const waiting = this.#aside;
    this.#aside = [];
    for (const entry of waiting) {
      if (this.#isExpired(entry)) {
        this.parts.expired(entry);
        continue;
      }
      const consumer = this.#choose(entry);
      if (consumer === null) this.#aside.push(entry);
      else this.#deliver(entry, consumer);
    }
  }

  /** Everything that was set aside, in its place again: who takes what has changed. */
  recall(): void {
    const waiting = this.#aside;
    this.#aside = [];
    for (const entry of waiting) this.parts.ready.returned(entry, false);
  }
}
