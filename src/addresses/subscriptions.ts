import type { Journal } from '../common/ports';
import type { FairleadError } from '../common/errors';
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
import { definitionOf, selectsAlike, writeDefinition, type SubscriptionDefinition } from './queue-claim';
import type { QueueHomes } from './queue-homes';
import { intakeName, isSubscriptionQueue, subscriptionOfQueue, subscriptionQueue } from './reserved-names';
import { subscriptionPolicy, type AddressPolicy } from './rules';
import type { SubscriptionBook } from './subscription-book';
import { SubscriptionFeeder } from './subscription-feeder';
import { checkRoom } from './subscription-limits';
import type { SubscriptionRouting } from './subscription-routing';
import type { Confirm, Here, SubscriptionsHere } from './subscriptions-here';

type Done = (error: FairleadError | null) => void;

/** What the subscriptions of a node are built on. */
export interface SubscriptionsPorts {
  readonly self: NodeId;
  readonly selfName: string;
  readonly journal: Journal;
  readonly host: QueueHost;
  readonly homes: QueueHomes;
  readonly names: AddressNames;
  readonly replicas: Replicas;
  readonly book: SubscriptionBook;
  readonly routing: SubscriptionRouting;
  readonly here: SubscriptionsHere;
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
  /** Calls back once it is known whether a consumer at another node is still there; false when none of them can be in doubt. */
  awaitsGone(queue: string, retry: () => void): boolean;
  /** Consumers at other nodes that have gone, and whose last outcomes are still on their way. */
  closing(queue: string): number;
  /** Ends a subscription at another node. */
  endAt(home: NodeId, queue: string, away: FairleadError, done: Done): void;
  /** It lives elsewhere by now. */
  hasLeft(queue: string): boolean;
  /** It is on its way to another node, or something of its own is on its way into it. */
  isMoving(queue: string): boolean;
  /** It is nowhere any more, or another one of its name is made: what is noted and kept of its moves is of no use. */
  ended(queue: string): void;
  scheduleFlush(): void;
}

/** Subscriptions that are more than their consumers, as a node makes, keeps and ends them. */
export class Subscriptions {
  /** Of those that keep nothing: whose consumers may all have gone. */
  readonly #left = new Set<string>();
  /** Who wants one to be ended that is moving. */
  readonly #ending: { readonly name: string; readonly done: Done }[] = [];

  constructor(private readonly ports: SubscriptionsPorts) {}

  /** A queue here whose name is no client's. @throws FairleadError when its records are damaged */
  queueHere(name: string, policy: AddressPolicy): Queue | null {
    const { host, selfName, routing } = this.ports;
    if (name === intakeName(selfName)) return host.intake(name, routing.route);
    if (!isSubscriptionQueue(name)) return null;
    const known = host.find(name);
    const isVolatile = this.ports.here.get(name)?.definition.durable === false;
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
    const here = this.ports.here.get(name);
    if (here === undefined) {
      if (!mayMake) throw unknown(name);
      this.#make(name, definition);
      return;
    }
    if (here.definition.shared !== definition.shared) throw otherKind(name, here.definition);
    if (selectsAlike(here.definition, definition)) return;
    if (!mayMake) throw unknown(name);
    if (this.ports.isMoving(name)) throw isMoving(name);
    if (this.#isUsed(name)) throw inUse(name, 'changed');
    const generation = this.ports.homes.nextGeneration(name);
    this.#delete(name, here, () => undefined);
    this.#make(name, definition, generation);
  }

  /** Tells when a subscription here misses nothing that is published from then on at a node within reach. */
  whenKnown(name: string, confirm: Confirm): void {
    const here = this.ports.here.get(name);
    if (here === undefined || here.missing === 0) confirm(here?.unconfirmed ?? []);
    else here.waiters.push(confirm);
  }

  #make(name: string, definition: SubscriptionDefinition, generation = this.ports.homes.nextGeneration(name)): void {
    const { host, replicas, names, here: all, selfName } = this.ports;
    if (definition.durable) checkRoom(host, name, this.ports.counters);
    const rule = names.policy('topic', definition.filter);
    const policy = definition.durable ? subscriptionPolicy(rule) : volatilePolicy(rule);
    // What is left here of another one of its name is not for this one.
    if (definition.durable) this.ports.ended(name);
    const queue = definition.durable ? host.open(name, policy) : host.openTemporary(name, policy);
    const since = all.nextClock();
    const claim = { generation, since, subscription: definition, ids: [`${selfName}.${since}`] };
    const here = all.add(name, queue, claim, [[since, 0]]);
    here.missing = 2;
    const known = (unconfirmed: readonly string[]): void => this.#known(name, here, unconfirmed);
    all.tell(name, here, () => known([]));
    if (!definition.durable) this.#feed(name, here, queue, known);
    this.ports.barrier.wait(replicas.pendingVersion(SPACE.facts), known);
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
  #feed(name: string, here: Here, queue: Queue, confirmed: Confirm): void {
    const { filter, selector } = here.definition;
    const feeder = new SubscriptionFeeder(queue, selector === null ? null : compileMessageFilter(selector), {
      confirmed,
      gone: () => this.#delete(name, here, () => undefined),
      scheduleFlush: () => this.ports.scheduleFlush(),
    });
    here.feeder = feeder;
    feeder.open(this.ports.openTopic({ address: filter, hint: 'topic', client: name, settled: true }, feeder));
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

  /** Ends one that lives here; one that is moving once that is over, wherever it is then. */
  end(name: string, done: Done, mayWait = true): void {
    const here = this.ports.here.get(name);
    const ref = this.ports.hasLeft(name) ? subscriptionOfQueue(name) : null;
    if (this.ports.isMoving(name)) this.#ending.push({ name, done });
    else if (ref !== null) this.unsubscribe(ref, done);
    else if (here === undefined) done(unknown(name));
    else if (!this.#isUsed(name)) this.#delete(name, here, () => done(null));
    // What was closed at another node just now may not be known here.
    else if (!mayWait || !this.ports.awaitsGone(name, () => this.end(name, done, false))) done(inUse(name, 'ended'));
  }

  #endMoved(): void {
    for (const ending of this.#ending.splice(0)) {
      if (this.ports.isMoving(ending.name)) this.#ending.push(ending);
      else this.end(ending.name, ending.done);
    }
  }

  #isUsed(name: string): boolean {
    const consumers = this.ports.host.find(name)?.view().consumers ?? 0;
    return consumers > 0 && consumers > this.ports.closing(name);
  }

  #delete(name: string, here: Here, done: () => void): void {
    if (this.ports.here.get(name) !== here) return;
    this.#forget(name, here, done);
    this.ports.host.delete(name);
  }

  #forget(name: string, { definition }: Here, done: () => void): void {
    this.ports.here.forget(name, done);
    if (definition.durable) this.ports.ended(name);
  }

  /** A queue was deleted here, by whomever. */
  deleted(name: string): void {
    const here = this.ports.here.get(name);
    if (here !== undefined) this.#forget(name, here, () => undefined);
  }

  /** A consumer has gone. */
  left(name: string): void {
    if (this.ports.here.get(name)?.definition.durable !== false) return;
    this.#left.add(name);
    this.ports.scheduleFlush();
  }

  /** Another node may have one of these by right. */
  review(name: string): void {
    const here = this.ports.here.get(name);
    if (here === undefined || here.definition.durable) return;
    if (this.ports.homes.claims(name)[0]?.owner === this.ports.selfName) return;
    // It keeps nothing, so that there is nothing to merge: its consumers go on there.
    this.ports.counters.drop(DROP_REASON.disconnected, here.queue?.view().depth ?? 0);
    this.#delete(name, here, () => undefined);
  }

  /** A queue here has room again. */
  onRoom(name: string): void {
    this.ports.here.get(name)?.feeder?.pump();
  }

  rulesChanged(): void {
    for (const [name, { definition }] of this.ports.here.values()) {
      const rule = this.ports.names.policy('topic', definition.filter);
      this.ports.host.find(name)?.setPolicy(definition.durable ? subscriptionPolicy(rule) : volatilePolicy(rule));
    }
  }

  flush(): void {
    if (this.#ending.length > 0) this.#endMoved();
    if (this.#left.size === 0) return;
    for (const name of this.#left) {
      const here = this.ports.here.get(name);
      if (here !== undefined && here.queue?.view().consumers === 0) this.#delete(name, here, () => undefined);
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

function isMoving(name: string): AddressError {
  return new AddressError('FL_SUBSCRIPTION_IN_USE', `subscription '${name}' moves to another node: try again`);
}

function otherKind(name: string, { shared }: SubscriptionDefinition): AddressError {
  const is = shared ? 'shared' : 'not shared';
  return new AddressError('FL_SUBSCRIPTION_KIND', `subscription '${name}' is ${is}, and was asked for otherwise`);
}
