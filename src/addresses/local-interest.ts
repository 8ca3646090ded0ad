import { SPACE, type Replicas } from '../routing/contract';
import { wireName } from './wire-name';
import type { AddressKind } from './contract';
import { FilterSet, widenings } from './filter-set';
import { FilterTrie } from './filter-trie';
import { FILTERS_ADVERTISED_MAX } from './limits';

const NOTHING = Buffer.alloc(0);

/**
 * What the consumers of this node want, told to the mesh: each filter once however many consumers share it, none that another one
 * covers, and past a bound the densest prefixes widened to `prefix.#`. What replaces a filter is told before that one is taken
 * back, so that no version of the interest misses anything.
 */
export class LocalInterest {
  /** Consumers by wire name of what they want. */
  readonly #counts = new Map<string, number>();
  /** Topic filters of consumers. */
  readonly #wanted = new FilterTrie<string>();
  /** Topic filters told to the mesh. */
  #told = new FilterSet();
  /** The version of the interest that holds each told wire name. */
  readonly #versions = new Map<string, number>();
  /** Told filters that no consumer asked for. */
  readonly #widened = new Set<string>();
  /** With fewer topic filters than this it is worth while to tell them apart again. */
  #narrowBelow = 0;

  constructor(
    private readonly replicas: Replicas,
    private readonly advertisedMax = FILTERS_ADVERTISED_MAX,
  ) {}

  /** Topic filters told to the mesh. */
  get advertised(): Iterable<string> {
    return this.#told;
  }

  /** One more consumer. @returns the version of the interest that holds what it wants */
  add(kind: AddressKind, filter: string): number {
    const wire = wireName(kind, filter);
    const count = this.#counts.get(wire) ?? 0;
    this.#counts.set(wire, count + 1);
    if (kind !== 'topic') {
      if (count === 0) this.#tell(wire);
      return this.#versions.get(wire) as number;
    }
    if (count === 0) {
      this.#wanted.add(filter, filter);
      this.#offer(filter);
      this.#bound();
    }
    const covering = this.#told.covering(filter);
    return covering.reduce(
      (least, told) => Math.min(least, this.#versions.get(wireName('topic', told)) as number),
      Infinity,
    );
  }

  /** One consumer less. */
  remove(kind: AddressKind, filter: string): void {
    const wire = wireName(kind, filter);
    const count = this.#counts.get(wire) ?? 0;
    if (count > 1) {
      this.#counts.set(wire, count - 1);
      return;
    }
    this.#counts.delete(wire);
    if (kind !== 'topic') {
      this.#untell(wire);
      return;
    }
    this.#wanted.remove(filter, filter);
    if (this.#widened.size > 0 && this.#wanted.size < this.#narrowBelow) this.#narrow();
    else if (this.#told.has(filter) && !this.#widened.has(filter)) this.#withdraw(filter);
  }

  /** This node begins a new life: its maps are told anew, as one version. */
  restart(): void {
    const version = this.replicas.pendingVersion(SPACE.interest);
    for (const wire of this.#versions.keys()) this.#versions.set(wire, version);
  }

  #tell(wire: string): void {
    this.replicas.set(SPACE.interest, wire, NOTHING);
    this.#versions.set(wire, this.replicas.pendingVersion(SPACE.interest));
  }

  #untell(wire: string): void {
    this.replicas.delete(SPACE.interest, wire);
    this.#versions.delete(wire);
  }

  #offer(filter: string): void {
    const covered = this.#told.offer(filter);
    if (covered === null) return;
    this.#tell(wireName('topic', filter));
    for (const inner of covered) {
      this.#widened.delete(inner);
      this.#untell(wireName('topic', inner));
    }
  }

  /** Nobody wants the filter any more: what only it covered is told again. */
  #withdraw(filter: string): void {
    this.#told.remove(filter);
    const uncovered: string[] = [];
    this.#wanted.within(filter, (inner) => uncovered.push(inner));
    for (const inner of uncovered) this.#offer(inner);
    this.#untell(wireName('topic', filter));
    this.#bound();
  }

  /** Widens what is too much. */
  #bound(): void {
    for (const wide of widenings(this.#told, this.advertisedMax)) {
      this.#offer(wide);
      this.#widened.add(wide);
    }
    if (this.#widened.size > 0) this.#narrowBelow = Math.max(this.#narrowBelow, this.#wanted.size / 2);
  }

  /** Far fewer filters than when they were widened: they are told apart again, as far as the bound allows. */
  #narrow(): void {
    const told = new FilterSet();
    this.#wanted.within('#', (filter) => void told.offer(filter));
    this.#widened.clear();
    for (const wide of widenings(told, this.advertisedMax)) {
      told.offer(wide);
      this.#widened.add(wide);
    }
    this.#narrowBelow = this.#widened.size > 0 ? this.#wanted.size / 2 : 0;
    const former = this.#told;
    this.#told = told;
    for (const filter of told) if (!former.has(filter)) this.#tell(wireName('topic', filter));
    for (const filter of former) if (!told.has(filter)) this.#untell(wireName('topic', filter));
  }
}
