import type { Clock } from '../common/ports';
import type { NodeId } from '../links/contract';
import { QueueLockedError, QueueStolenError } from '../queues/errors';
import type { DropReason, Outcome, OutcomeDetail } from '../streams/contract';
import type { AddressEntry } from './address-entry';
import type { AddressNames } from './address-names';
import type { CircuitOpen } from './circuit-messages';
import type { Circuits } from './circuits';
import type { Consumer, ConsumerHandler, ConsumerSpec } from './contract';
import type { AddressError } from './errors';
import { FairleadError } from '../common/errors';
import { HomeConsumer, moved } from './home-consumer';
import type { Holding } from './holding';
import { DRAIN_REVIEW_MS } from './limits';
import type { AddressCounters } from './ports';
import type { QueueClient, WhenKnown } from './queue-client';
import { QueueLink } from './queue-link';
import type { QueueState } from './queue-state';
import { isSubscriptionQueue } from './reserved-names';
import { RemoteConsumer } from './remote-consumer';
import type { Circuit, RemoteConsumerPorts } from './remote-consumer-ports';
import type { SiteSlots } from './site-slots';
import type { LaneBudget } from './spill';

/** What the consumers of queues at a node are built on. */
export interface QueueConsumersPorts {
  readonly self: NodeId;
  readonly clock: Clock;
  readonly lanes: LaneBudget;
  readonly holding: Holding;
  readonly counters: AddressCounters;
  readonly sites: SiteSlots;
  readonly circuits: Circuits;
  readonly names: AddressNames;
  refresh(entry: AddressEntry): QueueState;
  /** A consumer of a subscription has gone. */
  left(name: string): void;
  /** The queue is one of a subscription, and there is none any more. */
  isGone(entry: AddressEntry): boolean;
  isReachable(node: NodeId): boolean;
  nodeName(node: NodeId): string;
  /** A queue here was refused to a consumer, for others have it. @returns false when they do for certain; else `retry` is called */
  awaitsLock(entry: AddressEntry, exclusive: boolean, retry: () => void): boolean;
  readonly scheduleFlush: () => void;
}

/** A client's consumer, with what it is made from again when its queue moves. */
interface OpenLink {
  readonly link: QueueLink;
  readonly spec: ConsumerSpec;
  readonly handler: ConsumerHandler;
}

/** All consumers of queues at this node, wherever the queues live. */
export class QueueConsumers implements RemoteConsumerPorts {
  /** What clients have of them, and what they asked for. */
  readonly #links = new Map<QueueClient, OpenLink>();
  readonly #byName = new Map<string, Set<QueueClient>>();
  /** Those whose home is out of reach, or has not answered. */
  readonly #waiting = new Set<QueueClient>();
  #due = new Set<QueueClient>();
  readonly #later = new Set<QueueClient>();

  constructor(private readonly ports: QueueConsumersPorts) {}

  /** @throws FairleadError when the queue cannot be consumed so */
  open(entry: AddressEntry, spec: ConsumerSpec, handler: ConsumerHandler, known: WhenKnown | null = null): Consumer {
    const link = new QueueLink(this.#make(entry, spec, handler, known, false));
    this.#add(link, spec, handler);
    return link;
  }

  /** @throws FairleadError when the queue cannot be consumed so */
  #make(
    entry: AddressEntry,
    spec: ConsumerSpec,
    handler: ConsumerHandler,
    known: WhenKnown | null,
    confirmed: boolean,
  ): QueueClient {
    const { home, queue, damage } = this.ports.refresh(entry);
    if (home !== this.ports.self) {
      if (spec.subscription?.shared === false && !confirmed) this.#endOthers(entry, spec);
      const consumer = new RemoteConsumer(this, spec, handler, entry, confirmed);
      this.waits(consumer, true);
      return consumer;
    }
    if (queue === null) throw damage ?? moved(entry);
    const consumer = new HomeConsumer(this, spec, handler, entry);
    try {
      consumer.open(queue, known, confirmed);
    } catch (error) {
      const retry = (): void => this.#retry(consumer, known, confirmed);
      const mayWait = error instanceof QueueLockedError;
      if (!mayWait || !this.ports.awaitsLock(entry, spec.queue?.exclusive === true, retry)) throw error;
    }
    return consumer;
  }

  /** It is known by now who has the queue. */
  #retry(consumer: HomeConsumer, known: WhenKnown | null, confirmed: boolean): void {
    if (consumer.closed) return;
    const { entry } = consumer;
    try {
      const { queue, damage } = this.ports.refresh(entry);
      if (queue === null) throw damage ?? moved(entry);
      consumer.open(queue, known, confirmed);
      this.due(consumer);
    } catch (error) {
      if (!(error instanceof FairleadError)) throw error;
      consumer.end(error);
    }
  }

  /** The client is back while its former link is still here: that one must not come after it, and take over. */
  #endOthers({ name }: AddressEntry, { client }: ConsumerSpec): void {
    for (const other of [...(this.#byName.get(name) ?? [])]) other.end(new QueueStolenError(name, client));
  }

  replace(client: QueueClient, confirmed: boolean): void {
    const former = this.#links.get(client);
    if (former === undefined) return;
    this.closed(client);
    const { link, spec, handler } = former;
    try {
      link.client = this.#make(client.entry, spec, handler, null, confirmed);
    } catch (error) {
      if (!(error instanceof FairleadError)) throw error;
      handler.onGone(error);
      return;
    }
    this.#add(link, spec, handler);
  }

  #add(link: QueueLink, spec: ConsumerSpec, handler: ConsumerHandler): void {
    const { client } = link;
    const { entry } = client;
    this.#links.set(client, { link, spec, handler });
    entry.attached++;
    const others = this.#byName.get(entry.name);
    if (others === undefined) this.#byName.set(entry.name, new Set([client]));
    else others.add(client);
    this.due(client);
  }

  // --- what consumers ask ------------------------------------------------------------------------------------------------------

  get lanes(): LaneBudget {
    return this.ports.lanes;
  }

  get holding(): Holding {
    return this.ports.holding;
  }

  now(): number {
    return this.ports.clock.now();
  }

  due(client: QueueClient, later?: 'later'): void {
    if (later !== undefined) {
      this.#later.add(client);
      return;
    }
    if (this.#due.size === 0) this.ports.scheduleFlush();
    this.#due.add(client);
  }

  scheduleFlush(): void {
    this.ports.scheduleFlush();
  }

  delivered(): void {
    this.ports.counters.delivered++;
  }

  dropped(reason: DropReason, count: number): void {
    this.ports.counters.drop(reason, count);
  }

  reopened(): void {
    this.ports.counters.circuitsReopened++;
  }

  settled(slot: number, outcome: Outcome, detail: OutcomeDetail | null): void {
    this.ports.sites.settle(slot, outcome, detail);
  }

  openCircuit(consumer: RemoteConsumer, what: CircuitOpen): Circuit | null {
    const { home } = this.ports.refresh(consumer.entry);
    return this.ports.isReachable(home) ? this.ports.circuits.open(home, consumer, what) : null;
  }

  waits(consumer: RemoteConsumer, waits: boolean): void {
    if (waits) this.#waiting.add(consumer);
    else this.#waiting.delete(consumer);
  }

  isReachable(node: NodeId): boolean {
    return this.ports.isReachable(node);
  }

  isGone(entry: AddressEntry): boolean {
    return this.ports.isGone(entry);
  }

  isHere(entry: AddressEntry): boolean {
    return this.ports.refresh(entry).home === this.ports.self;
  }

  homeName(entry: AddressEntry): string {
    return this.ports.nodeName(this.ports.refresh(entry).home);
  }

  closed(client: QueueClient): void {
    const { entry } = client;
    if (isSubscriptionQueue(entry.name)) this.ports.left(entry.name);
    this.#links.delete(client);
    entry.attached--;
    const others = this.#byName.get(entry.name);
    others?.delete(client);
    if (others?.size === 0) this.#byName.delete(entry.name);
    this.#waiting.delete(client);
    this.#due.delete(client);
    this.#later.delete(client);
  }

  // --- what has changed --------------------------------------------------------------------------------------------------------

  /** Where a queue lives may have changed. */
  review(name: string): void {
    for (const client of [...(this.#byName.get(name) ?? [])]) {
      this.ports.refresh(client.entry);
      client.review();
    }
  }

  /** Nodes have come, or rules are others: homes that were out of reach, or unknown, may be no longer. */
  wake(): void {
    for (const client of this.#waiting) client.review();
  }

  /** What contradicts the rules now is ended, the rest goes on by them. */
  rulesChanged(changedKind: (entry: AddressEntry) => AddressError): void {
    const { names } = this.ports;
    for (const [name, clients] of [...this.#byName]) {
      const policy = names.policy('queue', name);
      for (const client of [...clients]) {
        if (policy === null) client.end(changedKind(client.entry));
        else client.entry.policy = policy;
      }
      this.review(name);
    }
  }

  // --- time --------------------------------------------------------------------------------------------------------------------

  flush(now: number): void {
    for (const client of [...this.#later]) {
      this.#later.delete(client);
      client.flush(now);
    }
    if (this.#due.size === 0) return;
    const due = this.#due;
    this.#due = new Set();
    for (const client of due) client.flush(now);
  }

  tick(now: number): void {
    for (const client of this.#waiting) if (client.deadline <= now) this.due(client);
    if (this.#later.size > 0) this.ports.scheduleFlush();
  }

  deadline(): number {
    let next = this.#later.size > 0 ? this.now() + DRAIN_REVIEW_MS : Infinity;
    for (const { deadline } of this.#waiting) next = Math.min(next, deadline);
    return next;
  }
}
