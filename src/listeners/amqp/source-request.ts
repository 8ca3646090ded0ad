import type { AddressKind, AddressSpace, KindHint, QueueAttach, SubscriptionSpec } from '../../addresses/contract';
import { parseAddress } from '../../addresses/names';
import type { Source } from '../../amqp/codec/types';
import type { SenderLink } from '../../amqp/sender-link';
import type { MessageFilter } from '../../queues/message-filter';
import type { ClientContext } from './client-options';
import { hintOf } from './hints';
import { servedFilters, sourceFilters, type SourceFilters } from './source-filters';
import { subscriptionOf } from './subscription-identity';
import { EXCLUSIVE, sourceAnswer } from './termini';

/** What a client's attach asks of the source of its receiving link. */
export class SourceRequest {
  readonly hint: KindHint;
  /** The subscription that it is of; null for a plain consumer. */
  readonly subscription: SubscriptionSpec | null;
  readonly #filters: SourceFilters;
  readonly #exclusive: boolean;

  /** @throws FairleadError when it asks for what cannot be */
  constructor(
    private readonly source: Source,
    link: SenderLink,
    { addresses, client }: ClientContext,
  ) {
    this.hint = hintOf(source.capabilities);
    this.#filters = sourceFilters(source.filter);
    this.#exclusive =
      source.capabilities?.includes(EXCLUSIVE) === true || link.remote?.properties?.named(EXCLUSIVE) === true;
    const subscription = this.dynamic ? null : subscriptionOf(link.name, client, source);
    this.subscription = subscription !== null && isOfTopics(addresses, source, this.hint) ? subscription : null;
  }

  get dynamic(): boolean {
    return this.source.dynamic === true;
  }

  /** Of a queue, or a subscription. JMS clients ask topics for copies too, where everybody gets one. */
  get queue(): QueueAttach {
    const { selector, noLocal } = this.#filters;
    const plain = this.subscription === null;
    return {
      browse: plain && this.source.distributionMode === 'copy',
      selector: selector?.text ?? null,
      noLocal,
      exclusive: plain && this.#exclusive,
    };
  }

  /** The selector that is to be applied at the end of the way: a message of a topic has no place that it could wait at for others. */
  selectorOf(kind: AddressKind): MessageFilter | null {
    return kind === 'topic' || kind === 'multicast' ? this.#filters.selector : null;
  }

  /** The answer to the attach: what is served of it. */
  answer(address: string, kind: AddressKind): Source {
    const { source, subscription } = this;
    const isQueue = kind === 'queue';
    const served = { selector: isQueue || this.selectorOf(kind) !== null, noLocal: isQueue || kind === 'topic' };
    return sourceAnswer(source, {
      address,
      kind: subscription === null ? kind : 'topic',
      browse: isQueue && this.queue.browse,
      exclusive: isQueue && this.queue.exclusive,
      subscription,
      filter: servedFilters(source.filter, served),
    });
  }
}

/** What queues keep they keep for all: a subscription to one is a plain consumer. */
function isOfTopics(addresses: AddressSpace, { address }: Source, hint: KindHint): boolean {
  const name = address ?? '';
  if (parseAddress(name).wild) return true;
  const { kind } = addresses.resolve(name, hint);
  return kind === 'topic' || kind === 'multicast';
}
