import type { AddressRef, Consumer, ConsumerHandler, Gap } from '../../../addresses/contract';
import type { FairleadError } from '../../../common/errors';
import { OUTCOME, type LargeBody } from '../../../streams/contract';
import type { Deadline } from '../../edge/deadlines';
import type { Exchange } from '../exchange';
import type { HttpEdgeOptions } from '../http-options';
import { ACKNOWLEDGE_MS, RESUME_MS, UNACKNOWLEDGED_MAX } from '../limits';
import { EventStream } from './event-stream';
import type { EventTexts } from './event-texts';
import { nameOf } from './plain-events';
import { consumerSpec, type ConsumeWish } from './subscription-wish';

const CREDIT = UNACKNOWLEDGED_MAX;

/**
 * An event stream of what is kept: a durable subscription, or a queue. Server-sent events have no acknowledgement but one: a client that
 * comes back says by `Last-Event-ID` what it has. So messages stay unsettled until it does, and the stream ends, for the client to
 * come back at once, when enough of them are: a message is settled when its client has said so, and not when it was written.
 *
 * Between two streams the deliveries are kept for a while; then they go back, to be delivered again.
 */
export class ResumableEvents implements ConsumerHandler, Deadline {
  dueAtMs = Number.POSITIVE_INFINITY;
  /** Of this consumer's unsettled deliveries, the oldest first: number of the event and token. */
  #unsettled: { readonly seq: number; readonly token: number }[] = [];
  #seq = 0;
  #stream: EventStream | null;
  #consumer: Consumer | null = null;
  #confirmed = false;
  /** Settlements that are not in force yet, and who waits for them. */
  #settling = 0;
  readonly #onSettled: (() => void)[] = [];
  closed = false;

  /** @param id names this life of the consumer in the ids of its events */
  constructor(
    readonly id: string,
    private readonly options: HttpEdgeOptions,
    wish: ConsumeWish,
    exchange: Exchange,
    texts: EventTexts,
    private readonly onEnd: (events: ResumableEvents) => void,
  ) {
    this.#stream = new EventStream(exchange, options.queue, texts, () => this.#consumer?.pump());
    this.#consumer = options.addresses.openConsumer(consumerSpec(wish, exchange.client, false), this);
    options.budget.links++;
    exchange.onGone = () => this.#detach();
    exchange.onEnd = () => this.#pause(null);
    options.deadlines.add(this);
    // The mesh may have ended it, or confirmed it, within the call.
    if (this.#stream.ended) this.close();
    else if (this.#confirmed) this.#open();
  }

  onConfirmed(): void {
    this.#confirmed = true;
    if (this.#consumer !== null) this.#open();
  }

  #open(): void {
    this.#stream?.open();
    this.#consumer?.pump();
  }

  // --- deliveries ------------------------------------------------------------------------------------------------------------

  ready(): boolean {
    return this.#unsettled.length < UNACKNOWLEDGED_MAX && this.#stream?.ready === true;
  }

  credit(): number {
    return this.ready() ? CREDIT - this.#unsettled.length : 0;
  }

  deliver(token: number, address: AddressRef, settled: boolean, payload: Buffer, start: number, end: number): void {
    this.#stream?.message(this.#next(token, settled), nameOf(address), payload, start, end);
    this.#look();
  }

  deliverLarge(token: number, address: AddressRef, settled: boolean, body: LargeBody): void {
    this.#stream?.large(this.#next(token, settled), nameOf(address), body);
    this.#look();
  }

  #next(token: number, settled: boolean): string {
    const seq = ++this.#seq;
    if (settled) return `${this.id}-${seq}`;
    this.#unsettled.push({ seq, token });
    // The client is to come back when it has had time to see the first of them.
    if (this.#unsettled.length === 1) this.dueAtMs = this.options.deadlines.now() + ACKNOWLEDGE_MS;
    return `${this.id}-${seq}`;
  }

  #look(): void {
    if (this.#unsettled.length >= UNACKNOWLEDGED_MAX) this.#pause(null);
  }

  onGap(gap: Gap): void {
    this.#stream?.gap(gap);
  }

  onDrained(): void {
    // Nothing is drained.
  }

  // --- the end of a stream, and the next one ---------------------------------------------------------------------------------

  /** The client is asked to come back. */
  #pause(error: FairleadError | null): void {
    this.#stream?.end(error);
    this.#detach();
  }

  #detach(): void {
    // Its client has come back by another connection: it is that one's to go on.
    if (this.#settling > 0) return;
    this.#stream?.close();
    this.#stream = null;
    this.dueAtMs = this.options.deadlines.now() + RESUME_MS;
    if (this.#unsettled.length === 0) this.close();
  }

  onDue(): void {
    if (this.#settling > 0) {
      // Its home does not answer: the client is not kept waiting for that.
      this.close();
    } else if (this.#stream === null) this.close();
    else if (this.#unsettled.length > 0) this.#pause(null);
    else this.dueAtMs = Number.POSITIVE_INFINITY;
  }

  /**
   * The client has come back, having seen all up to an event: those are settled, and this consumer goes.
   * @param done told when the settlements are in force, and it has gone
   */
  acknowledge(seq: number, done: () => void): void {
    this.#onSettled.push(done);
    this.#stream?.end(null);
    this.#stream = null;
    if (this.#settling > 0) return;
    this.#settling = 1;
    this.dueAtMs = this.options.deadlines.now() + RESUME_MS;
    for (const { seq: one, token } of this.#unsettled.splice(0)) {
      if (one > seq) break;
      this.#settling++;
      this.#consumer?.settle(token, OUTCOME.accepted, null, true);
    }
    this.#settled();
  }

  onSettled(_token: number, _error: FairleadError | null): void {
    // Where one failed its message is delivered again, as after any loss of an acknowledgement.
    if (this.#settling > 0) this.#settled();
  }

  #settled(): void {
    if (--this.#settling === 0) this.close();
  }

  onGone(error: FairleadError): void {
    this.#stream?.end(error);
    this.close();
  }

  /** What is unsettled goes back. */
  close(): void {
    const consumer = this.#consumer;
    if (consumer === null) return;
    this.closed = true;
    this.#consumer = null;
    this.#stream?.close();
    this.#stream = null;
    this.#unsettled = [];
    this.options.deadlines.remove(this);
    this.options.budget.links--;
    consumer.close(false, false);
    this.onEnd(this);
    for (const done of this.#onSettled.splice(0)) done();
  }
}
