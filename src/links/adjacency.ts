import type { Clock } from '../common/ports';
import type { WireReader } from '../common/wire';
import type { LinkTransport, NodeIdentity } from './contract';
import { LinkCostError } from './errors';
import { readBye, readHello, readSynced, writeBye, writeHello, writeSynced } from './frames';
import { isCost, type Agreement } from './handshake';
import type { LinkStatus } from './link-status';
import { DRAIN_MS } from './limits';
import { Liveness } from './liveness';
import { OutboundQueue, type FrameDropped } from './outbound-queue';
import { RoundTrip } from './round-trip';
import type { SyncPort } from './sync-port';

/** Where an adjacency stands. */
export type AdjacencyState =
  /** Digests are under way. `covered`: we told the neighbour that we have what it has; `confirmed`: it told us. */
  | { readonly kind: 'synchronising'; readonly covered: boolean; readonly confirmed: boolean }
  | { readonly kind: 'up' }
  /** Goodbye was said; what is queued still leaves. `answered`: both have said it. */
  | { readonly kind: 'draining'; readonly by: 'local' | 'peer'; readonly answered: boolean; readonly deadline: number }
  | { readonly kind: 'down'; readonly why: string };

/** What an adjacency tells the layer above; called synchronously. */
export interface AdjacencyEvents {
  onState(adjacency: Adjacency, former: AdjacencyState['kind']): void;
  /** The accepting side has taken over a new cost, or the dialling side was told one. */
  onCost(adjacency: Adjacency): void;
  /** A hello came in; `equal` tells whether the neighbour's replicas are the same as ours. */
  onHello(adjacency: Adjacency, equal: boolean): void;
  onDropped: FrameDropped;
}

export interface AdjacencyPorts {
  readonly clock: Clock;
  readonly self: () => NodeIdentity;
  readonly sync: SyncPort;
  readonly events: AdjacencyEvents;
  readonly helloMs: number;
  readonly deadMs: number;
  readonly queueBytes: number;
}

/**
 * One link to one neighbour: synchronising -> up -> draining -> down. It counts as up only after each end has confirmed that its
 * replicas are at least as new as the digest that the other sent; that digest is fixed, so changes meanwhile cannot delay it.
 */
export class Adjacency {
  readonly queue: OutboundQueue;
  readonly key: string;
  bytesIn = 0;
  peer: NodeIdentity;
  cost: number;
  #state: AdjacencyState = { kind: 'synchronising', covered: false, confirmed: false };
  #since: number;
  #digest = 0;
  #helloAt: number;
  readonly #liveness: Liveness;
  readonly #roundTrip = new RoundTrip();

  constructor(
    readonly link: number,
    private readonly transport: LinkTransport,
    agreement: Agreement,
    readonly dialled: boolean,
    private readonly ports: AdjacencyPorts,
  ) {
    const now = ports.clock.now();
    this.peer = agreement.peer;
    this.name = agreement.linkName;
    this.protocol = agreement.protocol;
    this.cost = agreement.cost;
    this.key = adjacencyKey(agreement.peer.id, dialled, agreement.linkName);
    this.queue = new OutboundQueue(ports.queueBytes, ports.events.onDropped);
    this.#liveness = new Liveness(ports.deadMs, now);
    this.#helloAt = now;
    this.#since = ports.clock.wall();
  }

  readonly name: string;
  readonly protocol: number;

  get state(): AdjacencyState {
    return this.#state;
  }

  /** True while frames may be queued: until goodbye has been said by both. */
  get open(): boolean {
    return this.#state.kind !== 'down';
  }

  get roundTripMs(): number | null {
    return this.#roundTrip.smoothedMs;
  }

  /** Begins the exchange of digests; the first hello leaves with it. */
  start(): void {
    this.#sendHello(this.ports.clock.now());
    this.#digest = this.ports.sync.start(this.link);
  }

  // --- frames of the neighbour ---------------------------------------------------------------------------------------------

  onInbound(): void {
    this.#liveness.heard(this.ports.clock.now());
  }

  /** @throws WireError */
  onHello(reader: WireReader): void {
    const hello = readHello(reader);
    this.#roundTrip.heard(hello, this.ports.clock.now());
    if (hello.incarnation !== this.peer.incarnation) this.peer = { ...this.peer, incarnation: hello.incarnation };
    if (!this.dialled && hello.cost !== this.cost) {
      this.cost = hello.cost;
      this.ports.events.onCost(this);
    }
    this.ports.events.onHello(this, hello.summary === this.ports.sync.summary());
  }

  /** @throws WireError */
  onSynced(reader: WireReader): void {
    const state = this.#state;
    if (readSynced(reader) < this.#digest || state.kind !== 'synchronising') return;
    this.#synchronised(state.covered, true);
  }

  /** @throws WireError */
  onBye(reader: WireReader): void {
    const bye = readBye(reader);
    const state = this.#state;
    const deadline = this.ports.clock.now() + DRAIN_MS;
    if (state.kind === 'down') return;
    if (state.kind !== 'draining') this.#enter({ kind: 'draining', by: 'peer', answered: false, deadline });
    else if (state.by === 'local' && !bye.answer) {
      this.#say(writeBye({ answer: true, reason: '' }));
      this.#state = { ...state, answered: true };
    } else if (bye.answer) this.#state = { ...state, answered: true };
  }

  // --- what the owner asks -------------------------------------------------------------------------------------------------

  /** Changes the cost live; the neighbour takes it over from the next hello. @throws LinkCostError on the accepting side */
  setCost(cost: number): void {
    if (!isCost(cost)) throw new LinkCostError(`cost ${cost} of link '${this.name}' is not in 1 to 2^24`);
    if (!this.dialled) {
      throw new LinkCostError(
        `link '${this.name}' was dialled by '${this.peer.name}', which owns its cost: change it there`,
      );
    }
    if (cost === this.cost) return;
    this.cost = cost;
    this.#helloAt = -Infinity;
    this.ports.events.onCost(this);
  }

  /** Says goodbye: both ends withdraw the edge at once, what is queued still leaves, then the connection is closed. */
  drain(reason: string): void {
    if (this.#state.kind === 'draining' || this.#state.kind === 'down') return;
    this.#say(writeBye({ answer: false, reason }));
    this.#enter({ kind: 'draining', by: 'local', answered: false, deadline: this.ports.clock.now() + DRAIN_MS });
  }

  /** Ends the link now. */
  close(condition: string, reason: string): void {
    if (this.#state.kind === 'down') return;
    this.#down(reason);
    this.transport.close(condition, reason);
  }

  /** The transport is gone. */
  onClosed(reason: string): void {
    if (this.#state.kind !== 'down') this.#down(reason);
  }

  /** Queues a frame that only the neighbour reads. */
  sendNeighbour(frame: Buffer): void {
    if (this.#state.kind !== 'down') this.#say(frame);
  }

  // --- time and the end of a turn ------------------------------------------------------------------------------------------

  /** Does what is due and returns the next deadline. */
  tick(now: number): number {
    if (this.#state.kind === 'down') return Infinity;
    if (this.#liveness.check(now)) {
      this.close('fairlead:dead', `nothing heard for ${this.ports.deadMs} ms`);
      return Infinity;
    }
    if (now >= this.#helloAt) this.#sendHello(now);
    this.#advance(now);
    return this.deadline();
  }

  deadline(): number {
    const state = this.#state;
    if (state.kind === 'down') return Infinity;
    const next = Math.min(this.#helloAt, this.#liveness.deadline());
    return state.kind === 'draining' ? Math.min(next, state.deadline) : next;
  }

  /** Hands queued frames to the transport, as far as it has room. */
  flush(): void {
    if (this.#state.kind === 'down') return;
    const now = this.ports.clock.now();
    if (now >= this.#helloAt) this.#sendHello(now);
    this.#advance(now);
    this.queue.drain(this.transport, now);
    this.#advance(now);
    this.queue.drain(this.transport, now);
  }

  status(): LinkStatus {
    const { link, name, peer, dialled, cost, bytesIn, queue } = this;
    const state = this.#state;
    return {
      link,
      name,
      peer,
      dialled,
      state: state.kind,
      cost,
      roundTripMs: this.#roundTrip.smoothedMs,
      since: this.#since,
      whyDown: state.kind === 'down' ? state.why : null,
      bytesIn,
      bytesOut: queue.sentBytes,
      queuedBytes: queue.queuedBytes,
    };
  }

  // --- inside --------------------------------------------------------------------------------------------------------------

  #advance(now: number): void {
    const state = this.#state;
    if (state.kind === 'synchronising' && !state.covered) {
      const covered = this.ports.sync.covered(this.link);
      if (covered === 0) return;
      this.#say(writeSynced(covered));
      this.#synchronised(true, state.confirmed);
    } else if (state.kind === 'draining') this.#advanceDrain(state, now);
  }

  #synchronised(covered: boolean, confirmed: boolean): void {
    if (covered && confirmed) this.#enter({ kind: 'up' });
    else this.#state = { kind: 'synchronising', covered, confirmed };
  }

  /** The side that was told answers once its queue is empty; the side that began closes once it has the answer and is empty. */
  #advanceDrain(state: AdjacencyState & { kind: 'draining' }, now: number): void {
    const overdue = now >= state.deadline;
    if (state.by === 'peer') {
      if (!state.answered && (this.queue.routedEmpty || overdue)) {
        this.#say(writeBye({ answer: true, reason: '' }));
        this.#state = { ...state, answered: true, deadline: now + DRAIN_MS };
      } else if (overdue) this.close('amqp:connection:forced', 'the neighbour said goodbye');
    } else if (overdue || (state.answered && this.queue.empty)) {
      this.close('amqp:connection:forced', 'link ended on purpose');
    }
  }

  #sendHello(now: number): void {
    this.#helloAt = now + this.ports.helloMs;
    const { self, sync } = this.ports;
    const hello = { incarnation: self().incarnation, cost: this.cost, summary: sync.summary() };
    this.#say(writeHello({ ...hello, ...this.#roundTrip.stamp(now) }));
  }

  #say(frame: Buffer): void {
    if (!this.queue.pushNeighbour(frame)) this.close('amqp:resource-limit-exceeded', 'the neighbour does not read');
  }

  #enter(state: AdjacencyState): void {
    const former = this.#state.kind;
    this.#state = state;
    this.#since = this.ports.clock.wall();
    this.ports.events.onState(this, former);
  }

  #down(why: string): void {
    this.queue.clear();
    this.ports.sync.stop(this.link);
    this.#enter({ kind: 'down', why });
  }
}

/** Identity of a link among those of one node: two nodes may each dial the other by the same name. */
export function adjacencyKey(peer: number, dialled: boolean, name: string): string {
  return `${dialled ? '>' : '<'}${peer}/${name}`;
}
