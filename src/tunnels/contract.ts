import type { Chunk } from '../common/chunk';
import type { TunnelError } from './errors';

/** Why a site did not take a tunnel. */
export const REFUSAL = {
  /** No such service is offered there, or not any more. */
  unknown: 1,
  /** What stands behind the service could not be reached. */
  failed: 2,
  /** The service or the node has as many connections as it may have. */
  full: 3,
  /** The node is about to end. */
  draining: 4,
} as const;
export type Refusal = (typeof REFUSAL)[keyof typeof REFUSAL];

/** Why a tunnel ended before both directions were finished; also the label values of `fairlead_tunnels_reset_total`. */
export const RESET = {
  /** The connection at the other end was reset. */
  peer: 1,
  /** The other node restarted, or was out of reach for longer than `partitionHold`. */
  lost: 2,
  /** Nothing passed for longer than the end allows. */
  idle: 3,
  /** A node ends. */
  draining: 4,
  /** The other end broke the rules of the protocol between nodes. */
  violated: 5,
} as const;
export type Reset = (typeof RESET)[keyof typeof RESET];

/** What one end of a tunnel is told; nothing comes after `onEnd` but `onReset`, and nothing after that. */
export interface TunnelHandler {
  /** The service has taken the connection; only of tunnels that were opened here. */
  onOpen(): void;
  /** No site takes it; instead of `onOpen`. */
  onRefused(error: TunnelError): void;
  /** Bytes from the other end. To keep them, retain the chunk. Each is to be told `consumed` when it has left. */
  onData(chunk: Chunk, start: number, end: number): void;
  /** The other end sends no more. */
  onEnd(): void;
  /** More can be written, after `blocked`. */
  onWritable(): void;
  /** The tunnel is over: whatever is on its way is lost. */
  onReset(reason: Reset): void;
}

/** One end of a tunnel. */
export interface Tunnel {
  /** The name of the node at the other end; empty until it is open. */
  readonly peer: string;
  /** @returns how many of the bytes were taken; `onWritable` follows when that was not all of them */
  write(bytes: Buffer, start: number, end: number): number;
  /** The last write was as much as is taken now; `onWritable` follows. */
  readonly blocked: boolean;
  /** No more will be written. The tunnel is over when both ends have said so. */
  end(): void;
  /** Ends it at once, in both directions. */
  reset(reason: Reset): void;
  /** So many bytes of those that came have left: the other end may send as many more. */
  consumed(bytes: number): void;
}

/** A tunnel that another node asks for; nothing passes before it is accepted. */
export interface IncomingTunnel extends Tunnel {
  accept(): void;
  refuse(refusal: Refusal, reason: string): void;
}

/** Who takes tunnels to a service. The handler is told `onReset` also when the caller has gone before the answer. */
export type TunnelAcceptor = (tunnel: IncomingTunnel) => TunnelHandler;

/** A service that this node offers. */
export interface Offer {
  readonly service: string;
  /** Tunnels to it that are open. */
  readonly open: number;
  /** No new tunnels; those that are open go on. */
  withdraw(): void;
}

/** A node that offers a service. */
export interface ServiceSite {
  readonly node: string;
  readonly site: string;
  /** 0 for this node; Infinity while it is out of reach. */
  readonly cost: number;
  /** Tunnels from this node to it that are open. */
  readonly open: number;
  /** It refused lately, and is asked after all others. */
  readonly failing: boolean;
}

export interface ServiceView {
  readonly service: string;
  /** In the order in which they would be asked now. */
  readonly sites: readonly ServiceSite[];
}

/** Counters of the tunnels of one node. */
export interface TunnelTally {
  /** Tunnels from here that were opened; tunnels to services of this node. */
  readonly opened: number;
  readonly accepted: number;
  /** Tunnels from here that no site took. */
  readonly failed: number;
  /** Times that another site was tried. */
  readonly retried: number;
  readonly bytesIn: number;
  readonly bytesOut: number;
  /** Of tunnels to services of this node, by the reason. */
  readonly refusals: ReadonlyMap<keyof typeof REFUSAL, number>;
  readonly resets: ReadonlyMap<keyof typeof RESET, number>;
  /** Services of other nodes that were not listened to, for there are too many. */
  readonly servicesIgnored: number;
}

/** What listeners and connectors ask of tunnels. All calls are synchronous. */
export interface TunnelSpace {
  /** Opens a tunnel to the nearest site that offers the service and takes it. @throws TunnelError past the node's limit */
  open(service: string, handler: TunnelHandler): Tunnel;
  /** Offers a service to the mesh. Several offers of one name share what comes. @throws TunnelError */
  offer(service: string, acceptor: TunnelAcceptor): Offer;
  /** Every service of the mesh, by name. */
  services(): ServiceView[];
  readonly tally: TunnelTally;
  /** Open tunnels that began here, and those to services of this node. */
  readonly outgoing: number;
  readonly incoming: number;
}
