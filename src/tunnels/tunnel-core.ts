import { Chunk } from '../common/chunk';
import { WireError, WireReader } from '../common/wire';
import type { NodeId } from '../links/contract';
import type { NodeView } from '../routing/contract';
import type { TargetState } from '../streams/contract';
import type { Offer, Reset, ServiceView, Tunnel, TunnelAcceptor, TunnelHandler, TunnelSpace } from './contract';
import { TUNNEL_POOL_BYTES, TUNNEL_WINDOW_BYTES_MAX, TUNNEL_WINDOW_BYTES_MIN, WOKEN_MAX } from './limits';
import { PIECE, PIECE_HEAD_BYTES, TOWARDS } from './messages';
import { Openers } from './openers';
import { Pieces } from './pieces';
import { TunnelCounters, type TunnelPorts } from './ports';
import { ServiceSites } from './service-sites';
import { Services } from './services';
import type { EndPorts, TunnelEnd } from './tunnel-end';

/**
 * Tunnels of TCP connections between any two nodes: opened to the nearest site that offers a service, over streams, so that no
 * reroute is seen. This class hands each event to the parts that it concerns; see the folder's README.
 */
export class TunnelCore implements TunnelSpace {
  readonly tally = new TunnelCounters();
  readonly #pieces: Pieces;
  readonly #sites: ServiceSites;
  readonly #openers: Openers;
  readonly #services: Services;
  /** Ends that wait for the stream to their node, the longest waiting first. */
  readonly #waiting = new Map<NodeId, Set<TunnelEnd>>();

  constructor(private readonly ports: TunnelPorts) {
    const { routes, clock, replicas, streams, scheduleFlush } = ports;
    this.#pieces = new Pieces(routes.self.id, streams, scheduleFlush);
    this.#sites = new ServiceSites(routes, clock, this.tally);
    const ends: EndPorts = {
      pieces: this.#pieces,
      counters: this.tally,
      window: () => this.#window(),
      waits: (end) => this.#waits(end),
      left: (end) => void this.#waiting.get(end.node)?.delete(end),
      nameOf: (node) => routes.view(node)?.name ?? String(node),
    };
    this.#openers = new Openers(ends, this.#sites, clock, scheduleFlush);
    this.#services = new Services(ends, routes.self.id, replicas, this.#sites);
  }

  // --- what listeners ask --------------------------------------------------------------------------------------------------

  open(service: string, handler: TunnelHandler): Tunnel {
    return this.#openers.open(service, handler);
  }

  offer(service: string, acceptor: TunnelAcceptor): Offer {
    return this.#services.offer(service, acceptor);
  }

  services(): ServiceView[] {
    return this.#sites.views();
  }

  get outgoing(): number {
    return this.#openers.size;
  }

  get incoming(): number {
    return this.#services.size;
  }

  drain(): void {
    this.#services.drain();
  }

  // --- memory --------------------------------------------------------------------------------------------------------------

  /** A share of the pool; what was given before is not taken back, so that twice the pool is the most that can lie here. */
  #window(): number {
    const share = Math.floor(TUNNEL_POOL_BYTES / Math.max(1, this.outgoing + this.incoming));
    return Math.max(TUNNEL_WINDOW_BYTES_MIN, Math.min(TUNNEL_WINDOW_BYTES_MAX, share));
  }

  #waits(end: TunnelEnd): void {
    const waiting = this.#waiting.get(end.node);
    if (waiting === undefined) this.#waiting.set(end.node, new Set([end]));
    else waiting.add(end);
  }

  /** Some of those that wait for a stream that takes more: together they can fill it again. */
  #wake(): void {
    for (const [node, waiting] of this.#waiting) {
      let woken = 0;
      for (const end of waiting) {
        if (woken++ >= WOKEN_MAX || this.#pieces.isFull(node)) break;
        waiting.delete(end);
        end.wake();
      }
      if (waiting.size === 0) this.#waiting.delete(node);
      else if (!this.#pieces.isFull(node)) this.ports.scheduleFlush();
    }
  }

  // --- what streams bring --------------------------------------------------------------------------------------------------

  /** @throws WireError */
  onMessage(origin: NodeId, chunk: Chunk, start: number, end: number): void {
    const reader = new WireReader(chunk.bytes, start, end);
    const towards = reader.u8();
    const piece = reader.u8();
    const id = reader.u32();
    if (towards === TOWARDS.service && piece === PIECE.open) this.#services.onOpen(origin, id, reader);
    else if (towards === TOWARDS.opener && piece === PIECE.accept) this.#openers.onAccept(origin, id, reader);
    else if (towards === TOWARDS.opener && piece === PIECE.refuse) this.#openers.onRefuse(origin, id, reader);
    else if (piece === PIECE.data) this.#find(towards, origin, id)?.onData(chunk, start + PIECE_HEAD_BYTES, end);
    else if (piece === PIECE.end) this.#find(towards, origin, id)?.onEnd();
    else if (piece === PIECE.reset) this.#find(towards, origin, id)?.onReset(reader.u8() as Reset);
    else throw new WireError(`unknown piece ${piece} of a tunnel`);
  }

  #find(towards: number, origin: NodeId, id: number): TunnelEnd | null {
    return towards === TOWARDS.service ? this.#services.find(origin, id) : this.#openers.find(origin, id);
  }

  /** @throws WireError */
  onCredit(origin: NodeId, reader: WireReader): void {
    const towards = reader.u8();
    const id = reader.u32();
    this.#find(towards, origin, id)?.onCredit(reader.u48());
  }

  /** The stream to a node takes more. */
  relieved(node: NodeId): void {
    if (this.#waiting.has(node)) this.ports.scheduleFlush();
  }

  // --- what is told of other nodes -----------------------------------------------------------------------------------------

  onInterest(
    origin: NodeId,
    entries: ReadonlyMap<string, Buffer> | null,
    changes: readonly (readonly [string, Buffer | null])[],
  ): void {
    this.#sites.onInterest(origin, entries, changes);
  }

  onReachable(view: NodeView): void {
    this.#sites.targetState(view.id, 'usable');
  }

  onTargetState(node: NodeId, state: TargetState): void {
    this.#sites.targetState(node, state);
    if (state !== 'usable') this.broken(node);
  }

  /** The node has a new life or had given this one up; null when this node itself has a new life. */
  broken(node: NodeId | null): void {
    if (node === null) this.#waiting.clear();
    else {
      this.#waiting.delete(node);
      this.#pieces.forget(node);
    }
    this.#openers.broken(node);
    this.#services.broken(node);
  }

  // --- time and the end of a turn ------------------------------------------------------------------------------------------

  flush(): void {
    const self = this.ports.routes.self.id;
    for (const { credit, bytes } of this.#pieces.takeLooped()) {
      if (credit) this.onCredit(self, new WireReader(bytes));
      else {
        const chunk = new Chunk(bytes, null, 0);
        this.onMessage(self, chunk, 0, bytes.length);
        chunk.release();
      }
    }
    this.#wake();
  }

  tick(now: number): void {
    this.#openers.tick(now);
  }

  deadline(): number {
    return this.#openers.deadline();
  }
}
