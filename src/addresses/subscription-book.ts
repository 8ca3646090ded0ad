import { nodeIdOf, type NodeId } from '../links/contract';
import type { AddressEntry } from './address-entry';
import type { SubscriptionRef, SubscriptionView } from './contract';
import { DurableRoute } from './durable-route';
import { FilterTrie } from './filter-trie';
import type { QueueClaim, SubscriptionDefinition } from './queue-claim';
import type { Claimed } from './queue-homes';
import { exceptionText } from './put-heading';
import { intakeName, subscriptionOfQueue, subscriptionQueue } from './reserved-names';

/** Key of the durable fact by which a node tells its clock of changes to its subscriptions. */
export const CLOCK_KEY = 'subscriptions';

/** A node where subscriptions live, or did. */
export class SubscriptionHome {
  readonly id: NodeId;
  #told = 0;
  /** The newest change that is known of one of its subscriptions: that may be told before its clock is. */
  #seen = 0;

  constructor(
    readonly name: string,
    /** Of its intake. */
    readonly entry: AddressEntry,
  ) {
    this.id = nodeIdOf(name);
  }

  /** When what is known of its subscriptions was so, by its own clock. */
  get clock(): number {
    return Math.max(this.#told, this.#seen);
  }

  tell(clock: number): void {
    // It began anew.
    if (clock < this.#told) this.#seen = 0;
    this.#told = clock;
  }

  sees({ since, until = 0 }: QueueClaim): void {
    this.#seen = Math.max(this.#seen, since, until);
  }
}

/** Of a subscription that a home has, or had: whether a message is for it there, against what its clock would say. */
interface Exception {
  readonly home: SubscriptionHome;
  readonly filter: string;
  readonly text: string;
}

/** A subscription of the mesh, as the facts say. */
interface Known {
  readonly queue: string;
  readonly home: SubscriptionHome;
  /** What is put for it goes by it: its home, or a former one while the home has not told of it. */
  readonly by: SubscriptionHome;
  readonly definition: SubscriptionDefinition;
}

/** All that is told of one. */
interface Told {
  readonly facts: readonly Claimed[];
  readonly known: Known | null;
  readonly exceptions: readonly Exception[];
}

export interface SubscriptionBookPorts {
  readonly selfName: string;
  entryOf(queue: string): AddressEntry;
  claims(queue: string): readonly Claimed[];
  /** What its former homes tell. */
  pointers(queue: string): readonly Claimed[];
  /** Others keep messages of what the filter matches than before. */
  changed(filter: string): void;
}

/** All subscriptions of the mesh: where each lives and what it asks for. */
export class SubscriptionBook {
  readonly #told = new Map<string, Told>();
  readonly #filters = new FilterTrie<Known>();
  readonly #exceptions = new FilterTrie<Exception>();
  readonly #homes = new Map<string, SubscriptionHome>();

  constructor(private readonly ports: SubscriptionBookPorts) {}

  /** A node that subscriptions live at, or once did. */
  home(name: string): SubscriptionHome {
    let home = this.#homes.get(name);
    if (home === undefined) {
      const entry = this.ports.entryOf(intakeName(name));
      // It stays in the table: all routes refer to it.
      entry.attached++;
      this.#homes.set(name, (home = new SubscriptionHome(name, entry)));
    }
    return home;
  }

  /** Whether a node has told of subscriptions. */
  tells(name: string): boolean {
    return this.#homes.has(name);
  }

  onClock(owner: string, value: Buffer | null): void {
    const clock = value === null ? 0 : Number(value.toString());
    this.home(owner).tell(Number.isSafeInteger(clock) && clock >= 0 ? clock : 0);
  }

  /** What is told of a queue may be another. */
  review(queue: string): void {
    const facts = [...this.ports.claims(queue), ...this.ports.pointers(queue)].filter(isOfSubscription);
    const before = this.#told.get(queue);
    const isKnown =
      before?.facts.length === facts.length && before.facts.every(({ claim }, n) => claim === facts[n]?.claim);
    if (isKnown) return;
    const changed = new Set<string>();
    if (before !== undefined) this.#forget(queue, before, changed);
    for (const { owner, claim } of facts) this.home(owner).sees(claim);
    if (facts.length > 0) this.#add(queue, facts, changed);
    for (const filter of changed) this.ports.changed(filter);
  }

  #add(queue: string, facts: readonly Claimed[], changed: Set<string>): void {
    const told = { facts, known: this.#knownOf(queue, facts), exceptions: this.#exceptionsOf(facts) };
    this.#told.set(queue, told);
    const { known, exceptions } = told;
    if (known?.definition.durable === true) {
      this.#filters.add(known.definition.filter, known);
      changed.add(known.definition.filter);
    }
    for (const exception of exceptions) {
      this.#exceptions.add(exception.filter, exception);
      changed.add(exception.filter);
    }
  }

  #forget(queue: string, { known, exceptions }: Told, changed: Set<string>): void {
    this.#told.delete(queue);
    if (known !== null && this.#filters.remove(known.definition.filter, known)) changed.add(known.definition.filter);
    for (const exception of exceptions) {
      this.#exceptions.remove(exception.filter, exception);
      changed.add(exception.filter);
    }
  }

  #knownOf(queue: string, [first]: readonly Claimed[]): Known | null {
    if (first === undefined) return null;
    const { owner, claim } = first;
    const { subscription: definition, movedTo } = claim;
    if (definition === null) return null;
    return { queue, definition, by: this.home(owner), home: this.home(movedTo ?? owner) };
  }

  #exceptionsOf(facts: readonly Claimed[]): readonly Exception[] {
    const [first, ...others] = facts;
    if (first === undefined) return [];
    const exception = ({ owner, claim }: Claimed, isFor: boolean): Exception => ({
      home: this.home(owner),
      filter: claim.subscription?.filter ?? '',
      text: exceptionText(claim.since, isFor),
    });
    // Where it lives is not told yet: the node that it has left last sends on what comes.
    if (first.claim.movedTo !== undefined) return [exception(first, true)];
    return others.filter(({ claim }) => claim.movedTo === undefined).map((other) => exception(other, false));
  }

  /** Who keeps messages of a topic for subscriptions; null where nobody does. */
  routeOf(topic: string): DurableRoute | null {
    if (this.#filters.size === 0) return null;
    const homes = new Map<SubscriptionHome, string[]>();
    this.#filters.match(topic, ({ by }) => void (homes.has(by) || homes.set(by, [])));
    if (homes.size === 0) return null;
    this.#exceptions.match(topic, ({ home, text }) => void homes.get(home)?.push(text));
    const parts = [...homes].map(([home, exceptions]) => ({ home, exceptions: exceptions.join('') }));
    return new DurableRoute(topic, parts, this.ports.selfName);
  }

  find(queue: string): Known | null {
    return this.#told.get(queue)?.known ?? null;
  }

  /** What a queue keeps; null where it is no subscription. */
  filterOf(queue: string): string | null {
    return this.find(queue)?.definition.filter ?? null;
  }

  view(ref: SubscriptionRef): SubscriptionView | null {
    const known = this.find(subscriptionQueue(ref, true)) ?? this.find(subscriptionQueue(ref, false));
    return known === null ? null : viewOf(known);
  }

  *views(): IterableIterator<SubscriptionView> {
    for (const { known } of this.#told.values()) if (known !== null) yield viewOf(known);
  }
}

function isOfSubscription({ claim }: Claimed): boolean {
  return claim.subscription !== null;
}

function viewOf({ queue, home, definition }: Known): SubscriptionView {
  const { filter, selector, noLocal, shared, durable } = definition;
  const { name, client } = subscriptionOfQueue(queue) ?? { name: queue, client: null };
  return { name, client, filter, selector, noLocal, shared, durable, home: home.name, queue };
}
