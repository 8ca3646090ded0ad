import { FilterTrie } from './filter-trie';

/** Distinct topic filters, none of which another one covers. */
export class FilterSet {
  readonly #filters = new Set<string>();
  readonly #trie = new FilterTrie<string>();

  get size(): number {
    return this.#filters.size;
  }

  [Symbol.iterator](): IterableIterator<string> {
    return this.#filters.values();
  }

  has(filter: string): boolean {
    return this.#filters.has(filter);
  }

  /** Those of the set that cover a filter. */
  covering(filter: string): string[] {
    const found: string[] = [];
    this.#trie.match(filter, (outer) => found.push(outer));
    return found;
  }

  /** Adds a filter unless another covers it; those that it covers leave. @returns those, or null when it was not added */
  offer(filter: string): string[] | null {
    if (this.covering(filter).length > 0) return null;
    const covered: string[] = [];
    if (isWild(filter)) this.#trie.within(filter, (inner) => covered.push(inner));
    for (const inner of covered) this.remove(inner);
    this.#filters.add(filter);
    this.#trie.add(filter, filter);
    return covered;
  }

  remove(filter: string): void {
    this.#filters.delete(filter);
    this.#trie.remove(filter, filter);
  }
}

function isWild(filter: string): boolean {
  return filter.includes('*') || filter.includes('#');
}

/** Share of a group that must go on with one word for the prefix to grow by it: a longer prefix brings less that nobody wants. */
const DENSE_SHARE = 0.75;

/**
 * The `prefix.#` that take the place of the densest groups of filters when there are more than `max`, densest first. They go some
 * way below it, so that not every further filter costs another search.
 */
export function widenings(filters: FilterSet, max: number): string[] {
  if (filters.size <= max) return [];
  const target = max - Math.floor(max / 16);
  const groups = new Map<string, string[][]>();
  for (const filter of filters) {
    const words = filter.split('.');
    const group = groups.get(words[0] as string);
    if (group === undefined) groups.set(words[0] as string, [words]);
    else group.push(words);
  }
  const wide: string[] = [];
  let left = filters.size;
  for (const group of [...groups.values()].sort((a, b) => b.length - a.length)) {
    if (left <= target) return wide;
    if (group.length < 2) break;
    const dense = densest(group);
    wide.push(dense.filter);
    left -= dense.count - 1;
  }
  return left <= target ? wide : ['#'];
}

/** The longest prefix that nearly all of a group share. */
function densest(group: readonly string[][]): { readonly filter: string; readonly count: number } {
  let dense = group;
  for (let depth = 1; ; depth++) {
    const first = dense[0] as string[];
    if (first[depth - 1] === '#') return { filter: first.slice(0, depth).join('.'), count: dense.length };
    const byWord = new Map<string, string[][]>();
    for (const words of dense) {
      const word = words[depth];
      if (word === undefined) continue;
      const same = byWord.get(word);
      if (same === undefined) byWord.set(word, [words]);
      else same.push(words);
    }
    const next = [...byWord.values()].find((same) => same.length >= Math.max(2, group.length * DENSE_SHARE));
    if (next === undefined) return { filter: `${first.slice(0, depth).join('.')}.#`, count: dense.length };
    dense = next;
  }
}
