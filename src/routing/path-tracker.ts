import type { NodeId, StreamClass } from '../links/contract';
import { choose } from './path-choice';
import type { Spf } from './spf';

/** The path of one (destination, class) that somebody asked for. */
interface TrackedPath {
  readonly destination: NodeId;
  readonly cls: StreamClass;
  generation: number;
  /** Ids of its edges; empty while unreachable. */
  edges: number[];
}

/**
 * Follows the paths of this node's own streams. Only paths that were asked for are kept, and each costs about its own length
 * per change of topology: the way back from the destination over shortest-path edges, then the choice at every node.
 */
export class PathTracker {
  readonly #paths = new Map<number, TrackedPath>();
  #mark = new Int32Array(0);
  #stamp = 0;
  readonly #stack: number[] = [];

  generation(destination: NodeId, cls: StreamClass, path: () => number[]): number {
    const key = destination * 4 + cls;
    let tracked = this.#paths.get(key);
    if (tracked === undefined) {
      tracked = { destination, cls, generation: 0, edges: path() };
      this.#paths.set(key, tracked);
    }
    return tracked.generation;
  }

  forget(destination: NodeId): void {
    for (let cls = 0; cls < 4; cls++) this.#paths.delete(destination * 4 + cls);
  }

  /** Edges are gone: every path that held one of them has a new generation. */
  vanished(edges: ReadonlySet<number>): void {
    for (const path of this.#paths.values()) if (path.edges.some((edge) => edges.has(edge))) path.generation++;
  }

  /** The topology is new: paths are found again. */
  renew(find: (destination: NodeId, cls: StreamClass) => number[]): void {
    for (const path of this.#paths.values()) path.edges = find(path.destination, path.cls);
  }

  /** Edges of the path from the root of `spf` to node `to` that frames of (origin, destination, class) take. */
  walk(spf: Spf, to: number, origin: NodeId, destination: NodeId, cls: StreamClass): number[] {
    const path: number[] = [];
    if (to < 0 || spf.root < 0 || !(spf.distance[to] !== Infinity) || to === spf.root) return path;
    const { graph } = spf;
    this.#markBefore(spf, to);
    for (let node = spf.root; node !== to;) {
      const count = this.#leading(spf, node, -1);
      const edge = this.#leading(spf, node, choose(origin, destination, cls, graph.ids[node] as number, count));
      path.push((graph.edges[edge] as { id: number }).id);
      node = graph.target[edge] as number;
    }
    return path;
  }

  /** With `nth` -1 the number of edges of `node` that lead towards the marked destination, else the position of the nth. */
  #leading(spf: Spf, node: number, nth: number): number {
    const { graph } = spf;
    let count = 0;
    const end = graph.first[node + 1] as number;
    for (let edge = graph.first[node] as number; edge < end; edge++) {
      if (this.#mark[graph.target[edge] as number] !== this.#stamp || !spf.isTight(edge)) continue;
      if (count++ === nth) return edge;
    }
    return count;
  }

  /** Marks the nodes on shortest paths from the root to `to`. */
  #markBefore(spf: Spf, to: number): void {
    const { graph } = spf;
    if (this.#mark.length < graph.nodeCount) this.#mark = new Int32Array(graph.nodeCount * 2);
    const stamp = ++this.#stamp;
    const stack = this.#stack;
    this.#mark[to] = stamp;
    stack.push(to);
    for (let node = stack.pop(); node !== undefined; node = stack.pop()) {
      const end = graph.first[node + 1] as number;
      for (let out = graph.first[node] as number; out < end; out++) {
        const before = graph.target[out] as number;
        if (this.#mark[before] === stamp || !spf.isTight(graph.twin[out] as number)) continue;
        this.#mark[before] = stamp;
        stack.push(before);
      }
    }
  }
}
