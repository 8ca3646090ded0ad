import { randomBytes } from 'node:crypto';
import { HttpError } from '../errors';
import type { Exchange } from '../exchange';
import type { HttpEdgeOptions } from '../http-options';
import { EVENT_STREAMS_MAX } from '../limits';
import type { Target } from '../target';
import { EventTexts } from './event-texts';
import { PlainEvents } from './plain-events';
import { ResumableEvents } from './resumable-events';
import { consumeWish, type ConsumeWish } from './subscription-wish';

const LAST_EVENT = /^([\w-]+)-(\d{1,15})$/;

/** Event streams of a node. */
export class EventStreams {
  /** Those that can be resumed, by who consumes what. */
  readonly #resumable = new Map<string, ResumableEvents>();
  readonly #texts = new EventTexts();

  constructor(private readonly options: HttpEdgeOptions) {}

  /** Answers a request for one. @throws FairleadError */
  open(exchange: Exchange, target: Target): void {
    const { addresses, budget } = this.options;
    if (budget.links >= budget.linksMax)
      throw new HttpError('FL_HTTP_BUSY', `more than ${budget.linksMax} links of clients`);
    const wish = consumeWish(addresses, target);
    const isKept = wish.subscription !== null || (wish.kind === 'queue' && !wish.browse);
    if (!isKept) {
      PlainEvents.open(exchange, this.options, wish, this.#texts);
      return;
    }
    if (wish.client === null)
      throw new HttpError('FL_HTTP_REQUEST', 'client: expected, to know who comes back with Last-Event-ID');
    this.#resume(exchange, target, wish);
  }

  #resume(exchange: Exchange, target: Target, wish: ConsumeWish): void {
    const key = JSON.stringify([wish.client, wish.subscription?.name ?? null, wish.address]);
    const former = this.#resumable.get(key);
    if (former === undefined) {
      this.#start(exchange, wish, key);
      return;
    }
    const last = LAST_EVENT.exec(exchange.header('last-event-id') ?? target.query.get('last-event-id') ?? '');
    // Of another life, or none: nothing of this one has been seen for certain.
    const seen = last?.[1] === former.id ? Number(last[2]) : 0;
    former.acknowledge(seen, () => {
      if (exchange.over) return;
      try {
        // Another request may have been quicker: then it is this one that takes over.
        this.#resume(exchange, target, wish);
      } catch (error) {
        exchange.fail(error);
      }
    });
  }

  #start(exchange: Exchange, wish: ConsumeWish, key: string): void {
    if (this.#resumable.size >= EVENT_STREAMS_MAX)
      throw new HttpError('FL_HTTP_BUSY', `more than ${EVENT_STREAMS_MAX} event streams`);
    const id = randomBytes(9).toString('base64url');
    const events = new ResumableEvents(id, this.options, wish, exchange, this.#texts, (ended) => {
      if (this.#resumable.get(key) === ended) this.#resumable.delete(key);
    });
    if (!events.closed) this.#resumable.set(key, events);
  }
}
