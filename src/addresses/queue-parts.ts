import type { NodeId } from '../links/contract';
import type { QueueHost } from '../queues/contract';
import { OUTCOME } from '../streams/contract';
import { AddressEntry } from './address-entry';
import { type AddressNames } from './address-names';
import type { AddressTable } from './address-table';
import type { Barrier } from './barrier';
import { Circuits } from './circuits';
import type { Consumer, ConsumerHandler, ConsumerSpec, PublisherHandler } from './contract';
import { DeadLetters } from './dead-letters';
import { reserved } from './errors';
import type { ForwarderPorts } from './forwarder';
import { HomeCircuits } from './home-circuits';
import { DurableTopics } from './durable-topics';
import type { LocalPublisher } from './local-publisher';
import type { AddressPorts } from './ports';
import { QueueConsumers } from './queue-consumers';
import { NOWHERE, QueueHomes } from './queue-homes';
import { OwnPuts } from './own-puts';
import { QueueForwarder } from './queue.forwarder';
import { Rehoming } from './rehoming';
import { REHOMING_WIRE } from './rehoming-messages';
import { intakeName, isReserved, isSubscriptionQueue } from './reserved-names';
import { defaultPolicy } from './rules';
import type { StartHold } from './start-hold';
import { SubscriptionBook } from './subscription-book';
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

/** What the parts tell: who has a queue may be another than before, and a queue here was made, or deleted. */
export interface QueuePartsEvents {
  onHome(name: string): void;
  onQueue(name: string, exists: boolean): void;
}

/** All that has to do with queues at a node, put together. */
export class QueueParts {
  readonly host: QueueHost;
  readonly homes: QueueHomes;
  readonly forwarder: QueueForwarder;
  readonly transactions: Transactions;
  readonly book: SubscriptionBook;
  readonly subscriptions: Subscriptions;
  readonly topics: DurableTopics;
  readonly records: SubscriptionRecords;
  readonly moves: SubscriptionMoves;
  readonly requests: SubscriptionRequests;
  readonly rehoming: Rehoming;
  /** What pieces of queues on their way to this node refer to. */
  readonly rehomingEntry: AddressEntry;
  readonly circuits: Circuits;
  readonly homeCircuits: HomeCircuits;
  readonly consumers: QueueConsumers;
  readonly deadLetters: DeadLetters;

  constructor(
    node: AddressPorts,
    shared: ForwarderPorts,
    private readonly ports: QueuesPorts,
    events: QueuePartsEvents,
  ) {
    const { self, selfName, routes, replicas, streams, clock, journal, scheduleFlush } = node;
    const { sites, lanes, holding, counters } = shared;
    const { names } = ports;
    const nodeName = (id: NodeId): string => routes.view(id)?.name ?? (id === NOWHERE ? 'no known node' : String(id));
    const isReachable = (id: NodeId): boolean => routes.view(id)?.reachable === true;
    this.homes = new QueueHomes(selfName, routes, replicas, (name) => events.onHome(name));
    this.deadLetters = new DeadLetters(
      (address) => this.#forwardTo(address),
      (handler) => ports.openPublisher(handler),
      scheduleFlush,
    );
    this.book = new SubscriptionBook({
      selfName,
      entryOf: (name) => this.entry(name),
      claims: (name) => this.homes.claims(name),
      pointers: (name) => this.homes.pointers(name),
      changed: (filter) => shared.audience.subscriptionsChanged(filter),
    });
    names.filterOf = (name) => this.book.filterOf(name);
    this.host = node.queues({
      onQueue: (name, exists) => events.onQueue(name, exists),
      onRoom: (queue) => {
        this.forwarder.pressure.onRoom(this.entry(queue.name), queue.room);
        if (isSubscriptionQueue(queue.name)) this.subscriptions.onRoom(queue.name);
      },
      forward: (address, payload, done) => this.deadLetters.add(address, payload, done),
      forwardLarge: (address, body, done) => this.deadLetters.addLarge(address, body, done),
      onDamage: (queue, error) => {
        const entry = this.entry(queue.name);
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
      reservedHere: (name) => this.subscriptions.queueHere(name, this.entry(name).policy),
      selfName,
      epoch: routes.self.incarnation,
      store: node.queueStore,
      clock,
      journal: node.journal,
      holdMs: node.partitionHoldMs,
      entryOf: (name) => this.entry(name),
      openPublisher: (handler) => ports.openPublisher(handler),
      deadLetter: (address, message, done) =>
        Buffer.isBuffer(message)
          ? this.deadLetters.add(address, message, done)
          : this.deadLetters.addLarge(address, message, done),
      nodeName,
      isReachable,
      relieved: () => ports.relieved(),
      isLeaving: (name) => this.rehoming.isLeaving(name),
      hold: (name, site) => this.rehoming.hold(name, site),
    });
    const refresh = this.forwarder.places.refresh.bind(this.forwarder.places);
    this.circuits = new Circuits({ streams, sites }, this.forwarder);
    const routing = new SubscriptionRouting(selfName, counters, (name) => this.moves.lateQueue(name));
    this.topics = new DurableTopics(shared, {
      own,
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
    this.records = new SubscriptionRecords(node.queueStore, () => host, scheduleFlush);
    this.requests = new SubscriptionRequests({
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
      records: this.records,
      scheduleFlush,
    });
    this.moves = new SubscriptionMoves({
      host,
      homes,
      names,
      replicas,
      routing,
      here,
      records: this.records,
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
      entryOf: (name) => this.entry(name),
      openConsumer: (...consumer) => this.consumers.open(...consumer),
      openTopic: (spec, handler) => ports.openTopic(spec, handler),
      awaitsGone: (queue, retry) => this.homeCircuits.locks.wait(this.entry(queue), true, retry),
      closing: (queue) => this.homeCircuits.closing(queue),
      hasLeft: (queue) => this.moves.idsOf(queue).length > 0 && !this.moves.isHere(queue),
      isMoving: (queue) => this.rehoming.isMoving(queue),
      ended: (queue) => {
        this.moves.drop(queue);
        this.rehoming.ended(queue);
      },
      endAt: (home, queue, away, done) => this.requests.end(home, queue, away, done),
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
      changed: (name) => events.onHome(name),
      subscriptions: this.moves,
      spanOf: (name) => this.forwarder.outbox.span(intakeName(name)),
      arrived: (name) => void this.forwarder.places.refresh(this.entry(name)),
      undelivered: (site) => sites.settle(site, OUTCOME.undelivered, null),
      scheduleFlush,
    });
    this.rehomingEntry = new AddressEntry('queue', REHOMING_WIRE, defaultPolicy('queue'), this.forwarder);
    this.rehomingEntry.circuit = this.rehoming;
    this.homeCircuits = new HomeCircuits({
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
    this.consumers = new QueueConsumers({
      self,
      clock,
      lanes,
      holding,
      counters,
      sites,
      circuits: this.circuits,
      names,
      refresh,
      left,
      isGone: ({ name }) => isSubscriptionQueue(name) && book.find(name) === null,
      isReachable,
      nodeName,
      awaitsLock: (...asker) => this.homeCircuits.locks.wait(...asker),
      scheduleFlush,
    });
  }

  entry(name: string): AddressEntry {
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
}
