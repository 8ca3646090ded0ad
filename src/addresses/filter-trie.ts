/** One word's place in the trie. What few nodes have is absent in the others: 100,000 filters are held. */
class TrieNode<T> {
  words: Map<string, TrieNode<T>> | null = null;
  star: TrieNode<T> | null = null;
  hash: TrieNode<T> | null = null;
  /** What is stored under the filter that ends here: nearly always one value. */
  value: T | undefined = undefined;
  more: Set<T> | null = null;
  /** The step of the match that last reached this `#`. */
  reached = 0;

  constructor(readonly isHash: boolean) {}

  get empty(): boolean {
    return this.value === undefined && this.words === null && this.star === null && this.hash === null;
  }

  next(word: string): TrieNode<T> | null {
    if (word === '*') return this.star;
    if (word === '#') return this.hash;
    return this.words?.get(word) ?? null;
  }

  child(word: string): TrieNode<T> {
    const known = this.next(word);
    if (known !== null) return known;
    const node = new TrieNode<T>(word === '#');
    if (word === '*') this.star = node;
    else if (word === '#') this.hash = node;
    else (this.words ??= new Map()).set(word, node);
    return node;
  }

  drop(word: string): void {
    if (word === '*') this.star = null;
    else if (word === '#') this.hash = null;
    else if (this.words?.delete(word) === true && this.words.size === 0) this.words = null;
  }

  add(value: T): boolean {
    if (this.value === value || this.more?.has(value) === true) return false;
    if (this.value === undefined) this.value = value;
    else (this.more ??= new Set()).add(value);
    return true;
  }

  take(value: T): boolean {
    if (this.value !== value) return this.more?.delete(value) ?? false;
    this.value = undefined;
    for (const other of this.more ?? []) {
      this.more?.delete(other);
      this.value = other;
      break;
    }
    return true;
  }

  values(visit: (value: T) => void): void {
    if (this.value === undefined) return;
    visit(this.value);
    if (this.more !== null) for (const value of this.more) visit(value);
  }
}

/**
 * Values under filters of dotted words, where `*` is one word and `#` any number of them. Both questions visit only the branches
 * that can answer them, however many filters there are. Plain names are filters without `*` and `#`.
 */
export class FilterTrie<T> {
  /** Distinct pairs of filter and value. */
  size = 0;
  /** Nodes visited by questions so far: what tests measure cost by. */
  visited = 0;
  readonly #root = new TrieNode<T>(false);
  #step = 0;

  /** @returns true when it was not there before */
  add(filter: string, value: T): boolean {
    let node = this.#root;
    for (const word of filter.split('.')) node = node.child(word);
    const added = node.add(value);
    if (added) this.size++;
    return added;
  }

  /** @returns true when it was there */
  remove(filter: string, value: T): boolean {
    const words = filter.split('.');
    const path = [this.#root];
    for (const word of words) {
      const next = (path[path.length - 1] as TrieNode<T>).next(word);
      if (next === null) return false;
      path.push(next);
    }
    if (!(path[words.length] as TrieNode<T>).take(value)) return false;
    this.size--;
    for (let depth = words.length; depth > 0 && (path[depth] as TrieNode<T>).empty; depth--)
      (path[depth - 1] as TrieNode<T>).drop(words[depth - 1] as string);
    return true;
  }

  /**
   * Visits every value whose filter matches the name. Given a filter it visits those that cover it: whatever it matches, they match
   * (exotic equals such as `*.#` and `#.*` are not recognised; nothing is visited that does not cover).
   */
  match(name: string, visit: (value: T) => void): void {
    const words = name.split('.');
    let active: TrieNode<T>[] = [];
    this.#activate(this.#root, ++this.#step, active);
    for (const word of words) {
      const next: TrieNode<T>[] = [];
      const step = ++this.#step;
      for (const node of active) {
        this.visited++;
        if (node.isHash) this.#activate(node, step, next);
        const literal = node.words?.get(word);
        if (literal !== undefined) this.#activate(literal, step, next);
        if (node.star !== null && word !== '#') this.#activate(node.star, step, next);
      }
      if (next.length === 0) return;
      active = next;
    }
    for (const node of active) node.values(visit);
  }

  /** A `#` is reached by what leads to it and by staying in it: counted once a step, so that several cannot multiply. */
  #activate(node: TrieNode<T>, step: number, active: TrieNode<T>[]): void {
    if (node.isHash) {
      if (node.reached === step) return;
      node.reached = step;
    }
    active.push(node);
    if (node.hash !== null) this.#activate(node.hash, step, active);
  }

  /** Visits every value under a filter or name that the given filter covers, itself included. */
  within(filter: string, visit: (value: T) => void): void {
    const pattern = filter.split('.');
    this.#within(this.#root, pattern, spread(pattern, [0]), visit);
  }

  #within(node: TrieNode<T>, pattern: readonly string[], at: readonly number[], visit: (value: T) => void): void {
    this.visited++;
    if (at[at.length - 1] === pattern.length) node.values(visit);
    const descend = (child: TrieNode<T>, word: string): void => {
      const next = advance(pattern, at, word);
      if (next.length > 0) this.#within(child, pattern, next, visit);
    };
    if (at.some((position) => pattern[position] === '#' || pattern[position] === '*')) {
      if (node.words !== null) for (const [word, child] of node.words) descend(child, word);
      if (node.star !== null) descend(node.star, '*');
      if (node.hash !== null) descend(node.hash, '#');
      return;
    }
    // Only literal words lead on.
    for (const position of at) {
      const word = pattern[position];
      const child = word === undefined ? undefined : node.words?.get(word);
      if (word !== undefined && child !== undefined) descend(child, word);
    }
  }

  /**
   * Visits every value whose filter has a name in common with the given one.
   * @param visitsMax nodes to look at; with wild first words there may be many
   * @returns the nodes looked at; `visitsMax` when it stopped there, perhaps before the end
   */
  overlapping(filter: string, visitsMax: number, visit: (value: T) => void): number {
    const pattern = filter.split('.');
    const before = this.visited;
    this.#overlapping(this.#root, pattern, spread(pattern, [0]), before + visitsMax, visit);
    return this.visited - before;
  }

  #overlapping(
    node: TrieNode<T>,
    pattern: readonly string[],
    at: readonly number[],
    visitedMax: number,
    visit: (value: T) => void,
  ): void {
    if (this.visited >= visitedMax) return;
    this.visited++;
    if (at[at.length - 1] === pattern.length) node.values(visit);
    const descend = (child: TrieNode<T>, next: readonly number[]): void => {
      if (next.length > 0) this.#overlapping(child, pattern, next, visitedMax, visit);
    };
    if (node.star !== null) descend(node.star, meet(pattern, at, '*'));
    if (node.hash !== null) descend(node.hash, from(at[0] as number, pattern.length));
    if (node.words === null) return;
    if (at.some((position) => pattern[position] === '#' || pattern[position] === '*')) {
      for (const [word, child] of node.words) descend(child, meet(pattern, at, word));
      return;
    }
    for (const word of new Set(at.map((position) => pattern[position]))) {
      const child = word === undefined ? undefined : node.words.get(word);
      if (word !== undefined && child !== undefined) descend(child, meet(pattern, at, word));
    }
  }
}

/** Positions behind one more word of a name that both have, which is `word`, or any for `*`. */
function meet(pattern: readonly string[], at: readonly number[], word: string): number[] {
  const next: number[] = [];
  for (const position of at) {
    const wanted = pattern[position];
    if (wanted === undefined) continue;
    if (wanted === '#') next.push(position);
    else if (wanted === '*' || word === '*' || wanted === word) next.push(position + 1);
  }
  return spread(
    pattern,
    next.sort((a, b) => a - b),
  );
}

/** Where a `#` may lead to: any number of words further. */
function from(first: number, last: number): number[] {
  return Array.from({ length: last - first + 1 }, (_, n) => first + n);
}

/** Positions in a pattern, ascending, and those that a `#` which matches nothing leads to. */
export function spread(pattern: readonly string[], positions: readonly number[]): number[] {
  const all: number[] = [];
  for (let position of positions) {
    if (all.length > 0 && position <= (all[all.length - 1] as number)) continue;
    all.push(position);
    while (pattern[position] === '#') all.push(++position);
  }
  return all;
}

/** Positions behind one more word, which may be `*` or `#` itself. */
export function advance(pattern: readonly string[], at: readonly number[], word: string): number[] {
  const next: number[] = [];
  for (const position of at) {
    const wanted = pattern[position];
    const to = wanted === '#' ? position : word !== '#' && (wanted === '*' || wanted === word) ? position + 1 : -1;
    if (to >= 0 && next[next.length - 1] !== to) next.push(to);
  }
  return spread(pattern, next);
}
