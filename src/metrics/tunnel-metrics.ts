import { REFUSAL, RESET, type TunnelSpace } from '../tunnels/contract';
import type { Metrics, Sample } from './metric-set';

type Counted = Pick<TunnelSpace, 'tally' | 'outgoing' | 'incoming'>;

/** TCP connections through the mesh. Labels are ours: neither services nor clients choose any. */
export function addTunnels(metrics: Metrics, tunnels: () => Counted): void {
  const counter = (name: string, help: string, value: (of: Counted['tally']) => number): void =>
    metrics.counter(name, help, [], () => [[{}, value(tunnels().tally)]]);
  metrics.gauge(
    'fairlead_tunnels',
    'Open TCP connections: of clients here, and to services here.',
    ['direction'],
    () => [
      [{ direction: 'out' }, tunnels().outgoing],
      [{ direction: 'in' }, tunnels().incoming],
    ],
  );
  counter('fairlead_tunnels_opened_total', 'Connections of clients here that a site has taken.', (of) => of.opened);
  counter('fairlead_tunnels_accepted_total', 'Connections that services here have taken.', (of) => of.accepted);
  counter('fairlead_tunnels_failed_total', 'Connections of clients here that no site took.', (of) => of.failed);
  counter('fairlead_tunnels_retried_total', 'Times that another site was asked for a connection.', (of) => of.retried);
  counter(
    'fairlead_services_ignored_total',
    'Services of other nodes that were not listened to, for they offer too many.',
    (of) => of.servicesIgnored,
  );
  metrics.counter('fairlead_tunnel_bytes_total', 'Bytes of TCP connections.', ['direction'], () => [
    [{ direction: 'in' }, tunnels().tally.bytesIn],
    [{ direction: 'out' }, tunnels().tally.bytesOut],
  ]);
  const byReason = <R extends string>(name: string, help: string, all: R[], of: () => ReadonlyMap<R, number>): void =>
    metrics.counter(name, help, ['reason'], () => all.map((reason): Sample => [{ reason }, of().get(reason) ?? 0]));
  byReason(
    'fairlead_tunnels_refused_total',
    'Connections that services here have not taken.',
    Object.keys(REFUSAL) as (keyof typeof REFUSAL)[],
    () => tunnels().tally.refusals,
  );
  byReason(
    'fairlead_tunnels_reset_total',
    'Connections that ended before both sides had.',
    Object.keys(RESET) as (keyof typeof RESET)[],
    () => tunnels().tally.resets,
  );
}
