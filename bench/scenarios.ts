/** One measurement: what runs, and what work is given to it. */
export interface Scenario {
  /** `topology/kind/settlement/size`; `--scenario` picks by any part of it. */
  readonly name: string;
  /** Nodes in a line between sender and receiver; 0 for none. */
  readonly nodes: 0 | 1 | 2 | 3;
  readonly address: string;
  readonly settled: boolean;
  readonly bodyBytes: number;
  /** Receiving links at each site, by the site's place in the line. Without nodes the one receiver listens. */
  readonly receivers: readonly number[];
  /** Each message goes to every receiving link. */
  readonly copies: boolean;
  /** Messages a second; 0 for as many as credit allows. */
  readonly rate: number;
  /** Messages are durable, and the address is a queue. */
  readonly durable: boolean;
  /** Messages whose outcome the sender waits for at the same time; 0 for as many as credit allows. */
  readonly window: number;
  /** Connections that are open beside the load and do nothing. */
  readonly idle: number;
}

const SIZES = [
  ['100B', 100],
  ['10KiB', 10 * 1024],
] as const;
const SETTLEMENTS = [
  ['unsettled', false],
  ['settled', true],
] as const;

function scenario(name: string, nodes: Scenario['nodes'], more: Partial<Scenario> = {}): Scenario {
  const load = { settled: false, bodyBytes: 100, copies: false, rate: 0, durable: false, window: 0, idle: 0 };
  return { name, nodes, address: 'topic/bench', ...load, receivers: lastSite(nodes), ...more };
}

/** One receiver, at the far end. */
function lastSite(nodes: Scenario['nodes']): readonly number[] {
  return nodes === 3 ? [0, 0, 1] : [1];
}

function matrix(topology: string, nodes: Scenario['nodes'], kind: string, address: string): Scenario[] {
  return SIZES.flatMap(([size, bodyBytes]) =>
    SETTLEMENTS.map(([word, settled]) =>
      scenario([topology, kind, word, size].join('/'), nodes, { address, settled, bodyBytes }),
    ),
  );
}

export const SCENARIOS: readonly Scenario[] = [
  ...matrix('direct', 0, 'none', 'topic/bench'),
  ...matrix('one', 1, 'topic', 'topic/bench'),
  ...matrix('three', 3, 'topic', 'topic/bench'),
  scenario('one/anycast/unsettled/100B', 1, { address: 'anycast/bench' }),
  scenario('three/anycast/unsettled/100B', 3, { address: 'anycast/bench' }),
  scenario('three/multicast/unsettled/100B', 3, { address: 'multicast/bench', receivers: [1, 1, 2], copies: true }),
  scenario('direct/latency/unsettled/100B', 0, { rate: 2_000 }),
  scenario('one/latency/unsettled/100B', 1, { rate: 2_000 }),
  scenario('three/latency/unsettled/100B', 3, { rate: 2_000 }),
  scenario('one/idle/unsettled/100B', 1, { rate: 2_000, idle: 10_000 }),
];

/** The direct run that a scenario is compared with. */
export function baselineOf({ settled, bodyBytes, rate }: Scenario): Scenario {
  const same = (other: Scenario): boolean =>
    other.nodes === 0 && other.settled === settled && other.bodyBytes === bodyBytes && other.rate === rate;
  return SCENARIOS.find(same) as Scenario;
}

/** Clients at one node, through a queue that lives there (`here`), or at the other of two nodes (`away`). */
function queue(home: 'here' | 'away', window: number, [size, bodyBytes]: readonly [string, number]): Scenario {
  const nodes = home === 'here' ? 1 : 2;
  const name = ['queue', home, `window-${window}`, size].join('/');
  return scenario(name, nodes, { address: `queue/${home}`, bodyBytes, durable: true, window, receivers: [1] });
}

const QUEUE_SIZES = [
  ['100B', 100],
  ['1KiB', 1024],
] as const;

/** The fastest first: brokers compile their code in it. */
export const QUEUE_SCENARIOS: readonly Scenario[] = (['here', 'away'] as const).flatMap((home) =>
  [1_000, 100, 1].flatMap((window) => QUEUE_SIZES.map((size) => queue(home, window, size))),
);
