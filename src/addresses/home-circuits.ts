import { FairleadError } from '../common/errors';
import type { ChunkPool } from '../common/chunk';
import type { WireReader } from '../common/wire';
import type { NodeId } from '../links/contract';
import { QueueLockedError } from '../queues/errors';
import type { Routes } from '../routing/contract';
import type { Outcome, OutcomeDetail, Streams } from '../streams/contract';
import type { AddressEntry } from './address-entry';
import { readOpen, writeCount, writeGone } from './circuit-messages';
import { CONTROL } from './control';
import { HomeCircuit, type HomeCircuitPorts } from './home-circuit';
import { moved } from './home-consumer';
import { CIRCUITS_LEAVE_SHARE } from './limits';
import type { SubscriptionDefinition } from './queue-claim';
import { NOWHERE } from './queue-homes';
import { QueueLocks } from './queue-locks';
import type { QueueState } from './queue-state';
import { isSubscriptionQueue } from './reserved-names';

/** Slots from here on are of deliveries by circuits; those below are of messages of publishers. */
export const CIRCUIT_SLOTS = 2 ** 30;
const INITIAL = 64;

/** What the homes' ends of circuits are built on. */
export interface HomeCircuitsPorts {
  readonly streams: Streams;
  readonly routes: Routes;
  readonly retention: ChunkPool;
  /** Bytes that publishers have credit for. */
  reservedBytes(): number;
  entryOf(wire: string): AddressEntry;
  refresh(entry: AddressEntry): QueueState;
  /** Sees to it that a subscription is here, and as it is asked for. @throws FairleadError when it cannot be */
  ensure(name: string, definition: SubscriptionDefinition, mayMake: boolean): void;
  /** Tells when a subscription here misses nothing any more. */
  whenKnown(name: string, confirm: (unconfirmed: readonly string[]) => void): void;
  /** A consumer of a subscription has gone. */
  left(name: string): void;
  /** A queue here is on its way to another node. */
  isLeaving(name: string): boolean;
  now(): number;
}

/** Circuits of consumers at other nodes to the queues of this one. */
export class HomeCircuits implements HomeCircuitPorts {
  readonly #byNode = new Map<NodeId, Map<number, HomeCircuit>>();
  readonly #watched = new Set<HomeCircuit>();
  readonly #circuits: (HomeCircuit | null)[] = [];
  readonly #free: number[] = [];
  #tokens = new Int32Array(INITIAL);
  #deliveries = new Float64Array(INITIAL);
  #bytes = new Float64Array(INITIAL);
  #starved = new Set<HomeCircuit>();
  readonly #leave: number;
  readonly locks: QueueLocks;

  constructor(private readonly ports: HomeCircuitsPorts) {
    this.locks = new QueueLocks({
      now: () => ports.now(),
      circuitsTo: (entry) => this.#to(entry),
      ask: ({ node, id }, number) => ports.streams.sendControl(node, CONTROL.circuitAsk, writeCount(id, number)),
    });
    this.#leave = Math.ceil(ports.retention.capacity * CIRCUITS_LEAVE_SHARE);
  }

  get streams(): Streams {
    return this.ports.streams;
  }

  // --- deliveries under way ----------------------------------------------------------------------------------------------------

  get isShort(): boolean {
    return this.ports.retention.spare - this.ports.reservedBytes() < this.#leave;
  }

  starved(circuit: HomeCircuit): void {
    this.#starved.add(circuit);
  }

  addSlot(circuit: HomeCircuit, token: number, delivery: number, bytes: number): number {
    const at = this.#free.pop() ?? this.#circuits.length;
    if (at >= this.#tokens.length) this.#grow();
    this.#circuits[at] = circuit;
    this.#tokens[at] = token;
    this.#deliveries[at] = delivery;
    this.#bytes[at] = bytes;
    return CIRCUIT_SLOTS + at;
  }

  #grow(): void {
    const length = this.#tokens.length * 2;
    const grow = <T extends Int32Array | Float64Array>(to: T, from: T): T => (to.set(from), to);
    this.#tokens = grow(new Int32Array(length), this.#tokens);
    this.#deliveries = grow(new Float64Array(length), this.#deliveries);
    this.#bytes = grow(new Float64Array(length), this.#bytes);
  }

  #take(slot: number): HomeCircuit | null {
    const at = slot - CIRCUIT_SLOTS;
    const circuit = this.#circuits[at] ?? null;
    if (circuit === null) return null;
    this.#circuits[at] = null;
    this.#free.push(at);
    return circuit;
  }

  onOutcome(slot: number, outcome: Outcome, detail: OutcomeDetail | null): void {
    const at = slot - CIRCUIT_SLOTS;
    const token = this.#tokens[at] as number;
    const delivery = this.#deliveries[at] as number;
    const bytes = this.#bytes[at] as number;
    this.#take(slot)?.onOutcome(token, delivery, bytes, outcome, detail);
  }

  onLost(slot: number, sent: boolean): void {
    const at = slot - CIRCUIT_SLOTS;
    this.#take(slot)?.onLost(this.#tokens[at] as number, this.#bytes[at] as number, slot, sent);
  }

  giveBack(slot: number): void {
    this.onLost(slot, false);
  }

  // --- what other nodes ask ----------------------------------------------------------------------------------------------------

  /** A message of a consumer's node. @throws WireError */
  onControl(origin: NodeId, kind: number, reader: WireReader): void {
    const id = reader.u32();
    if (kind === CONTROL.circuitOpen) {
      this.#open(origin, id, reader);
      return;
    }
    const circuit = this.#byNode.get(origin)?.get(id);
    if (circuit === undefined) return;
    if (kind === CONTROL.circuitCredit) circuit.onCredit(reader.u48());
    else if (kind === CONTROL.circuitDrain) circuit.onDrain();
    else if (kind === CONTROL.circuitConfirm) circuit.onConfirm();
    else if (kind === CONTROL.circuitHere) this.locks.isThere(circuit, reader.u48());
    else circuit.onClose(reader.u8() !== 0);
  }

  #open(origin: NodeId, id: number, reader: WireReader): void {
    const { streams, routes } = this.ports;
    const near = routes.view(origin)?.site === routes.self.site;
    const { wire, limit, spec: asked, subscription, again, topics } = readOpen(reader, near);
    const entry = this.ports.entryOf(wire);
    // One that goes on takes over from what is left of itself, and from nobody who came after it.
    const exclusive = asked.exclusive === 'takeOver' && again && !this.#has(origin, entry) ? true : asked.exclusive;
    const spec = { ...asked, exclusive };
    const circuit = new HomeCircuit(this, origin, id, entry, streams.targetSet([origin]), spec, limit, topics);
    this.#add(circuit);
    this.#serve(circuit, subscription, again);
  }

  #serve(circuit: HomeCircuit, subscription: SubscriptionDefinition | null, again: boolean, mayWait = true): void {
    const { entry, node, id } = circuit;
    const { name } = entry;
    // It is told where the queue lives once that is known.
    circuit.waits = this.ports.isLeaving(name) ? { subscription, again } : null;
    if (circuit.waits !== null) {
      // From now on it is looked at when that changes.
      this.ports.refresh(entry);
      return;
    }
    try {
      if (subscription !== null) this.#ensure(entry, subscription, !again);
      const state = this.ports.refresh(entry);
      if (state.queue === null) throw state.damage ?? moved(entry);
      circuit.open(state.queue, subscription === null ? null : (confirm) => this.ports.whenKnown(name, confirm));
    } catch (error) {
      if (!(error instanceof FairleadError)) throw error;
      if (mayWait && error instanceof QueueLockedError && this.#awaitsLock(circuit, subscription, again)) return;
      this.ended(circuit);
      this.ports.streams.sendControl(node, CONTROL.circuitGone, writeGone(id, error));
    }
  }

  /** @returns false when others have the queue for certain */
  #awaitsLock(circuit: HomeCircuit, subscription: SubscriptionDefinition | null, again: boolean): boolean {
    const { entry, node, id } = circuit;
    return this.locks.wait(entry, circuit.isExclusive, () => {
      if (this.#byNode.get(node)?.get(id) === circuit) this.#serve(circuit, subscription, again, false);
    });
  }

  /** @throws FairleadError */
  #ensure(entry: AddressEntry, definition: SubscriptionDefinition, mayMake: boolean): void {
    const { home } = this.ports.refresh(entry);
    if (home !== NOWHERE && home !== this.ports.routes.self.id) throw moved(entry);
    this.ports.ensure(entry.name, definition, mayMake);
  }

  #has(node: NodeId, entry: AddressEntry): boolean {
    for (const circuit of this.#byNode.get(node)?.values() ?? []) if (circuit.entry === entry) return true;
    return false;
  }

  /** Circuits to a queue here whose clients have gone. */
  closing(queue: string): number {
    let count = 0;
    for (const ofNode of this.#byNode.values())
      for (const { entry, closing } of ofNode.values()) if (closing && entry.name === queue) count++;
    return count;
  }

  *#to(entry: AddressEntry): IterableIterator<HomeCircuit> {
    for (const ofNode of this.#byNode.values())
      for (const circuit of ofNode.values()) if (circuit.entry === entry) yield circuit;
  }

  #add(circuit: HomeCircuit): void {
    const { node, id, entry } = circuit;
    let ofNode = this.#byNode.get(node);
    if (ofNode === undefined) this.#byNode.set(node, (ofNode = new Map()));
    ofNode.set(id, circuit);
    entry.attached++;
  }

  ended(circuit: HomeCircuit): void {
    const { node, id, entry } = circuit;
    const ofNode = this.#byNode.get(node);
    if (ofNode?.get(id) !== circuit) return;
    ofNode.delete(id);
    if (ofNode.size === 0) this.#byNode.delete(node);
    this.#watched.delete(circuit);
    this.#starved.delete(circuit);
    entry.attached--;
    if (isSubscriptionQueue(entry.name)) this.ports.left(entry.name);
    this.locks.gone(circuit);
  }

  // --- what becomes of other nodes ---------------------------------------------------------------------------------------------

  #each(node: NodeId | null, act: (circuit: HomeCircuit) => void): void {
    const nodes = node === null ? [...this.#byNode.values()] : [this.#byNode.get(node)];
    for (const ofNode of nodes) for (const circuit of [...(ofNode?.values() ?? [])]) act(circuit);
  }

  /** Whatever this node and that one had agreed on is void (null: all nodes): what is under way to it is given back by streams. */
  broken(node: NodeId | null): void {
    this.#each(node, (circuit) => circuit.onClose(false));
  }

  reachable(node: NodeId, reachable: boolean): void {
    this.#each(node, (circuit) => {
      circuit.paused = !reachable;
      if (reachable) circuit.pump();
    });
  }

  /** The stream to a node has room again. */
  relieved(node: NodeId): void {
    this.#each(node, (circuit) => circuit.pump());
  }

  /** A queue here is here no more, or again, or cannot be served. */
  review(entry: AddressEntry): void {
    const { queue } = entry;
    if (queue === null) return;
    const error = queue.damage ?? moved(entry);
    this.#each(null, (circuit) => {
      if (circuit.entry !== entry) return;
      if (circuit.waits !== null) this.#serve(circuit, circuit.waits.subscription, circuit.waits.again);
      else if (queue.queue === null) circuit.end(error);
    });
  }

  // --- the end of a turn -------------------------------------------------------------------------------------------------------

  watch(circuit: HomeCircuit, watched: boolean): void {
    if (watched) this.#watched.add(circuit);
    else this.#watched.delete(circuit);
  }

  flush(): void {
    this.#pumpStarved();
    for (const circuit of this.#watched) circuit.flush();
  }

  #pumpStarved(): void {
    if (this.#starved.size === 0) return;
    const starved = this.#starved;
    this.#starved = new Set();
    for (const circuit of starved) circuit.pump();
  }
}
