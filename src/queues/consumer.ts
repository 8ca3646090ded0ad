import type { FairleadError } from '../common/errors';
import { invariant } from '../common/errors';
import type { Outcome, OutcomeDetail } from '../streams/contract';
import type { QueueConsumer, QueueConsumerSpec, QueueSink } from './contract';
import { ENTRY, type Entry } from './entry';
import { RECORD_HEAD } from './record';
import type { SettlementHolder } from './group';
import { redelivery } from './redelivery';

/** A consumer's queue, as it sees it. */
export interface ConsumerOwner {
  hungry(consumer: LocalConsumer): void;
  pump(): void;
  isIdle(consumer: LocalConsumer): boolean;
  readonly waiting: number;
  /** Failed deliveries of an entry, as its next consumer is told. */
  deliveriesOf(entry: Entry): number;
  settled(consumer: LocalConsumer, entry: Entry, outcome: Outcome, detail: OutcomeDetail | null): void;
  /** `onConfirmed` is wanted as soon as all of this turn is on the disk. */
  confirm(consumer: LocalConsumer, token: number): void;
  closed(consumer: LocalConsumer, failed: boolean): void;
}

export class LocalConsumer implements QueueConsumer, SettlementHolder {
  /** It is among those that had credit when they were last asked. */
  isHungry = false;
  isClosed = false;
  readonly #held: (Entry | null)[] = [];
  readonly #free: number[] = [];
  #count = 0;

  constructor(
    readonly id: number,
    readonly spec: QueueConsumerSpec,
    readonly sink: QueueSink,
    private readonly owner: ConsumerOwner,
  ) {}

  /** Deliveries that it has not settled. */
  get held(): number {
    return this.#count;
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
    if (entry.excluded !== null && entry.excluded.includes(this.id)) return false;
    return entry.record.length - RECORD_HEAD <= this.spec.messageBytesMax;
  }

  /** Delivers what was acquired for it. */
  give(entry: Entry): void {
    let token = 0;
    if (!this.spec.settled) {
      token = this.#free.pop() ?? this.#held.length;
      this.#held[token] = entry;
      this.#count++;
    }
    if (entry.seen) {
      const message = redelivery(entry.record, this.owner.deliveriesOf(entry));
      this.sink.deliver(token, message, 0, message.length);
    } else {
      entry.seen = true;
      this.sink.deliver(token, entry.record, RECORD_HEAD, entry.record.length);
    }
  }

  settle(token: number, outcome: Outcome, detail: OutcomeDetail | null, confirm: boolean): void {
    if (this.isClosed) return;
    const entry = this.#held[token] ?? null;
    invariant(entry !== null, `consumer ${this.spec.client} settles delivery ${token}, which it does not have`);
    this.#held[token] = null;
    this.#count--;
    if (confirm) this.owner.confirm(this, token);
    else this.#free.push(token);
    this.owner.settled(this, entry, outcome, detail);
  }

  onConfirmed(token: number): void {
    this.#free.push(token);
    if (!this.isClosed) this.sink.onSettled(token, null);
  }

  close(failed: boolean): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.owner.closed(this, failed);
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
    this.#count = 0;
    return held.sort((a, b) => a.key - b.key);
  }
}
