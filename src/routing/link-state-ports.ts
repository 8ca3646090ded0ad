import type { Clock, Journal, Random } from '../common/ports';
import type { NodeIdentity, TrafficClass } from '../links/contract';
import type { FrameDropped } from '../links/outbound-queue';
import type { OriginFacts, ReplicaEvents, RoutingEvents } from './contract';

/** Times and bounds of a node's links; defaults are in `links/limits.ts`. */
export interface LinkStateLimits {
  readonly helloMs: number;
  readonly deadMs: number;
  /** Frames of high and normal class that may wait on one link. */
  readonly linkQueueBytes: number;
}

/** What {@link LinkStateCore} is built on, and whom it tells; every call is synchronous. */
export interface LinkStatePorts {
  readonly identity: NodeIdentity;
  readonly limits: LinkStateLimits;
  readonly clock: Clock;
  readonly random: Random;
  readonly journal: Journal;
  /** Facts of the last run: kept until their origin tells newer ones. No event tells of them. */
  readonly facts: Iterable<OriginFacts>;
  /** Something waits for `flush`. */
  readonly scheduleFlush: () => void;
  readonly routing: RoutingEvents;
  /** Interest and facts of all other nodes; topology stays inside. */
  readonly replicas: ReplicaEvents;
  /** A frame was dropped for want of room, or because its link is gone. */
  readonly onDropped: FrameDropped;
  /** A frame of type 16 or above came in. @throws WireError: the link that brought it is closed */
  readonly onRoutedFrame: (link: number, cls: TrafficClass, bytes: Buffer, start: number, end: number) => void;
  /** This node had to begin a new life while it runs; `routes.self` already says so, and own versions count from 1 again. */
  readonly onIdentity: (identity: NodeIdentity) => void;
  /** Another live node bears this node's name, and this one gives way: its links are closed and it takes no new ones. */
  readonly onWithdrawn: (reason: string) => void;
}

/** Monotonic counters of links and routing. */
export class LinkStateCounters {
  linksUp = 0;
  /** Links that were up and ended without a goodbye. */
  linksLost = 0;
  protocolErrors = 0;
  droppedFrames = 0;
  spfRuns = 0;
  /** Shortest-path runs after which an edge in use was gone. */
  reroutes = 0;
  /** Lives that this node had to begin while it ran. */
  advances = 0;
}
