import type { NodeId } from '../links/contract';
import type { Routes } from '../routing/contract';
import type { TargetState } from '../streams/contract';
import type { AddressEntry } from './address-entry';
import type { AddressTable } from './address-table';
import { Candidate } from './candidate';
import { FilterTrie } from './filter-trie';
import { QUOTA_UNKNOWN } from './limits';
import type { LocalConsumer } from './local-consumer';
import type { AddressStreams } from './ports';
import { RemoteInterest } from './remote-interest';
import type { DurableRoute } from './durable-route';
import { kindOfWire, wireName } from './wire-name';

/** What decides on the audience of addresses besides interest. */
export interface AudiencePorts {
  readonly routes: Routes;
  readonly streams: AddressStreams;
  table(): AddressTable;
  /** Who keeps messages of a topic for subscriptions. */
  durable(topic: string): DurableRoute | null;
  /** Others may want the address than before: what held its publishers up may be over. */
  changed(entry: AddressEntry): void;
}

/**
 * Who wants an address: consumers here and nodes elsewhere. Looked up once and kept in the entry; a change of interest voids it only
 * where it matches.
 */
export class Audience {
  readonly #remote = new RemoteInterest();
  /** Consumers here by topic filter, and of the other kinds by wire name. */
  readonly #filters = new FilterTrie<LocalConsumer>();
  readonly #exact = new Map<string, Set<LocalConsumer>>();
  /** Nodes that may be sent to, and those given up, which still want what they wanted and do not get it. The others are unusable. */
  readonly #states = new Map<NodeId, Exclude<TargetState, 'unusable'>>();
  #generation = 0;
  /** Look-ups so far: what tests measure the cache by. */
  lookups = 0;

  constructor(private readonly ports: AudiencePorts) {}

  // --- what changes it -----------------------------------------------------------------------------------------------------

  addConsumer(consumer: LocalConsumer): void {
    const { kind, filter } = consumer;
    const wire = wireName(kind, filter);
    if (kind === 'topic') this.#filters.add(filter, consumer);
    else {
      const consumers = this.#exact.get(wire);
      if (consumers === undefined) this.#exact.set(wire, new Set([consumer]));
      else consumers.add(consumer);
    }
    this.#void(wire);
  }

  removeConsumer(consumer: LocalConsumer): void {
    const { kind, filter } = consumer;
    const wire = wireName(kind, filter);
    if (kind === 'topic') this.#filters.remove(filter, consumer);
    else {
      const consumers = this.#exact.get(wire);
      consumers?.delete(consumer);
      if (consumers?.size === 0) this.#exact.delete(wire);
    }
    this.#void(wire);
  }

  /** Every consumer here. */
  consumers(): LocalConsumer[] {
    const all = [...this.#exact.values()].flatMap((consumers) => [...consumers]);
    this.#filters.within('#', (consumer) => all.push(consumer));
    return all;
  }

  /** Visits the consumers here of a wire name. */
  interested(wire: string, visit: (consumer: LocalConsumer) => void): void {
    if (kindOfWire(wire) === 'topic') this.#filters.match(wire.slice(1), visit);
    else this.#exact.get(wire)?.forEach(visit);
  }

  /** @param entries the whole map when it was replaced, else null */
  onInterest(
    origin: NodeId,
    entries: ReadonlyMap<string, Buffer> | null,
    changes: readonly (readonly [string, Buffer | null])[],
  ): void {
    if (entries !== null) {
      this.#remote.replace(origin, entries.keys(), (key) => this.#void(key));
      // So it is when routing forgets a node for good: nothing can be lost to it that it does not want.
      if (entries.size === 0 && this.#states.get(origin) === 'givenUp') this.#states.delete(origin);
      return;
    }
    for (const [key, value] of changes) {
      if (value === null ? this.#remote.delete(origin, key) : this.#remote.set(origin, key)) this.#void(key);
    }
  }

  /** Others keep messages of what the filter matches than before. */
  subscriptionsChanged(filter: string): void {
    this.#void(wireName('topic', filter));
  }

  #void(wire: string): void {
    this.ports.table().concerned(wire, (entry) => {
      entry.generation = -1;
      this.ports.changed(entry);
    });
  }

  /** A node may be sent to from now on, or not. */
  targetState(node: NodeId, state: TargetState): void {
    if ((this.#states.get(node) ?? 'unusable') === state) return;
    if (state === 'unusable') this.#states.delete(node);
    else this.#states.set(node, state);
    this.#generation++;
  }

  /** Costs of paths may be others, or a node out of reach: where there is a choice it is made anew. */
  pathsChanged(): void {
    for (const entry of this.ports.table().entries()) if (entry.kind === 'anycast') entry.generation = -1;
  }

  /** What a node said of quotas in its former life is void. */
  newLife(node: NodeId): void {
    for (const entry of this.ports.table().entries()) {
      const candidate = entry.known.get(node);
      if (candidate === undefined) continue;
      candidate.present = false;
      entry.generation = -1;
    }
  }

  // --- looking it up -------------------------------------------------------------------------------------------------------

  /** Brings what an entry knows of its audience up to date. */
  refresh(entry: AddressEntry): void {
    if (entry.generation !== this.#generation) this.#lookUp(entry);
  }

  /** Apart from `refresh`, so that a message that finds it up to date costs no closure. */
  #lookUp(entry: AddressEntry): void {
    entry.generation = this.#generation;
    this.lookups++;
    entry.locals = this.#localsOf(entry);
    entry.durable = entry.kind === 'topic' ? this.ports.durable(entry.name) : null;
    const interested = [...this.#remote.nodes(entry.wire)];
    const nodes = interested.filter((node) => this.#states.get(node) === 'usable');
    if (entry.kind === 'anycast') {
      this.#refreshCandidates(entry, nodes);
      return;
    }
    entry.givenUp = interested.filter((node) => this.#states.get(node) === 'givenUp').length;
    const { streams } = this.ports;
    const set = nodes.length === 0 ? null : streams.targetSet(nodes);
    if (set === entry.set) return;
    // What goes to the new set must not overtake what the old one was given in this turn.
    streams.sealBatches();
    entry.set = set;
  }

  #localsOf(entry: AddressEntry): readonly LocalConsumer[] {
    if (entry.kind !== 'topic') return [...(this.#exact.get(entry.wire) ?? [])];
    const found: LocalConsumer[] = [];
    if (this.#filters.size > 0) this.#filters.match(entry.name, (consumer) => found.push(consumer));
    return found;
  }

  #refreshCandidates(entry: AddressEntry, nodes: readonly NodeId[]): void {
    const { routes } = this.ports;
    const self = routes.self.id;
    const present = (entry.locals.length > 0 ? [self, ...nodes] : nodes).map((node) => this.#candidate(entry, node));
    const now = new Set(present);
    for (const candidate of entry.known.values()) if (!now.has(candidate)) candidate.present = false;
    for (const candidate of present) this.#refreshCandidate(entry, candidate);
    entry.candidates = present.sort((a, b) => (a.cost === b.cost ? a.node - b.node : a.cost - b.cost));
  }

  #candidate(entry: AddressEntry, node: NodeId): Candidate {
    let candidate = entry.known.get(node);
    if (candidate === undefined) {
      const set = node === this.ports.routes.self.id ? null : this.ports.streams.targetSet([node]);
      entry.known.set(node, (candidate = new Candidate(node, set)));
    }
    return candidate;
  }

  #refreshCandidate(entry: AddressEntry, candidate: Candidate): void {
    candidate.cost = candidate.set === null ? 0 : (this.ports.routes.view(candidate.node)?.cost ?? Infinity);
    const bounded = entry.policy.overflowAt !== null;
    if (!bounded) candidate.limit = null;
    else if (!candidate.present || candidate.quota === null) candidate.limit = QUOTA_UNKNOWN;
    candidate.present = true;
  }
}
