import { randomUUID } from 'node:crypto';
import type { AddressRef, Consumer, ConsumerHandler } from '../../../addresses/contract';
import type { FairleadError } from '../../../common/errors';
import type { LargeBody } from '../../../streams/contract';
import type { Deadline } from '../../edge/deadlines';
import type { ListenerCounters } from '../../edge/listener-counters';
import { HttpError } from '../errors';
import type { Exchange } from '../exchange';
import type { HttpEdgeOptions } from '../http-options';
import { LargeRendering } from './large-rendering';
import { answerLarge, answerMessage } from './raw-delivery';
import { rendered } from './rendering';

const CORRELATION = 'fairlead-correlation-id';

/** A request whose reply is waited for. */
interface Asking extends Deadline {
  readonly exchange: Exchange;
  readonly correlation: string;
}

/** The temporary queue where replies to one connection's requests come in; they are told apart by their correlation-id. */
export class ReplyBox implements ConsumerHandler {
  readonly #address: AddressRef;
  #consumer: Consumer | null = null;
  #asking: Asking | null = null;
  /** A request went without its reply, which may still come. */
  #unanswered = false;

  /** @throws FairleadError */
  constructor(
    private readonly options: HttpEdgeOptions,
    client: string,
    private readonly counters: ListenerCounters,
  ) {
    const { addresses, budget } = options;
    this.#address = addresses.temporary('queue');
    const spec = { address: this.#address.name, hint: 'queue' as const, client, settled: true };
    this.#consumer = addresses.openConsumer(spec, this);
    budget.links++;
  }

  /** It is gone, or what comes late could be taken for the reply to a later request: some who reply leave the correlation-id out. */
  get isUsedUp(): boolean {
    return this.#unanswered || this.#consumer === null;
  }

  /**
   * Begins to wait for the reply to a request.
   * @param correlation what the client calls it; null for a name of our own
   * @returns headers that the request is to have
   */
  ask(exchange: Exchange, correlation: string | null, withinMs: number): Record<string, string> {
    const asking: Asking = {
      exchange,
      correlation: correlation ?? randomUUID(),
      dueAtMs: this.options.deadlines.now() + withinMs,
      onDue: () => {
        this.#unanswered = true;
        this.#end();
        exchange.problem(new HttpError('FL_HTTP_REPLY', `nobody replied within ${withinMs / 1000} s`));
      },
    };
    this.#asking = asking;
    exchange.onGone = () => {
      this.#unanswered = true;
      this.#end();
    };
    this.options.deadlines.add(asking);
    return { [CORRELATION]: asking.correlation, 'fairlead-reply-to': this.#address.name };
  }

  /** The request was answered, or will not be. */
  #end(): void {
    if (this.#asking !== null) this.options.deadlines.remove(this.#asking);
    this.#asking = null;
  }

  /** The request was not published, as far as is known. */
  giveUp(exchange: Exchange): void {
    // It may have been answered meanwhile, and another one be waited for.
    if (this.#asking?.exchange !== exchange) return;
    this.#unanswered = true;
    exchange.onGone = null;
    this.#end();
  }

  ready(): boolean {
    return true;
  }

  credit(): number {
    return 1;
  }

  deliver(_token: number, _address: AddressRef, _settled: boolean, payload: Buffer, start: number, end: number): void {
    const exchange = this.#answered(rendered(payload, start, end).headers);
    if (exchange !== null) answerMessage(exchange, {}, payload, start, end);
  }

  deliverLarge(_token: number, _address: AddressRef, _settled: boolean, body: LargeBody): void {
    const exchange = this.#answered(new LargeRendering(body).headers);
    if (exchange !== null) answerLarge(exchange, {}, body);
  }

  /** The request that a reply is to; null for one that came too late. */
  #answered(headers: Readonly<Record<string, string>>): Exchange | null {
    const asking = this.#asking;
    const correlation = headers[CORRELATION];
    if (asking === null || (correlation !== undefined && correlation !== asking.correlation)) {
      this.counters.repliesLate++;
      return null;
    }
    this.#end();
    asking.exchange.onGone = null;
    return asking.exchange;
  }

  onGone(error: FairleadError): void {
    const exchange = this.#asking?.exchange;
    this.close();
    exchange?.problem(error);
  }

  onConfirmed(): void {
    this.#consumer?.pump();
  }

  onGap(): void {
    // A queue has no gaps.
  }

  onSettled(): void {
    // Nothing is settled later.
  }

  onDrained(): void {
    // Nothing is drained.
  }

  close(): void {
    this.#end();
    const consumer = this.#consumer;
    if (consumer === null) return;
    this.#consumer = null;
    this.options.budget.links--;
    consumer.close(false, true);
    this.options.addresses.dropTemporary(this.#address);
  }
}
