/** What is sent over the connections of a run. */
export type TcpLoad = 'up' | 'down' | 'both' | 'requests';

/** What clients of a TCP service do in a run. */
export interface TcpWork {
  readonly name: string;
  /** Nodes, proxies or routers in a line; clients are at the first, the service at the last. */
  readonly hops: 1 | 3;
  readonly load: TcpLoad;
  readonly connections: number;
}

const PLACES = [
  ['here', 1],
  ['away', 3],
] as const;
const LOADS = ['up', 'down', 'both', 'requests'] as const;

export const TCP_WORKS: readonly TcpWork[] = PLACES.flatMap(([place, hops]) =>
  LOADS.flatMap((load) =>
    [1, 16].map((connections) => ({ name: [place, load, connections].join('/'), hops, load, connections })),
  ),
);
