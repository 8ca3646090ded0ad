import type { Chunk } from '../common/chunk';
import { FairleadError } from '../common/errors';
import type { Clock, Journal } from '../common/ports';
import { WireError, WireReader } from '../common/wire';
import { nodeIdOf, TRAFFIC_CLASS, type NodeId } from '../links/contract';
import { QUEUES_MAX } from '../queues/limits';
import type { QueueHost, QueuePolicy } from '../queues/contract';
import type { QueueStore } from '../queues/store-port';
import type { Routes } from '../routing/contract';
import { MESSAGE_FLAG, type Receipt } from '../streams/contract';
import type { EndPoint } from './address-entry';
import { isTemporary } from './address-names';
import { CONTROL } from './control';
import { AddressError } from './errors';
import { REHOME_RESULTS_MAX } from './limits';
import type { AddressStreams } from './ports';
import { PLAIN_CLAIM, type QueueClaim } from './queue-claim';
import type { QueueHomes } from './queue-homes';
import { Arrivals, type ArrivalsHome } from './rehoming-arrivals';
import { Departure, type DepartureHome, type Destination } from './rehoming-departure';
import { REHOMING_WIRE, writeTransfer, type TransferHead } from './rehoming-messages';
import { type Leaving, RehomingNotes } from './rehoming-notes';
import { intakeHome, isSubscriptionQueue, readMergingName } from './reserved-names';

/** How far a queue is on its way to another node. */
export interface MoveView {
  readonly queue: string;
  readonly to: string;
  readonly state: 'settling' | 'copying' | 'finishing' | 'moved' | 'failed';
  /** Copied so far. */
  readonly bytes: number;
  readonly messages: number;
  /** Why it stays where it is; null while nothing is wrong. */
  readonly error: FairleadError | null;
}

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

/** What rehoming is built on. */
export interface RehomingPorts {
  readonly selfName: string;
  /** One life of this node. */
  readonly incarnation: number;
  readonly clock: Clock;
  readonly journal: Journal;
  readonly streams: AddressStreams;
  readonly routes: Routes;
  readonly store: QueueStore;
  readonly host: QueueHost;
  readonly homes: QueueHomes;
  /** How a queue treats its messages by the rules; null where they say that it is none. */
  policyOf(queue: string): QueuePolicy | null;
  /** Where it lives, or whether it is served here, is another than before. */
  changed(queue: string): void;
  /** A put that waits for where its queue lives is to be sent again. */
  undelivered(site: number): void;
  /** A queue has come, and is to be served here. */
  arrived(queue: string): void;
  readonly scheduleFlush: () => void;
}

const KIND = {
  taken: CONTROL.moveTaken,
  staged: CONTROL.moveStaged,
  commit: CONTROL.moveCommit,
  claimed: CONTROL.moveClaimed,
  refused: CONTROL.moveRefused,
  forget: CONTROL.moveForget,
} as const;

/** How queues get another home, on request or because they lost a claim; see docs/decisions/0010. */
export class Rehoming implements QueueRelocation, EndPoint {
  readonly notes: RehomingNotes;
  readonly #departures = new Map<string, Departure>();
  readonly #arrivals: Arrivals;
  readonly #results = new Map<string, MoveView>();
  /** Puts of other nodes for queues that are on their way, by queue. */
  readonly #held = new Map<string, number[]>();
  #transfers = 0;

  constructor(private readonly ports: RehomingPorts) {
    this.notes = new RehomingNotes(ports.host.moves.notes);
    this.#arrivals = new Arrivals(this.#arrivalsHome());
  }

  /** What the last life left goes on. */
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
      const { to: name, merges, claim } = leaving;
      this.#depart(queue, { name, node: nodeIdOf(name), merges, claim }, leaving);
    }
    this.#arrivals.start();
  }

  /** What this node tells of a queue that is on its disk. */
  claimOf(queue: string): QueueClaim | null {
    return this.notes.claim(queue);
  }

  // --- what operators ask --------------------------------------------------------------------------------------------------------

  rehome(queue: string, node: string): MoveView {
    const running = this.#departures.get(queue);
    if (running !== undefined) return this.#join(running, node);
    const result = this.#results.get(queue);
    if (result?.to === node) {
      // Told once; whoever asks again wants it to be tried again.
      this.#results.delete(queue);
      if (result.error !== null) throw result.error;
      return result;
    }
    this.#check(queue, node);
    const claim = this.ports.homes.claims(queue)[0]?.claim ?? PLAIN_CLAIM;
    const moved = { ...claim, generation: claim.generation + 1 };
    this.#depart(queue, { name: node, node: nodeIdOf(node), merges: false, claim: moved }, null);
    this.ports.journal.info('queue-move', { queue, to: node });
    return this.#view(this.#departures.get(queue) as Departure);
  }

  queues(): readonly string[] {
    const { host, homes, selfName } = this.ports;
    const isHere = (queue: string): boolean => homes.claims(queue).some(({ owner }) => owner === selfName);
    return host.stored.filter((queue) => readMergingName(queue) === null && isHere(queue));
  }

  move(queue: string): MoveView | null {
    const departure = this.#departures.get(queue);
    return departure === undefined ? (this.#results.get(queue) ?? null) : this.#view(departure);
  }

  #join(departure: Departure, node: string): MoveView {
    if (departure.to.name === node && !departure.to.merges) return this.#view(departure);
    const why = departure.to.merges
      ? `queue '${departure.queue}' goes into the one at ${departure.to.name}, which has it by right`
      : `queue '${departure.queue}' is on its way to ${departure.to.name} already`;
    throw new AddressError('FL_REHOME_REFUSED', why);
  }

  #view({ queue, to, phase, bytes, messages }: Departure): MoveView {
    const state =
      phase === 'settling' || phase === 'detaching' ? 'settling' : phase === 'copying' ? 'copying' : 'finishing';
    return { queue, to: to.name, state, bytes, messages, error: null };
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
    if (isTemporary(queue) || readMergingName(queue) !== null || intakeHome(queue) !== undefined)
      refuse('is bound to its node');
    if (isSubscriptionQueue(queue)) refuse('is a subscription, which stays where it was made');
    if (homes.claims(queue).length > 1) refuse('is at two nodes, and becomes one first: see fairlead addresses');
    if (!host.stored.includes(queue)) refuse('is not on the disk of this node');
    const policy = this.ports.policyOf(queue);
    if (policy === null) refuse('is none by its rules');
    // One that is damaged says so.
    else host.open(queue, policy);
    if (this.#arrivals.isBusy(queue)) refuse('is being put together: try again');
  }

  // --- queues that leave ---------------------------------------------------------------------------------------------------------

  #depart(queue: string, to: Destination, leaving: Leaving | null): void {
    const departure = new Departure(this.#departureHome, queue, to, leaving);
    departure.messages = this.ports.host.find(queue)?.view().depth ?? 0;
    this.#results.delete(queue);
    this.#departures.set(queue, departure);
    this.ports.changed(queue);
  }

  /** Nobody serves the queue at this node for now, whatever is told of where it lives. */
  isLeaving(queue: string): boolean {
    return this.#departures.get(queue)?.isDetached === true;
  }

  /** Keeps a put without an answer for as long as its queue is on its way. @returns false when it is not */
  hold(queue: string, site: number): boolean {
    if (!this.isLeaving(queue)) return false;
    const held = this.#held.get(queue);
    if (held === undefined) this.#held.set(queue, [site]);
    else held.push(site);
    return true;
  }

  /** Who claims a queue has changed: what was made at two nodes becomes one. */
  review(queue: string): void {
    const { homes, selfName } = this.ports;
    const claims = homes.claims(queue);
    const departure = this.#departures.get(queue);
    if (departure?.to.merges === true && claims[0]?.owner !== departure.to.name)
      departure.fail(new AddressError('FL_REHOME_REFUSED', 'another node has it by right'));
    if (this.#departures.has(queue) || this.#arrivals.isBusy(queue)) return;
    const [winner] = claims;
    if (winner === undefined || winner.owner === selfName || !claims.some(({ owner }) => owner === selfName)) return;
    // What is kept in memory alone is not put together.
    if (!this.ports.host.stored.includes(queue)) return;
    const { owner: name, claim } = winner;
    this.ports.journal.warn('queue-claim-lost', { queue, to: name });
    this.#depart(queue, { name, node: nodeIdOf(name), merges: true, claim }, null);
  }

  get #departureHome(): DepartureHome {
    const { clock, streams, host, scheduleFlush } = this.ports;
    return {
      moves: host.moves,
      notes: this.notes,
      now: () => clock.now(),
      newTransfer: () => `${this.ports.selfName}.${this.ports.incarnation}.${++this.#transfers}`,
      isReachable: (node) => this.#isReachable(node),
      isFull: (node) => streams.isFull(node, TRAFFIC_CLASS.normal),
      sendPiece: (node, piece) =>
        void streams.append(
          streams.targetSet([node]),
          TRAFFIC_CLASS.normal,
          REHOMING_WIRE,
          MESSAGE_FLAG.settled,
          piece,
          0,
          piece.length,
          -1,
        ),
      send: (node, kind, payload) => this.#send(node, kind, payload),
      changed: (queue) => this.ports.changed(queue),
      scheduleFlush,
      drop: (queue) => host.delete(queue),
      over: (departure, error) => this.#over(departure, error),
    };
  }

  #over({ queue, to, bytes, messages }: Departure, error: FairleadError | null): void {
    this.#departures.delete(queue);
    const state = error === null ? 'moved' : 'failed';
    if (this.#results.size >= REHOME_RESULTS_MAX) this.#results.clear();
    if (!to.merges) this.#results.set(queue, { queue, to: to.name, state, bytes, messages, error });
    if (error === null) this.ports.journal.info('queue-moved', { queue, to: to.name, messages, bytes });
    else this.ports.journal.warn('queue-move-failed', { queue, to: to.name, why: error.message });
    for (const site of this.#held.get(queue) ?? []) this.ports.undelivered(site);
    this.#held.delete(queue);
    this.ports.changed(queue);
    this.ports.scheduleFlush();
  }

  // --- queues that come ----------------------------------------------------------------------------------------------------------

  #arrivalsHome(): ArrivalsHome {
    const { host, homes, scheduleFlush } = this.ports;
    return {
      host,
      notes: this.notes,
      send: (node, kind, payload) => this.#send(node, kind, payload),
      nodeName: (node) => this.ports.routes.view(node)?.name ?? '',
      nodeOf: (name) => nodeIdOf(name),
      refusal: (head) => this.#refusalOf(head),
      claimed: (queue, claim) => {
        homes.own(queue, claim);
        this.ports.arrived(queue);
      },
      merge: (from, into, done) => this.#merge(from, into, done),
      scheduleFlush,
    };
  }

  #refusalOf({ queue, merges }: TransferHead): { readonly why: string; readonly again: boolean } | null {
    const { host, homes, store, selfName, policyOf } = this.ports;
    if (policyOf(queue) === null) return { why: 'by its rules the name is none of a queue', again: false };
    if (store.state !== 'ok') return { why: store.lacksRoom ? 'its disk is full' : 'its disk fails', again: false };
    if (merges) {
      const isHere = homes.claims(queue)[0]?.owner === selfName && !this.#departures.has(queue);
      return isHere && host.find(queue) !== null ? null : { why: 'it does not serve it now', again: true };
    }
    if (host.stored.includes(queue)) return { why: 'it has one of that name, which is another', again: false };
    return host.stored.length >= QUEUES_MAX ? { why: `it has ${QUEUES_MAX} queues`, again: false } : null;
  }

  #merge(from: string, into: string, done: () => void): void {
    const { host, journal } = this.ports;
    const policy = this.ports.policyOf(into);
    if (policy === null) return;
    try {
      host.moves.merge(host.open(from, policy), host.open(into, policy), (error) => {
        if (error !== null) {
          journal.warn('queue-merge-failed', { queue: into, why: error.message });
          return;
        }
        host.delete(from);
        done();
        this.ports.changed(into);
      });
    } catch (error) {
      if (!(error instanceof FairleadError)) throw error;
      journal.warn('queue-merge-failed', { queue: into, why: error.message });
    }
  }

  // --- what comes from other nodes -------------------------------------------------------------------------------------------------

  #isReachable(node: NodeId): boolean {
    return this.ports.routes.view(node)?.reachable === true;
  }

  #send(node: NodeId, kind: keyof typeof KIND, payload: Buffer): void {
    this.ports.streams.sendControl(node, KIND[kind], payload);
  }

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
    const transfer = reader.text();
    if (kind === CONTROL.moveCommit) this.#arrivals.onCommit(from, transfer);
    else if (kind === CONTROL.moveForget) this.#arrivals.onForget(transfer);
    else if (kind === CONTROL.moveClaimed) this.#onClaimed(from, transfer);
    else {
      const departure = this.#departureOf(from, (each) => each.transfer === transfer);
      if (departure === null) return;
      if (kind === CONTROL.moveTaken) departure.onTaken(reader.u32());
      else if (kind === CONTROL.moveStaged) departure.onStaged();
      else departure.onRefused(reader.u8() !== 0, reader.text());
    }
  }

  #onClaimed(from: NodeId, transfer: string): void {
    const departure = this.#departureOf(from, (each) => each.awaits(transfer));
    if (departure !== null) departure.onClaimed(transfer);
    // Nothing of it is left here: its new home needs to remember it no longer.
    else this.#send(from, 'forget', writeTransfer(transfer));
  }

  #departureOf(node: NodeId, is: (departure: Departure) => boolean): Departure | null {
    for (const departure of this.#departures.values())
      if (departure.to.node === node && is(departure)) return departure;
    return null;
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
    for (const departure of this.#departures.values())
      if (node === null || departure.to.node === node) departure.broken();
  }

  /** Queues that nobody serves, for the node that they go to is away. */
  *stranded(): IterableIterator<string> {
    for (const { queue, to, isCommitted } of this.#departures.values())
      if (isCommitted && !this.#isReachable(to.node))
        yield `queue '${queue}' is on its way to ${to.name}, which is out of reach: nobody serves it until it is back`;
  }

  // --- time ------------------------------------------------------------------------------------------------------------------------

  flush(now: number): void {
    for (const departure of this.#departures.values()) departure.flush(now);
  }

  tick(now: number): void {
    if (now >= this.deadline()) this.ports.scheduleFlush();
  }

  deadline(): number {
    let next = Infinity;
    for (const departure of this.#departures.values()) next = Math.min(next, departure.deadline());
    return next;
  }
}
