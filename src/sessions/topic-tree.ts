import { advance, spread } from '../addresses/filter-trie';

class Node {
  readonly words = new Map<string, Node>();
  isTopic = false;
}

/** Topics by their words, so that a filter visits only the branches that it can match. */
export class TopicTree {
  readonly #root = new Node();

  add(topic: string): void {
    let node = this.#root;
    for (const word of topic.split('.')) {
      let next = node.words.get(word);
      if (next === undefined) node.words.set(word, (next = new Node()));
      node = next;
    }
    node.isTopic = true;
  }

  remove(topic: string): void {
    const words = topic.split('.');
    const path = [this.#root];
    for (const word of words) {
      const next = path.at(-1)?.words.get(word);
      if (next === undefined) return;
      path.push(next);
    }
    (path[words.length] as Node).isTopic = false;
    for (let depth = words.length; depth > 0; depth--) {
      const node = path[depth] as Node;
      if (node.isTopic || node.words.size > 0) return;
      path[depth - 1]?.words.delete(words[depth - 1] as string);
    }
  }

  /** Topics that a filter matches, one by one: what changes meanwhile may be left out, and nothing comes twice. */
  match(filter: string): IterableIterator<string> {
    const pattern = filter.split('.');
    return walk(this.#root, pattern, spread(pattern, [0]), null);
  }
}

function* walk(
  node: Node,
  pattern: readonly string[],
  at: readonly number[],
  name: string | null,
): IterableIterator<string> {
  if (node.isTopic && name !== null && at[at.length - 1] === pattern.length) yield name;
  for (const [word, child] of leading(node, pattern, at)) {
    const next = advance(pattern, at, word);
    if (next.length > 0) yield* walk(child, pattern, next, name === null ? word : `${name}.${word}`);
  }
}

/** The words that lead on. */
function* leading(node: Node, pattern: readonly string[], at: readonly number[]): IterableIterator<[string, Node]> {
  if (at.some((position) => pattern[position] === '#' || pattern[position] === '*')) {
    yield* node.words;
    return;
  }
  for (const position of at) {
    const word = pattern[position];
    const child = word === undefined ? undefined : node.words.get(word);
    if (word !== undefined && child !== undefined) yield [word, child];
  }
}
