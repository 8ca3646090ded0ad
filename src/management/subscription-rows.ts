import type { SubscriptionView } from '../addresses/contract';
import type { QueueView } from '../queues/contract';
import type { QueueRow } from './queue-rows';

/** A subscription that is more than its consumer: durable, or shared. */
export interface SubscriptionRow extends SubscriptionView {
  /** The queue that it is, with what it holds; null where that is another node's. */
  readonly here: QueueRow['here'];
}

export interface SubscriptionsAnswer {
  readonly subscriptions: readonly SubscriptionRow[];
}

/** All subscriptions of the mesh, by what they are called. */
export function subscriptionRows(all: Iterable<SubscriptionView>, queues: readonly QueueView[]): SubscriptionRow[] {
  const views = new Map(queues.map(({ name, ...here }) => [name, here]));
  const rows = [...all].map((view) => ({ ...view, here: views.get(view.queue) ?? null }));
  return rows.sort(
    (a, b) => byText(a.client ?? '', b.client ?? '') || byText(a.name, b.name) || byText(a.queue, b.queue),
  );
}

function byText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
