import type { ChunkPool } from '../common/chunk';
import type { AddressEntry } from './address-entry';
import { CreditReserve } from './credit-reserve';
import {
  CREDIT_BYTES_MAX,
  CREDIT_DEBT_BYTES_MAX,
  CREDIT_IDLE_MS,
  CREDIT_INITIAL,
  CREDIT_LEAST_SHARE,
  CREDIT_MAX,
  CREDIT_QUANTUM_BYTES,
  STARVED_MS,
} from './limits';
import type { LocalPublisher } from './local-publisher';

/** What decides on credit besides publishers and addresses. */
export interface CreditPorts {
  /** False while no publisher may get any: the mesh is not loaded yet, or the node drains. */
  open(): boolean;
  /** What this node's publishers have sent and is still held. */
  readonly retention: ChunkPool;
  /** Publishers wait for memory: what is held for little may be let go. */
  shortOfMemory(): void;
  scheduleFlush(): void;
}

const NOBODY: ReadonlySet<LocalPublisher> = new Set();

/**
 * Credit of all publishers: a window per publisher that grows while it is used up, as far as memory, the address and its consumers
 * allow. Whoever its address holds up waits for a change of that; whoever waits for memory is served in turn, by bytes
 * (deficit round robin).
 */
export class CreditBook {
  readonly #reserve: CreditReserve;
  /** To be looked at when the turn ends. */
  #due: LocalPublisher[] = [];
  /** Held up by their address. */
  readonly #blocked = new Map<AddressEntry, Set<LocalPublisher>>();
  /** In turn for memory. */
  #queue: LocalPublisher[] = [];
  #freed = false;
  /** At most so many in `#due` and `#queue` are closed. */
  #left = 0;
  /** Given something in this turn, and not yet told. */
  readonly #granted: LocalPublisher[] = [];
  #retryAt = Infinity;

  constructor(
    private readonly ports: CreditPorts,
    poolBytes: number,
  ) {
    this.#reserve = new CreditReserve(ports.retention, poolBytes);
  }

  /** Bytes that the credit given out may bring, as far as they are known and there was room for them: never more than the pool. */
  get reserved(): number {
    return this.#reserve.bytes;
  }

  opened(publisher: LocalPublisher): void {
    this.#ask(publisher);
  }

  /** A credit was used up. */
  used(publisher: LocalPublisher): void {
    if (publisher.granted > 0) {
      this.#reserve.release(publisher, 1);
      if (publisher.entry !== null) publisher.entry.granted--;
      if (this.#queue.length > 0) this.#makeRoom();
    }
    // An anonymous publisher has gone on to another address than the one that held it up.
    if (publisher.blockedBy !== null && publisher.blockedBy !== publisher.last) this.#unblock(publisher);
    this.settled(publisher);
  }

  /** Messages of a publisher are longer than was known: what it may send yet counts accordingly. */
  expect(publisher: LocalPublisher, bytes: number): void {
    this.#reserve.expect(publisher, bytes);
  }

  /** Those in turn may get what has come free. */
  #makeRoom(): void {
    if (this.#freed) return;
    this.#freed = true;
    this.ports.scheduleFlush();
  }

  /** A pending message has its outcome. */
  settled(publisher: LocalPublisher): void {
    if (!publisher.listed && publisher.granted * 2 <= publisher.window - publisher.pending) this.#ask(publisher);
  }

  closed(publisher: LocalPublisher): void {
    const { entry } = publisher;
    if (entry !== null) entry.granted -= publisher.granted;
    this.#reserve.release(publisher, publisher.granted);
    this.#unblock(publisher);
    if (publisher.listed) this.#left++;
    if (this.#queue.length > 0) this.#makeRoom();
    if (entry !== null) this.changed(entry);
  }

  #block(publisher: LocalPublisher, entry: AddressEntry): void {
    publisher.listed = true;
    publisher.blockedBy = entry;
    const blocked = this.#blocked.get(entry);
    if (blocked === undefined) this.#blocked.set(entry, new Set([publisher]));
    else blocked.add(publisher);
  }

  #unblock(publisher: LocalPublisher): void {
    const entry = publisher.blockedBy;
    if (entry === null) return;
    publisher.blockedBy = null;
    publisher.listed = false;
    const blocked = this.#blocked.get(entry);
    blocked?.delete(publisher);
    if (blocked?.size === 0) this.#blocked.delete(entry);
  }

  /** What held up publishers of the address may be over. */
  changed(entry: AddressEntry): void {
    for (const publisher of this.#blocked.get(entry) ?? NOBODY) {
      this.#unblock(publisher);
      this.#ask(publisher);
    }
  }

  /** What held up publishers of any address may be over. */
  anyChanged(): void {
    for (const entry of [...this.#blocked.keys()]) this.changed(entry);
  }

  #ask(publisher: LocalPublisher): void {
    if (publisher.listed || publisher.closed) return;
    publisher.listed = true;
    this.#due.push(publisher);
    this.ports.scheduleFlush();
  }

  // --- at the end of a turn ------------------------------------------------------------------------------------------------

  flush(now: number): void {
    if (this.#left > 0) this.#forgetClosed();
    const due = this.#due;
    if (due.length === 0 && !this.#freed && now < this.#retryAt) return;
    this.#freed = false;
    if (!this.ports.open()) {
      this.#retryAt = Infinity;
      return;
    }
    this.#due = [];
    for (const publisher of due) this.#admit(publisher);
    this.#serve(now);
  }

  /** Links may come and go by thousands before it is the turn of any: at most half of those who wait are closed. */
  #forgetClosed(): void {
    if (this.#left * 2 <= this.#due.length + this.#queue.length) return;
    this.#left = 0;
    this.#due = this.#due.filter(isOpen);
    this.#queue = this.#queue.filter(isOpen);
  }

  #admit(publisher: LocalPublisher): void {
    publisher.listed = false;
    if (publisher.closed) return;
    // Used up to a quarter: the sender is faster than the window.
    if (publisher.granted > 0 && publisher.granted * 4 <= publisher.window) this.#grow(publisher);
    this.#reserve.reprice(publisher);
    if (this.#wanted(publisher) <= 0) return;
    publisher.listed = true;
    this.#queue.push(publisher);
  }

  #grow(publisher: LocalPublisher): void {
    const byBytes = Math.max(CREDIT_INITIAL, Math.floor(CREDIT_BYTES_MAX / this.#reserve.costOfMore(publisher)));
    publisher.window = Math.min(publisher.window * 2, CREDIT_MAX, byBytes);
  }

  #wanted({ window, granted, pending }: LocalPublisher): number {
    return window - granted - pending;
  }

  /** Further credit that the publisher's address allows. */
  #allowed(publisher: LocalPublisher): number {
    const { entry, last, relay } = publisher;
    if (last === null) return Infinity;
    // Whoever names addresses message by message is not held up for long by one that nobody serves: what goes there is released.
    if (entry === null) return relay?.heldBy || last.chokedBy.size > 0 || last.forwarder.congested(last) ? 0 : Infinity;
    const allowance = entry.forwarder.allowance(entry);
    if (allowance === Infinity) return allowance;
    // One at a time for each, so that unused credit of others keeps nobody out for ever.
    const first = publisher.granted === 0 && allowance >= 1 ? 1 : 0;
    const share = Math.ceil(allowance / Math.max(1, entry.publishers.size)) - publisher.granted;
    return Math.max(first, Math.min(share, allowance - entry.granted));
  }

  /** Serves the queue as far as memory goes: whoever is at its head keeps its place until its turn is over. */
  #serve(now: number): void {
    const starved = now >= this.#retryAt;
    if (starved) this.ports.shortOfMemory();
    const queue = this.#queue;
    let at = 0;
    for (; at < queue.length; at++) {
      const publisher = queue[at] as LocalPublisher;
      const turn = this.#turn(publisher, now);
      if (turn === 'waits') break;
      if (turn === 'goes round') queue.push(publisher);
    }
    this.#queue = queue.slice(at);
    if (starved) this.#giveLeast(now);
    const waits = this.#queue.length > 0;
    if (!waits || starved || this.#retryAt === Infinity) this.#retryAt = waits ? now + STARVED_MS : Infinity;
    this.#tell();
  }

  #turn(publisher: LocalPublisher, now: number): 'done' | 'goes round' | 'waits' {
    const wanted = publisher.closed ? 0 : this.#wanted(publisher);
    const allowed = wanted <= 0 ? 0 : Math.min(wanted, this.#allowed(publisher));
    const more = Math.min(allowed, this.#reserve.most(publisher));
    if (more <= 0) {
      this.#leave(publisher);
      const blocker = publisher.relay?.heldBy ?? publisher.last;
      if (wanted > 0 && allowed <= 0 && blocker !== null) this.#block(publisher, blocker);
      return 'done';
    }
    this.#reserve.reprice(publisher);
    const cost = this.#reserve.costOfMore(publisher);
    const { room, capacity } = this.#reserve;
    // While there is plenty turns do not matter.
    const plenty = room - more * cost > capacity / 2;
    if (!publisher.inTurn) publisher.deficit += CREDIT_QUANTUM_BYTES;
    publisher.inTurn = true;
    const given = plenty ? more : Math.min(more, Math.floor(Math.min(room, publisher.deficit) / cost));
    if (given > 0) this.#grant(publisher, given, cost, now);
    if (!plenty) publisher.deficit -= Math.max(0, given) * cost;
    if (given === more) {
      this.#leave(publisher);
      return 'done';
    }
    if (publisher.deficit >= cost) return 'waits';
    publisher.inTurn = false;
    return 'goes round';
  }

  #leave(publisher: LocalPublisher): void {
    publisher.listed = false;
    publisher.inTurn = false;
    publisher.deficit = Math.min(publisher.deficit, 0);
  }

  /**
   * One message for each that has none, now and then, so that nobody waits for ever behind others' unused credit. It is owed, and
   * counted as far as there is room; what is not must fit a share of the memory that is free in fact. Nobody overtakes one that it
   * is too short for, or a long message would never have its turn.
   */
  #giveLeast(now: number): void {
    const { spare } = this.ports.retention;
    const taken = this.#takenUncounted(now);
    let left = Math.floor(spare / CREDIT_LEAST_SHARE) - taken;
    // A long message may not fit the share of a small pool: one at a time then.
    let alone = taken === 0 ? spare : 0;
    const queue = this.#queue;
    const [waiting, served]: [LocalPublisher[], LocalPublisher[]] = [[], []];
    let at = 0;
    for (; at < queue.length; at++) {
      const publisher = queue[at] as LocalPublisher;
      if (publisher.closed || publisher.granted > 0 || this.#allowed(publisher) <= 0) {
        waiting.push(publisher);
        continue;
      }
      const cost = this.#reserve.costOfMore(publisher);
      if (cost > Math.max(left, alone)) break;
      left -= cost;
      alone = 0;
      this.#grant(publisher, 1, Math.min(cost, Math.max(0, this.#reserve.room)), now);
      publisher.deficit = Math.max(publisher.deficit - cost, -CREDIT_DEBT_BYTES_MAX);
      served.push(publisher);
    }
    if (at < queue.length) this.#queue = [...waiting, ...queue.slice(at), ...served];
  }

  /** Bytes that credit of those who wait may bring and that are not counted as reserved; not of those who do not use it. */
  #takenUncounted(now: number): number {
    let bytes = 0;
    for (const publisher of this.#queue)
      if (now - publisher.grantedAt < CREDIT_IDLE_MS) bytes += this.#reserve.uncounted(publisher);
    return bytes;
  }

  #tell(): void {
    for (const publisher of this.#granted) {
      const more = publisher.granting;
      publisher.granting = 0;
      if (!publisher.closed) publisher.handler.onCredit(more);
    }
    this.#granted.length = 0;
  }

  #grant(publisher: LocalPublisher, more: number, price: number, now: number): void {
    publisher.grantedAt = now;
    const first = publisher.granted === 0;
    this.#reserve.grant(publisher, more, price);
    if (publisher.granting === 0) this.#granted.push(publisher);
    publisher.granting += more;
    if (publisher.entry !== null) publisher.entry.granted += more;
    if (first && this.#wanted(publisher) === 0) this.#grow(publisher);
  }

  deadline(): number {
    return this.#retryAt;
  }
}

function isOpen({ closed }: LocalPublisher): boolean {
  return !closed;
}
