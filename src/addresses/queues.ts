import type { WireReader } from '../common/wire';
import type { NodeId } from '../links/contract';
import type { QueueHost } from '../queues/contract';
import { type Outcome, type OutcomeDetail } from '../streams/contract';
import type { AddressEntry } from './address-entry';
import { isTemporary, temporaryHome } from './address-names';
import type { Consumer, ConsumerHandler, ConsumerSpec } from './contract';
import { CONTROL } from './control';
import { AddressError } from './errors';
import type { ForwarderPorts } from './forwarder';
import { CIRCUIT_SLOTS } from './home-circuits';
import type { DurableTopics } from './durable-topics';
import type { AddressPorts } from './ports';
import { QueueParts, type QueuesPorts } from './queue-parts';
import { PLAIN_CLAIM } from './queue-claim';
import type { QueueHomes } from './queue-homes';
import type { QueueForwarder } from './queue.forwarder';
import type { Rehoming } from './rehoming';
import { REHOMING_WIRE } from './rehoming-messages';
import { isReserved, isSubscriptionQueue } from './reserved-names';
import { defaultPolicy, type AddressPolicy } from './rules';
import type { SubscriptionBook } from './subscription-book';
import { CLOCK_KEY } from './subscription-book';
import type { Subscriptions } from './subscriptions';
import type { Transactions } from './transactions';
import { wireName } from './wire-name';

/** All that has to do with queues at a node: those that live here, the ways to the others, and their clients. */
export class Queues {
  readonly host: QueueHost;
  readonly homes: QueueHomes;
  readonly forwarder: QueueForwarder;
  readonly transactions: Transactions;
  readonly book: SubscriptionBook;
  readonly subscriptions: Subscriptions;
  readonly topics: DurableTopics;
  readonly rehoming: Rehoming;
  readonly #parts: QueueParts;
  /** Queues whose home may be another one since the last turn. */
  readonly #changed = new Set<string>();

  constructor(
    private readonly node: AddressPorts,
    private readonly shared: ForwarderPorts,
    private readonly ports: QueuesPorts,
  ) {
    const parts = new QueueParts(node, shared, ports, {
      onHome: (name) => this.#onHome(name),
      onQueue: (name, exists) => this.#onQueue(name, exists),
    });
    this.#parts = parts;
    this.host = parts.host;
    this.homes = parts.homes;
    this.forwarder = parts.forwarder;
    this.transactions = parts.transactions;
    this.book = parts.book;
    this.subscriptions = parts.subscriptions;
    this.topics = parts.topics;
    this.rehoming = parts.rehoming;
  }

  #onQueue(name: string, exists: boolean): void {
    if (isReserved(name)) {
      // What is told of a subscription is more than its name.
      if (!exists) this.subscriptions.deleted(name);
    } else if (!isTemporary(name)) this.#tell(name, exists);
    else if (!exists) this.#onHome(name);
  }

  /** A fact of another node that is no rule. */
  onFact(origin: string, key: string, value: Buffer | null): void {
    if (key === CLOCK_KEY) this.book.onClock(origin, value);
    else this.homes.onFact(origin, key, value);
  }

  /** Facts of another node are newer than before. */
  factsChanged(): void {
    this.#parts.moves.factsChanged();
    this.rehoming.factsChanged();
  }

  /** The queues that are on this node's disk are opened, and told of. */
  start(): void {
    this.rehoming.start();
    this.#parts.moves.start(this.#parts.records.load());
    this.rehoming.resume();
    for (const name of this.host.stored) {
      if (isReserved(name)) continue;
      this.#tell(name, true);
      this.forwarder.places.refresh(this.#parts.entry(name));
    }
    this.forwarder.outbox.start();
  }

  /** Tells the mesh of a queue here, or of one that is here no more. */
  #tell(name: string, exists: boolean): void {
    if (exists) this.homes.own(name, this.rehoming.claimOf(name) ?? PLAIN_CLAIM);
    else this.homes.own(name, this.rehoming.notes.left(name));
  }

  // --- clients -----------------------------------------------------------------------------------------------------------------

  openConsumer(entry: AddressEntry, spec: ConsumerSpec, handler: ConsumerHandler): Consumer {
    return this.#parts.consumers.open(entry, spec, handler);
  }

  /** Makes a temporary queue. */
  openTemporary(name: string): void {
    this.host.openTemporary(name, defaultPolicy('queue'));
    this.homes.void();
  }

  /** @throws AddressError for a temporary queue of this node that has gone, or never was */
  checkThere(name: string): void {
    if (temporaryHome(name) === this.node.selfName && this.host.find(name) === null)
      throw new AddressError('FL_QUEUE_GONE', `there is no queue '${name}'`);
  }

  /** The owner of a temporary queue has gone. */
  dropTemporary(name: string): void {
    if (this.host.find(name) !== null) this.host.delete(name);
  }

  // --- what streams bring ------------------------------------------------------------------------------------------------------

  circuitEntry(wire: string): AddressEntry {
    if (wire === REHOMING_WIRE) return this.#parts.rehomingEntry;
    return this.#parts.circuits.entryOf(wire);
  }

  /** @throws WireError */
  onControl(origin: NodeId, kind: number, reader: WireReader): void {
    if (kind >= CONTROL.moveTaken) this.rehoming.onControl(origin, kind, reader);
    else if (kind >= CONTROL.subscriptionEnd) this.#parts.requests.onControl(origin, kind, reader);
    else if (kind < CONTROL.circuitOpened || kind === CONTROL.circuitHere)
      this.#parts.homeCircuits.onControl(origin, kind, reader);
    else this.#parts.circuits.onControl(origin, kind, reader);
  }

  /** True for slots of deliveries by circuits. */
  ownsSlot(slot: number): boolean {
    return slot >= CIRCUIT_SLOTS;
  }

  onOutcome(slot: number, outcome: Outcome, detail: OutcomeDetail | null): void {
    this.#parts.homeCircuits.onOutcome(slot, outcome, detail);
  }

  onLost(slot: number, sent: boolean): void {
    this.#parts.homeCircuits.onLost(slot, sent);
  }

  /** The stream to a node has room again. */
  relieved(node: NodeId): void {
    this.rehoming.relieved();
    this.forwarder.puts.wake();
    this.#parts.homeCircuits.relieved(node);
  }

  // --- what becomes of other nodes -----------------------------------------------------------------------------------------------

  /** A node is within reach, or no longer. */
  onReachable(node: NodeId, reachable: boolean): void {
    this.homes.void();
    this.#parts.homeCircuits.reachable(node, reachable);
    if (!reachable) return;
    this.rehoming.onReachable(node);
    this.forwarder.puts.wake();
    this.#parts.consumers.wake();
    this.ports.relieved();
  }

  /** Whatever this node and that one (null: any other) had agreed on is void. */
  onBroken(node: NodeId | null): void {
    this.#parts.homeCircuits.broken(node);
    this.#parts.circuits.broken(node);
    this.#parts.requests.broken(node);
    this.rehoming.broken(node);
  }

  // --- homes and rules -----------------------------------------------------------------------------------------------------------

  #onHome(name: string): void {
    this.homes.void();
    if (isSubscriptionQueue(name)) this.#onSubscription(name);
    if (this.#changed.size === 0) this.node.scheduleFlush();
    this.#changed.add(name);
  }

  #onSubscription(name: string): void {
    this.book.review(name);
    const entry = this.ports.table().find(wireName('queue', name));
    if (entry !== null) entry.policy = this.ports.names.policy('queue', name) ?? entry.policy;
  }

  #reviewHomes(): void {
    if (this.#changed.size === 0) return;
    const changed = [...this.#changed];
    this.#changed.clear();
    for (const name of changed) {
      this.rehoming.review(name);
      this.#parts.consumers.review(name);
      const entry = this.ports.table().find(wireName('queue', name));
      if (entry === null || entry.queue === null) continue;
      this.forwarder.places.refresh(entry);
      this.#parts.homeCircuits.review(entry);
      this.shared.credit.changed(entry);
    }
    for (const name of changed) {
      this.subscriptions.review(name);
      this.#parts.moves.review(name);
    }
    this.forwarder.puts.wake();
    this.ports.relieved();
  }

  rulesChanged(changedKind: (entry: AddressEntry) => AddressError): void {
    this.homes.void();
    this.subscriptions.rulesChanged();
    this.#parts.consumers.rulesChanged(changedKind);
    this.#parts.consumers.wake();
    this.forwarder.puts.wake();
  }

  conflicts(): readonly string[] {
    const conflicts = this.homes.conflicts((name): AddressPolicy | null => this.ports.names.policy('queue', name));
    return [...conflicts, ...this.rehoming.stranded()];
  }

  // --- time and the end of a turn --------------------------------------------------------------------------------------------------

  /** True when all that was put into queues here is on the disk. */
  get settled(): boolean {
    return this.host.settled;
  }

  /** Messages that are on their way to other nodes and on the disk here: no reason to wait when the node ends. */
  get forwarding(): number {
    return this.forwarder.outbox.underWay;
  }

  flush(now: number): void {
    this.#reviewHomes();
    this.#parts.deadLetters.flush();
    this.rehoming.flush(now);
    this.#parts.consumers.flush(now);
    this.forwarder.flush(now);
    this.#parts.homeCircuits.flush();
    this.subscriptions.flush();
    this.host.flush();
  }

  tick(now: number): void {
    this.host.tick(now);
    this.forwarder.tick(now);
    this.topics.tick(now);
    this.#parts.requests.tick(now);
    this.rehoming.tick(now);
    this.#parts.consumers.tick(now);
    this.#parts.homeCircuits.locks.tick(now);
  }

  deadline(): number {
    return Math.min(
      this.host.deadline(),
      this.forwarder.deadline(),
      this.topics.deadline(),
      this.#parts.requests.deadline(),
      this.#parts.consumers.deadline(),
      this.#parts.homeCircuits.locks.deadline(),
      this.rehoming.deadline(),
    );
  }
}
