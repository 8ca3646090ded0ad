import type { Bind, LinkSpec, ListenerSpec, ServiceSpec } from '../config/site';

/** A bound socket; `port` is the real one. */
export interface BoundSocket extends Bind {
  close(): Promise<void>;
}

/** A link that this node dials, again and again until closed. */
export interface Dialler {
  /** The mesh node's number of the link while it is open, else null. */
  readonly link: number | null;
  /** The neighbour of the last opening, also while the link is down. */
  readonly peer: { readonly node: string; readonly site: string } | null;
  /** What the last attempt said; null before the first has ended and while the link is open. */
  readonly whyDown: string | null;
  /** Wall-clock ms of the last change between open and not open. */
  readonly since: number;
  /** Used from the next hello on; an open link is changed by the mesh node. */
  setCost(cost: number): void;
  close(): Promise<void>;
}

/** What peers did wrong, for metrics. */
export interface PeerErrors {
  /** By AMQP error condition. */
  readonly counts: ReadonlyMap<string, number>;
  /** Log lines left out because there were too many. */
  readonly suppressed: number;
}

/** Connections to other nodes, below the mesh node. */
export interface MeshWire {
  readonly errors: PeerErrors;
  listen(bind: Bind): Promise<BoundSocket>;
  dial(spec: LinkSpec): Dialler;
}

/** One protocol edge for clients. */
export interface ClientListener {
  readonly connections: number;
  readonly errors: PeerErrors;
  /**
   * Connections taken, and refused at a limit; messages taken from clients, given to them, and rejected before they had an address;
   * replies whose requests waited no longer.
   */
  readonly counters: {
    readonly accepted: number;
    readonly refused: number;
    readonly messagesIn: number;
    readonly messagesOut: number;
    readonly messagesRejected: number;
    readonly repliesLate: number;
  };
  /** Binds; `port` is the real one. */
  start(): Promise<Bind>;
  /** Takes over what has changed of its spec, name and place aside; absent where nothing else can change. */
  change?(spec: ListenerSpec): void;
  /** Accepts no more connections or links, and resolves when what is in flight is finished. */
  drain(): Promise<void>;
  /** Closes everything. */
  stop(): Promise<void>;
}

/** A TCP service of this site, offered to the mesh. */
export interface OfferedService {
  readonly open: number;
  /** Connections to it that could not be made, and what the last one said; null when the last one could. */
  readonly failures: number;
  readonly whyDown: string | null;
  /** No new connections; open ones go on. */
  withdraw(): void;
  /** Resolves when the open ones have ended, or after a moment. */
  drain(): Promise<void>;
  /** Ends every connection. */
  stop(): void;
}

/** @throws FairleadError when it cannot be offered */
export type ServiceFactory = (spec: ServiceSpec) => OfferedService;

export type ListenerFactory = (spec: ListenerSpec) => ClientListener;

/** Nest tokens of what has no class of its own. */
export const MESH_NODE = Symbol('MeshNode');
export const MESH_WIRE = Symbol('MeshWire');
export const LISTENER_FACTORY = Symbol('ListenerFactory');
export const SERVICE_FACTORY = Symbol('ServiceFactory');
