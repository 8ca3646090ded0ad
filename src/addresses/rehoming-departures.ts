import type { FairleadError } from '../common/errors';
import type { WireReader } from '../common/wire';
import { TRAFFIC_CLASS, type NodeId } from '../links/contract';
import { SPACE } from '../routing/contract';
import { MESSAGE_FLAG } from '../streams/contract';
import { CONTROL } from './control';
import { AddressError } from './errors';
import { REHOME_RESULTS_MAX } from './limits';
import { isSame } from './queue-claim';
import { Departure, type DepartureHome, type Destination } from './rehoming-departure';
import { REHOMING_WIRE, writeTransfer } from './rehoming-messages';
import type { Leaving, RehomingNotes } from './rehoming-notes';
import { isReachable, sendMove, type MoveView, type RehomingPorts } from './rehoming-ports';
import { isSubscriptionQueue, readLateName } from './reserved-names';

/** All queues that leave this node, and how the last moves ended. */
export class Departures {
  readonly #all = new Map<string, Departure>();
  readonly #results = new Map<string, MoveView>();
  /** Puts of other nodes for queues that are on their way, by queue. */
  readonly #held = new Map<string, number[]>();
  readonly #home: DepartureHome;
  #transfers = 0;

  constructor(
    private readonly ports: RehomingPorts,
    private readonly notes: RehomingNotes,
  ) {
    this.#home = this.#homeOfDepartures();
  }

  get size(): number {
    return this.#all.size;
  }

  get(queue: string): Departure | undefined {
    return this.#all.get(queue);
  }

  has(queue: string): boolean {
    return this.#all.has(queue);
  }

  /** @param leaving of a former life */
  begin(queue: string, to: Destination, leaving: Leaving | null = null): void {
    const departure = new Departure(this.#home, queue, to, leaving);
    departure.messages = this.ports.host.find(queue)?.view().depth ?? 0;
    this.#results.delete(queue);
    this.#all.set(queue, departure);
    departure.start();
    this.ports.changed(queue);
  }

  /** How a move has ended; null for one that is told already. @throws FairleadError when it has failed */
  takeResult(queue: string, node: string): MoveView | null {
    const result = this.#results.get(queue);
    if (result?.to !== node) return null;
    // Told once; whoever asks again wants it to be tried again.
    this.#results.delete(queue);
    if (result.error !== null) throw result.error;
    return result;
  }

  /** How far a queue is, or how its last move ended. */
  view(queue: string): MoveView | null {
    const departure = this.#all.get(queue);
    return departure === undefined ? (this.#results.get(queue) ?? null) : viewOf(departure);
  }

  /** @throws AddressError when a queue that leaves goes elsewhere */
  join(departure: Departure, node: string): MoveView {
    const { queue, to, merges } = departure;
    if (to.name === node && !merges) return viewOf(departure);
    const why = merges
      ? `queue '${queue}' goes into the one at ${to.name}, which has it by right`
      : `queue '${queue}' is on its way to ${to.name} already`;
    throw new AddressError('FL_REHOME_REFUSED', why);
  }

  /** Keeps a put without an answer for as long as its queue is on its way. */
  hold(queue: string, site: number): void {
    const held = this.#held.get(queue);
    if (held === undefined) this.#held.set(queue, [site]);
    else held.push(site);
  }

  /** A subscription that has left is told of by its new home: from then on this node only says where it went. */
  seeAway(departure: Departure): void {
    const { homes, subscriptions } = this.ports;
    const { queue, to } = departure;
    if (departure.isAway || !departure.isDetached || !isSubscriptionQueue(queue)) return;
    const told = homes.told(to.name, queue);
    if (told === null || !isSame(told, { ids: subscriptions.idsOf(queue) })) return;
    if (!departure.merges && told.generation < to.claim.generation) return;
    departure.isAway = true;
    subscriptions.departed(queue, to.name);
  }

  /** Its new home says that it has it. */
  #seeClaimed(departure: Departure): void {
    const { claimedAs, queue, to } = departure;
    if (claimedAs === null) return;
    if (isSubscriptionQueue(queue)) {
      this.seeAway(departure);
      // Once that is known, and it is not there, it has been ended.
      if (!departure.isAway && this.ports.replicas.version(SPACE.facts, to.node) < claimedAs.version) return;
    }
    departure.onClaimed(claimedAs.transfer);
  }

  /** The records of a queue that leaves are deleted. */
  abandon(queue: string): void {
    this.#all.get(queue)?.abandon();
    this.#all.delete(queue);
  }

  #homeOfDepartures(): DepartureHome {
    const { clock, streams, host, scheduleFlush } = this.ports;
    return {
      moves: host.moves,
      notes: this.notes,
      now: () => clock.now(),
      newTransfer: () => `${this.ports.selfName}.${this.ports.incarnation}.${++this.#transfers}`,
      isReachable: (node) => isReachable(this.ports, node),
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
      send: (node, kind, payload) => sendMove(this.ports, node, kind, payload),
      changed: (queue) => this.ports.changed(queue),
      scheduleFlush,
      leaves: (queue) => {
        if (isSubscriptionQueue(queue)) this.ports.subscriptions.leaves(queue);
      },
      idsOf: (queue) => this.ports.subscriptions.idsOf(queue),
      drop: (queue) => {
        if (isSubscriptionQueue(queue)) this.ports.subscriptions.ended(queue);
        host.delete(queue);
        if (readLateName(queue) !== null) this.ports.subscriptions.late.gone(queue);
      },
      over: (departure, error) => this.#over(departure, error),
    };
  }

  #over({ queue, to, bytes, messages, merges }: Departure, error: FairleadError | null): void {
    this.#all.delete(queue);
    const state = error === null ? 'moved' : 'failed';
    if (this.#results.size >= REHOME_RESULTS_MAX) this.#results.clear();
    if (!merges) this.#results.set(queue, { queue, to: to.name, state, bytes, messages, error });
    if (error === null) this.ports.journal.info('queue-moved', { queue, to: to.name, messages, bytes });
    else this.ports.journal.warn('queue-move-failed', { queue, to: to.name, why: error.message });
    for (const site of this.#held.get(queue) ?? []) this.ports.undelivered(site);
    this.#held.delete(queue);
    if (error !== null && isSubscriptionQueue(queue)) this.ports.subscriptions.stays(queue);
    this.ports.changed(queue);
    this.ports.scheduleFlush();
  }

  // --- what comes from other nodes -------------------------------------------------------------------------------------------------

  /** @throws WireError */
  onControl(from: NodeId, kind: number, transfer: string, reader: WireReader): void {
    if (kind === CONTROL.moveClaimed) {
      this.#onClaimed(from, transfer, reader.u53());
      return;
    }
    const departure = this.#find(from, (each) => each.transfer === transfer);
    if (departure === null) return;
    if (kind === CONTROL.moveTaken) departure.onTaken(reader.u32());
    else if (kind === CONTROL.moveStaged) departure.onStaged();
    else departure.onRefused(reader.u8() !== 0, reader.text());
  }

  #onClaimed(from: NodeId, transfer: string, version: number): void {
    const departure = this.#find(from, (each) => each.awaits(transfer));
    if (departure !== null) {
      departure.claimedAs = { transfer, version };
      this.#seeClaimed(departure);
    }
    // Nothing of it is left here: its new home needs to remember it no longer.
    else sendMove(this.ports, from, 'forget', writeTransfer(transfer));
  }

  #find(node: NodeId, is: (departure: Departure) => boolean): Departure | null {
    for (const departure of this.#all.values()) if (departure.to.node === node && is(departure)) return departure;
    return null;
  }

  /** Whatever this node and that one (null: any other) had agreed on is void. */
  broken(node: NodeId | null): void {
    for (const departure of this.#all.values())
      if (node === null || departure.to.node === node) {
        departure.claimedAs = null;
        departure.broken();
      }
  }

  /** Queues that nobody serves, for the node that they go to is away, or they cannot be read. */
  *stranded(): IterableIterator<string> {
    for (const { queue, to, isCommitted, damage } of this.#all.values())
      if (damage !== null) yield `${damage}; what it has does not come to ${to.name}`;
      else if (isCommitted && !isReachable(this.ports, to.node))
        yield `queue '${queue}' is on its way to ${to.name}, which is out of reach: nobody serves it until it is back`;
  }

  // --- time ------------------------------------------------------------------------------------------------------------------------

  flush(now: number): void {
    for (const departure of [...this.#all.values()]) {
      this.#seeClaimed(departure);
      departure.flush(now);
    }
  }

  deadline(): number {
    let next = Infinity;
    for (const departure of this.#all.values()) next = Math.min(next, departure.deadline());
    return next;
  }
}

function viewOf({ queue, to, phase, bytes, messages }: Departure): MoveView {
  const state =
    phase === 'settling' || phase === 'detaching' ? 'settling' : phase === 'copying' ? 'copying' : 'finishing';
  return { queue, to: to.name, state, bytes, messages, error: null };
}
