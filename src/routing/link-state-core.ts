import type { Chunk } from '../common/chunk';
import type { Adjacency, AdjacencyState } from '../links/adjacency';
import type {
  LinkTransport,
  LinkTransportEvents,
  NodeId,
  NodeIdentity,
  PeerHello,
  TrafficClass,
} from '../links/contract';
import { LinkRefusedError } from '../links/errors';
import type { LinkStatus } from '../links/link-status';
import { SPACE, type ReplicaEvents, type Replicas, type Routes } from './contract';
import { EdgeAdvertiser } from './edge-advertiser';
import { PURGE_CHECK_MS, PURGE_MS } from './limits';
import { LinkStateCounters, type LinkStatePorts } from './link-state-ports';
import { Neighbours } from './neighbours';
import { OwnName } from './own-name';
import type { SyncCounters } from './replica-sync';
import { ReplicaTable, type Origin, type ReplicaTableEvents } from './replica-table';
import { RoutingTable } from './routing-table';
import { SpfSchedule } from './spf-schedule';
import { Topology } from './topology';
import { NODE_KEY, writeNodeRecord } from './topology-records';

/**
 * Links, replicated maps and routes of one node joined: what neighbours say comes in by the transports' events, what this node
 * says leaves with `flush`, and time passes with `tick`.
 */
export class LinkStateCore {
  readonly counters = new LinkStateCounters();
  readonly replicas: Replicas;
  readonly routes: Routes;
  #self: NodeIdentity;
  #draining = false;
  #purgeAt: number;
  readonly #table: ReplicaTable;
  readonly #topology = new Topology();
  readonly #routing: RoutingTable;
  readonly #links: Neighbours;
  readonly #schedule = new SpfSchedule(this.#topology);
  readonly #edges: EdgeAdvertiser;
  readonly #ownName: OwnName;

  constructor(private readonly ports: LinkStatePorts) {
    const { identity, clock, random, scheduleFlush } = ports;
    const now = clock.now();
    this.#self = identity;
    this.#purgeAt = now + PURGE_CHECK_MS;
    this.#ownName = new OwnName(identity.incarnation, random);
    this.replicas = this.#table = new ReplicaTable(identity, this.#tableEvents(), scheduleFlush);
    this.#links = new Neighbours(ports, () => this.#self, this.#table, this.counters, {
      onState: (adjacency, former) => this.#onState(adjacency, former),
      onCost: (adjacency) => this.#edges.costChanged(adjacency),
    });
    this.routes = this.#routing = new RoutingTable(
      identity,
      this.#topology,
      ({ record: { neighbour, dialled, link } }) => this.#links.linkOf(neighbour, dialled, link),
      now,
    );
    this.#edges = new EdgeAdvertiser(identity.id, this.#table, this.#topology);
    this.#table.restoreFacts(ports.facts);
    this.#advertiseNode();
  }

  /** This node as it lives now; the incarnation changes when it has to begin a new life. */
  get self(): NodeIdentity {
    return this.#self;
  }

  /** Counters of the exchange of replicas. */
  get replication(): Readonly<SyncCounters> {
    return this.#links.sync.counters;
  }

  // --- what replicas tell --------------------------------------------------------------------------------------------------

  #tableEvents(): ReplicaTableEvents {
    const onReplica: ReplicaEvents['onReplica'] = (space, origin, version, replaced, changes) => {
      if (space !== SPACE.topology) {
        this.ports.replicas.onReplica(space, origin, version, replaced, changes);
        return;
      }
      if (replaced) this.#topology.replace(origin, this.#table.entries(space, origin));
      else this.#topology.change(origin, changes);
      this.ports.scheduleFlush();
    };
    return {
      onReplica,
      onLife: (origin) => this.#onLife(origin),
      onForgotten: (id) => {
        this.#topology.forget(id);
        this.#routing.forget(id);
      },
      onOwnName: (incarnation, born) => this.#onOwnName(incarnation, born),
      onCollision: (known, other) => this.ports.journal.warn('node-hash-collision', { known, other }),
    };
  }

  #advertiseNode(): void {
    const record = writeNodeRecord(this.#draining);
    this.#table.set(SPACE.topology, NODE_KEY, record);
    this.#topology.change(this.#self.id, [[NODE_KEY, record]]);
  }

  #onLife({ id, name, site, incarnation }: Origin): void {
    const former = this.#routing.view(id)?.incarnation ?? 0;
    const view = this.#routing.learn(id, name, site, incarnation, this.ports.clock.now());
    if (former > 0) this.ports.routing.onIncarnation(view, former);
  }

  #onOwnName(incarnation: number, born: number): void {
    const verdict = this.#ownName.seen(incarnation, born, this.ports.clock.now());
    if (verdict.kind === 'advance') this.#advance(verdict.incarnation, incarnation);
    else if (verdict.kind === 'withdraw') this.#withdraw(incarnation);
  }

  #advance(incarnation: number, seen: number): void {
    this.counters.advances++;
    this.ports.journal.warn('incarnation-advanced', { node: this.#self.name, seen, now: incarnation });
    this.#self = { ...this.#self, incarnation };
    this.#routing.self.incarnation = incarnation;
    this.#links.sync.advance(incarnation);
    this.ports.onIdentity(this.#self);
  }

  #withdraw(twin: number): void {
    const reason = `another process named '${this.#self.name}' is in the mesh, incarnation ${twin}`;
    this.ports.journal.warn('node-withdrawn', { node: this.#self.name, why: reason });
    this.#links.refuse(new LinkRefusedError('FL_LINK_DUPLICATE_NAME', reason));
    this.ports.onWithdrawn(reason);
  }

  // --- links ---------------------------------------------------------------------------------------------------------------

  /**
   * A connection to a neighbour is open and the hellos of both are known. The same link opened again replaces the former one.
   * @throws LinkRefusedError
   */
  addLink(
    transport: LinkTransport,
    hello: PeerHello,
    dialled: boolean,
  ): LinkTransportEvents & { readonly link: number } {
    return this.#links.add(transport, hello, dialled);
  }

  #onState(adjacency: Adjacency, former: AdjacencyState['kind']): void {
    const { state, name, peer } = adjacency;
    const now = this.ports.clock.now();
    if (state.kind === 'up') {
      this.counters.linksUp++;
      this.#edges.up(adjacency, now);
      this.ports.journal.info('link-up', { link: name, peer: peer.name, cost: adjacency.cost });
    } else if (state.kind === 'draining') this.#edges.down(adjacency, now, false);
    else if (state.kind === 'down') {
      const lost = former === 'up';
      if (lost) this.counters.linksLost++;
      this.#edges.down(adjacency, now, lost);
      this.ports.journal.info('link-down', { link: name, peer: peer.name, why: state.why });
    }
    this.ports.scheduleFlush();
  }

  /** Queues a routed frame; one for a link that is gone is dropped like one for which there is no room. */
  enqueue(link: number, cls: TrafficClass, head: Buffer, body: Chunk | null, streamKey: number, origin: NodeId): void {
    this.#links.enqueue(link, cls, head, body, streamKey, origin);
  }

  /** Changes a link's cost live. @throws LinkCostError on the side that did not dial, or for a cost out of range */
  setCost(link: number, cost: number): void {
    this.#links.get(link)?.setCost(cost);
    this.ports.scheduleFlush();
  }

  /** Ends a link on purpose: both ends route around it first, and what waits for it still leaves. */
  removeLink(link: number): void {
    this.#links.get(link)?.drain(this.#draining ? 'the node is shutting down' : 'the link was removed');
    this.ports.scheduleFlush();
  }

  /** Every link whose transport has not been reported closed. */
  links(): LinkStatus[] {
    return this.#links.statuses();
  }

  /** Tells the mesh to route around this node and refuses new links; it stays a destination until its links end. */
  drain(): void {
    if (this.#draining) return;
    this.#draining = true;
    this.#links.refusal ??= new LinkRefusedError('FL_LINK_DRAINING', `node '${this.#self.name}' is draining`);
    this.#advertiseNode();
    this.ports.scheduleFlush();
  }

  /** True once the node drains and no routed frame waits on any link. */
  get drained(): boolean {
    return this.#draining && this.#links.routedEmpty;
  }

  // --- time and the end of a turn ------------------------------------------------------------------------------------------

  /** Floods own changes and brings the routes up to date. Before the streams' `flush`, so that their frames take the new routes. */
  update(): void {
    this.#links.sync.flush();
    this.#runSpf(this.ports.clock.now());
  }

  /** Updates, and sends what waits as far as the links have room. */
  flush(): void {
    this.update();
    for (const adjacency of this.#links.all) adjacency.flush();
  }

  #runSpf(now: number): void {
    if (this.#schedule.due(now)) {
      const { reachable, unreachable, removed } = this.#routing.update(now);
      this.#schedule.ran(now);
      this.counters.spfRuns++;
      if (removed) this.counters.reroutes++;
      const { routing } = this.ports;
      for (const view of reachable) {
        const origin = this.#table.origin(view.id);
        if (origin !== undefined) this.#table.fade(origin, false);
        routing.onReachable(view);
      }
      for (const view of unreachable) routing.onUnreachable(view);
      routing.onTopology(removed);
      // What the layers above changed in answer leaves in the same turn.
      this.#links.sync.flush();
    }
    if (!this.#topology.changed) this.#links.recycle();
  }

  /** Does what is due. @returns the next deadline, on the clock's scale */
  tick(): number {
    const now = this.ports.clock.now();
    this.#edges.tick(now);
    if (now >= this.#purgeAt) this.#purge(now);
    for (const adjacency of this.#links.all) adjacency.tick(now);
    this.update();
    for (const adjacency of this.#links.all) adjacency.flush();
    return this.deadline();
  }

  /** When `tick` has something to do next. */
  deadline(): number {
    let next = Math.min(this.#purgeAt, this.#edges.deadline(), this.#schedule.deadline());
    for (const adjacency of this.#links.all) next = Math.min(next, adjacency.deadline());
    return next;
  }

  #purge(now: number): void {
    this.#purgeAt = now + PURGE_CHECK_MS;
    for (const origin of [...this.#table.all()]) {
      const view = this.#routing.view(origin.id);
      if (origin.id === this.#self.id || view === undefined || view.reachable) continue;
      const gone = now - view.unreachableSince;
      if (gone >= PURGE_MS / 2) this.#table.fade(origin, true);
      if (gone >= PURGE_MS) this.#table.purge(origin);
    }
  }
}
