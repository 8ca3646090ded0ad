import { RecordDamagedError } from '../queues/store-port';
import { DROP_REASON, OUTCOME, type Outcome, type OutcomeDetail } from '../streams/contract';
import type { PublisherHandler } from './contract';
import type { ForwarderPorts } from './forwarder';
import { OUTBOX_AHEAD_BYTES, OUTBOX_AHEAD_SHARE, OUTBOX_RETRY_MS } from './limits';
import type { LocalPublisher } from './local-publisher';
import type { OutboxDisk } from './outbox-disk';
import type { OpenPayload } from './outbox-payloads';
import type { OutboxPorts } from './outbox-ports';
import {
  epochOf,
  flagsOf,
  FROM_OUTBOX,
  inEpoch,
  kindOf,
  MESSAGE_HEAD,
  OUTBOX_SPACE,
  RECORD_KIND,
  sizeOf,
  tagOf,
  wallOf,
} from './outbox-records';
import type { Outgoing } from './outgoing';

interface Forwarded {
  readonly from: Outgoing;
  readonly key: number;
  readonly record: Buffer;
  readonly payload: OpenPayload | null;
}

/** Refusals that another try does not change. */
const FOR_GOOD: ReadonlySet<string> = new Set([
  // A temporary queue that has gone.
  'amqp:not-found',
  'amqp:decode-error',
  'amqp:invalid-field',
  'amqp:link:message-size-exceeded',
]);

/** Gives to the ways to other homes what is on the disk for them, in order, and takes from the disk what they have answered. */
export class OutboxFeed {
  readonly #hungry = new Set<Outgoing>();
  readonly #forwarded = new Map<number, Forwarded>();
  #publisher: LocalPublisher | null = null;
  #lastToken = 0;
  #retryAt = Infinity;

  constructor(
    private readonly shared: ForwarderPorts,
    private readonly ports: OutboxPorts,
    private readonly disk: OutboxDisk,
  ) {}

  /** Messages under way. */
  get underWay(): number {
    return this.#forwarded.size;
  }

  forget(to: Outgoing): void {
    this.#hungry.delete(to);
  }

  /** Something of a destination may be there to be forwarded. */
  later(to: Outgoing): void {
    if (this.#hungry.size === 0) this.shared.scheduleFlush();
    this.#hungry.add(to);
  }

  /** Bytes of one destination that may wait in memory: all of them, with homes that stay away, take a share of the pool at the most. */
  get #ahead(): number {
    const busy = Math.max(1, this.disk.destinations.busy);
    return Math.min(OUTBOX_AHEAD_BYTES, (this.shared.retention.capacity * OUTBOX_AHEAD_SHARE) / busy);
  }

  /** Gives to the way what it takes, in order. */
  #feed(to: Outgoing, now: number): void {
    if (now < to.pausedUntil) return;
    this.#hungry.delete(to);
    // What was not taken goes first, once nothing newer is under way.
    if (to.isBroken && to.underWay > 0) return;
    to.isBroken = false;
    const { entry, limit } = to;
    if (to.cursor > limit || to.damage !== null) return;
    if (this.ports.isBehind(entry) || this.ports.unsentBytes(entry) >= this.#ahead) return;
    try {
      for (const [key, record] of this.#read(to, limit)) {
        const epoch = epochOf(record);
        // The home remembers the two newest lives: one is done before the next begins.
        if (to.isLargeUnderWay || (to.underWay > 0 && epoch !== to.epoch)) return;
        to.epoch = epoch;
        to.cursor = key + 1;
        this.#forward(to, key, record);
      }
    } catch (error) {
      if (!(error instanceof RecordDamagedError)) throw error;
      to.damage = error;
      this.ports.journal.warn('outbox-damaged', { address: entry.name, error: error.message });
    }
  }

  /** @throws RecordDamagedError */
  #read(to: Outgoing, limit: number): readonly (readonly [key: number, record: Buffer])[] {
    const found: [key: number, record: Buffer][] = [];
    const ahead = this.#ahead;
    let bytes = 0;
    this.ports.store.scan(OUTBOX_SPACE.messages, to.id, to.cursor, limit + 1, (key, record) => {
      if (key < to.readTo && this.disk.isErasing(to, key)) return true;
      found.push([key, record]);
      bytes += sizeOf(record);
      return bytes < ahead;
    });
    if (found.length === 0) to.cursor = limit + 1;
    return found;
  }

  #forward(from: Outgoing, key: number, record: Buffer): void {
    const isWhole = kindOf(record) === RECORD_KIND.whole;
    const payload = isWhole ? null : this.disk.payloads.open(record);
    if (!isWhole && payload === null) {
      this.#lost(from, key, record);
      return;
    }
    const publisher = (this.#publisher ??= this.ports.openPublisher(this.#handler));
    const token = ++this.#lastToken;
    this.#forwarded.set(token, { from, key, record, payload });
    from.underWay++;
    from.isLargeUnderWay = payload !== null && payload.large !== null;
    const { entry, epoch } = from;
    const slot = this.shared.pending.add(publisher, entry, token, flagsOf(record) | FROM_OUTBOX);
    const tag = tagOf(record);
    // By the clock of the wall, which alone goes on over a restart.
    const cameAt = this.shared.clock.now() - Math.max(0, this.ports.wall() - wallOf(record));
    if (payload === null) this.ports.put(entry, slot, tag, cameAt, record, MESSAGE_HEAD, epoch, key);
    else if (payload.large === null) this.ports.put(entry, slot, tag, cameAt, payload.bytes, payload.start, epoch, key);
    else this.ports.putLarge(entry, slot, tag, cameAt, payload.large, epoch, key);
  }

  /** A salvage could not save what the message had. */
  #lost(from: Outgoing, key: number, record: Buffer): void {
    this.ports.journal.warn('outbox-message-lost', { address: from.entry.name, message: key });
    this.shared.counters.drop(DROP_REASON.damaged, 1);
    this.disk.erase(from, key);
    this.disk.uncount(from, sizeOf(record));
  }

  readonly #handler: PublisherHandler = {
    // What is under way is bounded by the way itself.
    onCredit: () => undefined,
    onHold: () => undefined,
    onGone: () => undefined,
    onOutcome: (token, outcome, detail) => this.#answered(token, outcome, detail),
  };

  #answered(token: number, outcome: Outcome, detail: OutcomeDetail | null): void {
    const forwarded = this.#forwarded.get(token);
    if (forwarded === undefined) return;
    this.#forwarded.delete(token);
    const { from } = forwarded;
    const now = this.shared.clock.now();
    from.underWay--;
    if (forwarded.payload !== null && forwarded.payload.large !== null) from.isLargeUnderWay = false;
    this.later(from);
    if (outcome === OUTCOME.accepted) {
      from.movedAt = now;
      from.refusal = null;
      this.#remove(forwarded);
    } else if (outcome === OUTCOME.undelivered) this.#back(forwarded, detail, now);
    else if (FOR_GOOD.has(detail?.condition ?? '')) this.#bury(forwarded);
    else this.#again(forwarded, detail?.description ?? 'it was given back', now);
  }

  #remove({ from, key, record, payload }: Forwarded): void {
    this.disk.erase(from, key);
    this.disk.uncount(from, sizeOf(record));
    if (payload === null) return;
    payload.large?.release();
    this.disk.payloads.release(payload);
  }

  /** A queue that has come to this node cannot have it for now, or could not write it: it keeps its place, and what is newer comes behind it. */
  #back({ from, key, payload }: Forwarded, detail: OutcomeDetail | null, now: number): void {
    from.readTo = Math.max(from.readTo, from.cursor);
    from.cursor = Math.min(from.cursor, key);
    from.isBroken = true;
    this.#pause(from, detail?.description ?? 'it was given back', now);
    payload?.large?.release();
  }

  #pause(to: Outgoing, refusal: string, now: number): void {
    to.refusal = refusal;
    to.pausedUntil = now + OUTBOX_RETRY_MS;
    this.#retryAt = Math.min(this.#retryAt, to.pausedUntil);
  }

  /** Refused under this number for ever: it is put again under a new one, behind what has come meanwhile. */
  #again({ from, key, record, payload }: Forwarded, refusal: string, now: number): void {
    this.#pause(from, refusal, now);
    const again = inEpoch(record, this.ports.store.putEpoch);
    this.disk.enterAgain(from, this.disk.nextKey(), again);
    this.disk.erase(from, key);
    payload?.large?.release();
  }

  /** The queue will never take it. */
  #bury(forwarded: Forwarded): void {
    const { from, record, payload } = forwarded;
    const { deadLetter } = from.entry.policy;
    if (deadLetter === null) {
      this.shared.counters.drop(DROP_REASON.noRoom, 1);
      this.#remove(forwarded);
      return;
    }
    const message = payload?.large ?? payload?.bytes.subarray(payload.start) ?? record.subarray(MESSAGE_HEAD);
    this.ports.deadLetter(deadLetter, message, (outcome) => {
      if (outcome !== OUTCOME.accepted) this.shared.counters.drop(DROP_REASON.noRoom, 1);
      this.#remove(forwarded);
    });
  }

  // --- time --------------------------------------------------------------------------------------------------------------------

  /** What is sent has made room for more. */
  relieved(): void {
    for (const to of this.disk.destinations.all()) if (to.cursor <= to.limit) this.later(to);
  }

  flush(now: number): void {
    if (this.ports.store.state !== 'failed') for (const to of this.#hungry) this.#feed(to, now);
  }

  tick(now: number): void {
    if (now < this.#retryAt) return;
    this.#retryAt = Infinity;
    for (const { pausedUntil } of this.#hungry)
      if (pausedUntil > now) this.#retryAt = Math.min(this.#retryAt, pausedUntil);
    this.shared.scheduleFlush();
  }

  deadline(): number {
    return this.#retryAt;
  }
}
