import type { AddressRef, Consumer, ConsumerHandler, Gap } from '../../../addresses/contract';
import type { FairleadError } from '../../../common/errors';
import type { MessageFilter } from '../../../queues/message-filter';
import type { LargeBody } from '../../../streams/contract';
import { DelayedDeliveries, type DelayedSubscriber } from '../../edge/delayed-deliveries';
import { selectsLarge } from '../../edge/selects-large';
import type { Exchange } from '../exchange';
import type { HttpEdgeOptions } from '../http-options';
import { EventStream } from './event-stream';
import type { EventTexts } from './event-texts';
import { consumerSpec, selectorHere, type ConsumeWish } from './subscription-wish';

/** How much the mesh may hand over at once; what is ready is asked before each. */
const CREDIT = 1_000;

/** A subscriber that gets what is published while its event stream is open, or looks at what a queue holds. */
export class PlainEvents implements ConsumerHandler, DelayedSubscriber {
  readonly #stream: EventStream;
  readonly #selector: MessageFilter | null;
  #consumer: Consumer | null = null;
  #delayed: DelayedDeliveries | null = null;
  #confirmed = false;

  private constructor(
    exchange: Exchange,
    private readonly options: HttpEdgeOptions,
    wish: ConsumeWish,
    texts: EventTexts,
  ) {
    this.#stream = new EventStream(exchange, options.queue, texts, () => this.goOn());
    this.#selector = selectorHere(wish);
  }

  /** @throws FairleadError when the address cannot be consumed */
  static open(exchange: Exchange, options: HttpEdgeOptions, wish: ConsumeWish, texts: EventTexts): void {
    const events = new PlainEvents(exchange, options, wish, texts);
    const consumer = options.addresses.openConsumer(consumerSpec(wish, exchange.client, true), events);
    options.budget.links++;
    events.#consumer = consumer;
    events.#delayed = DelayedDeliveries.of(consumer, options.budget, events);
    exchange.onGone = () => events.#close();
    exchange.onEnd = () => events.onGone(null);
    if (events.#stream.ended) events.#close();
    else if (events.#confirmed) events.onConfirmed();
  }

  onConfirmed(): void {
    this.#confirmed = true;
    if (this.#consumer === null) return;
    this.#stream.open();
    this.#consumer.pump();
  }

  ready(): boolean {
    return this.#stream.ready && this.#delayed?.full !== true;
  }

  takes(): boolean {
    return this.#stream.ready;
  }

  goOn(): void {
    this.#delayed?.giveDue();
    this.#consumer?.pump();
  }

  credit(): number {
    return this.#stream.ready ? CREDIT : 0;
  }

  deliver(_token: number, address: AddressRef, _settled: boolean, payload: Buffer, start: number, end: number): void {
    if (this.#selector !== null && !this.#selector.matches(payload, start, end)) return;
    if (this.#delayed?.keeps(address, payload, start, end) !== true) this.give(address, payload, start, end);
  }

  deliverLarge(_token: number, address: AddressRef, _settled: boolean, body: LargeBody): void {
    if (this.#selector !== null && !selectsLarge(this.#selector, body)) return;
    if (this.#delayed?.keepsLarge(address, body) !== true) this.giveLarge(address, body);
  }

  give(address: AddressRef, payload: Buffer, start: number, end: number): void {
    this.#stream.message(null, nameOf(address), payload, start, end);
  }

  giveLarge(address: AddressRef, body: LargeBody): void {
    this.#stream.large(null, nameOf(address), body);
  }

  onGap(gap: Gap): void {
    this.#stream.gap(gap);
  }

  onSettled(): void {
    // Nothing is settled later.
  }

  onDrained(): void {
    // Nothing is drained.
  }

  onGone(error: FairleadError | null): void {
    this.#stream.end(error);
    this.#close();
  }

  #close(): void {
    const consumer = this.#consumer;
    this.#consumer = null;
    if (consumer === null) return;
    this.options.budget.links--;
    this.#stream.close();
    this.#delayed?.clear();
    consumer.close(false, true);
  }
}

/** An address as a client would write it. */
export function nameOf({ kind, name }: AddressRef): string {
  return `${kind}/${name}`;
}
