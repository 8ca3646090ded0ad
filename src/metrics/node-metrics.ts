import { Registry, collectDefaultMetrics } from 'prom-client';
import type { OutboxView } from '../addresses/outbox-view';
import type { ConfigChecks } from '../config/live-config';
import type { MeshNode } from '../mesh/contract';
import type { QueueView } from '../queues/contract';
import type { LinkRow } from '../runtime/link-rows';
import type { ListenerRow } from '../runtime/listener-manager';
import type { ClientListener, PeerErrors } from '../runtime/ports';
import type { StoreUsage } from '../store/queue-store';
import type { TunnelSpace } from '../tunnels/contract';
import type { LagSample } from './loop-lag';
import { type Labels, Metrics, type Sample } from './metric-set';
import { addClients } from './client-metrics';
import { addOutbox } from './outbox-metrics';
import { addQueues } from './queue-metrics';
import { addTunnels } from './tunnel-metrics';

/** Everything is read when scraped: between scrapes metrics cost nothing. */
export interface MetricSources {
  readonly node: Pick<MeshNode, 'counters' | 'pools' | 'identity' | 'clientView'>;
  readonly queues: () => readonly QueueView[];
  readonly outbox: () => readonly OutboxView[];
  readonly tunnels: () => Pick<TunnelSpace, 'tally' | 'outgoing' | 'incoming'>;
  readonly links: () => readonly LinkRow[];
  readonly listeners: () => readonly ListenerRow[];
  readonly listenerCounters: () => readonly (Pick<ClientListener, 'errors' | 'counters'> & { readonly name: string })[];
  readonly meshErrors: () => PeerErrors;
  readonly lag: () => readonly LagSample[];
  readonly spool: () => { readonly files: number; readonly bytes: number };
  readonly stateWrites: () => { readonly pending: number; readonly failed: number };
  readonly queueStore: () => StoreUsage;
  readonly configChecks: () => ConfigChecks;
  readonly version: string;
}

/** Neighbours choose the names of links they dial: past this many, links are summed under `other`. */
const LINK_LABELS_MAX = 200;
const LINK_STATES = ['connecting', 'synchronising', 'up', 'draining', 'down'] as const;

/** @returns a registry of its own: several nodes may live in one process */
export function createNodeMetrics(sources: MetricSources): Registry {
  const registry = new Registry();
  const metrics = new Metrics(registry);
  addProcess(metrics, sources);
  addListeners(metrics, sources);
  addMessages(metrics, sources);
  addLinks(metrics, sources);
  addQueues(metrics, sources.queues);
  addOutbox(metrics, sources.outbox);
  addTunnels(metrics, sources.tunnels);
  addClients(metrics, () => sources.node.clientView());
  addMemory(metrics, sources);
  addQueueStore(metrics, sources);
  addConfig(metrics, sources);
  collectDefaultMetrics({ register: registry });
  return registry;
}

function addProcess(metrics: Metrics, { node, lag, listeners, version }: MetricSources): void {
  const build = { version, node: node.identity.name, site: node.identity.site, node_version: process.version };
  metrics.gauge('fairlead_build_info', 'Always 1; what runs here.', Object.keys(build), () => [[build, 1]]);
  metrics.gauge(
    'fairlead_event_loop_lag_seconds',
    'Delay of the event loop over the last 30 to 60 s.',
    ['quantile'],
    () => lag().map(({ quantile, seconds }): Sample => [{ quantile }, seconds]),
  );
  metrics.gauge('fairlead_connections', 'Open client connections.', ['listener', 'protocol'], () =>
    listeners().map(({ name, protocol, connections }): Sample => [{ listener: name, protocol }, connections]),
  );
}

function addListeners(metrics: Metrics, { listenerCounters, meshErrors }: MetricSources): void {
  const plain = [
    ['fairlead_connections_accepted_total', 'Client connections taken.', 'accepted'],
    ['fairlead_connections_refused_total', 'Client connections refused at a limit.', 'refused'],
    ['fairlead_listener_messages_in_total', 'Messages taken from clients.', 'messagesIn'],
    ['fairlead_listener_messages_out_total', 'Messages given to clients.', 'messagesOut'],
    ['fairlead_messages_unroutable_total', 'Messages rejected before they had an address.', 'messagesRejected'],
    ['fairlead_replies_late_total', 'Replies dropped, for their requests over HTTP waited no longer.', 'repliesLate'],
  ] as const;
  for (const [metric, help, key] of plain)
    metrics.counter(metric, help, ['listener'], () =>
      listenerCounters().map(({ name, counters }): Sample => [{ listener: name }, counters[key]]),
    );
  const errors = (): { readonly name: string; readonly errors: PeerErrors }[] => [
    ...listenerCounters(),
    { name: 'mesh', errors: meshErrors() },
  ];
  metrics.counter(
    'fairlead_protocol_errors_total',
    'Links, sessions and connections ended because the peer broke the protocol, by AMQP condition.',
    ['listener', 'condition'],
    () =>
      errors().flatMap(({ name, errors: { counts } }) =>
        [...counts].map(([condition, count]): Sample => [{ listener: name, condition }, count]),
      ),
  );
  metrics.counter('fairlead_peer_log_lines_suppressed_total', 'Log lines about peers left out.', ['listener'], () =>
    errors().map(({ name, errors: { suppressed } }): Sample => [{ listener: name }, suppressed]),
  );
}

function addMessages(metrics: Metrics, { node }: MetricSources): void {
  const plain = [
    ['fairlead_messages_in_total', 'Messages taken from local publishers.', 'published'],
    ['fairlead_messages_out_total', 'Messages given to local consumers.', 'delivered'],
    ['fairlead_frames_forwarded_total', 'Batches passed on for others.', 'forwardedFrames'],
    ['fairlead_frames_resent_total', 'Batches sent again.', 'resentFrames'],
    ['fairlead_frames_duplicate_total', 'Batches that had already come.', 'duplicateFrames'],
    [
      'fairlead_congestion_drops_total',
      'Batches dropped at a full link queue; their origin sends them again.',
      'congestionDrops',
    ],
    ['fairlead_gap_reports_total', 'Missing batches reported to their origin.', 'gapReports'],
    ['fairlead_reroutes_total', 'Times a path changed because an edge vanished.', 'reroutes'],
    ['fairlead_shut_windows_total', "Times a destination's window was shut.", 'shutWindows'],
    ['fairlead_holds_total', 'Times traffic was held for an unreachable node.', 'holds'],
    ['fairlead_peer_restarts_total', 'New lives of other nodes seen.', 'restartsSeen'],
    ['fairlead_hop_limit_drops_total', 'Batches dropped at the hop limit.', 'hopLimitDrops'],
    [
      'fairlead_gaps_total',
      'Times that messages of another node for this one were given up, or may have been.',
      'gaps',
    ],
    ['fairlead_chokes_total', 'Times an origin was asked to hold publishers of an address back.', 'chokes'],
    [
      'fairlead_overflows_total',
      'Anycast messages that went past the nearest site because its quota was full.',
      'overflows',
    ],
    ['fairlead_puts_resent_total', 'Messages for queues of other nodes that had to be sent again.', 'putsResent'],
    ['fairlead_puts_repeated_total', 'Messages for queues here that were there already.', 'putsRepeated'],
    [
      'fairlead_circuits_reopened_total',
      'Times the way of a consumer to a queue of another node broke and was found again.',
      'circuitsReopened',
    ],
    [
      'fairlead_queues_refused_total',
      'Queues and durable subscriptions that were not made, for there were as many as may be.',
      'queuesRefused',
    ],
    [
      'fairlead_subscription_handovers_cut_total',
      'Durable subscriptions that moved here while a node was away that may have messages for them: these may come out of order.',
      'handoversCut',
    ],
    ['fairlead_frames_damaged_total', 'Batches whose checksum was wrong; each cost its link.', 'damagedFrames'],
  ] as const;
  for (const [name, help, key] of plain) metrics.counter(name, help, [], () => [[{}, node.counters()[key]]]);
  metrics.counter('fairlead_messages_dropped_total', 'Messages given up, by reason.', ['reason'], () =>
    [...node.counters().dropped].map(([reason, count]): Sample => [{ reason }, count]),
  );
}

function addLinks(metrics: Metrics, { links }: MetricSources): void {
  const labelled = (): (readonly [LinkRow, Labels])[] =>
    links().map((row, i) => {
      const named = i < LINK_LABELS_MAX;
      return [row, { link: named ? row.name : 'other', peer: named ? (row.peer?.node ?? '') : '' }];
    });
  metrics.gauge('fairlead_links', 'Links by state.', ['state'], () => {
    const rows = links();
    return LINK_STATES.map((state): Sample => [{ state }, rows.filter((row) => row.state === state).length]);
  });
  metrics.counter('fairlead_link_bytes_total', 'Bytes over a link, by direction.', ['link', 'peer', 'direction'], () =>
    labelled().flatMap(([row, labels]): Sample[] => [
      [{ ...labels, direction: 'in' }, row.bytesIn],
      [{ ...labels, direction: 'out' }, row.bytesOut],
    ]),
  );
  metrics.gauge('fairlead_link_queued_bytes', 'Bytes that wait for a link.', ['link', 'peer'], () =>
    labelled().map(([row, labels]): Sample => [labels, row.queuedBytes]),
  );
  metrics.gauge('fairlead_link_round_trip_seconds', 'Round-trip time of a link.', ['link', 'peer'], () =>
    labelled().flatMap(([row, labels]): Sample[] =>
      row.roundTripMs === null || labels['link'] === 'other' ? [] : [[labels, row.roundTripMs / 1000]],
    ),
  );
  metrics.gauge('fairlead_link_cost', 'Cost of a link.', ['link', 'peer'], () =>
    labelled().flatMap(([row, labels]): Sample[] => (labels['link'] === 'other' ? [] : [[labels, row.cost]])),
  );
}

function addMemory(metrics: Metrics, { node, spool, stateWrites }: MetricSources): void {
  metrics.gauge('fairlead_pool_bytes', 'Bytes held in a memory pool.', ['pool'], () =>
    node.pools().map(({ name, used }): Sample => [{ pool: name }, used]),
  );
  metrics.gauge('fairlead_pool_capacity_bytes', 'Size of a memory pool.', ['pool'], () =>
    node.pools().map(({ name, capacity }): Sample => [{ pool: name }, capacity]),
  );
  metrics.gauge('fairlead_spool_bytes', 'Bytes of large messages on disk.', [], () => [[{}, spool().bytes]]);
  metrics.gauge('fairlead_spool_files', 'Large messages on disk.', [], () => [[{}, spool().files]]);
  metrics.gauge('fairlead_state_writes_pending', 'Writes of facts not yet committed.', [], () => [
    [{}, stateWrites().pending],
  ]);
  metrics.counter('fairlead_state_writes_failed_total', 'Writes of facts that failed.', [], () => [
    [{}, stateWrites().failed],
  ]);
}

const STORE_STATES = ['ok', 'full', 'failed'] as const;

function addQueueStore(metrics: Metrics, { queueStore }: MetricSources): void {
  metrics.gauge('fairlead_queue_store_state', '1 for the state of the store of queues.', ['state'], () => {
    const { state: now } = queueStore();
    return STORE_STATES.map((state): Sample => [{ state }, state === now ? 1 : 0]);
  });
  metrics.gauge('fairlead_queue_store_bytes', 'Bytes of its file, and those in use.', ['kind'], () => {
    const { usedBytes, fileBytes } = queueStore();
    return [
      [{ kind: 'used' }, usedBytes],
      [{ kind: 'file' }, fileBytes],
    ];
  });
  metrics.gauge('fairlead_queue_store_unflushed_bytes', 'Bytes of changes that are not on the disk yet.', [], () => [
    [{}, queueStore().unflushedBytes],
  ]);
  metrics.counter('fairlead_queue_store_failures_total', 'Writes of the store of queues that failed.', [], () => [
    [{}, queueStore().failures],
  ]);
}

function addConfig(metrics: Metrics, { configChecks }: MetricSources): void {
  metrics.counter(
    'fairlead_config_checks_total',
    'Changed site documents that were checked, by result.',
    ['result'],
    () => (['accepted', 'refused'] as const).map((result): Sample => [{ result }, configChecks()[result]]),
  );
  metrics.counter('fairlead_config_check_seconds_total', 'Time that checking changed site documents took.', [], () => [
    [{}, configChecks().seconds],
  ]);
}
