import type { ClientSpace } from '../addresses/client-contract';
import type { AddressSpace, AddressKind } from '../addresses/contract';
import type { OutboxView } from '../addresses/outbox-view';
import type { QueueRelocation } from '../addresses/rehoming';
import type { AddressPolicy, RuleInForce } from '../addresses/rules';
import type { Clock, Journal, Random } from '../common/ports';
import type { QueueHost } from '../queues/contract';
import type { QueueStore } from '../queues/store-port';
import type { SpoolPort } from '../streams/reassembly';
import type { LinkTransport, LinkTransportEvents, NodeIdentity, PeerHello } from '../links/contract';
import type { TunnelSpace } from '../tunnels/contract';
import type { MapStamp, NodeView, OriginFacts } from '../routing/contract';
import type { ClientRecords } from '../sessions/client-records';
import type { ClientView } from '../sessions/client-core';
import type { ClientDisk } from '../sessions/disk-port';

/** A compiled address rule of the site document. */
export type AddressRule = AddressPolicy;

/** Bounds and times of one node; every field has a default in `limits.ts` of its layer. */
export interface MeshLimits {
  readonly helloMs: number;
  readonly deadMs: number;
  readonly partitionHoldMs: number;
  readonly startHoldMs: number;
  readonly ingressPoolBytes: number;
  readonly retentionPoolBytes: number;
  readonly receivePoolBytes: number;
  readonly linkQueueBytes: number;
}

/** What survives a restart of a node; kept by the application in its small store, by the simulator in memory. */
export interface DurableState {
  /** Names of nodes known when the last run ended; publishers wait for them up to `startHold`. */
  readonly knownNodes: readonly string[];
  readonly facts: readonly OriginFacts[];
}

/** Writes behind: called at `flush` whenever something durable changed. */
export interface DurablePort {
  saveKnownNodes(names: readonly string[]): void;
  /** Changes of an origin's facts and the stamp of what they lead to: all of it is kept, or nothing. */
  saveFacts(origin: string, stamp: MapStamp, changes: readonly (readonly [key: string, value: Buffer | null])[]): void;
}

export type { SpoolFile, SpoolPort } from '../streams/reassembly';

export interface MeshNodeOptions {
  readonly identity: NodeIdentity;
  readonly rules: readonly AddressRule[];
  readonly defaultKind: AddressKind;
  readonly limits: MeshLimits;
  readonly clock: Clock;
  readonly random: Random;
  readonly journal: Journal;
  readonly spool: SpoolPort;
  readonly durable: DurablePort;
  readonly lastRun: DurableState;
  /** Where the queues of this node keep their messages. */
  readonly queueStore: QueueStore;
  /** Where what clients leave in the mesh is kept. */
  readonly clientDisk: ClientDisk;
  /** The node asks for `flush()` at the end of this turn. */
  readonly scheduleFlush: () => void;
  /** The node withdraws: another live node bears its name. The application ends with exit code 3. */
  readonly onWithdrawn: (reason: string) => void;
}

/** State of one link as health shows it. */
export interface LinkView {
  readonly link: number;
  readonly name: string;
  readonly peer: NodeIdentity | null;
  readonly state: 'connecting' | 'synchronising' | 'up' | 'draining' | 'down';
  readonly cost: number;
  readonly roundTripMs: number | null;
  /** Wall-clock ms of the last change of state. */
  readonly since: number;
  readonly whyDown: string | null;
  readonly bytesIn: number;
  readonly bytesOut: number;
  readonly queuedBytes: number;
}

/** Monotonic counters of one node, for metrics and the ledger. */
export interface MeshCounters {
  readonly published: number;
  readonly delivered: number;
  readonly forwardedFrames: number;
  readonly resentFrames: number;
  readonly duplicateFrames: number;
  readonly congestionDrops: number;
  readonly gapReports: number;
  readonly reroutes: number;
  readonly shutWindows: number;
  readonly holds: number;
  readonly restartsSeen: number;
  readonly hopLimitDrops: number;
  /** Times that publishers were asked to wait for a slow consumer. */
  readonly chokes: number;
  /** Gap events: an origin gave up messages for this node, or began a new life. */
  readonly gaps: number;
  /** Anycast messages that went past the nearest site because its quota was full. */
  readonly overflows: number;
  /** Puts into queues of other nodes that had to be sent again: their home was killed, or the queue is at another node. */
  readonly putsResent: number;
  /** Puts of other nodes that were answered from what is remembered of them. */
  readonly putsRepeated: number;
  /** Consumers of queues of other nodes that went on although the way there broke. */
  readonly circuitsReopened: number;
  /** Queues and subscriptions that were not made here, for a limit. */
  readonly queuesRefused: number;
  /** Subscriptions that have moved here while a node was away that may have had messages for them: these may be out of order. */
  readonly handoversCut: number;
  /** Frames whose checksum was wrong; each cost its link. */
  readonly damagedFrames: number;
  readonly dropped: ReadonlyMap<string, number>;
}

/**
 * One node of the mesh: links, routing, streams and addresses composed into a machine without sockets, timers or Nest.
 * All calls are synchronous; what they cause leaves with the next `flush`.
 */
export interface MeshNode {
  readonly identity: NodeIdentity;
  readonly addresses: AddressSpace;
  /** TCP services of the mesh, and the tunnels to them. */
  readonly tunnels: TunnelSpace;
  /** Retained messages and sessions, for protocols that have them. */
  readonly clients: ClientSpace;
  /**
   * A connection to a neighbour is open and both hellos are exchanged.
   * @throws LinkRefusedError for a disjoint protocol range or this node's own name
   */
  addLink(transport: LinkTransport, peer: PeerHello, dialled: boolean): LinkTransportEvents & { readonly link: number };
  setCost(link: number, cost: number): void;
  /** Ends a link on purpose: neighbours reroute first. */
  removeLink(link: number): void;
  links(): readonly LinkView[];
  /** Every node of the mesh that is known, this one included, with the cost of the cheapest path. */
  nodes(): Iterable<NodeView>;
  counters(): MeshCounters;
  /** What clients have left in the mesh, and what was counted of it. */
  clientView(): ClientView;
  /** The same, one by one. */
  readonly clientRecords: ClientRecords;
  /** Bytes held in each pool now, by name, with its capacity. */
  pools(): readonly { readonly name: string; readonly used: number; readonly capacity: number }[];
  /** Replaces the address rules live. */
  setRules(rules: readonly AddressRule[], defaultKind: AddressKind): void;
  /** The address rules that hold in the mesh, of this site and of others. */
  rulesInForce(): readonly RuleInForce[];
  /** Queues that live at this node. */
  readonly queues: QueueHost;
  /** Every queue of the mesh with the name of the node where it lives. */
  queueHomes(): Iterable<readonly [name: string, node: string]>;
  /** What waits on this node's disk to be forwarded, by the queue of another node that it is for. */
  outbox(): readonly OutboxView[];
  /** Queues that move from this node to others. */
  readonly relocation: QueueRelocation;
  /** Conflicts of address rules between sites, and of homes of queues, as sentences for health. */
  conflicts(): readonly string[];
  /** Sends what was collected in this turn and returns the next deadline (on `clock.now()`'s scale). */
  flush(): number;
  /** Does what is due and returns the next deadline (on `clock.now()`'s scale). */
  tick(): number;
  /** Begins to drain: neighbours are told to route around; publishers get no more credit. */
  drain(): void;
  /** True when nothing of others is in flight here any more. */
  readonly drained: boolean;
}
