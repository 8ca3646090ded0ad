import type { ClientView } from '../sessions/client-core';
import type { Metrics } from './metric-set';

const GAUGES = [
  ['fairlead_retained_messages', 'Retained messages of the mesh, all of which each node has.', 'retained'],
  ['fairlead_retained_bytes', 'Memory of retained messages.', 'retainedBytes'],
  ['fairlead_sessions', 'Sessions of clients in the mesh.', 'sessions'],
  ['fairlead_sessions_connected', 'Sessions whose client is connected to this node.', 'sessionsHere'],
  ['fairlead_sessions_bytes', 'Memory of what each node knows of these sessions.', 'sessionsBytes'],
  ['fairlead_sessions_opening', 'Clients that wait for the node which has their session.', 'sessionsOpening'],
  ['fairlead_sessions_ending', 'Sessions whose durable subscriptions are being ended.', 'sessionsEnding'],
  ['fairlead_wills_waiting', 'Wills that wait until they can be published.', 'willsWaiting'],
  [
    'fairlead_client_table_tombstones',
    'Retained messages and sessions that are gone, and remembered as such.',
    'tombstones',
  ],
  [
    'fairlead_client_table_parts_behind',
    "Parts of other nodes' retained messages and sessions that are still to be fetched.",
    'partsBehind',
  ],
  [
    'fairlead_client_table_waiting',
    'Changes of retained messages and sessions that wait until other nodes have room for them.',
    'keysWaiting',
  ],
] as const;
const COUNTERS = [
  ['fairlead_retained_refused_total', 'Retained messages refused: too large, or no room.', 'retainedRefused'],
  ['fairlead_client_table_dropped_total', 'What other nodes told and there was no room for.', 'entriesDropped'],
  ['fairlead_client_table_taken_total', 'What other nodes told of retained messages and sessions.', 'entriesTaken'],
  [
    'fairlead_sessions_taken_total',
    'Connections that ended because their client came back elsewhere.',
    'sessionsTaken',
  ],
  ['fairlead_sessions_refused_total', 'Sessions that could not be opened.', 'sessionsRefused'],
  ['fairlead_wills_published_total', 'Wills published for clients that went without a word.', 'willsPublished'],
  ['fairlead_wills_dropped_total', 'Wills that could not be published.', 'willsDropped'],
] as const;

/** What clients have left in the mesh. */
export function addClients(metrics: Metrics, view: () => ClientView): void {
  for (const [name, help, key] of GAUGES) metrics.gauge(name, help, [], () => [[{}, view()[key]]]);
  for (const [name, help, key] of COUNTERS) metrics.counter(name, help, [], () => [[{}, view()[key]]]);
}
