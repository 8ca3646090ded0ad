import { LIKE_SEARCH_MAX } from './limits';

/** Elements of a pattern beside its characters, which are their code points. */
const ONE = -1;
const MANY = -2;

/**
 * The elements of a LIKE pattern: `_` stands for one character, `%` for any number.
 * @returns null when the escape character stands before anything but `%`, `_` and itself (SQL-92 8.5)
 */
export function likeElements(pattern: string, escape: string | null): number[] | null {
  const elements: number[] = [];
  let escaped = false;
  for (const character of pattern) {
    if (escaped) {
      if (character !== '%' && character !== '_' && character !== escape) return null;
      elements.push(character.codePointAt(0) ?? 0);
      escaped = false;
    } else if (character === escape) escaped = true;
    else if (character === '_') elements.push(ONE);
    else if (character !== '%') elements.push(character.codePointAt(0) ?? 0);
    else if (elements[elements.length - 1] !== MANY) elements.push(MANY);
  }
  return escaped ? null : elements;
}

/** A test for a pattern: the engine's own search for the usual forms, else {@link LikeAutomaton}. Linear in the value. */
export function compileLike(elements: readonly number[]): (value: string) => boolean {
  const starts = elements[0] === MANY;
  const ends = elements[elements.length - 1] === MANY;
  const middle = elements.slice(starts ? 1 : 0, ends ? -1 : undefined);
  if (middle.every((element) => element >= 0)) {
    const text = String.fromCodePoint(...middle);
    if (!starts && !ends) return (value) => value === text;
    if (!starts) return (value) => value.startsWith(text);
    if (!ends) return (value) => value.endsWith(text);
    if (text.length <= LIKE_SEARCH_MAX) return (value) => value.includes(text);
  }
  const automaton = new LikeAutomaton(elements);
  return (value) => automaton.matches(value);
}

/**
 * All places in the pattern where a match can be, as bits that move together with each character of the value: no backtracking.
 * Bit n: n elements other than `%` are matched.
 */
class LikeAutomaton {
  readonly #words: number;
  readonly #last: number;
  /** Places that a `%` lets any character stay at. */
  readonly #stays: Int32Array;
  /** By character, the places that it leads on from; row 0 for characters that the pattern does not name. */
  readonly #moves: Int32Array;
  readonly #rows = new Map<number, number>();
  readonly #places: Int32Array;

  constructor(elements: readonly number[]) {
    const singles = elements.filter((element) => element !== MANY);
    this.#last = singles.length;
    this.#words = (this.#last >>> 5) + 1;
    this.#stays = new Int32Array(this.#words);
    this.#places = new Int32Array(this.#words);
    for (const element of singles)
      if (element !== ONE && !this.#rows.has(element)) this.#rows.set(element, this.#rows.size + 1);
    this.#moves = new Int32Array((this.#rows.size + 1) * this.#words);
    let place = 0;
    for (const element of elements) {
      if (element === MANY) setBit(this.#stays, 0, place);
      else this.#addMove(element, place++);
    }
  }

  #addMove(element: number, place: number): void {
    if (element !== ONE) setBit(this.#moves, (this.#rows.get(element) ?? 0) * this.#words, place);
    else for (let row = 0; row <= this.#rows.size; row++) setBit(this.#moves, row * this.#words, place);
  }

  matches(value: string): boolean {
    this.#places.fill(0);
    this.#places[0] = 1;
    for (let at = 0; at < value.length; at++) {
      const character = value.codePointAt(at) as number;
      if (character > 0xffff) at++;
      if (!this.#step((this.#rows.get(character) ?? 0) * this.#words)) return false;
    }
    return (((this.#places[this.#last >>> 5] as number) >>> (this.#last & 31)) & 1) === 1;
  }

  /** @returns false when no place is left */
  #step(row: number): boolean {
    let carry = 0;
    let any = 0;
    for (let word = 0; word < this.#words; word++) {
      const places = this.#places[word] as number;
      const moved = places & (this.#moves[row + word] as number);
      const next = (moved << 1) | carry | (places & (this.#stays[word] as number));
      carry = moved >>> 31;
      any |= next;
      this.#places[word] = next;
    }
    return any !== 0;
  }
}

function setBit(words: Int32Array, from: number, bit: number): void {
  const word = from + (bit >>> 5);
  words[word] = (words[word] as number) | (1 << (bit & 31));
}
