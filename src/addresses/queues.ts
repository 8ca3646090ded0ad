import type { WireReader } from '../common/wire';
import type { NodeId } from '../links/contract';
import type { QueueHost } from '../queues/contract';
import { OUTCOME, type Outcome, type OutcomeDetail } from '../streams/contract';
import { AddressEntry } from './address-entry';
import { isTemporary, temporaryHome, type AddressNames } from './address-names';
import type { AddressTable } from './address-table';
import type { Barrier } from './barrier';
import { Circuits } from './circuits';
import type { Consumer, ConsumerHandler, ConsumerSpec, PublisherHandler } from './contract';
import { CONTROL } from './control';
import { DeadLetters } from './dead-letters';
import { AddressError, reserved } from './errors';
import type { ForwarderPorts } from './forwarder';
import { CIRCUIT_SLOTS, HomeCircuits } from './home-circuits';
import { DurableTopics } from './durable-topics';
import type { LocalPublisher } from './local-publisher';
import type { AddressPorts } from './ports';
import { QueueConsumers } from './queue-consumers';
import { PLAIN_CLAIM } from './queue-claim';
import { NOWHERE, QueueHomes } from './queue-homes';
import { OwnPuts } from './own-puts';
import { QueueForwarder } from './queue.forwarder';
import { Rehoming } from './rehoming';
import { REHOMING_WIRE } from './rehoming-messages';
import { intakeName, isReserved, isSubscriptionQueue } from './reserved-names';
import { defaultPolicy, type AddressPolicy } from './rules';
import type { StartHold } from './start-hold';
import { CLOCK_KEY, SubscriptionBook } from './subscription-book';
import { SubscriptionRecords } from './subscription-records';
import { SubscriptionRequests } from './subscription-requests';
import { SubscriptionRouting } from './subscription-routing';
import { SubscriptionMoves } from './subscription-moves';
import { Subscriptions } from './subscriptions';
import { SubscriptionsHere } from './subscriptions-here';
import { Transactions } from './transactions';
import { wireName } from './wire-name';

/** What queues ask of the rest of the address layer. */
export interface QueuesPorts {
  readonly names: AddressNames;
  table(): AddressTable;
  openPublisher(handler: PublisherHandler): LocalPublisher;
  /** Publishers of large messages that were told to wait may go on. */
  relieved(): void;
  readonly hold: StartHold;
  /** What this node tells of subscriptions is to be known everywhere. */
  readonly facts: Barrier;
  /** Gives a message to those who listen to its topic now. */
  tell(publisher: LocalPublisher, entry: AddressEntry, flags: number, message: Buffer): void;
  openTopic(spec: ConsumerSpec, handler: ConsumerHandler): Consumer;
}

/** All that has to do with queues at a node: those that live here, the ways to the others, and their clients. */
export class Queues {
  readonly host: QueueHost;
  readonly homes: QueueHomes;
  readonly forwarder: QueueForwarder;
  readonly transactions: Transactions;
  readonly book: SubscriptionBook;
  readonly subscriptions: Subscriptions;
  readonly topics: DurableTopics;
  readonly #records: SubscriptionRecords;
  readonly #moves: SubscriptionMoves;
  readonly #requests: SubscriptionRequests;
  readonly rehoming: Rehoming;
  /** What pieces of queues on their way to this node refer to. */
  readonly #rehomingEntry: AddressEntry;
  readonly #circuits: Circuits;
  readonly #homeCircuits: HomeCircuits;
  readonly #consumers: QueueConsumers;
  readonly #deadLetters: DeadLetters;
  /** Queues whose home may be another one since the last turn. */
  readonly #changed = new Set<string>();

  constructor(
    private readonly node: AddressPorts,
    private readonly shared: ForwarderPorts,
    private readonly ports: QueuesPorts,
  ) {
    const { self, selfName, routes, replicas, streams, clock, journal, scheduleFlush } = node;
    const { sites, lanes, holding, counters } = shared;
    const { names } = ports;
    const nodeName = (id: NodeId): string => routes.view(id)?.name ?? (id === NOWHERE ? 'no known node' : String(id));
    const isReachable = (id: NodeId): boolean => routes.view(id)?.reachable === true;
    this.homes = new QueueHomes(selfName, routes, replicas, (name) => this.#onHome(name));
    this.#deadLetters = new DeadLetters(
      (address) => this.#forwardTo(address),
      (handler) => ports.openPublisher(handler),
      scheduleFlush,
    );
    this.book = new SubscriptionBook({
      selfName,
      entryOf: (name) => this.#entry(name),
      claims: (name) => this.homes.claims(name),
      pointers: (name) => this.homes.pointers(name),
      changed: (filter) => shared.audience.subscriptionsChanged(filter),
    });
    names.filterOf = (name) => this.book.filterOf(name);
    this.host = node.queues({
      onQueue: (name, exists) => this.#onQueue(name, exists),
      onRoom: (queue) => {
        this.forwarder.pressure.onRoom(this.#entry(queue.name), queue.room);
        if (isSubscriptionQueue(queue.name)) this.subscriptions.onRoom(queue.name);
      },
      forward: (address, payload, done) => this.#deadLetters.add(address, payload, done),
      forwardLarge: (address, body, done) => this.#deadLetters.addLarge(address, body, done),
      onDamage: (queue, error) => {
        const entry = this.#entry(queue.name);
        this.forwarder.places.refresh(entry).set(null, error);
        shared.credit.changed(entry);
      },
    });
    const { host, homes, book } = this;
    const own = new OwnPuts(shared);
    this.forwarder = new QueueForwarder(shared, {
      host,
      homes,
      own,
      reservedHere: (name) => this.subscriptions.queueHere(name, this.#entry(name).policy),
      selfName,
      epoch: routes.self.incarnation,
      store: node.queueStore,
      clock,
      journal: node.journal,
      holdMs: node.partitionHoldMs,
      entryOf: (name) => this.#entry(name),
      openPublisher: (handler) => ports.openPublisher(handler),
      deadLetter: (address, message, done) =>
        Buffer.isBuffer(message)
          ? this.#deadLetters.add(address, message, done)
          : this.#deadLetters.addLarge(address, message, done),
      nodeName,
      isReachable,
      relieved: () => ports.relieved(),
      isLeaving: (name) => this.rehoming.isLeaving(name),
      hold: (name, site) => this.rehoming.hold(name, site),
    });
    const refresh = this.forwarder.places.refresh.bind(this.forwarder.places);
    this.#circuits = new Circuits({ streams, sites }, this.forwarder);
    const routing = new SubscriptionRouting(selfName, counters, (name) => this.#moves.lateQueue(name));
    this.topics = new DurableTopics(shared, {
      own,
      routing,
      refresh,
      store: node.queueStore,
      outbox: this.forwarder.outbox,
      relieved: () => ports.relieved(),
    });
    this.transactions = new Transactions({
      streams,
      large: shared.large,
      host,
      outbox: this.forwarder.outbox,
      live: (entry) => ports.table().live(entry),
      queueHere: (entry) => this.forwarder.places.here(entry),
      keptBy: (entry) => this.topics.routeOf(entry),
      intakeOf: (entry) => this.topics.intakeOf(entry),
      tell: (...message) => ports.tell(...message),
      scheduleFlush,
    });
    this.#records = new SubscriptionRecords(node.queueStore, () => host, scheduleFlush);
    this.#requests = new SubscriptionRequests({
      streams,
      scheduleFlush,
      now: () => clock.now(),
      end: (queue, done) => this.subscriptions.end(queue, done),
    });
    const isLeaving = (queue: string): boolean => this.rehoming.isLeaving(queue);
    const here = new SubscriptionsHere({
      selfName,
      clock,
      journal,
      host,
      homes,
      names,
      replicas,
      book,
      routing,
      records: this.#records,
      scheduleFlush,
    });
    this.#moves = new SubscriptionMoves({
      host,
      homes,
      names,
      replicas,
      routing,
      here,
      records: this.#records,
      isLeaving,
      claimOf: (queue) => this.rehoming.claimOf(queue),
      isComing: (queue) => this.rehoming.handovers.has(queue),
      scheduleFlush,
    });
    this.subscriptions = new Subscriptions({
      self,
      selfName,
      journal,
      host,
      homes,
      names,
      replicas,
      book,
      routing,
      here,
      counters,
      barrier: ports.facts,
      isReachable,
      isStarting: () => !ports.hold.over,
      entryOf: (name) => this.#entry(name),
      openConsumer: (...consumer) => this.#consumers.open(...consumer),
      openTopic: (spec, handler) => ports.openTopic(spec, handler),
      closing: (queue) => this.#homeCircuits.closing(queue),
      hasLeft: (queue) => this.#moves.idsOf(queue).length > 0 && !this.#moves.isHere(queue),
      isMoving: (queue) => this.rehoming.isMoving(queue),
      ended: (queue) => this.rehoming.ended(queue),
      endAt: (home, queue, away, done) => this.#requests.end(home, queue, away, done),
      scheduleFlush,
    });
    const left = (name: string): void => this.subscriptions.left(name);
    const entryOf = (wire: string): AddressEntry => ports.table().ofWire(wire);
    this.rehoming = new Rehoming({
      selfName,
      incarnation: routes.self.incarnation,
      clock: node.clock,
      journal: node.journal,
      streams,
      routes,
      replicas,
      counters,
      store: node.queueStore,
      host,
      homes,
      policyOf: (name) => names.policy('queue', name),
      changed: (name) => this.#onHome(name),
      subscriptions: this.#moves,
      spanOf: (name) => this.forwarder.outbox.span(intakeName(name)),
      arrived: (name) => void this.forwarder.places.refresh(this.#entry(name)),
      undelivered: (site) => sites.settle(site, OUTCOME.undelivered, null),
      scheduleFlush,
    });
    this.#rehomingEntry = new AddressEntry('queue', REHOMING_WIRE, defaultPolicy('queue'), this.forwarder);
    this.#rehomingEntry.circuit = this.rehoming;
    this.#homeCircuits = new HomeCircuits({
      streams,
      routes,
      retention: node.retention,
      reservedBytes: () => shared.credit.reserved,
      entryOf,
      refresh,
      left,
      ensure: (...subscription) => this.subscriptions.ensure(...subscription),
      whenKnown: (name, confirm) => this.subscriptions.whenKnown(name, confirm),
      isLeaving: (name) => this.rehoming.isLeaving(name),
      now: () => clock.now(),
    });
    this.#consumers = new QueueConsumers({
      self,
      clock,
      lanes,
      holding,
      counters,
      sites,
      circuits: this.#circuits,
      names,
      refresh,
      left,
      isGone: ({ name }) => isSubscriptionQueue(name) && book.find(name) === null,
      isReachable,
      nodeName,
      awaitsLock: (...asker) => this.#homeCircuits.locks.wait(...asker),
      scheduleFlush,
    });
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
    this.#moves.factsChanged();
    this.rehoming.factsChanged();
  }

  #entry(name: string): AddressEntry {
    return this.ports.table().ofWire(wireName('queue', name));
  }

  /**
   * Where a queue here sends a message to. Of the mesh's own names only those of subscriptions that there are: a dead letter may have come
   * from one that was ended since, and what it says of that may be anybody's word.
   * @throws AddressError
   */
  #forwardTo(address: string): AddressEntry {
    const entry = this.ports.table().resolve(address, null);
    if (isReserved(entry.name) && this.book.find(entry.name) === null) throw reserved(entry.name);
    return entry;
  }

  /** The queues that are on this node's disk are opened, and told of. */
  start(): void {
    this.rehoming.start();
    this.#moves.start(this.#records.load());
    this.rehoming.resume();
    for (const name of this.host.stored) {
      if (isReserved(name)) continue;
      this.#tell(name, true);
      this.forwarder.places.refresh(this.#entry(name));
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
    return this.#consumers.open(entry, spec, handler);
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
    if (wire === REHOMING_WIRE) return this.#rehomingEntry;
    return this.#circuits.entryOf(wire);
  }

  /** @throws WireError */
  onControl(origin: NodeId, kind: number, reader: WireReader): void {
    if (kind >= CONTROL.moveTaken) this.rehoming.onControl(origin, kind, reader);
    else if (kind >= CONTROL.subscriptionEnd) this.#requests.onControl(origin, kind, reader);
    else if (kind < CONTROL.circuitOpened || kind === CONTROL.circuitHere)
      this.#homeCircuits.onControl(origin, kind, reader);
    else this.#circuits.onControl(origin, kind, reader);
  }

  /** True for slots of deliveries by circuits. */
  ownsSlot(slot: number): boolean {
    return slot >= CIRCUIT_SLOTS;
  }

  onOutcome(slot: number, outcome: Outcome, detail: OutcomeDetail | null): void {
    this.#homeCircuits.onOutcome(slot, outcome, detail);
  }

  onLost(slot: number, sent: boolean): void {
    this.#homeCircuits.onLost(slot, sent);
  }

  /** The stream to a node has room again. */
  relieved(node: NodeId): void {
    this.rehoming.relieved();
    this.forwarder.puts.wake();
    this.#homeCircuits.relieved(node);
  }

  // --- what becomes of other nodes -----------------------------------------------------------------------------------------------

  /** A node is within reach, or no longer. */
  onReachable(node: NodeId, reachable: boolean): void {
    this.homes.void();
    this.#homeCircuits.reachable(node, reachable);
    if (!reachable) return;
    this.rehoming.onReachable(node);
    this.forwarder.puts.wake();
    this.#consumers.wake();
    this.ports.relieved();
  }

  /** Whatever this node and that one (null: any other) had agreed on is void. */
  onBroken(node: NodeId | null): void {
    this.#homeCircuits.broken(node);
    this.#circuits.broken(node);
    this.#requests.broken(node);
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
      this.#consumers.review(name);
      const entry = this.ports.table().find(wireName('queue', name));
      if (entry === null || entry.queue === null) continue;
      this.forwarder.places.refresh(entry);
      this.#homeCircuits.review(entry);
      this.shared.credit.changed(entry);
    }
    for (const name of changed) {
      this.subscriptions.review(name);
      this.#moves.review(name);
    }
    this.forwarder.puts.wake();
    this.ports.relieved();
  }

  rulesChanged(changedKind: (entry: AddressEntry) => AddressError): void {
    this.homes.void();
    this.subscriptions.rulesChanged();
    this.#consumers.rulesChanged(changedKind);
    this.#consumers.wake();
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
    this.#deadLetters.flush();
    this.rehoming.flush(now);
    this.#consumers.flush(now);
    this.forwarder.flush(now);
    this.#homeCircuits.flush();
    this.subscriptions.flush();
    this.host.flush();
  }

  tick(now: number): void {
    this.host.tick(now);
    this.forwarder.tick(now);
    this.topics.tick(now);
    this.#requests.tick(now);
    this.rehoming.tick(now);
    this.#consumers.tick(now);
    this.#homeCircuits.locks.tick(now);
  }

  deadline(): number {
    return Math.min(
      this.host.deadline(),
      this.forwarder.deadline(),
      this.topics.deadline(),
      this.#requests.deadline(),
      this.#consumers.deadline(),
      this.#homeCircuits.locks.deadline(),
      this.rehoming.deadline(),
    );
  }
}
