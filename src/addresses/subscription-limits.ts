import type { QueueHost } from '../queues/contract';
import { AddressError } from './errors';
import { SUBSCRIPTIONS_MAX, SUBSCRIPTIONS_OF_CLIENT_MAX } from './limits';
import type { AddressCounters } from './ports';
import { isSubscriptionQueue } from './reserved-names';

/**
 * A durable subscription is to be made here.
 * @param queue the one that it will be
 * @throws AddressError when there are as many as there may be
 */
export function checkRoom({ stored }: QueueHost, queue: string, counters: AddressCounters): void {
  const owner = queue.slice(0, queue.lastIndexOf('/') + 1);
  let all = 0;
  let own = 0;
  for (const name of stored) {
    if (!isSubscriptionQueue(name)) continue;
    all++;
    if (name.startsWith(owner)) own++;
  }
  if (all < SUBSCRIPTIONS_MAX && own < SUBSCRIPTIONS_OF_CLIENT_MAX) return;
  counters.queuesRefused++;
  const whose = all < SUBSCRIPTIONS_MAX ? `${SUBSCRIPTIONS_OF_CLIENT_MAX} of this client` : String(SUBSCRIPTIONS_MAX);
  throw new AddressError('FL_SUBSCRIPTION_LIMIT', `there are ${whose} durable subscriptions at this node already`);
}
