import type { NodeId } from '../links/contract';

/** What the graph needs to know of an edge. */
export interface GraphEdge {
  readonly id: number;
  readonly twin: GraphEdge | null;
  readonly position: number;
  tight: boolean;
}

/** A directed graph in typed arrays: the edges of node n are [first[n], first[n + 1]), in an order all nodes agree on. */
export class SpfGraph {
  nodeCount = 0;
  edgeCount = 0;
  ids = new Float64Array(16);
  first = new Int32Array(17);
  target = new Int32Array(32);
  cost = new Float64Array(32);
  /** Position of the other direction. */
  twin = new Int32Array(32);
  edges: GraphEdge[] = [];

  begin(nodes: number, edges: number): void {
    if (nodes > this.ids.length) {
      this.ids = new Float64Array(nodes * 2);
      this.first = new Int32Array(nodes * 2 + 1);
    }
    if (edges > this.target.length) {
      this.target = new Int32Array(edges * 2);
      this.cost = new Float64Array(edges * 2);
      this.twin = new Int32Array(edges * 2);
    }
    this.nodeCount = this.edgeCount = 0;
    this.edges.length = 0;
  }

  addNode(id: NodeId): void {
    this.ids[this.nodeCount] = id;
    this.first[this.nodeCount++] = this.edgeCount;
  }

  /** Adds an edge of the node added last. @returns its position */
  addEdge(target: number, cost: number, edge: GraphEdge): number {
    const position = this.edgeCount++;
    this.target[position] = target;
    this.cost[position] = cost;
    this.edges.push(edge);
    return position;
  }

  end(): void {
    this.first[this.nodeCount] = this.edgeCount;
    for (let at = 0; at < this.edgeCount; at++) {
      const edge = this.edges[at] as GraphEdge;
      edge.tight = false;
      this.twin[at] = (edge.twin as GraphEdge).position;
    }
  }
}

/** Dijkstra's shortest paths from one node, with a binary heap; keeps its arrays from run to run. */
export class Spf {
  root = -1;
  /** Cost from the root, Infinity where nothing leads. */
  distance = new Float64Array(0);
  /** Nodes in the order in which they were reached; the first `reached` are valid. */
  order = new Int32Array(0);
  reached = 0;
  graph = new SpfGraph();
  #heap = new Int32Array(0);
  #slot = new Int32Array(0);
  #heapSize = 0;

  run(graph: SpfGraph, root: number): void {
    const { nodeCount, first, target, cost } = graph;
    this.graph = graph;
    this.root = root;
    this.#reset(nodeCount);
    const { distance } = this;
    if (root < 0) return;
    distance[root] = 0;
    this.#up(this.#heapSize++, root);
    while (this.#heapSize > 0) {
      const node = this.#pop();
      this.order[this.reached++] = node;
      const base = distance[node] as number;
      const end = first[node + 1] as number;
      for (let at = first[node] as number; at < end; at++) {
        const next = target[at] as number;
        const through = base + (cost[at] as number);
        if (through >= (distance[next] as number)) continue;
        distance[next] = through;
        const slot = this.#slot[next] as number;
        this.#up(slot < 0 ? this.#heapSize++ : slot, next);
      }
    }
  }

  /** True when the edge is on a shortest path from the root. */
  isTight(edge: number): boolean {
    const { graph, distance } = this;
    const from = graph.target[graph.twin[edge] as number] as number;
    const to = graph.target[edge] as number;
    return (distance[from] as number) + (graph.cost[edge] as number) === distance[to] && distance[to] !== Infinity;
  }

  #reset(nodeCount: number): void {
    if (nodeCount > this.distance.length) {
      this.distance = new Float64Array(nodeCount * 2);
      this.order = new Int32Array(nodeCount * 2);
      this.#heap = new Int32Array(nodeCount * 2);
      this.#slot = new Int32Array(nodeCount * 2);
    }
    this.distance.fill(Infinity, 0, nodeCount);
    this.#slot.fill(-1, 0, nodeCount);
    this.reached = this.#heapSize = 0;
  }

  #up(slot: number, node: number): void {
    const heap = this.#heap;
    const key = this.distance[node] as number;
    while (slot > 0) {
      const parent = (slot - 1) >> 1;
      const above = heap[parent] as number;
      if ((this.distance[above] as number) <= key) break;
      heap[slot] = above;
      this.#slot[above] = slot;
      slot = parent;
    }
    heap[slot] = node;
    this.#slot[node] = slot;
  }

  #pop(): number {
    const heap = this.#heap;
    const top = heap[0] as number;
    const moving = heap[--this.#heapSize] as number;
    if (this.#heapSize > 0) this.#down(moving);
    this.#slot[top] = -1;
    return top;
  }

  #down(node: number): void {
    const heap = this.#heap;
    const { distance } = this;
    const size = this.#heapSize;
    const key = distance[node] as number;
    let slot = 0;
    for (;;) {
      let child = 2 * slot + 1;
      if (child >= size) break;
      const right = child + 1;
      if (right < size && (distance[heap[right] as number] as number) < (distance[heap[child] as number] as number))
        child = right;
      const below = heap[child] as number;
      if ((distance[below] as number) >= key) break;
      heap[slot] = below;
      this.#slot[below] = slot;
      slot = child;
    }
    heap[slot] = node;
    this.#slot[node] = slot;
  }
}
