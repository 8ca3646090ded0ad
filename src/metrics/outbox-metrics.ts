import type { OutboxView } from '../addresses/outbox-view';
import type { Metrics } from './metric-set';

/** What waits on this node's disk for queues of other nodes. */
export function addOutbox(metrics: Metrics, views: () => readonly OutboxView[]): void {
  const sum = (of: 'messages' | 'bytes'): number => views().reduce((total, view) => total + view[of], 0);
  const gauge = (name: string, help: string, value: () => number): void =>
    metrics.gauge(name, help, [], () => [[{}, value()]]);
  gauge('fairlead_outbox_messages', 'Messages on the disk that wait to be forwarded to queues of other nodes.', () =>
    sum('messages'),
  );
  gauge('fairlead_outbox_bytes', 'Their bytes.', () => sum('bytes'));
  gauge('fairlead_outbox_oldest_timestamp_seconds', 'When the oldest of them came; 0 when none waits.', () => {
    const oldest = views().reduce((least, { oldestAt }) => Math.min(least, oldestAt ?? Infinity), Infinity);
    return oldest === Infinity ? 0 : oldest / 1000;
  });
  gauge(
    'fairlead_outbox_stuck',
    'Queues of other nodes whose homes have taken none for long, or that are damaged.',
    () => views().filter(({ state }) => state !== 'ok').length,
  );
}
