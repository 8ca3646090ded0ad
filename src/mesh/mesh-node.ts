import { AddressCore } from '../addresses/address-core';
import type { OutboxView } from '../addresses/outbox-view';
import type { QueueRelocation } from '../addresses/rehoming';
import type { RuleInForce } from '../addresses/rules';
import { ChunkPool } from '../common/chunk';
import { WireError } from '../common/wire';
import {
  FRAME,
  type LinkTransport,
  type LinkTransportEvents,
  type NodeIdentity,
  type PeerHello,
} from '../links/contract';
import type { QueueHost } from '../queues/contract';
import { createQueueHost } from '../queues/host';
import type { ClientRecords } from '../sessions/client-records';
import { ClientCore, type ClientView } from '../sessions/client-core';
import { LinkStateCore } from '../routing/link-state-core';
import { SPACE, type NodeView } from '../routing/contract';
import { StreamCore } from '../streams/stream-core';
import { TunnelCore } from '../tunnels/tunnel-core';
import { ChecksumTransport, checkedStart } from './checksum-transport';
import { joinUppers, type WireEntry } from './uppers';
import type { LinkView, MeshCounters, MeshNode, MeshNodeOptions } from './contract';

/** Bodies on their way through this node: what its links' queues may hold, and a margin for what is being sent. */
const TRANSIT_POOL_BYTES = 64 * 1024 * 1024;

/**
 * Composes one node of the mesh: links and routing, streams, addresses.
 * The result has no sockets, timers or disk of its own: see {@link MeshNode}.
 */
export function createMeshNode(options: MeshNodeOptions): MeshNode {
  return new ComposedNode(options);
}

class ComposedNode implements MeshNode {
  readonly addresses: AddressCore;
  readonly clients: ClientCore;
  readonly #links: LinkStateCore;
  readonly tunnels: TunnelCore;
  readonly #streams: StreamCore<WireEntry>;
  readonly #retention: ChunkPool;
  readonly #receive: ChunkPool;
  readonly #transit = new ChunkPool('transit', TRANSIT_POOL_BYTES);
  #draining = false;
  #damagedFrames = 0;

  constructor(private readonly options: MeshNodeOptions) {
    const { identity, limits, clock, random, journal, spool, durable, lastRun, scheduleFlush } = options;
    this.#retention = new ChunkPool('retention', limits.retentionPoolBytes);
    this.#receive = new ChunkPool('receive', limits.receivePoolBytes);
    // The upper layers exist before anything can come from below.
    const upper = (): AddressCore => this.addresses;
    const clients = (): ClientCore => this.clients;
    this.#links = new LinkStateCore({
      identity,
      limits,
      clock,
      random,
      journal,
      facts: lastRun.facts.filter(({ origin }) => origin !== identity.name),
      scheduleFlush,
      routing: {
        onReachable: (node) => this.#onReachable(node),
        onUnreachable: (node) => this.#onUnreachable(node),
        onIncarnation: (node) => this.#onIncarnation(node),
        onTopology: (removed) => this.#onTopology(removed),
      },
      replicas: {
        onReplica: (space, origin, version, replaced, changes) => {
          upper().onReplica(space, origin, version, replaced, changes);
          if (space !== SPACE.interest) return;
          this.tunnels.onInterest(origin, replaced ? this.#links.replicas.entries(space, origin) : null, changes);
        },
      },
      // Datagrams are made again by those who sent them; only batches are told of.
      onDropped: (head) => void (head[0] === FRAME.batch && this.#streams.onFrameDropped(head)),
      onRoutedFrame: (_link, _cls, bytes, start, end) => this.#onRoutedFrame(bytes, start, end),
      onIdentity: () => this.#onOwnIncarnation(),
      onWithdrawn: options.onWithdrawn,
    });
    const { routes, replicas } = this.#links;
    this.#streams = new StreamCore<WireEntry>({
      clock,
      routes,
      frames: this.#links,
      upper: joinUppers(upper, () => this.tunnels, clients),
      spool,
      journal,
      retention: this.#retention,
      receive: this.#receive,
      transit: this.#transit,
      partitionHoldMs: limits.partitionHoldMs,
      scheduleFlush,
    });
    this.addresses = new AddressCore({
      self: identity.id,
      selfName: identity.name,
      clock,
      random,
      journal,
      streams: this.#streams,
      routes,
      replicas,
      retention: this.#retention,
      spool,
      memory: durable,
      rules: options.rules,
      defaultKind: options.defaultKind,
      ingressPoolBytes: limits.ingressPoolBytes,
      startHoldMs: limits.startHoldMs,
      partitionHoldMs: limits.partitionHoldMs,
      knownNodes: lastRun.knownNodes,
      facts: lastRun.facts,
      queueStore: options.queueStore,
      queues: (events) => createQueueHost({ store: options.queueStore, events, clock }),
      scheduleFlush,
    });
    this.tunnels = new TunnelCore({ clock, routes, replicas, streams: this.#streams, scheduleFlush });
    this.clients = new ClientCore({
      self: identity.id,
      selfName: identity.name,
      life: identity.incarnation,
      knownNodes: lastRun.knownNodes,
      partitionHoldMs: limits.partitionHoldMs,
      clock,
      journal,
      routes,
      addresses: this.addresses,
      disk: options.clientDisk,
      sendControl: (node, kind, payload) => this.#streams.sendControl(node, kind, payload),
      scheduleFlush,
    });
  }

  get identity(): NodeIdentity {
    return this.#links.self;
  }

  // --- links ---------------------------------------------------------------------------------------------------------------

  addLink(
    transport: LinkTransport,
    peer: PeerHello,
    dialled: boolean,
  ): LinkTransportEvents & { readonly link: number } {
    const events = this.#links.addLink(new ChecksumTransport(transport), peer, dialled);
    return {
      link: events.link,
      onFrame: (cls, bytes, start, end) => {
        const from = checkedStart(bytes, start, end);
        if (from >= 0) {
          events.onFrame(cls, bytes, from, end);
          return;
        }
        this.#damagedFrames++;
        this.options.journal.warn('frame-damaged', { link: peer.link, peer: peer.node });
        transport.close('amqp:decode-error', 'a frame arrived damaged: its checksum is wrong');
      },
      onInbound: () => events.onInbound(),
      onRoom: (cls) => events.onRoom(cls),
      onClosed: (reason) => events.onClosed(reason),
    };
  }

  setCost(link: number, cost: number): void {
    this.#links.setCost(link, cost);
  }

  removeLink(link: number): void {
    this.#links.removeLink(link);
  }

  links(): readonly LinkView[] {
    return this.#links.links();
  }

  nodes(): Iterable<NodeView> {
    return this.#links.routes.nodes();
  }

  // --- what routing tells --------------------------------------------------------------------------------------------------

  #onReachable(node: NodeView): void {
    this.#streams.onReachable(node);
    this.addresses.onReachable(node);
    this.tunnels.onReachable(node);
    this.clients.onReachable(node);
  }

  #onUnreachable(node: NodeView): void {
    this.#streams.onUnreachable(node);
    this.addresses.onUnreachable(node);
    this.clients.onUnreachable(node);
  }

  #onIncarnation(node: NodeView): void {
    this.addresses.onIncarnation(node);
    this.tunnels.broken(node.id);
    this.#streams.onIncarnation(node);
    this.clients.onIncarnation(node);
  }

  #onTopology(removed: boolean): void {
    this.addresses.onTopology();
    this.#streams.onTopology(removed);
  }

  #onOwnIncarnation(): void {
    this.addresses.onOwnIncarnation();
    this.tunnels.broken(null);
    this.#streams.onOwnIncarnation();
    this.clients.onOwnIncarnation();
  }

  /** @throws WireError */
  #onRoutedFrame(bytes: Buffer, start: number, end: number): void {
    const type = bytes[start];
    if (type === FRAME.batch) this.#streams.onBatch(bytes, start, end);
    else if (type === FRAME.datagram) this.#streams.onDatagram(bytes, start, end);
    else throw new WireError(`unknown routed frame of type ${type}`);
  }

  // --- what the application asks -------------------------------------------------------------------------------------------

  counters(): MeshCounters {
    const { counters: streams } = this.#streams;
    const { counters: addresses } = this.addresses;
    return {
      published: addresses.published,
      delivered: addresses.delivered,
      forwardedFrames: streams.forwardedFrames,
      resentFrames: streams.resentFrames,
      duplicateFrames: streams.duplicateFrames,
      congestionDrops: streams.congestionDrops,
      gapReports: streams.gapReports,
      reroutes: streams.reroutes,
      shutWindows: streams.shutWindows,
      holds: streams.holds,
      restartsSeen: streams.restartsSeen,
      hopLimitDrops: streams.hopLimitDrops,
      chokes: addresses.chokes,
      gaps: addresses.gaps,
      overflows: addresses.overflows,
      putsResent: addresses.putsResent,
      putsRepeated: addresses.putsRepeated,
      circuitsReopened: addresses.circuitsReopened,
      queuesRefused: addresses.queuesRefused + this.queues.refused,
      handoversCut: addresses.handoversCut,
      damagedFrames: this.#damagedFrames + streams.corruptFrames,
      dropped: addresses.dropped,
    };
  }

  pools(): readonly { readonly name: string; readonly used: number; readonly capacity: number }[] {
    const ingress = {
      name: 'ingress',
      used: this.addresses.reservedBytes,
      capacity: this.options.limits.ingressPoolBytes,
    };
    return [
      ingress,
      ...[this.#retention, this.#receive, this.#transit].map(({ name, used, capacity }) => ({ name, used, capacity })),
    ];
  }

  get clientRecords(): ClientRecords {
    return this.clients.records;
  }

  clientView(): ClientView {
    return this.clients.view();
  }

  setRules(...[rules, defaultKind]: Parameters<MeshNode['setRules']>): void {
    this.addresses.setRules(rules, defaultKind);
  }

  rulesInForce(): readonly RuleInForce[] {
    return this.addresses.rulesInForce();
  }

  get queues(): QueueHost {
    return this.addresses.queues;
  }

  queueHomes(): Iterable<readonly [name: string, node: string]> {
    return this.addresses.queueHomes();
  }

  outbox(): readonly OutboxView[] {
    return this.addresses.outbox();
  }

  get relocation(): QueueRelocation {
    return this.addresses.relocation;
  }

  conflicts(): readonly string[] {
    return this.addresses.conflicts();
  }

  /** Routes first, then top down, so that what one layer says leaves with the layer below in the same turn. */
  flush(): number {
    this.#links.update();
    this.clients.flush();
    this.addresses.flush();
    this.tunnels.flush();
    this.#streams.flush();
    this.#links.flush();
    return this.#deadline();
  }

  tick(): number {
    const now = this.options.clock.now();
    this.addresses.tick(now);
    this.tunnels.tick(now);
    this.clients.tick(now);
    this.#streams.tick();
    this.#links.tick();
    return this.#deadline();
  }

  #deadline(): number {
    return Math.min(
      this.addresses.deadline(),
      this.clients.deadline(),
      this.tunnels.deadline(),
      this.#streams.deadline(),
      this.#links.deadline(),
    );
  }

  drain(): void {
    if (this.#draining) return;
    this.#draining = true;
    this.addresses.drain();
    this.tunnels.drain();
    this.#links.drain();
  }

  get drained(): boolean {
    return this.addresses.drained && this.#streams.idle && this.#links.drained;
  }
}
