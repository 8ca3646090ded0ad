import type { NodeId, StreamClass } from '../links/contract';

/** What routing knows of a node, itself included. */
export interface NodeView {
  readonly id: NodeId;
  readonly name: string;
  readonly site: string;
  readonly incarnation: number;
  readonly reachable: boolean;
  /** Sum of link costs of the cheapest path; 0 for oneself, Infinity while unreachable. */
  readonly cost: number;
}

/** Events of routing to the layers above; called synchronously, after the routing table is already new. */
export interface RoutingEvents {
  onReachable(node: NodeView): void;
  onUnreachable(node: NodeView): void;
  /** The node runs in a new life; nothing sent to its former one can still be answered. */
  onIncarnation(node: NodeView, formerIncarnation: number): void;
  /** Some shortest path may have changed; `removed` tells that an edge vanished (not merely a cost). */
  onTopology(removed: boolean): void;
}

/** What the layers above ask of routing. */
export interface Routes {
  readonly self: NodeView;
  view(id: NodeId): NodeView | undefined;
  nodes(): Iterable<NodeView>;
  /**
   * The local link that leads to `destination`, or -1. Among equal-cost links and neighbours a hash of (origin, destination,
   * class) decides, the same for as long as the topology is.
   */
  nextHop(destination: NodeId, origin: NodeId, cls: StreamClass): number;
  /**
   * A number that changes exactly when an edge of the present path self -> destination for this class has vanished since the
   * last call (never for a mere cost change). Streams re-send what is unacknowledged when it changes.
   */
  pathGeneration(destination: NodeId, cls: StreamClass): number;
}

/** Kinds of replicated state; each origin owns one map of each, flooded as deltas and healed by digests. */
export const SPACE = { topology: 0, interest: 1, facts: 2 } as const;
export type Space = (typeof SPACE)[keyof typeof SPACE];

/** Which state of an origin's map somebody holds, and what its head needs so that it can be told on. */
export interface MapStamp {
  readonly site: string;
  readonly incarnation: number;
  /** The incarnation in which the origin's process started. */
  readonly born: number;
  readonly version: number;
}

/** The facts of one origin as the last run of this node kept them. */
export interface OriginFacts {
  readonly origin: string;
  /** Null when it is not known which version they are: then they hold here, and are not told to others. */
  readonly stamp: MapStamp | null;
  readonly entries: ReadonlyMap<string, Buffer>;
}

/** One origin's map in one space, as this node knows it. */
export interface ReplicaEvents {
  /**
   * A version was applied. `replaced` tells that the map was replaced as a whole (new incarnation or snapshot): forget what you
   * derived from this origin and read `entries` again. Otherwise `changes` lists [key, value | null] in order.
   */
  onReplica(
    space: Space,
    origin: NodeId,
    version: number,
    replaced: boolean,
    changes: readonly (readonly [string, Buffer | null])[],
  ): void;
}

/**
 * Per-origin key-value maps that every node holds a copy of. Only the origin writes its own.
 * Versions count the flooded deltas of one (origin, incarnation, space), from 1, without gaps.
 */
export interface Replicas {
  /** Sets a key of this node's own map; flooded, together with the other changes of this turn, at `flush`. */
  set(space: Space, key: string, value: Buffer): void;
  delete(space: Space, key: string): void;
  /** The version that holds (or, before `flush`, will hold) all changes made so far. */
  pendingVersion(space: Space): number;
  version(space: Space, origin: NodeId): number;
  /** What the map is by its origin's word; null while none has been told. */
  stamp(space: Space, origin: NodeId): MapStamp | null;
  entries(space: Space, origin: NodeId): ReadonlyMap<string, Buffer>;
  origins(space: Space): Iterable<NodeId>;
}
