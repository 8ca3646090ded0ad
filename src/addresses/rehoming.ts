import type { Chunk } from '../common/chunk';
import { WireError, WireReader } from '../common/wire';
import { nodeIdOf, type NodeId } from '../links/contract';
import { SPACE } from '../routing/contract';
import type { Receipt } from '../streams/contract';
import type { EndPoint } from './address-entry';
import { isTemporary } from './address-names';
import { CONTROL } from './control';
import { AddressError } from './errors';
import { Handovers } from './handovers';
import { LateMoves } from './late-moves';
import { REHOME_AT_ONCE_MAX } from './limits';
import { isSame, PLAIN_CLAIM, type QueueClaim } from './queue-claim';
import { Arrivals, type ArrivalsHome } from './rehoming-arrivals';
import { Departures } from './rehoming-departures';
import { mergeQueues, refusalOf } from './rehoming-merges';
import { RehomingNotes } from './rehoming-notes';
import { sendMove, type MoveView, type RehomingPorts } from './rehoming-ports';
import { intakeHome, isSubscriptionQueue, readLateName, readMergingName } from './reserved-names';

/** Queues that move from this node to others. */
export interface QueueRelocation {
  /**
   * Begins to move a queue that lives here, or tells how far that is.
   * @throws FairleadError when it cannot be moved there, or the last try has failed, which is told once
   */
  rehome(queue: string, node: string): MoveView;
  /** Queues that live here and could live elsewhere; also those on their way. */
  queues(): readonly string[];
  /** How far a queue of this node is, or how its last move ended; null for one that never moved. */
  move(queue: string): MoveView | null;
}

/** How queues get another home, on request or because they lost a claim; see docs/decisions/0010. */
export class Rehoming implements QueueRelocation, EndPoint {
  readonly notes: RehomingNotes;
  readonly #departures: Departures;
  readonly #arrivals: Arrivals;
  /** Subscriptions that have come, and for which something comes by their former homes. */
  readonly handovers: Handovers;
  readonly #late: LateMoves;

  constructor(private readonly ports: RehomingPorts) {
    this.notes = new RehomingNotes(ports.host.moves.notes);
    this.#departures = new Departures(ports, this.notes);
    this.#arrivals = new Arrivals(this.#arrivalsHome());
    const { routes, streams, clock, homes, spanOf, subscriptions, scheduleFlush } = ports;
    this.handovers = new Handovers({
      self: routes.self.id,
      now: () => clock.now(),
      nodes: () => routes.nodes(),
      send: (node, kind, payload) => streams.sendControl(node, kind, payload),
      homeOf: (queue) => homes.claims(queue)[0]?.owner ?? null,
      nameOf: (node) => routes.view(node)?.name ?? '',
      spanOf,
      isLate: (queue) => subscriptions.late.first(queue) !== null,
      scheduleFlush,
    });
    this.#late = new LateMoves(ports, {
      notes: this.notes,
      handovers: this.handovers,
      departure: (queue) => this.#departures.get(queue),
      depart: (queue, to) => this.#departures.begin(queue, to),
      abandon: (queue) => this.#departures.abandon(queue),
      merge: (...queues) => mergeQueues(ports, ...queues),
    });
  }

  /** What the last life left is known again. */
  start(): void {
    const { homes } = this.ports;
    for (const queue of this.notes.allLeft()) {
      const pointer = this.notes.left(queue);
      // Who tells of it himself is on the disk here.
      if (pointer === null || homes.claims(queue).length > 0) this.notes.forgetLeft(queue);
      else homes.own(queue, pointer);
    }
    for (const queue of this.notes.allLeaving()) {
      const leaving = this.notes.leaving(queue);
      if (leaving === null) continue;
      const { to: name, how, claim } = leaving;
      this.#departures.begin(queue, { name, node: nodeIdOf(name), how, claim }, leaving);
    }
    for (const queue of this.notes.allFormer()) this.#handOver(queue);
  }

  /** What the last life left goes on, as far as it needs the subscriptions here. */
  resume(): void {
    this.#arrivals.start();
  }

  /** What this node tells of a queue that is on its disk. */
  claimOf(queue: string): QueueClaim | null {
    return this.notes.claim(queue);
  }

  // --- what operators ask --------------------------------------------------------------------------------------------------------

  rehome(queue: string, node: string): MoveView {
    const running = this.#departures.get(queue);
    if (running !== undefined) return this.#departures.join(running, node);
    const result = this.#departures.takeResult(queue, node);
    if (result !== null) return result;
    this.#check(queue, node);
    const claim = this.ports.homes.claims(queue)[0]?.claim ?? PLAIN_CLAIM;
    const moved = { ...claim, generation: claim.generation + 1 };
    this.#departures.begin(queue, { name: node, node: nodeIdOf(node), how: 'move', claim: moved });
    this.ports.journal.info('queue-move', { queue, to: node });
    return this.#departures.view(queue) as MoveView;
  }

  queues(): readonly string[] {
    const { host, homes, selfName, subscriptions } = this.ports;
    const isHere = (queue: string): boolean =>
      (!isSubscriptionQueue(queue) || subscriptions.isDurable(queue)) &&
      homes.claims(queue).some(({ owner }) => owner === selfName);
    return host.stored.filter((queue) => readMergingName(queue) === null && isHere(queue));
  }

  move(queue: string): MoveView | null {
    return this.#departures.view(queue);
  }

  /** @throws AddressError */
  #check(queue: string, node: string): void {
    const { routes, homes, host, selfName } = this.ports;
    const refuse = (why: string): never => {
      throw new AddressError('FL_REHOME_REFUSED', `queue '${queue}' ${why}`);
    };
    const view = routes.view(nodeIdOf(node));
    if (view?.name !== node)
      throw new AddressError('FL_REHOME_NODE', `no node is named '${node}': fairlead status tells which are known`);
    if (node === selfName) refuse('lives here already');
    if (!view.reachable) throw new AddressError('FL_REHOME_NODE', `node ${node} is out of reach`);
    if (isBound(queue)) refuse('is bound to its node');
    if (isSubscriptionQueue(queue) && !this.ports.subscriptions.isDurable(queue))
      refuse('is a subscription that keeps nothing, or none of this node');
    if (this.ports.subscriptions.late.first(queue) !== null || this.handovers.has(queue))
      refuse('is being put together: try again');
    if (this.#departures.size >= REHOME_AT_ONCE_MAX) refuse(`is one too many: ${REHOME_AT_ONCE_MAX} leave this node`);
    if (homes.claims(queue).length > 1) refuse('is at two nodes, and becomes one first: see fairlead addresses');
    if (!host.stored.includes(queue)) refuse('is not on the disk of this node');
    const policy = this.ports.policyOf(queue);
    if (policy === null) refuse('is none by its rules');
    // One that is damaged says so.
    else host.open(queue, policy);
    if (this.#arrivals.isBusy(queue)) refuse('is being put together: try again');
  }

  // --- queues that leave ---------------------------------------------------------------------------------------------------------

  /** Nobody serves the queue at this node for now, whatever is told of where it lives. */
  isLeaving(queue: string): boolean {
    const departure = this.#departures.get(queue);
    return departure === undefined ? this.#late.isClosed(queue) : departure.isDetached && !departure.isAway;
  }

  /** A subscription is on its way to another node, or something of its own is on its way into it. */
  isMoving(queue: string): boolean {
    const departure = this.#departures.get(queue);
    if (departure !== undefined && !departure.isAway) return true;
    return this.#late.isBusy(queue) || this.#arrivals.isBusy(queue);
  }

  /** Keeps a put without an answer for as long as its queue is on its way. @returns false when it is not */
  hold(queue: string, site: number): boolean {
    if (!this.isLeaving(queue)) return false;
    this.#departures.hold(queue, site);
    return true;
  }

  /** Who claims a queue has changed: what was made at two nodes becomes one. */
  review(queue: string): void {
    const { homes, selfName } = this.ports;
    const claims = homes.claims(queue);
    const departure = this.#departures.get(queue);
    if (departure !== undefined) this.#departures.seeAway(departure);
    if (departure?.to.how === 'merge' && !departure.isAway && claims[0]?.owner !== departure.to.name)
      departure.fail(new AddressError('FL_REHOME_REFUSED', 'another node has it by right'));
    if (this.#departures.has(queue) || this.#late.isBusy(queue) || this.#arrivals.isBusy(queue)) return;
    const [winner] = claims;
    if (winner === undefined || winner.owner === selfName || !claims.some(({ owner }) => owner === selfName)) return;
    // What is kept in memory alone is not put together.
    if (!this.ports.host.stored.includes(queue)) return;
    const { owner: name, claim } = winner;
    this.ports.journal.warn('queue-claim-lost', { queue, to: name });
    this.#departures.begin(queue, { name, node: nodeIdOf(name), how: 'merge', claim });
  }

  // --- subscriptions -----------------------------------------------------------------------------------------------------------------

  #handOver(queue: string): void {
    this.#late.handOver(queue, () => this.#arrivals.onHandedOver(queue));
  }

  /** One that lived here is nowhere any more, or another of its name is made here. */
  ended(queue: string): void {
    if (this.#departures.has(queue)) {
      this.#departures.abandon(queue);
      this.ports.host.delete(queue);
    }
    this.handovers.end(queue);
    this.notes.setFormer(queue, null);
    this.notes.forgetClaim(queue);
    this.#late.drop(queue);
    this.#arrivals.onHandedOver(queue);
  }

  // --- queues that come ----------------------------------------------------------------------------------------------------------

  #arrivalsHome(): ArrivalsHome {
    const { host, homes, replicas, subscriptions, scheduleFlush } = this.ports;
    return {
      host,
      notes: this.notes,
      send: (node, kind, payload) => sendMove(this.ports, node, kind, payload),
      nodeName: (node) => this.ports.routes.view(node)?.name ?? '',
      nodeOf: (name) => nodeIdOf(name),
      refusal: (head) => refusalOf(this.ports, head, this.#departures.has(head.queue)),
      isComing: (queue) => this.handovers.has(queue),
      factsVersion: () => replicas.pendingVersion(SPACE.facts),
      joined: (queue, ids) => subscriptions.joined(queue, ids),
      comes: (queue, claim) => {
        if (isSubscriptionQueue(queue) && !isSame(claim, { ids: subscriptions.idsOf(queue) })) this.#late.drop(queue);
      },
      claimed: (queue, claim) => {
        if (isSubscriptionQueue(queue)) {
          subscriptions.adopted(queue, claim);
          this.#handOver(queue);
        } else homes.own(queue, claim);
        this.ports.arrived(queue);
      },
      merge: (from, into, done) => mergeQueues(this.ports, from, into, (error) => error === null && done()),
      scheduleFlush,
    };
  }

  // --- what comes from other nodes -------------------------------------------------------------------------------------------------

  /** A piece of a queue. @throws WireError */
  arrive({ origin }: Receipt, _seq: number, _flags: number, chunk: Chunk, start: number, end: number): void {
    const reader = new WireReader(chunk.bytes, start, end);
    this.#arrivals.onPiece(origin, reader.text(), reader.u32(), reader.rest());
  }

  arriveLarge(): void {
    throw new WireError('a piece of a queue that is a large message');
  }

  /** @throws WireError */
  onControl(from: NodeId, kind: number, reader: WireReader): void {
    if (kind >= CONTROL.handoverAsk) {
      this.handovers.onControl(from, kind, reader);
      return;
    }
    const transfer = reader.text();
    if (kind === CONTROL.moveCommit) this.#arrivals.onCommit(from, transfer);
    else if (kind === CONTROL.moveForget) this.#arrivals.onForget(transfer);
    else this.#departures.onControl(from, kind, transfer, reader);
  }

  onReachable(node: NodeId): void {
    this.#arrivals.onReachable(node);
    if (this.#departures.size > 0) this.ports.scheduleFlush();
  }

  /** A stream has room again. */
  relieved(): void {
    if (this.#departures.size > 0) this.ports.scheduleFlush();
  }

  /** Whatever this node and that one (null: any other) had agreed on is void. */
  broken(node: NodeId | null): void {
    this.#arrivals.broken(node);
    if (node !== null) this.handovers.forget(node);
    this.#departures.broken(node);
  }

  /** Facts of another node are newer than before. */
  factsChanged(): void {
    if (this.#departures.size > 0) this.ports.scheduleFlush();
  }

  /** Queues that nobody serves, for the node that they go to is away, or they cannot be read. */
  stranded(): Iterable<string> {
    return this.#departures.stranded();
  }

  // --- time ------------------------------------------------------------------------------------------------------------------------

  flush(now: number): void {
    this.handovers.flush(now);
    this.#late.flush();
    this.#departures.flush(now);
  }

  tick(now: number): void {
    if (now >= this.deadline()) this.ports.scheduleFlush();
  }

  deadline(): number {
    return Math.min(this.handovers.deadline(), this.#late.deadline(), this.#departures.deadline());
  }
}

/** It stands for something of its node. */
function isBound(queue: string): boolean {
  return (
    isTemporary(queue) ||
    readMergingName(queue) !== null ||
    readLateName(queue) !== null ||
    intakeHome(queue) !== undefined
  );
}
