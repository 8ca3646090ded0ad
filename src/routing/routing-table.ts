import type { NodeId, NodeIdentity, StreamClass } from '../links/contract';
import type { NodeView, Routes } from './contract';
import { choose } from './path-choice';
import { PathTracker } from './path-tracker';
import { Spf, type SpfGraph } from './spf';
import type { Edge, Topology } from './topology';

/** A {@link NodeView} that stays the same object for as long as the node is known; its fields follow the routing table. */
export class LiveNodeView implements NodeView {
  reachable = false;
  cost = Infinity;
  /** When it was last reachable; for the purge of what is gone for good. */
  unreachableSince: number;
  /** Local links of equal cost that lead there; empty while unreachable. */
  hops: Int32Array = NO_HOPS;

  constructor(
    readonly id: NodeId,
    readonly name: string,
    public site: string,
    public incarnation: number,
    now: number,
  ) {
    this.unreachableSince = now;
  }
}

const NO_HOPS = new Int32Array(0);

/** What an update of the table changed. */
export interface RoutingChange {
  readonly reachable: LiveNodeView[];
  readonly unreachable: LiveNodeView[];
  /** An edge that was usable before vanished. */
  readonly removed: boolean;
}

/** Next hops for every destination, made anew from the topology by each `update`. */
export class RoutingTable implements Routes {
  readonly self: LiveNodeView;
  readonly #views = new Map<NodeId, LiveNodeView>();
  readonly #spf = new Spf();
  readonly #paths = new PathTracker();
  /** Set of local edges that begin the shortest paths to each node: bits, `words` of 32 a node. */
  #masks = new Uint32Array(0);
  runs = 0;

  constructor(
    identity: NodeIdentity,
    private readonly topology: Topology,
    /** The local link of one of this node's own edges, or -1. */
    private readonly linkOf: (edge: Edge) => number,
    now: number,
  ) {
    this.self = new LiveNodeView(identity.id, identity.name, identity.site, identity.incarnation, now);
    this.self.reachable = true;
    this.self.cost = 0;
    this.#views.set(identity.id, this.self);
  }

  view(id: NodeId): LiveNodeView | undefined {
    return this.#views.get(id);
  }

  nodes(): IterableIterator<LiveNodeView> {
    return this.#views.values();
  }

  /** Makes a node known, or gives back what is known of it. */
  learn(id: NodeId, name: string, site: string, incarnation: number, now: number): LiveNodeView {
    let view = this.#views.get(id);
    if (view === undefined) this.#views.set(id, (view = new LiveNodeView(id, name, site, incarnation, now)));
    view.site = site;
    view.incarnation = incarnation;
    return view;
  }

  forget(id: NodeId): void {
    this.#views.delete(id);
    this.#paths.forget(id);
  }

  nextHop(destination: NodeId, origin: NodeId, cls: StreamClass): number {
    const hops = this.#views.get(destination)?.hops;
    if (hops === undefined || hops.length === 0) return -1;
    if (hops.length === 1) return hops[0] as number;
    return hops[choose(origin, destination, cls, this.self.id, hops.length)] as number;
  }

  pathGeneration(destination: NodeId, cls: StreamClass): number {
    return this.#paths.generation(destination, cls, () => this.#pathTo(destination, cls));
  }

  /** Runs the shortest paths and takes over what they say. */
  update(now: number): RoutingChange {
    const removed = this.topology.removed.size > 0;
    if (removed) this.#paths.vanished(this.topology.removed);
    const graph = this.topology.compile(this.self.id);
    this.runs++;
    this.#spf.run(graph, this.topology.node(this.self.id)?.index ?? -1);
    const change: RoutingChange = { reachable: [], unreachable: [], removed };
    this.#takeHops(graph);
    for (const view of this.#views.values()) if (view !== this.self) this.#takeCost(view, change, now);
    this.#paths.renew((destination, cls) => this.#pathTo(destination, cls));
    return change;
  }

  #takeCost(view: LiveNodeView, change: RoutingChange, now: number): void {
    const index = this.topology.node(view.id)?.index ?? -1;
    view.cost = index < 0 ? Infinity : (this.#spf.distance[index] as number);
    const reachable = view.cost !== Infinity;
    if (!reachable) view.hops = NO_HOPS;
    if (reachable === view.reachable) return;
    view.reachable = reachable;
    if (!reachable) view.unreachableSince = now;
    (reachable ? change.reachable : change.unreachable).push(view);
  }

  /** The links that begin a shortest path to a node are those that begin one to any of its predecessors. */
  #takeHops(graph: SpfGraph): void {
    const { order, reached, root } = this.#spf;
    if (root < 0) return;
    const from = graph.first[root] as number;
    const degree = (graph.first[root + 1] as number) - from;
    const words = (degree + 31) >> 5;
    const masks = this.#clearMasks(graph.nodeCount * words);
    const links = Array.from({ length: degree }, (_, n) => this.linkOf(graph.edges[from + n] as Edge));
    const known = new Map<string, Int32Array>();
    for (let n = 1; n < reached; n++) {
      const node = order[n] as number;
      this.#mergeMasks(graph, node, from, words, masks);
      const view = this.#views.get(graph.ids[node] as number);
      if (view !== undefined) view.hops = hopsOf(masks, node * words, words, links, known);
    }
  }

  #clearMasks(length: number): Uint32Array {
    if (this.#masks.length < length) this.#masks = new Uint32Array(length * 2);
    else this.#masks.fill(0, 0, length);
    return this.#masks;
  }

  #mergeMasks(graph: SpfGraph, node: number, rootFirst: number, words: number, masks: Uint32Array): void {
    const spf = this.#spf;
    const end = graph.first[node + 1] as number;
    for (let out = graph.first[node] as number; out < end; out++) {
      const into = graph.twin[out] as number;
      if (!spf.isTight(into)) continue;
      (graph.edges[into] as Edge).tight = true;
      const before = graph.target[out] as number;
      if (before === spf.root) {
        const bit = into - rootFirst;
        masks[node * words + (bit >> 5)] = (masks[node * words + (bit >> 5)] as number) | (1 << (bit & 31));
        continue;
      }
      for (let word = 0; word < words; word++) {
        masks[node * words + word] = (masks[node * words + word] as number) | (masks[before * words + word] as number);
      }
    }
  }

  /** Edges of the path that this node's own frames take to a destination now. */
  #pathTo(destination: NodeId, cls: StreamClass): number[] {
    const index = this.topology.node(destination)?.index ?? -1;
    return this.#paths.walk(this.#spf, index, this.self.id, destination, cls);
  }
}

function hopsOf(
  masks: Uint32Array,
  at: number,
  words: number,
  links: readonly number[],
  known: Map<string, Int32Array>,
): Int32Array {
  let key = String(masks[at]);
  for (let word = 1; word < words; word++) key += `,${masks[at + word]}`;
  let hops = known.get(key);
  if (hops !== undefined) return hops;
  const list: number[] = [];
  for (let bit = 0; bit < links.length; bit++) {
    const set = ((masks[at + (bit >> 5)] as number) >>> (bit & 31)) & 1;
    if (set === 1 && (links[bit] as number) >= 0) list.push(links[bit] as number);
  }
  hops = Int32Array.from(list);
  known.set(key, hops);
  return hops;
}
