import { nodeIdOf, type NodeId } from '../links/contract';
import type { AddressEntry } from './address-entry';
import type { SubscriptionRef, SubscriptionView } from './contract';
import { FilterTrie } from './filter-trie';
import { EXCLUDED_BYTES_MAX } from './limits';
import type { SubscriptionDefinition } from './queue-claim';
import type { Claimed } from './queue-homes';
import { intakeName, subscriptionOfQueue, subscriptionQueue } from './reserved-names';

/** Key of the durable fact by which a node tells its clock of changes to its subscriptions. */
export const CLOCK_KEY = 'subscriptions';
/** What stands between the parts of what precedes a topic: `node=clock!without,node=clock:topic`. */
const MARK = { topic: ':', node: ',', clock: '=', without: '!' } as const;

/** A node where subscriptions live. */
export class SubscriptionHome {
  readonly id: NodeId;
  /** When what is known of its subscriptions was so, by its own clock. */
  clock = 0;
  /** Subscriptions that it has, but which another node has by right: what is put here is not for them. */
  readonly lost = new Set<string>();
  /** Counts the changes of the above. */
  version = 0;

  constructor(
    readonly name: string,
    /** Of its intake. */
    readonly entry: AddressEntry,
  ) {
    this.id = nodeIdOf(name);
  }

  /** Says which of its subscriptions a message is for: those that were known here. */
  get heading(): string {
    let text = this.name + MARK.clock + this.clock.toString(36);
    for (const queue of this.lost) if (text.length < EXCLUDED_BYTES_MAX) text += MARK.without + queue;
    return text;
  }
}

/** What is said of a message that is put to an intake. */
export interface PutHeading {
  readonly topic: string;
  /** It is for subscriptions that were there then. */
  readonly clock: number;
  readonly without: readonly string[];
}

/** Reads what a {@link DurableRoute} says to a node; null when it says nothing to it. */
export function readHeading(text: string, node: string): PutHeading | null {
  const end = text.indexOf(MARK.topic);
  if (end < 0) return null;
  const mine = text
    .slice(0, end)
    .split(MARK.node)
    .find((part) => part.startsWith(node + MARK.clock));
  const [clock = '', ...without] = mine?.slice(node.length + 1).split(MARK.without) ?? [];
  return /^[0-9a-z]{1,11}$/.test(clock) ? { topic: text.slice(end + 1), clock: parseInt(clock, 36), without } : null;
}

/** The nodes that keep messages of a topic for subscriptions: one, at least. */
export class DurableRoute {
  /** This node, when it is one of them. */
  readonly here: SubscriptionHome | null;
  /** Intakes of the others. */
  readonly elsewhere: readonly AddressEntry[];
  #head = Buffer.alloc(0);
  #version = -1;

  constructor(
    private readonly topic: string,
    private readonly homes: readonly SubscriptionHome[],
    self: string,
  ) {
    this.here = homes.find(({ name }) => name === self) ?? null;
    this.elsewhere = homes.filter(({ name }) => name !== self).map(({ entry }) => entry);
  }

  /** Parts that a message of the topic is put in: here, and into the outbox. */
  get parts(): number {
    return (this.elsewhere.length > 0 ? 1 : 0) + (this.here === null ? 0 : 1);
  }

  /** What is put before each message: length and text, the same for all of them. */
  get head(): Buffer {
    let version = 0;
    for (const home of this.homes) version += home.version;
    // Versions of homes only grow.
    if (version !== this.#version) this.#write(version);
    return this.#head;
  }

  #write(version: number): void {
    this.#version = version;
    const text = Buffer.from(this.homes.map(({ heading }) => heading).join(MARK.node) + MARK.topic + this.topic);
    this.#head = Buffer.concat([Buffer.from([text.length >> 8, text.length & 0xff]), text]);
  }
}

/** A subscription of the mesh, as the facts say. */
interface Known {
  readonly queue: string;
  readonly home: SubscriptionHome;
  readonly definition: SubscriptionDefinition;
}

export interface SubscriptionBookPorts {
  readonly selfName: string;
  entryOf(queue: string): AddressEntry;
  claims(queue: string): readonly Claimed[];
  /** Others keep messages of what the filter matches than before. */
  changed(filter: string): void;
}

/** All subscriptions of the mesh: where each lives and what it asks for. */
export class SubscriptionBook {
  readonly #known = new Map<string, Known>();
  readonly #filters = new FilterTrie<Known>();
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
    const home = this.home(owner);
    home.clock = Number.isSafeInteger(clock) && clock >= 0 ? clock : 0;
    home.version++;
  }

  /** What is told of a queue may be another. */
  review(queue: string): void {
    const claims = this.ports.claims(queue);
    const before = this.#known.get(queue);
    for (const home of this.#homes.values()) if (home.lost.delete(queue)) home.version++;
    for (const { owner } of claims.slice(1)) {
      const home = this.home(owner);
      home.lost.add(queue);
      home.version++;
    }
    const [first] = claims;
    const definition = first?.claim.subscription ?? null;
    if (before?.definition === definition && before?.home.name === first?.owner) return;
    if (before !== undefined) this.#forget(before);
    if (first !== undefined && definition !== null) this.#add({ queue, home: this.home(first.owner), definition });
  }

  #add(known: Known): void {
    this.#known.set(known.queue, known);
    if (!known.definition.durable) return;
    this.#filters.add(known.definition.filter, known);
    this.ports.changed(known.definition.filter);
  }

  #forget(known: Known): void {
    this.#known.delete(known.queue);
    if (this.#filters.remove(known.definition.filter, known)) this.ports.changed(known.definition.filter);
  }

  /** Who keeps messages of a topic for subscriptions; null where nobody does. */
  routeOf(topic: string): DurableRoute | null {
    if (this.#filters.size === 0) return null;
    const homes = new Set<SubscriptionHome>();
    this.#filters.match(topic, ({ home }) => homes.add(home));
    return homes.size === 0 ? null : new DurableRoute(topic, [...homes], this.ports.selfName);
  }

  find(queue: string): Known | null {
    return this.#known.get(queue) ?? null;
  }

  /** What a queue keeps; null where it is no subscription. */
  filterOf(queue: string): string | null {
    return this.#known.get(queue)?.definition.filter ?? null;
  }

  view(ref: SubscriptionRef): SubscriptionView | null {
    const known = this.find(subscriptionQueue(ref, true)) ?? this.find(subscriptionQueue(ref, false));
    return known === null ? null : viewOf(known);
  }

  *views(): IterableIterator<SubscriptionView> {
    for (const known of this.#known.values()) yield viewOf(known);
  }
}

function viewOf({ queue, home, definition }: Known): SubscriptionView {
  const { filter, selector, noLocal, shared, durable } = definition;
  const { name, client } = subscriptionOfQueue(queue) ?? { name: queue, client: null };
  return { name, client, filter, selector, noLocal, shared, durable, home: home.name, queue };
}
