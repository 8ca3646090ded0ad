import type { FairleadError } from '../common/errors';
import type { Queue, QueueConsumer, QueueSink, QueueTransaction } from '../queues/contract';
import type { LargeBody, Outcome, OutcomeDetail } from '../streams/contract';
import type { AddressEntry } from './address-entry';
import type { ConsumerHandler, ConsumerSpec } from './contract';
import { DeliveredTopic, topicOfRetried } from './delivered-topic';
import { AddressError } from './errors';
import { queueSpec, type QueueClient, type QueueClientPorts, type WhenKnown } from './queue-client';
import { isSubscriptionQueue } from './reserved-names';

/** A consumer at the node where its queue lives: the queue itself delivers to it. */
export class HomeConsumer implements QueueClient, QueueSink {
  closed = false;
  readonly deadline = Infinity;
  /** Deliveries that its client has and has not settled, and settlements whose confirmation it waits for. */
  #held = 0;
  #confirming = 0;
  #consumer: QueueConsumer | null = null;
  /** Its handler was told that it is there. */
  #isConfirmed = false;
  /** Drains that are not answered. */
  #drains = 0;
  /** Of a subscription's messages; null where the queue is none. */
  readonly #topic: DeliveredTopic | null;

  constructor(
    private readonly ports: QueueClientPorts,
    private readonly spec: ConsumerSpec,
    private readonly handler: ConsumerHandler,
    readonly entry: AddressEntry,
  ) {
    this.#topic = isSubscriptionQueue(entry.name) ? new DeliveredTopic(entry) : null;
  }

  /**
   * @param known asked to tell when the queue misses nothing any more; null where that is so
   * @param confirmed its handler was told that it is there
   * @throws FairleadError when the queue cannot be consumed so
   */
  open(queue: Queue, known: WhenKnown | null, confirmed = false): void {
    // Nothing is delivered before it is there.
    this.#consumer = queue.consume(queueSpec(this.spec, true), this);
    this.#isConfirmed = confirmed;
    if (confirmed) return;
    if (known === null) this.#confirm([]);
    else known((unconfirmed) => this.#confirm(unconfirmed));
  }

  #confirm(unconfirmed: readonly string[]): void {
    if (this.closed) return;
    this.#isConfirmed = true;
    this.handler.onConfirmed(unconfirmed);
  }

  get address(): AddressEntry {
    return this.entry;
  }

  get waiting(): number {
    return this.#consumer?.waiting ?? 0;
  }

  // --- what the queue brings -------------------------------------------------------------------------------------------------

  credit(): number {
    return this.#consumer === null || this.closed ? 0 : this.handler.credit();
  }

  #hold(): void {
    if (!this.spec.settled) this.#held++;
  }

  deliver(token: number, payload: Buffer, start: number, end: number, topic: string | null): void {
    this.ports.delivered();
    this.#hold();
    const address = this.#topic?.of(topic ?? topicOfRetried(payload, start, end)) ?? this.entry;
    this.handler.deliver(token, address, this.spec.settled, payload, start, end);
  }

  deliverLarge(token: number, body: LargeBody, topic: string | null): void {
    this.ports.delivered();
    this.#hold();
    this.handler.deliverLarge(token, this.#topic?.of(topic) ?? this.entry, this.spec.settled, body);
  }

  onSettled(token: number, error: FairleadError | null): void {
    this.#confirming--;
    if (!this.closed) this.handler.onSettled(token, error);
  }

  onGone(error: FairleadError): void {
    if (this.closed) return;
    this.#consumer = null;
    this.#gone(error);
  }

  /** Its client need not notice that the queue has moved, unless it has something that is void now. */
  #gone(error: FairleadError): void {
    const mustSee = this.#held > 0 || this.#confirming > 0 || this.spec.queue?.browse === true;
    this.closed = true;
    if (error.code !== 'FL_QUEUE_MOVED' || mustSee) {
      this.ports.closed(this);
      this.handler.onGone(error);
      return;
    }
    this.ports.replace(this, this.#isConfirmed);
    for (let drains = this.#drains; drains > 0; drains--) this.handler.onDrained();
  }

  // --- what the client asks --------------------------------------------------------------------------------------------------

  pump(): void {
    if (this.closed) return;
    this.#consumer?.pump();
    // Deliveries that are settled are removals.
    if (this.spec.settled) this.ports.scheduleFlush();
  }

  settle(token: number, outcome: Outcome, detail: OutcomeDetail | null, confirm = false): void {
    if (this.closed) return;
    this.#held--;
    if (confirm) this.#confirming++;
    this.#consumer?.settle(token, outcome, detail, confirm);
    this.ports.scheduleFlush();
  }

  /** {@link settle} within a transaction. */
  settleWithin(transaction: QueueTransaction, token: number, outcome: Outcome, detail: OutcomeDetail | null): void {
    if (this.closed || this.#consumer === null) return;
    this.#held--;
    transaction.settle(this.#consumer, token, outcome, detail);
  }

  drain(): void {
    this.#drains++;
    this.pump();
    this.#answerDrain();
  }

  #answerDrain(): void {
    if (this.#consumer !== null && !this.#consumer.idle && this.handler.credit() > 0) {
      this.ports.due(this, 'later');
      return;
    }
    const drains = this.#drains;
    this.#drains = 0;
    for (let left = drains; left > 0; left--) this.handler.onDrained();
  }

  flush(): void {
    this.pump();
    if (!this.closed && this.#drains > 0) this.#answerDrain();
  }

  close(failed = false, closed = false): void {
    if (this.closed) return;
    this.closed = true;
    this.#consumer?.close(failed, closed);
    this.ports.scheduleFlush();
    this.ports.closed(this);
  }

  end(error: FairleadError): void {
    if (this.closed) return;
    // What its client has may have been used.
    this.#consumer?.close(true);
    this.#consumer = null;
    this.ports.scheduleFlush();
    this.#gone(error);
  }

  review(): void {
    const { queue } = this.entry;
    if (queue?.queue === null) this.end(queue.damage ?? moved(this.entry));
  }
}

/** The queue lives elsewhere by now. */
export function moved({ name }: AddressEntry): AddressError {
  return new AddressError('FL_QUEUE_MOVED', `queue '${name}' lives at another node now: attach again`);
}
