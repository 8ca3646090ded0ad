import type { Clock, Journal } from '../common/ports';
import { FairleadError } from '../common/errors';
import type { NodeId } from '../links/contract';
import type { Queue, QueueHost } from '../queues/contract';
import { compileMessageFilter } from '../queues/message-filter';
import { SPACE, type Replicas } from '../routing/contract';
import { DROP_REASON } from '../streams/contract';
import type { AddressEntry } from './address-entry';
import type { AddressNames } from './address-names';
import type { Barrier } from './barrier';
import type { Consumer, ConsumerHandler, ConsumerSpec, SubscriptionRef } from './contract';
import { AddressError } from './errors';
import { DEFINITION_BYTES_MAX, FEED_BYTES_MAX, FEED_MESSAGES_MAX } from './limits';
import type { AddressCounters } from './ports';
import {
  definitionOf,
  selectsAlike,
  writeDefinition,
  type QueueClaim,
  type SubscriptionDefinition,
} from './queue-claim';
import type { QueueHomes } from './queue-homes';
import { intakeName, isSubscriptionQueue, subscriptionQueue } from './reserved-names';
import { subscriptionPolicy, type AddressPolicy } from './rules';
import { CLOCK_KEY, type SubscriptionBook } from './subscription-book';
import { SubscriptionFeeder } from './subscription-feeder';
import { checkRoom } from './subscription-limits';
import type { SubscriptionRecords } from './subscription-records';
import type { SubscriptionRouting } from './subscription-routing';

type Confirm = (unconfirmed: readonly string[]) => void;
type Done = (error: FairleadError | null) => void;

/** A subscription that lives at this node. */
interface Here {
  readonly queue: Queue;
  readonly claim: QueueClaim;
  readonly definition: SubscriptionDefinition;
  /** What is still to come until it misses nothing that is published at nodes within reach, and who waits for that. */
  missing: number;
  unconfirmed: readonly string[];
  readonly waiters: Confirm[];
  /** Of one that keeps nothing. */
  feeder: SubscriptionFeeder | null;
}

/** What the subscriptions of a node are built on. */
export interface SubscriptionsPorts {
  readonly self: NodeId;
  readonly selfName: string;
  readonly clock: Clock;
  readonly journal: Journal;
  readonly host: QueueHost;
  readonly homes: QueueHomes;
  readonly names: AddressNames;
  readonly replicas: Replicas;
  readonly book: SubscriptionBook;
  readonly routing: SubscriptionRouting;
  readonly records: SubscriptionRecords;
  readonly counters: AddressCounters;
  readonly barrier: Barrier;
  isReachable(node: NodeId): boolean;
  /** Right after a start nodes that live may not be within reach yet. */
  isStarting(): boolean;
  entryOf(queue: string): AddressEntry;
  /** A consumer of the queue, wherever it lives. @param known asked to tell when one that lives here misses nothing */
  openConsumer(
    entry: AddressEntry,
    spec: ConsumerSpec,
    handler: ConsumerHandler,
    known: ((confirm: Confirm) => void) | null,
  ): Consumer;
  /** A plain consumer of a topic. */
  openTopic(spec: ConsumerSpec, handler: ConsumerHandler): Consumer;
  /** Consumers at other nodes that have gone, and whose last outcomes are still on their way. */
  closing(queue: string): number;
  /** Ends a subscription at another node. */
  endAt(home: NodeId, queue: string, away: FairleadError, done: Done): void;
  scheduleFlush(): void;
}

/** Subscriptions that are more than their consumers, as a node makes, keeps and ends them. */
export class Subscriptions {
  readonly #here = new Map<string, Here>();
  /** Of those that keep nothing: whose consumers may all have gone. */
  readonly #left = new Set<string>();
  #clock = 0;

  constructor(private readonly ports: SubscriptionsPorts) {}

  /** What this node's disk knows is told again. */
  start(): void {
    const { host, records, clock } = this.ports;
    const known = records.load();
    if (known.length === 0) return;
    this.#clock = known.reduce((last, [, { since }]) => Math.max(last, since), Math.floor(clock.wall()));
    const stored = new Set(host.stored);
    for (const [name, claim] of known) {
      this.ports.homes.own(name, claim);
      if (claim.subscription === null || !stored.has(name)) continue;
      this.#add(this.#openStored(name, claim.subscription), name, claim, claim.subscription);
    }
    this.#tellClock();
  }

  /** Null for one whose records are damaged: who asks for it is told. */
  #openStored(name: string, { filter }: SubscriptionDefinition): Queue | null {
    try {
      return this.ports.host.open(name, subscriptionPolicy(this.ports.names.policy('topic', filter)));
    } catch (error) {
      if (!(error instanceof FairleadError)) throw error;
      this.ports.journal.warn('subscription-damaged', { queue: name, why: error.message });
      return null;
    }
  }

  #add(queue: Queue | null, name: string, claim: QueueClaim, definition: SubscriptionDefinition): Here | null {
    if (queue === null) return null;
    const here = { queue, claim, definition, missing: 0, unconfirmed: [], waiters: [], feeder: null };
    this.#here.set(name, here);
    if (definition.durable) this.ports.routing.add(queue, claim);
    return here;
  }

  /** A queue here whose name is no client's. @throws FairleadError when its records are damaged */
  queueHere(name: string, policy: AddressPolicy): Queue | null {
    const { host, selfName, routing } = this.ports;
    if (name === intakeName(selfName)) return host.intake(name, routing.route);
    if (!isSubscriptionQueue(name)) return null;
    const known = host.find(name);
    const isVolatile = this.#here.get(name)?.definition.durable === false;
    if (isVolatile || (known === null && !host.stored.includes(name))) return known;
    return host.open(name, policy);
  }

  // --- consumers ---------------------------------------------------------------------------------------------------------------

  /** @throws FairleadError when there is no such subscription for it */
  openConsumer(asked: ConsumerSpec, ref: SubscriptionRef, handler: ConsumerHandler): Consumer {
    const { book, self, entryOf } = this.ports;
    const spec = { ...asked, address: this.#filterOf(asked) };
    const definition = definitionOf(spec) as SubscriptionDefinition;
    check(definition);
    const name = subscriptionQueue(ref, definition.durable);
    const known = book.find(name);
    const isAway = known !== null && known.home.id !== self && !this.ports.isReachable(known.home.id);
    if (known === null || known.home.id === self || (isAway && !definition.durable && !this.ports.isStarting())) {
      this.ensure(name, definition, true);
      return this.ports.openConsumer(entryOf(name), spec, handler, (confirm) => this.whenKnown(name, confirm));
    }
    if (known.definition.shared !== definition.shared) throw otherKind(name, known.definition);
    if (isAway && !this.ports.isStarting()) throw away(ref, known.home.name);
    return this.ports.openConsumer(entryOf(name), spec, handler, null);
  }

  /** @throws AddressError when what it asks for is no topic */
  #filterOf({ address, hint }: ConsumerSpec): string {
    const { kind, name } = this.ports.names.resolve(address, hint ?? 'topic');
    if (kind === 'topic') return name;
    throw new AddressError('FL_ADDRESS_KIND', `a subscription of '${address}', which is no topic but ${kind}`);
  }

  /**
   * Sees to it that a subscription lives here and is as it is asked for.
   * @param mayMake whether it may be made, or made anew
   * @throws FairleadError when it cannot be
   */
  ensure(name: string, definition: SubscriptionDefinition, mayMake: boolean): void {
    const here = this.#here.get(name);
    if (here === undefined) {
      if (!mayMake) throw unknown(name);
      this.#make(name, definition, 0);
      return;
    }
    if (here.definition.shared !== definition.shared) throw otherKind(name, here.definition);
    if (selectsAlike(here.definition, definition)) return;
    if (!mayMake) throw unknown(name);
    if (this.#isUsed(name, here)) throw inUse(name, 'changed');
    this.#delete(name, here, () => undefined);
    this.#make(name, definition, here.claim.generation);
  }

  /** Tells when a subscription here misses nothing that is published from then on at a node within reach. */
  whenKnown(name: string, confirm: Confirm): void {
    const here = this.#here.get(name);
    if (here === undefined || here.missing === 0) confirm(here?.unconfirmed ?? []);
    else here.waiters.push(confirm);
  }

  #make(name: string, definition: SubscriptionDefinition, generation: number): void {
    const { host, homes, records, replicas, names, book } = this.ports;
    if (definition.durable) checkRoom(host, name, this.ports.counters);
    const rule = names.policy('topic', definition.filter);
    const policy = definition.durable ? subscriptionPolicy(rule) : volatilePolicy(rule);
    const queue = definition.durable ? host.open(name, policy) : host.openTemporary(name, policy);
    const claim = { generation, since: this.#nextClock(), subscription: definition };
    const here = this.#add(queue, name, claim, definition);
    if (here === null) return;
    homes.own(name, claim);
    book.home(this.ports.selfName);
    this.#tellClock();
    here.missing = 2;
    const known = (unconfirmed: readonly string[]): void => this.#known(name, here, unconfirmed);
    if (definition.durable) records.set(name, claim, () => known([]));
    else this.#feed(name, here, known);
    this.ports.barrier.wait(replicas.pendingVersion(SPACE.facts), known);
    this.ports.scheduleFlush();
  }

  #known(name: string, here: Here, unconfirmed: readonly string[]): void {
    here.missing--;
    if (unconfirmed.length > 0) {
      here.unconfirmed = unconfirmed;
      this.ports.journal.warn('subscription-unconfirmed', { queue: name, nodes: unconfirmed.slice(0, 10) });
    }
    if (here.missing > 0) return;
    for (const confirm of here.waiters.splice(0)) confirm(here.unconfirmed);
    // Who comes later finds it known.
    here.unconfirmed = [];
  }

  /** One that keeps nothing gets what any consumer of its topic gets. */
  #feed(name: string, here: Here, confirmed: Confirm): void {
    const { filter, selector } = here.definition;
    const feeder = new SubscriptionFeeder(here.queue, selector === null ? null : compileMessageFilter(selector), {
      confirmed,
      gone: () => this.#delete(name, here, () => undefined),
      scheduleFlush: () => this.ports.scheduleFlush(),
    });
    here.feeder = feeder;
    feeder.open(this.ports.openTopic({ address: filter, hint: 'topic', client: name, settled: true }, feeder));
  }

  #nextClock(): number {
    return (this.#clock = Math.max(this.#clock + 1, Math.floor(this.ports.clock.wall())));
  }

  /** After a change to the subscriptions here: who publishes says as of when it knows them. */
  #tellClock(): void {
    const value = Buffer.from(String(this.#clock));
    this.ports.replicas.set(SPACE.facts, CLOCK_KEY, value);
    this.ports.book.onClock(this.ports.selfName, value);
  }

  // --- the end -----------------------------------------------------------------------------------------------------------------

  unsubscribe(ref: SubscriptionRef, done: Done): void {
    const view = this.ports.book.view(ref);
    if (view === null) {
      done(unknown(subscriptionQueue(ref, true)));
      return;
    }
    const { queue, home } = view;
    const { id } = this.ports.book.home(home);
    if (id === this.ports.self) this.end(queue, done);
    else if (this.ports.isReachable(id)) this.ports.endAt(id, queue, away(ref, home), done);
    else done(away(ref, home));
  }

  /** Ends one that lives here. */
  end(name: string, done: Done): void {
    const here = this.#here.get(name);
    if (here === undefined) done(unknown(name));
    else if (this.#isUsed(name, here)) done(inUse(name, 'ended'));
    else this.#delete(name, here, () => done(null));
  }

  #isUsed(name: string, { queue }: Here): boolean {
    const { consumers } = queue.view();
    return consumers > 0 && consumers > this.ports.closing(name);
  }

  #delete(name: string, here: Here, done: () => void): void {
    if (this.#here.get(name) !== here) return;
    this.#forget(name, here, done);
    this.ports.host.delete(name);
  }

  #forget(name: string, here: Here, done: () => void): void {
    const { homes, routing, records } = this.ports;
    this.#here.delete(name);
    here.feeder?.close();
    routing.remove(name);
    homes.own(name, null);
    this.#nextClock();
    this.#tellClock();
    records.delete(name, done);
    this.ports.scheduleFlush();
  }

  /** A queue was deleted here, by whomever. */
  deleted(name: string): void {
    const here = this.#here.get(name);
    if (here !== undefined) this.#forget(name, here, () => undefined);
  }

  /** A consumer has gone. */
  left(name: string): void {
    if (this.#here.get(name)?.definition.durable !== false) return;
    this.#left.add(name);
    this.ports.scheduleFlush();
  }

  /** Another node may have one of these by right. */
  review(name: string): void {
    const here = this.#here.get(name);
    if (here === undefined || here.definition.durable) return;
    if (this.ports.homes.claims(name)[0]?.owner === this.ports.selfName) return;
    // It keeps nothing, so that there is nothing to merge: its consumers go on there.
    this.ports.counters.drop(DROP_REASON.disconnected, here.queue.view().depth);
    this.#delete(name, here, () => undefined);
  }

  /** A queue here has room again. */
  onRoom(name: string): void {
    this.#here.get(name)?.feeder?.pump();
  }

  rulesChanged(): void {
    for (const { queue, definition } of this.#here.values()) {
      const rule = this.ports.names.policy('topic', definition.filter);
      queue.setPolicy(definition.durable ? subscriptionPolicy(rule) : volatilePolicy(rule));
    }
  }

  flush(): void {
    if (this.#left.size === 0) return;
    for (const name of this.#left) {
      const here = this.#here.get(name);
      if (here !== undefined && here.queue.view().consumers === 0) this.#delete(name, here, () => undefined);
    }
    this.#left.clear();
  }
}

/** @throws FairleadError when it cannot be kept so */
function check(definition: SubscriptionDefinition): void {
  if (definition.selector !== null) compileMessageFilter(definition.selector);
  if (Buffer.byteLength(writeDefinition(definition)) > DEFINITION_BYTES_MAX)
    throw new AddressError('FL_ADDRESS_LIMIT', `filter and selector of more than ${DEFINITION_BYTES_MAX} bytes`);
}

/** What waits for the consumers of one that keeps nothing is bounded as for any consumer; then its feeder takes no more. */
function volatilePolicy(rule: AddressPolicy | null): AddressPolicy {
  const policy = subscriptionPolicy(rule);
  return { ...policy, maxDepth: FEED_MESSAGES_MAX, maxBytes: FEED_BYTES_MAX, overLimit: 'block' };
}

function away({ name }: SubscriptionRef, home: string): AddressError {
  return new AddressError('FL_SUBSCRIPTION_AWAY', `subscription '${name}' lives at ${home}, which is out of reach`);
}

function unknown(name: string): AddressError {
  return new AddressError('FL_SUBSCRIPTION_UNKNOWN', `there is no subscription '${name}'`);
}

function inUse(name: string, what: string): AddressError {
  return new AddressError('FL_SUBSCRIPTION_IN_USE', `subscription '${name}' is consumed, and cannot be ${what}`);
}

function otherKind(name: string, { shared }: SubscriptionDefinition): AddressError {
  const is = shared ? 'shared' : 'not shared';
  return new AddressError('FL_SUBSCRIPTION_KIND', `subscription '${name}' is ${is}, and was asked for otherwise`);
}
