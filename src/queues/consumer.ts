import type { FairleadError } from '../common/errors';
import { invariant } from '../common/errors';
import type { LargeBody, Outcome, OutcomeDetail } from '../streams/contract';
import type { QueueConsumer, QueueConsumerSpec, QueueSink } from './contract';
import { ENTRY, type Entry } from './entry';
import type { SettlementHolder } from './group';
import { messageStart, topicOf } from './record';
import { redelivery } from './redelivery';
import type { Scanner } from './scanner';

/** A consumer's queue, as it sees it. */
export interface ConsumerOwner {
  hungry(consumer: LocalConsumer): void;
  pump(): void;
  isIdle(consumer: LocalConsumer): boolean;
  readonly waiting: number;
  /** Failed deliveries of an entry, as its next consumer is told. */
  deliveriesOf(entry: Entry): number;
  isExcluded(entry: Entry, consumer: LocalConsumer): boolean;
  /** The body of a large message, held once; where it was seen before, with a header that says so. */
  openBody(entry: Entry, wasSeen: boolean): LargeBody;
  settled(consumer: LocalConsumer, entry: Entry, outcome: Outcome, detail: OutcomeDetail | null): void;
  /** `onConfirmed` is wanted as soon as all of this turn is on the disk. */
  confirm(consumer: LocalConsumer, token: number): void;
  closed(consumer: LocalConsumer, failed: boolean, closed: boolean): void;
}

export class LocalConsumer implements QueueConsumer, SettlementHolder {
  /** It had credit when it was last asked. */
  isHungry = false;
  isClosed = false;
  /** How it looks through the queue; null for a plain consumer, which takes what comes first. */
  scanner: Scanner | null = null;
  /** What messages that it cannot take are kept from. */
  readonly endpoint: number;
  readonly #held: (Entry | null)[] = [];
  readonly #free: number[] = [];
  #confirming = 0;

  constructor(
    readonly id: number,
    readonly spec: QueueConsumerSpec,
    readonly sink: QueueSink,
    private readonly owner: ConsumerOwner,
  ) {
    this.endpoint = spec.endpoint > 0 ? spec.endpoint : -id;
  }

  get queue(): ConsumerOwner {
    return this.owner;
  }

  /** Deliveries that it has not settled. */
  get held(): readonly Entry[] {
    return this.#held.filter((entry): entry is Entry => entry !== null);
  }

  pump(): void {
    if (this.isClosed) return;
    this.owner.hungry(this);
    this.owner.pump();
  }

  get idle(): boolean {
    return this.isClosed || this.owner.isIdle(this);
  }

  get waiting(): number {
    return this.owner.waiting;
  }

  /** True for a message that it can be given at all. */
  takes(entry: Entry): boolean {
    return entry.size <= this.spec.messageBytesMax && !this.owner.isExcluded(entry, this);
  }

  /** Delivers what was acquired for it. */
  give(entry: Entry): void {
    const token = this.spec.settled ? 0 : this.#keep(entry);
    const wasSeen = entry.seen;
    entry.seen = true;
    if (entry.isLarge) this.#giveLarge(token, entry, wasSeen);
    else if (wasSeen) {
      const message = redelivery(entry.record, this.owner.deliveriesOf(entry));
      this.sink.deliver(token, message, 0, message.length, topicOf(entry.record));
    } else this.#giveWhole(token, entry.record);
  }

  /** Delivers a copy of what stays in the queue. */
  show(entry: Entry): void {
    const token = this.spec.settled ? 0 : this.#keep(null);
    if (entry.isLarge) this.#giveLarge(token, entry, false);
    else this.#giveWhole(token, entry.record);
  }

  #giveWhole(token: number, record: Buffer): void {
    this.sink.deliver(token, record, messageStart(record), record.length, topicOf(record));
  }

  #giveLarge(token: number, entry: Entry, wasSeen: boolean): void {
    const body = this.owner.openBody(entry, wasSeen);
    this.sink.deliverLarge(token, body, topicOf(entry.record));
    body.release();
  }

  #keep(entry: Entry | null): number {
    const token = this.#free.pop() ?? this.#held.length;
    this.#held[token] = entry;
    return token;
  }

  settle(token: number, outcome: Outcome, detail: OutcomeDetail | null, confirm: boolean): void {
    if (this.isClosed) return;
    const entry = this.take(token);
    if (confirm) {
      this.#confirming++;
      this.owner.confirm(this, token);
    } else this.#free.push(token);
    if (entry !== null) this.owner.settled(this, entry, outcome, detail);
  }

  /** It does not hold a delivery any more; its token stays in use. @returns null for a message that it was only shown */
  take(token: number): Entry | null {
    const entry = this.#held[token];
    invariant(entry !== undefined, `consumer ${this.spec.client} settles delivery ${token}, which it does not have`);
    this.#held[token] = null;
    return entry;
  }

  /** A token that was taken may be used again. */
  freeToken(token: number): void {
    if (!this.isClosed) this.#free.push(token);
  }

  /** Settlements of it are on their way to the disk, and it is to be told. */
  get isConfirming(): boolean {
    return this.#confirming > 0;
  }

  onConfirmed(token: number): void {
    this.#confirming--;
    if (this.isClosed) return;
    this.#free.push(token);
    this.sink.onSettled(token, null);
  }

  close(failed: boolean, closed = false): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.owner.closed(this, failed, closed);
  }

  /** Its queue is gone, and what it holds with it. */
  end(error: FairleadError): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.sink.onGone(error);
  }

  /** What it has not settled, in order; it has none of it any more. */
  takeHeld(): Entry[] {
    const held = this.#held.filter((entry): entry is Entry => entry !== null && entry.state === ENTRY.acquired);
    this.#held.length = 0;
    this.#free.length = 0;
    return held.sort((a, b) => a.key - b.key);
  }
}
