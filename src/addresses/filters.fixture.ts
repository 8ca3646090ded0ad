import fc from 'fast-check';

/** The plain meaning of a filter, word by word: what the trie is compared with. */
export function matchesNaively(filter: readonly string[], name: readonly string[]): boolean {
  const [first, ...rest] = filter;
  if (first === undefined) return name.length === 0;
  if (first === '#') return matchesNaively(rest, name) || (name.length > 0 && matchesNaively(filter, name.slice(1)));
  const [word, ...others] = name;
  return word !== undefined && (first === '*' || first === word) && matchesNaively(rest, others);
}

/** True when the inner filter, its `*` and `#` taken for words that only `*` and `#` stand for, is matched by the outer one. */
export function coversNaively(outer: readonly string[], inner: readonly string[]): boolean {
  const [first, ...rest] = outer;
  if (first === undefined) return inner.length === 0;
  if (first === '#') return coversNaively(rest, inner) || (inner.length > 0 && coversNaively(outer, inner.slice(1)));
  const [word, ...others] = inner;
  if (word === undefined || word === '#') return false;
  return (first === '*' || first === word) && coversNaively(rest, others);
}

/** True when some name is matched by both filters. */
export function overlapsNaively(one: readonly string[], other: readonly string[]): boolean {
  const [first, ...rest] = one;
  if (first === '#') return overlapsNaively(rest, other) || (other.length > 0 && overlapsNaively(one, other.slice(1)));
  const [word, ...others] = other;
  if (word === '#') return overlapsNaively(other, one);
  if (first === undefined || word === undefined) return first === word;
  return (first === '*' || word === '*' || first === word) && overlapsNaively(rest, others);
}

/** Few words, the empty one among them, so that filters meet. */
const word = fc.constantFrom('a', 'b', 'c', '');
const token = fc.oneof({ weight: 4, arbitrary: word }, fc.constantFrom('*', '#'));

export const nameArb = fc.array(word, { minLength: 1, maxLength: 6 }).map((words) => words.join('.'));
export const filterArb = fc.array(token, { minLength: 1, maxLength: 6 }).map((words) => words.join('.'));
