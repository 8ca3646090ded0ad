import { SelectorError } from './errors';
import { FOUND_CHARACTERS_MAX } from './limits';

/** Words that are no identifiers, in whatever case. */
const KEYWORDS = new Set(['NULL', 'TRUE', 'FALSE', 'NOT', 'AND', 'OR', 'BETWEEN', 'LIKE', 'IN', 'IS', 'ESCAPE']);

/** Java's rules for identifiers, and the dot within them: clients write `amqp.message_id`. */
const WORD =
  /[\p{L}\p{Nl}\p{Sc}\p{Pc}][\p{L}\p{Nl}\p{Sc}\p{Pc}\p{Nd}\p{Mn}\p{Mc}\p{Cf}\u0000-\u0008\u000e-\u001b\u007f-\u009f.]*/uy;
const APPROXIMATE = /(?:\d+\.\d*|\.\d+|\d+(?=[eEfFdD]))(?:[eE][+-]?\d+)?[fFdD]?/y;
const EXACT = /(?:0[xX][\da-fA-F]+|\d+)[lL]?/y;
const SYMBOL = /<>|<=|>=|[-+*/=<>(),]/y;
const SPACE = /[ \t\f\r\n]*/y;

/** The least long is written as a minus before this. */
export const LONG_MAGNITUDE_MAX = 2n ** 63n;

export interface Token {
  readonly kind: 'identifier' | 'keyword' | 'string' | 'exact' | 'approximate' | 'symbol' | 'end';
  /** As written; keywords in upper case; strings without quotes. */
  readonly text: string;
  /** Of numbers: never negative. */
  readonly number: number | bigint;
  readonly at: number;
  readonly end: number;
}

/** Takes a selector's text apart, a token at a time. */
export class Lexer {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  next(): Token {
    this.#match(SPACE);
    const at = this.#at;
    if (at === this.#text.length) return { kind: 'end', text: '', number: 0, at, end: at };
    if (this.#text[at] === "'") return this.#string(at);
    const word = this.#match(WORD);
    if (word !== null) {
      const keyword = word.toUpperCase();
      if (KEYWORDS.has(keyword)) return this.#token('keyword', keyword, at);
      return this.#token('identifier', word, at);
    }
    const symbol = this.#match(SYMBOL);
    if (symbol !== null) return this.#token('symbol', symbol, at);
    return this.#number(at);
  }

  /** An error at a place in the text. */
  error(at: number, end: number, expected: string): SelectorError {
    return new SelectorError(this.column(at), expected, at === this.#text.length ? 'the end' : this.#excerpt(at, end));
  }

  column(at: number): number {
    return [...this.#text.slice(0, at)].length + 1;
  }

  #excerpt(at: number, end: number): string {
    const characters = [...this.#text.slice(at, end)];
    const cut = characters.length > FOUND_CHARACTERS_MAX;
    return JSON.stringify(characters.slice(0, FOUND_CHARACTERS_MAX).join('')) + (cut ? '...' : '');
  }

  #token(kind: Token['kind'], text: string, at: number, number: number | bigint = 0): Token {
    return { kind, text, number, at, end: this.#at };
  }

  #match(pattern: RegExp): string | null {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text)?.[0] ?? null;
    if (found !== null) this.#at += found.length;
    return found;
  }

  /** A quote within a string is written twice. */
  #string(at: number): Token {
    let from = at + 1;
    for (;;) {
      const quote = this.#text.indexOf("'", from);
      if (quote < 0) throw this.error(at, this.#text.length, 'a string that ends with a quote');
      this.#at = quote + 1;
      if (this.#text[this.#at] !== "'") break;
      from = quote + 2;
    }
    return this.#token('string', this.#text.slice(at + 1, this.#at - 1).replaceAll("''", "'"), at);
  }

  #number(at: number): Token {
    const approximate = this.#match(APPROXIMATE);
    const text = approximate ?? this.#match(EXACT);
    if (text === null) {
      const length = (this.#text.codePointAt(at) ?? 0) > 0xffff ? 2 : 1;
      throw this.error(at, at + length, 'an identifier, a literal or an operator');
    }
    if (this.#match(WORD) !== null || this.#match(APPROXIMATE) !== null || this.#match(EXACT) !== null)
      throw this.error(at, this.#at, 'a number');
    if (approximate === null) return this.#token('exact', text, at, this.#exact(text, at));
    const number = approximateOf(text);
    if (!Number.isFinite(number)) throw this.error(at, this.#at, 'a number within the range of a double');
    return this.#token('approximate', text, at, number);
  }

  #exact(text: string, at: number): number | bigint {
    const digits = text.replace(/[lL]$/, '');
    const octal = /^0\d/.test(digits);
    if (octal && /[89]/.test(digits)) throw this.error(at, this.#at, 'an octal number, as 0 says at its front');
    const value = BigInt(octal ? `0o${digits.slice(1)}` : digits);
    if (value > LONG_MAGNITUDE_MAX) throw this.error(at, this.#at, 'an integer of 64 bits');
    return value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : value;
  }
}

function approximateOf(text: string): number {
  const number = Number(text.replace(/[fFdD]$/, ''));
  return /[fF]$/.test(text) ? Math.fround(number) : number;
}
