import type { QueueView } from '../queues/contract';
import type { Labels, Metrics, Sample } from './metric-set';

/**
 * Past so many queues, and for temporary ones, whose names come from clients, what they have is summed under `other`; that of
 * subscriptions, whose names do so too, under the name that begins theirs.
 */
const QUEUE_LABELS_MAX = 200;

const SUBSCRIPTIONS = '$sub';

const COUNTERS = [
  ['fairlead_queue_puts_total', 'Messages put into a queue of this node.', 'put'],
  ['fairlead_queue_removed_total', 'Messages settled by consumers, and gone.', 'removed'],
  ['fairlead_queue_expired_total', 'Messages that expired.', 'expired'],
  ['fairlead_queue_dead_lettered_total', 'Messages moved to a dead-letter address.', 'deadLettered'],
  ['fairlead_queue_duplicates_total', 'Messages that were put before, and not stored again.', 'duplicates'],
] as const;
const STATES = ['ready', 'delayed', 'acquired'] as const;
const DROP_REASONS = ['limit', 'maxDeliveries', 'rejected', 'failed'] as const;

/** What the queues hold whose home is this node. */
export function addQueues(metrics: Metrics, views: () => readonly QueueView[]): void {
  const labelled = (): (readonly [QueueView, Labels])[] => {
    let named = 0;
    return views().map((view) => {
      if (view.name.startsWith(`${SUBSCRIPTIONS}/`)) return [view, { queue: SUBSCRIPTIONS }];
      const isNamed = !view.temporary && named++ < QUEUE_LABELS_MAX;
      return [view, { queue: isNamed ? view.name : 'other' }];
    });
  };
  metrics.gauge('fairlead_queue_messages', 'Messages in a queue, by state.', ['queue', 'state'], () =>
    labelled().flatMap(([view, labels]) => STATES.map((state): Sample => [{ ...labels, state }, view[state]])),
  );
  metrics.gauge('fairlead_queue_bytes', 'Bytes of the messages in a queue.', ['queue'], () =>
    labelled().map(([view, labels]): Sample => [labels, view.bytes]),
  );
  metrics.gauge('fairlead_queue_consumers', 'Consumers of a queue, of all sites.', ['queue'], () =>
    labelled().map(([view, labels]): Sample => [labels, view.consumers]),
  );
  metrics.gauge('fairlead_subscriptions', 'Durable and shared subscriptions that live at this node.', ['durable'], () =>
    [true, false].map((durable): Sample => [
      { durable: String(durable) },
      views().filter(({ name, temporary }) => name.startsWith(`${SUBSCRIPTIONS}/`) && temporary !== durable).length,
    ]),
  );
  metrics.gauge('fairlead_queues_damaged', 'Queues that are closed because a record is damaged.', [], () => [
    [{}, views().filter(({ state }) => state === 'damaged').length],
  ]);
  metrics.counter(
    'fairlead_queue_dropped_total',
    'Messages dropped by a limit, dead without a dead-letter address, or lost to a failure, by reason.',
    ['queue', 'reason'],
    () =>
      labelled().flatMap(([{ drops }, labels]) =>
        DROP_REASONS.map((reason): Sample => [{ ...labels, reason }, drops[reason]]),
      ),
  );
  for (const [name, help, key] of COUNTERS)
    metrics.counter(name, help, ['queue'], () => labelled().map(([view, labels]): Sample => [labels, view[key]]));
}
