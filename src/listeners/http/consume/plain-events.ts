import type { AddressRef, Consumer, ConsumerHandler, Gap } from '../../../addresses/contract';
import type { FairleadError } from '../../../common/errors';
import type { MessageFilter } from '../../../queues/message-filter';
import type { LargeBody } from '../../../streams/contract';
import type { Exchange } from '../exchange';
import type { HttpEdgeOptions } from '../http-options';
import { EventStream } from './event-stream';
import type { EventTexts } from './event-texts';
import { consumerSpec, selectorHere, type ConsumeWish } from './subscription-wish';

/** How much the mesh may hand over at once; what is ready is asked before each. */
const CREDIT = 1_000;
/** Bytes of a large message that a selector is asked about. */
const HEAD_BYTES = 128 * 1024;

/** A subscriber that gets what is published while its event stream is open, or looks at what a queue holds. */
export class PlainEvents implements ConsumerHandler {
  readonly #stream: EventStream;
  readonly #selector: MessageFilter | null;
  #consumer: Consumer | null = null;
  #confirmed = false;

  private constructor(
    exchange: Exchange,
    private readonly options: HttpEdgeOptions,
    wish: ConsumeWish,
    texts: EventTexts,
  ) {
    this.#stream = new EventStream(exchange, options.queue, texts, () => this.#consumer?.pump());
    this.#selector = selectorHere(wish);
  }

  /** @throws FairleadError when the address cannot be consumed */
  static open(exchange: Exchange, options: HttpEdgeOptions, wish: ConsumeWish, texts: EventTexts): void {
    const events = new PlainEvents(exchange, options, wish, texts);
    const consumer = options.addresses.openConsumer(consumerSpec(wish, exchange.client, true), events);
    options.budget.links++;
    events.#consumer = consumer;
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
    return this.#stream.ready;
  }

  credit(): number {
    return this.#stream.ready ? CREDIT : 0;
  }

  deliver(_token: number, address: AddressRef, _settled: boolean, payload: Buffer, start: number, end: number): void {
    if (this.#selector !== null && !this.#selector.matches(payload, start, end)) return;
    this.#stream.message(null, nameOf(address), payload, start, end);
  }

  deliverLarge(_token: number, address: AddressRef, _settled: boolean, body: LargeBody): void {
    if (this.#selector !== null && !selects(this.#selector, body)) return;
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
    consumer.close(false, true);
  }
}

/** An address as a client would write it. */
export function nameOf({ kind, name }: AddressRef): string {
  return `${kind}/${name}`;
}

function selects(selector: MessageFilter, body: LargeBody): boolean {
  const head = Buffer.allocUnsafe(Math.min(HEAD_BYTES, body.length));
  return selector.matches(head, 0, body.read(0, head));
}
