import fc from 'fast-check';
import { adjacencyKey } from '../links/adjacency';
import { choose } from './path-choice';
import { Spf } from './spf';
import { Topology } from './topology';
import { NODE_KEY, writeEdgeRecord, writeNodeRecord } from './topology-records';

type Link = readonly [from: number, to: number, cost: number];

/** Node n is named n + 1; both ends of every link advertise it. */
function topologyOf(nodes: number, links: readonly Link[]): Topology {
  const topology = new Topology();
  for (let node = 1; node <= nodes; node++) topology.change(node, [[NODE_KEY, writeNodeRecord(false)]]);
  links.forEach(([from, to, cost], n) => {
    topology.change(from + 1, [[adjacencyKey(to + 1, true, `l${n}`), writeEdgeRecord(cost, 1)]]);
    topology.change(to + 1, [[adjacencyKey(from + 1, false, `l${n}`), writeEdgeRecord(cost, 1)]]);
  });
  return topology;
}

function distances(topology: Topology, nodes: number, root: number): number[] {
  const spf = new Spf();
  const indexOf = (node: number): number => topology.node(node + 1)?.index as number;
  spf.run(topology.compile(root + 1), indexOf(root));
  return Array.from({ length: nodes }, (_, node) => spf.distance[indexOf(node)] as number);
}

/** Shortest paths as Bellman and Ford find them. */
function expected(nodes: number, links: readonly Link[], root: number): number[] {
  const cost = new Array<number>(nodes).fill(Infinity);
  cost[root] = 0;
  for (let round = 0; round < nodes; round++) {
    for (const [from, to, by] of links) {
      cost[to] = Math.min(cost[to] as number, (cost[from] as number) + by);
      cost[from] = Math.min(cost[from] as number, (cost[to] as number) + by);
    }
  }
  return cost;
}

const graphs = fc.integer({ min: 2, max: 12 }).chain((nodes) => {
  const node = fc.nat(nodes - 1);
  const link = fc.tuple(node, node, fc.integer({ min: 1, max: 9 })).filter(([from, to]) => from !== to);
  return fc.record({ nodes: fc.constant(nodes), links: fc.array(link, { maxLength: 30 }), root: node });
});

describe('Spf', () => {
  it('finds what Bellman and Ford find', () => {
    fc.assert(
      fc.property(graphs, ({ nodes, links, root }) => {
        expect(distances(topologyOf(nodes, links), nodes, root)).toEqual(expected(nodes, links, root));
      }),
    );
  });

  it('uses an edge only while both ends advertise it', () => {
    const topology = topologyOf(2, [[0, 1, 5]]);
    expect(distances(topology, 2, 0)).toEqual([0, 5]);
    topology.change(2, [[adjacencyKey(1, false, 'l0'), null]]);
    expect(topology.changed).toBe(true);
    expect(topology.removed.size).toBe(2);
    expect(distances(topology, 2, 0)).toEqual([0, Infinity]);
  });

  it('goes through a draining node only where there is no other way', () => {
    const topology = topologyOf(4, [
      [0, 1, 1],
      [1, 2, 1],
      [0, 3, 50],
      [3, 2, 50],
    ]);
    topology.change(2, [[NODE_KEY, writeNodeRecord(true)]]);
    expect(distances(topology, 4, 0)).toEqual([0, 1, 100, 50]);
    topology.change(4, [[adjacencyKey(1, false, 'l2'), null]]);
    expect(distances(topology, 4, 0)[2]).toBeLessThan(Infinity);
  });

  it('takes an edge of another instance for another edge', () => {
    const topology = topologyOf(2, [[0, 1, 5]]);
    distances(topology, 2, 0);
    topology.change(1, [[adjacencyKey(2, true, 'l0'), writeEdgeRecord(7, 1)]]);
    expect([topology.changed, topology.removed.size]).toEqual([true, 0]);
    topology.change(1, [[adjacencyKey(2, true, 'l0'), writeEdgeRecord(7, 2)]]);
    expect(topology.removed.size).toBe(2);
  });

  it('spreads the choice among equal ways about evenly', () => {
    const taken = [0, 0, 0];
    for (let origin = 0; origin < 3_000; origin++) {
      const way = choose(origin * 2_654_435, 77, 2, 5, 3);
      taken[way] = (taken[way] as number) + 1;
    }
    for (const count of taken) expect(Math.abs(count - 1_000)).toBeLessThan(150);
  });
});
