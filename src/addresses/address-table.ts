import { AddressEntry } from './address-entry';
import type { AddressNames } from './address-names';
import type { AddressKind, KindHint } from './contract';
import { AddressError } from './errors';
import { FilterTrie } from './filter-trie';
import type { Forwarders } from './forwarder';
import { IDLE_ENTRIES_MAX } from './limits';
import { defaultPolicy } from './rules';
import { kindOfWire, wireName } from './wire-name';

/** All concrete addresses that this node has to do with. Those that nothing depends on are a cache, and bounded. */
export class AddressTable {
  readonly #entries = new Map<string, AddressEntry>();
  /** Topics by name, to find those that a filter matches. */
  readonly #topics = new FilterTrie<AddressEntry>();
  /** Entries by what clients wrote that say nothing else of the kind: each message to an anonymous publisher is looked up. */
  readonly #resolved = new Map<string, AddressEntry>();
  #sweepAt: number;

  constructor(
    private readonly names: AddressNames,
    private readonly forwarders: Forwarders,
    private readonly idleMax = IDLE_ENTRIES_MAX,
  ) {
    this.#sweepAt = idleMax;
  }

  get size(): number {
    return this.#entries.size;
  }

  entries(): Iterable<AddressEntry> {
    return this.#entries.values();
  }

  /** The entry of a concrete name as a client wrote it. @throws AddressError */
  resolve(address: string, hint: KindHint): AddressEntry {
    const known = hint === null ? this.#resolved.get(address) : undefined;
    if (known !== undefined && !known.forgotten) return known;
    const entry = this.#resolve(address, hint);
    if (hint !== null) return entry;
    if (this.#resolved.size >= this.idleMax) this.#resolved.clear();
    this.#resolved.set(address, entry);
    return entry;
  }

  /** What names mean has changed. */
  rulesChanged(): void {
    this.#resolved.clear();
  }

  #resolve(address: string, hint: KindHint): AddressEntry {
    const { kind, name, wild } = this.names.resolve(address, hint);
    if (wild)
      throw new AddressError('FL_ADDRESS_NAME', `'${address}' is a filter; messages need a name without * and #`);
    return this.#entry(kind, name);
  }

  /** What a consumer attaches to: a concrete address, or for topics a filter, whose entry is its own. @throws AddressError */
  consumerEntry(address: string, hint: KindHint): AddressEntry {
    const { kind, name, wild } = this.names.resolve(address, hint);
    return wild ? this.#create(kind, name) : this.#entry(kind, name);
  }

  /** The entry of a name in a batch; a kind of a later version is one that nobody here wants. */
  ofWire(wire: string): AddressEntry {
    return this.#entries.get(wire) ?? this.#entry(kindOfWire(wire) ?? 'queue', wire.slice(1));
  }

  /** The entry of a wire name, if there is one. */
  find(wire: string): AddressEntry | null {
    return this.#entries.get(wire) ?? null;
  }

  /** The entry that is in force for one that was handed out. */
  live(entry: AddressEntry): AddressEntry {
    if (!entry.forgotten) return entry;
    const other = this.#entries.get(entry.wire);
    if (other !== undefined) return other;
    entry.policy = this.names.policy(entry.kind, entry.name) ?? entry.policy;
    this.#hold(entry);
    return entry;
  }

  #entry(kind: AddressKind, name: string): AddressEntry {
    const known = this.#entries.get(wireName(kind, name));
    if (known !== undefined) return known;
    const entry = this.#create(kind, name);
    this.#hold(entry);
    return entry;
  }

  #create(kind: AddressKind, name: string): AddressEntry {
    const policy = this.names.policy(kind, name) ?? defaultPolicy(kind);
    return new AddressEntry(kind, name, policy, this.forwarders[kind]);
  }

  #hold(entry: AddressEntry): void {
    if (this.#entries.size >= this.#sweepAt) this.#sweep();
    entry.forgotten = false;
    entry.generation = -1;
    this.#entries.set(entry.wire, entry);
    if (entry.kind === 'topic') this.#topics.add(entry.name, entry);
  }

  #sweep(): void {
    for (const entry of this.#entries.values()) {
      if (!entry.idle) continue;
      entry.forgotten = true;
      this.#entries.delete(entry.wire);
      if (entry.kind === 'topic') this.#topics.remove(entry.name, entry);
    }
    this.#sweepAt = Math.max(this.idleMax, this.#entries.size * 2);
  }

  /** Visits the entries that a wire name or topic filter of interest concerns. */
  concerned(wire: string, visit: (entry: AddressEntry) => void): void {
    if (kindOfWire(wire) === 'topic') {
      this.#topics.within(wire.slice(1), visit);
      return;
    }
    const entry = this.#entries.get(wire);
    if (entry !== undefined) visit(entry);
  }
}
