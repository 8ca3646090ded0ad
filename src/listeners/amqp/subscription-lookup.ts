import type { SubscriptionView } from '../../addresses/contract';
import type { Source } from '../../amqp/codec/types';
import { CONDITION } from '../../amqp/constants';
import type { SenderLink } from '../../amqp/sender-link';
import { FairleadError } from '../../common/errors';
import type { ClientContext } from './client-options';
import { filtersOf } from './source-filters';
import { answerLookupEnd } from './subscription-end';
import { GLOBAL, SHARED, subscriptionLookedFor } from './subscription-identity';
import { SOURCE_OUTCOMES } from './termini';

/** What an attach without a source has found. */
export interface Found {
  /** The source that the subscription has. */
  readonly source: Source;
  /** Whether it is still there, and the same. @throws FairleadError when it has ended, or was made anew for something else */
  readonly check: () => void;
  /** The link is over: where its client has closed it, the subscription ends, and then the client is answered. */
  readonly closing: () => void;
}

/** Finds the durable subscription that a link without a source names. @throws FairleadError when there is none */
export function lookedUp(link: SenderLink, { addresses, budget, client }: ClientContext): Found {
  const ref = subscriptionLookedFor(link.name, client, link.remote?.desiredCapabilities ?? []);
  const view = addresses.findSubscription(ref);
  if (view?.durable !== true) throw new NoSubscriptionError(ref.name, ref.client);
  budget.links++;
  return {
    source: sourceOf(view),
    check: () => {
      const now = addresses.findSubscription(ref);
      if (now?.durable !== true || !selectSame(now, view)) throw new NoSubscriptionError(ref.name, ref.client);
    },
    closing: () => {
      budget.links--;
      answerLookupEnd(link, addresses, ref);
    },
  };
}

function selectSame(one: SubscriptionView, other: SubscriptionView): boolean {
  const { filter, selector, noLocal, shared } = one;
  return filter === other.filter && selector === other.selector && noLocal === other.noLocal && shared === other.shared;
}

function sourceOf({ filter, selector, noLocal, shared, client }: SubscriptionView): Source {
  return {
    type: 'source',
    address: `topic/${filter}`,
    durable: 2,
    expiryPolicy: 'never',
    timeout: 0,
    distributionMode: 'copy',
    filter: filtersOf(selector, noLocal),
    defaultOutcome: { type: 'released' },
    outcomes: SOURCE_OUTCOMES,
    capabilities: ['topic', ...(shared ? [SHARED] : []), ...(client === null ? [GLOBAL] : [])],
  };
}

/** Nobody has made a durable subscription of that name, or it has ended, or is another one since. */
class NoSubscriptionError extends FairleadError {
  constructor(name: string, client: string | null) {
    const owner = client === null ? 'of all clients' : `of client '${client}'`;
    super('FL_SUBSCRIPTION_UNKNOWN', `there is no durable subscription '${name}' ${owner}`, {
      condition: CONDITION.notFound,
    });
  }
}
