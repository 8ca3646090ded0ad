import type { LocalConsumer } from './consumer';
import { ENTRY, type Entry } from './entry';
import { HungryRing } from './hungry-ring';
import type { Lane } from './lane';
import { ASIDE_MAX, SCAN_PER_TURN } from './limits';
import { groupOf, GroupOwners } from './message-group';
import type { ReadyMessages } from './ready';
import { SCAN, type ScanVerdict } from './scanner';

/** The queue, as far as deliveries ask it. */
export interface DispatchParts {
  readonly ready: ReadyMessages;
  /** Up to this sequence the disk knows that messages may have been delivered. */
  readonly deliverableTo: number;
  /** Consumers at the home's own site come first. */
  readonly prefersNear: boolean;
  /** A message of this sequence is to be delivered, or has just been. */
  raiseMark(seq: number): void;
  wall(): number;
  /** It was taken out of its place because its time is over. */
  expired(entry: Entry): void;
  acquired(entry: Entry): void;
  /** Given to a consumer that settles on delivery. */
  settledOnDelivery(entry: Entry): void;
  /** There is more to look at, in a turn of its own. */
  wantsTurn(): void;
}

/** Gives what is ready to consumers with credit: the first message to the next consumer, one at a time. */
export class Dispatcher {
  /** Plain consumers that come first, where the queue prefers near ones, and the others. */
  readonly #near = new HungryRing();
  readonly #others = new HungryRing();
  /** Consumers that look through the queue themselves: with a selector, or browsers. */
  readonly #scanning = new Set<LocalConsumer>();
  readonly #owners = new GroupOwners();
  /** Messages that no plain consumer with credit takes, although others would be taken. */
  #aside: Entry[] = [];
  /** Groups of which messages are set aside: later ones must not pass them. */
  readonly #asideGroups = new Set<string>();
  #isPumping = false;
  #again = false;

  constructor(private readonly parts: DispatchParts) {
    parts.ready.onReturned = (key) => this.#onReturned(key);
  }

  #onReturned(key: number): void {
    for (const { scanner } of this.#scanning) scanner?.onReturned(key);
  }

  join(consumer: LocalConsumer): void {
    if (consumer.scanner !== null) this.#scanning.add(consumer);
  }

  hungry(consumer: LocalConsumer): void {
    if (consumer.isHungry) return;
    consumer.isHungry = true;
    if (consumer.scanner === null)
      (consumer.spec.near && this.parts.prefersNear ? this.#near : this.#others).add(consumer);
  }

  leave(consumer: LocalConsumer): void {
    consumer.isHungry = false;
    this.#near.remove(consumer);
    this.#others.remove(consumer);
    this.#scanning.delete(consumer);
    if (!this.#owners.leave(consumer)) return;
    this.recall();
    for (const { scanner } of this.#scanning) scanner?.restart();
  }

  /** Nothing waits that this consumer takes. */
  isIdleFor(consumer: LocalConsumer): boolean {
    if (consumer.scanner !== null) return consumer.scanner.atEnd;
    return this.parts.ready.empty && !this.#aside.some((entry) => this.#isFor(entry, consumer));
  }

  #isFor(entry: Entry, consumer: LocalConsumer): boolean {
    const group = groupOf(entry);
    const owner = group === null ? null : this.#owners.get(group);
    return (owner === null || owner === consumer) && consumer.takes(entry);
  }

  /** @throws RecordDamagedError */
  pump(): void {
    this.#again = true;
    if (this.#isPumping) return;
    this.#isPumping = true;
    try {
      for (const { scanner } of this.#scanning) if (scanner !== null) scanner.budget = SCAN_PER_TURN;
      while (this.#again) {
        this.#again = false;
        this.#offerAside();
        if (this.#scanning.size === 0) this.#pumpPlain(Number.POSITIVE_INFINITY);
        else this.#pumpInTurn();
      }
    } finally {
      this.#isPumping = false;
    }
  }

  get #hasHungry(): boolean {
    return this.#near.size > 0 || this.#others.size > 0;
  }

  /** Scanning consumers and plain ones get one message each in turn, so that neither takes all. */
  #pumpInTurn(): void {
    for (let progress = 1; progress > 0;) {
      progress = 0;
      for (const consumer of this.#scanning) progress += this.#scan(consumer);
      if (this.#hasHungry) progress += this.#pumpPlain(this.#near.size + this.#others.size);
    }
  }

  #scan(consumer: LocalConsumer): number {
    const { scanner } = consumer;
    if (scanner === null || !consumer.isHungry) return 0;
    const credit = consumer.sink.credit();
    if (credit <= 0) {
      consumer.isHungry = false;
      return 0;
    }
    const alone = consumer.spec.browse || (!this.#hasHungry && this.#scanning.size === 1);
    const found = scanner.find(alone ? credit : 1);
    if (scanner.budget <= 0) this.parts.wantsTurn();
    return found;
  }

  /** What to do with a message that a scanning consumer wants. */
  verdict(entry: Entry, consumer: LocalConsumer): ScanVerdict {
    if (consumer.sink.credit() <= 0) return SCAN.stop;
    if (this.#isExpired(entry)) return SCAN.skip;
    if (consumer.spec.browse) return SCAN.take;
    if (!this.#isFor(entry, consumer)) return SCAN.skip;
    if (!this.#mayDeliver(entry)) return SCAN.stop;
    return SCAN.take;
  }

  /** Delivers what a scanning consumer has taken. */
  taken(entry: Entry, consumer: LocalConsumer): void {
    if (consumer.spec.browse) {
      consumer.show(entry);
      return;
    }
    const group = groupOf(entry);
    if (group !== null) this.#owners.give(group, consumer);
    this.#deliver(entry, consumer);
  }

  /** @returns how many were delivered */
  #pumpPlain(most: number): number {
    let left = most;
    for (const lane of this.parts.ready.lanes) {
      while (left > 0 && this.#hasHungry) {
        const entry = this.parts.ready.first(lane);
        if (entry === undefined) break;
        if (!this.#pumpOne(entry, lane)) return most - left;
        left--;
      }
      if (left <= 0 || !this.#hasHungry) break;
    }
    return most - left;
  }

  /** @returns false when nothing more can be delivered now */
  #pumpOne(entry: Entry, lane: Lane): boolean {
    if (this.#isExpired(entry)) {
      lane.shift();
      this.parts.expired(entry);
      return true;
    }
    if (!this.#mayDeliver(entry)) return false;
    const consumer = this.#choose(entry);
    if (consumer === null) return this.#setAside(entry, lane);
    lane.shift();
    this.#deliver(entry, consumer);
    return true;
  }

  #isExpired(entry: Entry): boolean {
    return entry.expiresAt !== 0 && entry.expiresAt <= this.parts.wall();
  }

  #mayDeliver(entry: Entry): boolean {
    const seq = entry.key - (this.parts.ready.lanes[entry.lane] as Lane).base;
    this.parts.raiseMark(seq);
    return seq <= this.parts.deliverableTo;
  }

  #choose(entry: Entry): LocalConsumer | null {
    if (entry.isGrouped) return this.#chooseForGroup(entry, groupOf(entry));
    return this.#chooseAny(entry);
  }

  #chooseAny(entry: Entry): LocalConsumer | null {
    if (this.#near.size > 0) {
      const near = this.#near.choose(entry);
      if (near !== null) return near;
    }
    return this.#others.choose(entry);
  }

  #chooseForGroup(entry: Entry, group: string | null): LocalConsumer | null {
    if (group === null) return this.#chooseAny(entry);
    if (this.#asideGroups.has(group)) return null;
    const owner = this.#owners.get(group);
    if (owner !== null) return owner.scanner === null && owner.sink.credit() > 0 && owner.takes(entry) ? owner : null;
    const consumer = this.#chooseAny(entry);
    if (consumer !== null) this.#owners.give(group, consumer);
    return consumer;
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
    this.#keepAside(entry);
    this.#onReturned(entry.key);
    return true;
  }

  #keepAside(entry: Entry): void {
    this.#aside.push(entry);
    const group = groupOf(entry);
    if (group !== null) this.#asideGroups.add(group);
  }

  #offerAside(): void {
    if (this.#aside.length === 0 || !this.#hasHungry) return;
    const waiting = this.#aside;
    this.#aside = [];
    this.#asideGroups.clear();
    for (const entry of waiting) {
      if (this.#isExpired(entry)) this.parts.expired(entry);
      else {
        const consumer = this.#choose(entry);
        if (consumer === null) this.#keepAside(entry);
        else this.#deliver(entry, consumer);
      }
    }
  }

  /** Everything that was set aside, in its place again: who takes what has changed. */
  recall(): void {
    const waiting = this.#aside;
    this.#aside = [];
    this.#asideGroups.clear();
    for (const entry of waiting) this.parts.ready.returned(entry);
  }
}
