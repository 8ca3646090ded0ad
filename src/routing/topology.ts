import type { NodeId } from '../links/contract';
import { DRAINING_COST } from './limits';
import { SpfGraph } from './spf';
import type { Change } from './state-frames';
import { NODE_KEY, isEdgeKey, readEdgeRecord, readNodeRecord, type EdgeRecord } from './topology-records';

/** One direction of a link, as the node it leaves advertises it. */
export class Edge {
  /** Position in the graph compiled last; -1 while it is not in there. */
  position = -1;
  /** On some shortest path in the last run: only the loss of such an edge changes a route. */
  tight = false;

  constructor(
    /** Never used again: an edge that comes back is another one. */
    readonly id: number,
    readonly from: TopologyNode,
    readonly record: EdgeRecord,
    readonly pair: LinkPair,
    public cost: number,
  ) {}

  /** The other direction; the edge is usable while both ends advertise it. */
  get twin(): Edge | null {
    return this.record.dialled ? this.pair.accepted : this.pair.dialled;
  }
}

/** The two directions of one link. */
export interface LinkPair {
  readonly key: string;
  dialled: Edge | null;
  accepted: Edge | null;
}

/** A node as its own advertisements describe it. */
export class TopologyNode {
  index = -1;
  draining = false;
  readonly edges = new Map<string, Edge>();
  /** Edges in an order that every node agrees on; null when it has to be made again. */
  sorted: Edge[] | null = null;

  constructor(readonly id: NodeId) {}
}

function inOrder(a: Edge, b: Edge): number {
  if (a.record.neighbour !== b.record.neighbour) return a.record.neighbour - b.record.neighbour;
  return a.pair.key < b.pair.key ? -1 : 1;
}

/** The graph that all advertisements make together, kept up to date change by change. */
export class Topology {
  /** Something changed since the last `compile`. */
  changed = false;
  /** An edge on some shortest path vanished since then. */
  urgent = false;
  /** Edges that were usable in the last compiled graph and vanished since. */
  removed = new Set<number>();
  readonly #nodes = new Map<NodeId, TopologyNode>();
  readonly #pairs = new Map<string, LinkPair>();
  readonly #graph = new SpfGraph();
  #lastEdge = 0;

  node(id: NodeId): TopologyNode | undefined {
    return this.#nodes.get(id);
  }

  /** Applies changes of an origin's map. */
  change(origin: NodeId, changes: readonly Change[]): void {
    const node = this.#nodeOf(origin);
    for (const [key, value] of changes) {
      if (key === NODE_KEY) this.#setDraining(node, value !== null && readNodeRecord(value));
      else if (isEdgeKey(key)) this.#setEdge(node, key, value === null ? null : readEdgeRecord(key, value));
    }
  }

  /** Replaces an origin's map; edges that stay the same are not touched. */
  replace(origin: NodeId, entries: ReadonlyMap<string, Buffer>): void {
    const node = this.#nodeOf(origin);
    for (const key of [...node.edges.keys()]) if (!entries.has(key)) this.#setEdge(node, key, null);
    if (!entries.has(NODE_KEY)) this.#setDraining(node, false);
    this.change(origin, [...entries]);
  }

  #nodeOf(id: NodeId): TopologyNode {
    let node = this.#nodes.get(id);
    if (node === undefined) {
      node = new TopologyNode(id);
      this.#nodes.set(id, node);
      this.changed = true;
    }
    return node;
  }

  #setDraining(node: TopologyNode, draining: boolean): void {
    if (node.draining === draining) return;
    node.draining = draining;
    this.changed = true;
  }

  #setEdge(node: TopologyNode, key: string, record: EdgeRecord | null): void {
    const former = node.edges.get(key);
    if (former !== undefined && record !== null && former.record.instance === record.instance) {
      if (former.cost === record.cost) return;
      former.cost = record.cost;
      this.changed = true;
      return;
    }
    if (former !== undefined) this.#removeEdge(node, key, former);
    if (record !== null) this.#addEdge(node, key, record);
  }

  #addEdge(node: TopologyNode, key: string, record: EdgeRecord): void {
    const [dialler, acceptor] = record.dialled ? [node.id, record.neighbour] : [record.neighbour, node.id];
    const pairKey = `${dialler}>${acceptor}/${record.link}`;
    let pair = this.#pairs.get(pairKey);
    if (pair === undefined) this.#pairs.set(pairKey, (pair = { key: pairKey, dialled: null, accepted: null }));
    const edge = new Edge(++this.#lastEdge, node, record, pair, record.cost);
    if (record.dialled) pair.dialled = edge;
    else pair.accepted = edge;
    node.edges.set(key, edge);
    node.sorted = null;
    if (edge.twin !== null) this.changed = true;
  }

  #removeEdge(node: TopologyNode, key: string, edge: Edge): void {
    this.#vanished(edge);
    if (edge.twin !== null) this.#vanished(edge.twin);
    const { pair } = edge;
    if (edge.record.dialled) pair.dialled = null;
    else pair.accepted = null;
    if (pair.dialled === null && pair.accepted === null) this.#pairs.delete(pair.key);
    node.edges.delete(key);
    node.sorted = null;
  }

  #vanished(edge: Edge): void {
    if (edge.position < 0) return;
    this.changed = true;
    this.removed.add(edge.id);
    if (edge.tight) this.urgent = true;
  }

  /** Forgets a node that is unreachable and unknown. */
  forget(id: NodeId): void {
    this.replace(id, new Map());
    this.#nodes.delete(id);
    this.changed = true;
  }

  /** The usable edges as arrays; `changed`, `urgent` and `removed` start afresh. The graph is valid until the next call. */
  compile(root: NodeId): SpfGraph {
    const graph = this.#graph;
    graph.begin(this.#nodes.size, this.#pairs.size * 2);
    let index = 0;
    for (const node of this.#nodes.values()) node.index = index++;
    for (const node of this.#nodes.values()) {
      graph.addNode(node.id);
      node.sorted ??= [...node.edges.values()].sort(inOrder);
      const surcharge = node.draining && node.id !== root ? DRAINING_COST : 0;
      for (const edge of node.sorted) {
        const twin = edge.twin;
        edge.position = twin === null ? -1 : graph.addEdge(twin.from.index, edge.cost + surcharge, edge);
      }
    }
    graph.end();
    this.changed = this.urgent = false;
    this.removed.clear();
    return graph;
  }
}
