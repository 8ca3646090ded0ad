import type { AddressRef, Consumer, ConsumerHandler } from '../../../addresses/contract';
import type { FairleadError } from '../../../common/errors';
import type { LargeBody } from '../../../streams/contract';
import type { Deadline } from '../../edge/deadlines';
import { DelayedDeliveries, type DelayedSubscriber } from '../../edge/delayed-deliveries';
import { selectsLarge } from '../../edge/selects-large';
import type { Exchange } from '../exchange';
import type { HttpEdgeOptions } from '../http-options';
import { answerLarge, answerMessage } from './raw-delivery';
import { consumerSpec, selectorHere, type ConsumeWish } from './subscription-wish';

/** A long poll: answers with the next message that is published to topics, or with nothing after a while. */
export class NextMessage implements ConsumerHandler, Deadline, DelayedSubscriber {
  #consumer: Consumer | null = null;
  #delayed: DelayedDeliveries | null = null;
  #done = false;
  readonly #selector;

  private constructor(
    private readonly exchange: Exchange,
    private readonly options: HttpEdgeOptions,
    wish: ConsumeWish,
    public dueAtMs: number,
  ) {
    this.#selector = selectorHere(wish);
  }

  /** @throws FairleadError when the address cannot be consumed */
  static open(exchange: Exchange, options: HttpEdgeOptions, wish: ConsumeWish, waitMs: number): void {
    const next = new NextMessage(exchange, options, wish, options.deadlines.now() + waitMs);
    next.#consumer = options.addresses.openConsumer(consumerSpec(wish, exchange.client, true), next);
    next.#delayed = DelayedDeliveries.of(next.#consumer, options.budget, next);
    options.budget.links++;
    options.deadlines.add(next);
    exchange.onGone = () => next.#close();
    if (next.#done) next.#close();
    else next.#consumer.pump();
  }

  ready(): boolean {
    return !this.#done && this.#delayed?.full !== true;
  }

  takes(): boolean {
    return !this.#done;
  }

  goOn(): void {
    this.#delayed?.giveDue();
    this.#consumer?.pump();
  }

  credit(): number {
    return this.#done ? 0 : 1;
  }

  deliver(_token: number, address: AddressRef, _settled: boolean, payload: Buffer, start: number, end: number): void {
    if (this.#done || this.#selector?.matches(payload, start, end) === false) return;
    if (this.#delayed?.keeps(address, payload, start, end) !== true) this.give(address, payload, start, end);
  }

  give(_address: AddressRef, payload: Buffer, start: number, end: number): void {
    this.#done = true;
    answerMessage(this.exchange, {}, payload, start, end);
    this.#closeSoon();
  }

  deliverLarge(_token: number, address: AddressRef, _settled: boolean, body: LargeBody): void {
    if (this.#done || (this.#selector !== null && !selectsLarge(this.#selector, body))) return;
    if (this.#delayed?.keepsLarge(address, body) !== true) this.giveLarge(address, body);
  }

  giveLarge(_address: AddressRef, body: LargeBody): void {
    this.#done = true;
    answerLarge(this.exchange, {}, body);
    this.#closeSoon();
  }

  /** Not within a delivery. */
  #closeSoon(): void {
    queueMicrotask(() => this.#close());
  }

  onDue(): void {
    this.#done = true;
    this.#close();
    this.exchange.answer(204, {}, null);
  }

  onGone(error: FairleadError): void {
    this.#done = true;
    this.#close();
    this.exchange.problem(error);
  }

  onConfirmed(): void {
    this.#consumer?.pump();
  }

  onGap(): void {
    // There was no message before this one that it could have missed.
  }

  onSettled(): void {
    // Nothing is settled later.
  }

  onDrained(): void {
    // Nothing is drained.
  }

  #close(): void {
    const consumer = this.#consumer;
    if (consumer === null) return;
    this.#consumer = null;
    this.#delayed?.clear();
    this.options.deadlines.remove(this);
    this.options.budget.links--;
    consumer.close(false, true);
  }
}
