import { Chunk } from '../common/chunk';
import type { FairleadError } from '../common/errors';
import { IntMap } from '../common/int-map';
import {
  DROP_REASON,
  OUTCOME,
  type DropReason,
  type LargeBody,
  type Outcome,
  type OutcomeDetail,
} from '../streams/contract';
import type { AddressEntry } from './address-entry';
import type { AddressKind, AddressRef, Consumer, ConsumerHandler, ConsumerSpec, Gap } from './contract';
import type { Holding } from './holding';
import { Lane } from './lane';
import type { LocalPublisher } from './local-publisher';
import { SpillBlock, type LaneBudget } from './spill';
import type { Held } from './wait-ring';

/** What a consumer tells those around it. */
export interface ConsumerPorts {
  readonly lanes: LaneBudget;
  readonly holding: Holding;
  now(): number;
  delivered(): void;
  dropped(reason: DropReason, count: number): void;
  settled(slot: number, outcome: Outcome, detail: OutcomeDetail | null): void;
  /** Its lane has passed the upper or the lower mark. */
  onSlow(consumer: LocalConsumer, slow: boolean): void;
  closed(consumer: LocalConsumer): void;
}

/** A consumer at this node: its lane of waiting messages, and what it has not settled. */
export class LocalConsumer implements Consumer {
  /** When it last took a message while others waited. */
  progressAt = 0;
  closed = false;
  /** What it may have missed and is to be told of with its next delivery. */
  gap: Gap | null = null;
  readonly kind: AddressKind;
  /** A subscriber that wants nothing of its own client. */
  readonly #noLocal: boolean;
  readonly #lane: Lane;
  readonly #bytesMax: number;
  /** Tracked deliveries that it has not settled. */
  readonly #unsettled = new IntMap();

  constructor(
    private readonly ports: ConsumerPorts,
    readonly spec: ConsumerSpec,
    readonly handler: ConsumerHandler,
    /** Of what it attached to; for a filter one that stands for it, whose name is the filter. */
    readonly entry: AddressEntry,
  ) {
    this.kind = entry.kind;
    this.#noLocal = entry.kind === 'topic' && spec.queue?.noLocal === true;
    this.#bytesMax = spec.messageBytesMax ?? Infinity;
    this.#lane = new Lane(
      {
        dropped: (reason, count) => ports.dropped(reason, count),
        settled: (slot, outcome) => ports.settled(slot, outcome, null),
        onSlow: () => ports.onSlow(this, true),
      },
      ports.lanes,
      ports.holding,
    );
  }

  /** Whether messages of a publisher of this node are for it. */
  wantsOf({ spec }: LocalPublisher): boolean {
    return !this.#noLocal || spec.client !== this.spec.client;
  }

  /** The name, or for a topic the filter. */
  get filter(): string {
    return this.entry.name;
  }

  get address(): AddressRef {
    return this.entry;
  }

  get slow(): boolean {
    return this.#lane.slow;
  }

  get waiting(): number {
    return this.kind === 'anycast' ? this.entry.waiting : this.#lane.size;
  }

  /**
   * Delivers at once when it can, else lets it wait.
   * @param held what the bytes lie in, retained when it has to wait; null when they must be copied for that
   */
  offer(entry: AddressEntry, bytes: Buffer, start: number, end: number, held: Chunk | null, slot: number): void {
    if (this.closed) {
      this.#missed(slot);
      return;
    }
    const lane = this.#lane;
    if (lane.size === 0) {
      if (this.handler.ready()) {
        this.give(entry, bytes, start, end, slot);
        return;
      }
      this.progressAt = this.ports.now();
    }
    lane.push(entry, bytes, start, end, held, slot);
  }

  offerLarge(entry: AddressEntry, body: LargeBody, slot: number): void {
    if (this.closed) {
      this.#missed(slot);
      return;
    }
    const lane = this.#lane;
    if (lane.size === 0) {
      if (this.handler.ready()) {
        this.giveLarge(entry, body, slot);
        return;
      }
      this.progressAt = this.ports.now();
    }
    lane.pushLarge(entry, body, slot);
  }

  /** It has gone since the message was given out to be delivered to it. */
  #missed(slot: number): void {
    if (slot >= 0) this.ports.settled(slot, OUTCOME.undelivered, null);
  }

  /** Gives a message to the client; it is ready. */
  give(entry: AddressEntry, bytes: Buffer, start: number, end: number, slot: number): void {
    if (end - start > this.#bytesMax) {
      this.#tooLarge(end - start, slot);
      return;
    }
    const { settled } = this.spec;
    if (slot >= 0 && !settled) this.#unsettled.set(slot, 1);
    this.ports.delivered();
    if (this.gap !== null) this.#tellGap(this.gap);
    this.handler.deliver(slot, entry, settled, bytes, start, end);
    if (slot >= 0 && settled) this.ports.settled(slot, OUTCOME.accepted, null);
  }

  giveLarge(entry: AddressEntry, body: LargeBody, slot: number): void {
    if (body.length > this.#bytesMax) {
      this.#tooLarge(body.length, slot);
      return;
    }
    const { settled } = this.spec;
    if (slot >= 0 && !settled) this.#unsettled.set(slot, 1);
    this.ports.delivered();
    if (this.gap !== null) this.#tellGap(this.gap);
    this.handler.deliverLarge(slot, entry, settled, body);
    if (slot >= 0 && settled) this.ports.settled(slot, OUTCOME.accepted, null);
  }

  #tellGap(gap: Gap): void {
    this.gap = null;
    this.handler.onGap(gap);
  }

  #tooLarge(bytes: number, slot: number): void {
    if (slot < 0) {
      this.ports.dropped(DROP_REASON.oversized, 1);
      return;
    }
    const description = `message of ${bytes} bytes, where the consumer takes at most ${this.#bytesMax}`;
    this.ports.settled(slot, OUTCOME.rejected, { condition: 'amqp:link:message-size-exceeded', description });
  }

  /** Gives the first of a lane to the client; it is ready. */
  giveFirst(lane: Lane): void {
    const { start, length, entry, slot } = lane.ring;
    this.#giveHeld(lane.shift(), start, length, entry, slot);
  }

  #giveHeld(held: Held, start: number, length: number, entry: AddressEntry, slot: number): void {
    if (held instanceof Chunk || held instanceof SpillBlock) this.give(entry, held.bytes, start, start + length, slot);
    else this.giveLarge(entry, held, slot);
    held.release();
  }

  pump(): void {
    if (this.closed) return;
    if (this.kind === 'anycast') {
      this.entry.forwarder.pump(this);
      return;
    }
    const lane = this.#lane;
    const before = lane.size;
    while (lane.size > 0 && !this.closed && this.handler.ready()) this.giveFirst(lane);
    if (lane.size < before) this.progressAt = this.ports.now();
    if (lane.recovered()) this.ports.onSlow(this, false);
  }

  settle(token: number, outcome: Outcome, detail: OutcomeDetail | null, confirm = false): void {
    if (token >= 0 && this.#unsettled.take(token) >= 0) this.ports.settled(token, outcome, detail);
    if (confirm) this.handler.onSettled(token, null);
  }

  /** What waits goes out as the handler takes it: there is nothing else to wait for. */
  drain(): void {
    if (this.waiting === 0) this.handler.onDrained();
  }

  close(): void {
    if (this.closed) return;
    this.closed = true;
    const slots: number[] = [];
    this.#unsettled.forEachSorted((slot) => void slots.push(slot));
    for (const slot of slots) this.ports.settled(slot, OUTCOME.modifiedFailed, null);
    this.#unsettled.clear();
    this.#lane.clear();
    if (this.slow) {
      this.#lane.slow = false;
      this.ports.onSlow(this, false);
    }
    this.ports.closed(this);
  }

  /** Ends it from within the mesh. */
  end(error: FairleadError): void {
    if (this.closed) return;
    this.close();
    this.handler.onGone(error);
  }

  /** True when it let what waits for it wait for longer than the rule of that allows. */
  stuck(now: number): boolean {
    const lane = this.#lane;
    return lane.slow && lane.size > 0 && now - this.progressAt >= lane.ring.entry.policy.blockForMs;
  }

  /** For how long what waits for it may wait. */
  get blockForMs(): number {
    return (this.#lane.size > 0 ? this.#lane.ring.entry : this.entry).policy.blockForMs;
  }
}
