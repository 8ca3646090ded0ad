import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { linkRows } from '../runtime/link-rows';
import { FakeMeshNode, view } from '../runtime/runtime.fixture';
import { type MetricSources, createNodeMetrics } from './node-metrics';
import type { QueueView } from '../queues/contract';
import { metricsReferencePage } from './reference';

function queueView(name: string, temporary = false): QueueView {
  const counts = { depth: 6, ready: 3, delayed: 2, acquired: 1, bytes: 600, consumers: 4 };
  const totals = { put: 10, removed: 1, expired: 2, deadLettered: 3, dropped: 4, duplicates: 5 };
  const drops = { limit: 4, maxDeliveries: 0, rejected: 0, failed: 0 };
  return { name, state: 'open', temporary, ...counts, ...totals, drops };
}

function sources(more: Partial<MetricSources> = {}): MetricSources {
  return {
    node: new FakeMeshNode(),
    queues: () => [
      queueView('jobs'),
      queueView('reply', true),
      queueView('other', true),
      queueView('$sub/app/inbox'),
      queueView('$sub/app/team'),
      queueView('$sub/app/team/volatile', true),
    ],
    tunnels: () => ({
      tally: {
        ...{ opened: 9, accepted: 8, failed: 1, retried: 2, bytesIn: 100, bytesOut: 200, servicesIgnored: 0 },
        refusals: new Map([['full', 3] as const]),
        resets: new Map([['peer', 4] as const]),
      },
      outgoing: 5,
      incoming: 6,
    }),
    outbox: () => [
      { queue: 'a', home: 'west', messages: 3, bytes: 30, oldestAt: 1_500, state: 'stuck', refusal: null },
      { queue: 'b', home: 'west', messages: 2, bytes: 20, oldestAt: null, state: 'ok', refusal: null },
    ],
    links: () => linkRows([], [view()]),
    listeners: () => [{ name: 'amqp', protocol: 'amqp', host: '127.0.0.1', port: 5672, connections: 3 }],
    listenerCounters: () => [
      {
        name: 'amqp',
        errors: { counts: new Map([['amqp:decode-error', 2]]), suppressed: 1 },
        counters: { accepted: 5, refused: 1, messagesIn: 12, messagesOut: 9, messagesRejected: 0, repliesLate: 0 },
      },
    ],
    meshErrors: () => ({ counts: new Map([['amqp:connection:framing-error', 4]]), suppressed: 0 }),
    lag: () => [{ quantile: '0.99', seconds: 0.002 }],
    spool: () => ({ files: 1, bytes: 2_048 }),
    stateWrites: () => ({ pending: 6, failed: 7 }),
    queueStore: () => ({ state: 'full', usedBytes: 1000, fileBytes: 4000, unflushedBytes: 20, failures: 3 }),
    configChecks: () => ({ accepted: 3, refused: 2, seconds: 0.25 }),
    version: '1.2.3',
    ...more,
  };
}

async function linesOf(more: Partial<MetricSources> = {}): Promise<string[]> {
  const text = await createNodeMetrics(sources(more)).metrics();
  return text.split('\n').filter((line) => line.startsWith('fairlead_'));
}

describe('the metrics of a node', () => {
  it('tell what the parts of the node say when they are read', async () => {
    expect(await linesOf()).toEqual(
      expect.arrayContaining([
        'fairlead_connections{listener="amqp",protocol="amqp"} 3',
        'fairlead_tunnels{direction="in"} 6',
        'fairlead_tunnel_bytes_total{direction="out"} 200',
        'fairlead_tunnels_refused_total{reason="full"} 3',
        'fairlead_tunnels_reset_total{reason="lost"} 0',
        'fairlead_tunnels_reset_total{reason="peer"} 4',
        'fairlead_connections_accepted_total{listener="amqp"} 5',
        'fairlead_connections_refused_total{listener="amqp"} 1',
        'fairlead_protocol_errors_total{listener="amqp",condition="amqp:decode-error"} 2',
        'fairlead_protocol_errors_total{listener="mesh",condition="amqp:connection:framing-error"} 4',
        'fairlead_messages_in_total 7',
        'fairlead_messages_out_total 5',
        'fairlead_messages_dropped_total{reason="noSubscriber"} 2',
        'fairlead_links{state="up"} 1',
        'fairlead_links{state="down"} 0',
        'fairlead_link_bytes_total{link="to-west",peer="west",direction="in"} 100',
        'fairlead_link_bytes_total{link="to-west",peer="west",direction="out"} 200',
        'fairlead_link_round_trip_seconds{link="to-west",peer="west"} 0.0015',
        'fairlead_link_cost{link="to-west",peer="west"} 10',
        'fairlead_pool_bytes{pool="ingress"} 10',
        'fairlead_pool_capacity_bytes{pool="ingress"} 100',
        'fairlead_event_loop_lag_seconds{quantile="0.99"} 0.002',
        'fairlead_spool_bytes 2048',
        'fairlead_queue_messages{queue="jobs",state="ready"} 3',
        'fairlead_queue_messages{queue="other",state="acquired"} 2',
        'fairlead_queue_consumers{queue="jobs"} 4',
        'fairlead_queue_duplicates_total{queue="other"} 10',
        'fairlead_queue_dropped_total{queue="jobs",reason="limit"} 4',
        'fairlead_queue_dropped_total{queue="other",reason="failed"} 0',
        'fairlead_queue_messages{queue="$sub",state="ready"} 9',
        'fairlead_subscriptions{durable="true"} 2',
        'fairlead_subscriptions{durable="false"} 1',
        'fairlead_queues_damaged 0',
        'fairlead_outbox_messages 5',
        'fairlead_outbox_bytes 50',
        'fairlead_outbox_oldest_timestamp_seconds 1.5',
        'fairlead_outbox_stuck 1',
        'fairlead_state_writes_failed_total 7',
        'fairlead_queue_store_state{state="ok"} 0',
        'fairlead_queue_store_state{state="full"} 1',
        'fairlead_queue_store_bytes{kind="used"} 1000',
        'fairlead_queue_store_bytes{kind="file"} 4000',
        'fairlead_queue_store_unflushed_bytes 20',
        'fairlead_queue_store_failures_total 3',
        'fairlead_config_checks_total{result="refused"} 2',
        'fairlead_config_check_seconds_total 0.25',
      ]),
    );
  });

  it('read twice say the same: nothing is counted by reading', async () => {
    const registry = createNodeMetrics(sources());
    const ours = (text: string) => text.split('\n').filter((line) => line.startsWith('fairlead_'));
    expect(ours(await registry.metrics())).toEqual(ours(await registry.metrics()));
  });

  it('do not grow with the names that neighbours choose: past a bound links are summed', async () => {
    const many = Array.from({ length: 250 }, (_, i) => view({ link: i, name: `link-${i}` }));
    const lines = await linesOf({ links: () => linkRows([], many) });
    const bytes = lines.filter((line) => line.startsWith('fairlead_link_bytes_total') && line.includes('"in"'));
    expect(bytes).toHaveLength(201);
    expect(bytes).toContain('fairlead_link_bytes_total{link="other",peer="",direction="in"} 5000');
  });

  it('are all in the reference (npm run docs:reference writes it)', () => {
    expect(readFileSync(join(__dirname, '../../docs/reference/metrics.md'), 'utf8')).toBe(metricsReferencePage());
  });
});
