import type { NodeId } from '../links/contract';
import { FilterTrie } from './filter-trie';
import { kindOfWire } from './wire-name';

const NOBODY: ReadonlySet<NodeId> = new Set();

/** What the consumers of all other nodes want, from their replicated maps. Keys are wire names; those of topics may be filters. */
export class RemoteInterest {
  readonly #topics = new FilterTrie<NodeId>();
  readonly #exact = new Map<string, Set<NodeId>>();
  readonly #keys = new Map<NodeId, Set<string>>();

  /** Takes what a node wants now in place of all it wanted before. @param changed told each key that came or went */
  replace(origin: NodeId, keys: Iterable<string>, changed: (key: string) => void): void {
    const gone = new Set(this.#keys.get(origin));
    for (const key of keys) {
      if (!gone.delete(key) && this.set(origin, key)) changed(key);
    }
    for (const key of gone) if (this.delete(origin, key)) changed(key);
  }

  /** @returns false when it was known */
  set(origin: NodeId, key: string): boolean {
    let keys = this.#keys.get(origin);
    if (keys === undefined) this.#keys.set(origin, (keys = new Set()));
    if (keys.has(key)) return false;
    keys.add(key);
    if (kindOfWire(key) === 'topic') this.#topics.add(key.slice(1), origin);
    else {
      const nodes = this.#exact.get(key);
      if (nodes === undefined) this.#exact.set(key, new Set([origin]));
      else nodes.add(origin);
    }
    return true;
  }

  /** @returns false when it was not known */
  delete(origin: NodeId, key: string): boolean {
    const keys = this.#keys.get(origin);
    if (keys?.delete(key) !== true) return false;
    if (keys.size === 0) this.#keys.delete(origin);
    if (kindOfWire(key) === 'topic') this.#topics.remove(key.slice(1), origin);
    else {
      const nodes = this.#exact.get(key);
      nodes?.delete(origin);
      if (nodes?.size === 0) this.#exact.delete(key);
    }
    return true;
  }

  /** Nodes that want a concrete address. */
  nodes(wire: string): ReadonlySet<NodeId> {
    if (kindOfWire(wire) !== 'topic') return this.#exact.get(wire) ?? NOBODY;
    const found = new Set<NodeId>();
    this.#topics.match(wire.slice(1), (node) => found.add(node));
    return found;
  }
}
