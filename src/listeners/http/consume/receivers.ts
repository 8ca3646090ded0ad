import type { FairleadError } from '../../../common/errors';
import { OUTCOME, type Outcome } from '../../../streams/contract';
import { HttpError } from '../errors';
import type { Exchange } from '../exchange';
import type { HttpEdgeOptions } from '../http-options';
import { DELIVERIES_MAX, LOCK_MS, LOCK_MS_MAX, RECEIVE_MS, WAIT_MS_MAX } from '../limits';
import { durationOf, flagOf, type Target } from '../target';
import { type Delivery, type DeliveryBook, LockedReceiver } from './locked-receiver';
import { consumeWish } from './subscription-wish';

/** What a client can do with a delivery that it has. */
export type Verb = 'accept' | 'release' | 'reject' | 'renew';

/** Messages that requests have received, one by one, and have not settled yet. */
export class Receivers implements DeliveryBook {
  readonly #receivers = new Map<string, LockedReceiver>();
  readonly #deliveries = new Map<string, Delivery>();

  constructor(private readonly options: HttpEdgeOptions) {}

  get full(): boolean {
    return this.#deliveries.size >= DELIVERIES_MAX;
  }

  /** `POST …/receive`. @throws FairleadError */
  receive(exchange: Exchange, target: Target): void {
    const { addresses, budget } = this.options;
    const wish = consumeWish(addresses, target);
    if (wish.kind !== 'queue' && wish.subscription === null)
      throw new HttpError(
        'FL_HTTP_REQUEST',
        'only a queue, or a subscription by durable, keeps messages to be received',
      );
    if (wish.browse) throw new HttpError('FL_HTTP_REQUEST', 'browse: by GET as text/event-stream');
    if (this.full) throw new HttpError('FL_HTTP_BUSY', `more than ${DELIVERIES_MAX} locked deliveries`);
    const waitMs = durationOf(target.query, 'wait', RECEIVE_MS, WAIT_MS_MAX);
    const lockMs = durationOf(target.query, 'lock', LOCK_MS, LOCK_MS_MAX);
    const key = JSON.stringify([wish.address, wish.client, wish.subscription, wish.selector?.text ?? null]);
    let receiver = this.#receivers.get(key);
    if (receiver === undefined || receiver.closed) {
      if (budget.links >= budget.linksMax)
        throw new HttpError('FL_HTTP_BUSY', `more than ${budget.linksMax} links of clients`);
      receiver = new LockedReceiver(this.options, this, wish, wish.client ?? exchange.client);
      this.#receivers.set(key, receiver);
    }
    receiver.receive(exchange, waitMs, lockMs);
  }

  /** `DELETE …/deliveries/{token}` and its kin. @throws FairleadError */
  settle(exchange: Exchange, { query }: Target, token: string, verb: Verb): void {
    const delivery = this.#deliveries.get(token);
    if (delivery === undefined)
      throw new HttpError('FL_HTTP_DELIVERY', 'no delivery here has this token, or not any more: its lock has ended');
    if (verb === 'renew') {
      delivery.dueAtMs = this.options.deadlines.now() + durationOf(query, 'lock', LOCK_MS, LOCK_MS_MAX);
      exchange.answer(204, {}, null);
      return;
    }
    const outcome = outcomeOf(verb, query);
    delivery.onSettled = (error: FairleadError | null) => {
      if (error === null) exchange.answer(204, {}, null);
      else exchange.problem(error);
    };
    delivery.receiver.settle(delivery, outcome);
  }

  add(delivery: Delivery): void {
    this.#deliveries.set(delivery.token, delivery);
    this.options.deadlines.add(delivery);
  }

  remove(delivery: Delivery): void {
    const wasFull = this.full;
    this.#deliveries.delete(delivery.token);
    this.options.deadlines.remove(delivery);
    if (!wasFull) return;
    // Requests wait for room, whoever made it.
    for (const receiver of this.#receivers.values()) {
      if (this.full) return;
      receiver.pump();
    }
  }

  ended(receiver: LockedReceiver): void {
    for (const [key, one] of this.#receivers) if (one === receiver) this.#receivers.delete(key);
  }
}

function outcomeOf(verb: Verb, query: URLSearchParams): Outcome {
  if (verb === 'accept') return OUTCOME.accepted;
  if (verb === 'reject') return OUTCOME.rejected;
  return flagOf(query, 'failed') ? OUTCOME.modifiedFailed : OUTCOME.released;
}
