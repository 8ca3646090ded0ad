import type { SelectorError } from './errors';
import type { ArithmeticOperator, ComparisonOperator, Expression, Kind, Literal } from './expression';
import { kindOf } from './expression';
import type { Token } from './lexer';
import { Lexer, LONG_MAGNITUDE_MAX } from './lexer';
import { likeElements } from './like';
import {
  LIKE_CHARACTERS_MAX,
  SELECTOR_DEPTH_MAX,
  SELECTOR_IDENTIFIERS_MAX,
  SELECTOR_IN_ITEMS_MAX,
  SELECTOR_NODES_MAX,
} from './limits';

const COMPARISONS: ReadonlySet<string> = new Set<ComparisonOperator>(['=', '<>', '<', '<=', '>', '>=']);
const AFTER_OPERAND = 'an operator, AND, OR or the end';
const IN_WORDS: Readonly<Record<Exclude<Kind, 'any'>, string>> = {
  number: 'a number or an identifier',
  string: 'a string',
  condition: 'a condition',
};

/**
 * Recursive descent, one method per precedence, lowest first: OR, AND, NOT, comparisons and predicates, `+ -`, `* /`, signs.
 * It recurses for parentheses, NOT and signs alone, and counts them.
 */
export class Parser {
  readonly identifiers = new Set<string>();
  readonly #lexer: Lexer;
  #token: Token;
  #depth = 0;
  #nodes = 0;

  constructor(text: string) {
    this.#lexer = new Lexer(text);
    this.#token = this.#lexer.next();
  }

  /** The whole text; null when it says nothing. */
  parse(): Expression | null {
    const start = this.#token;
    if (start.kind === 'end') return null;
    const expression = this.#or();
    if (this.#token.kind !== 'end') throw this.#unexpected(AFTER_OPERAND);
    return this.#mustBe('condition', expression, start);
  }

  #or(): Expression {
    return this.#junction('or', () => this.#and());
  }

  #and(): Expression {
    return this.#junction('and', () => this.#not());
  }

  #junction(type: 'and' | 'or', operand: () => Expression): Expression {
    const keyword = type.toUpperCase();
    const start = this.#token;
    const first = operand();
    if (!this.#is('keyword', keyword)) return first;
    const operands = [this.#mustBe('condition', first, start)];
    while (this.#take('keyword', keyword)) {
      const next = this.#token;
      operands.push(this.#mustBe('condition', operand(), next));
      this.#count(next);
    }
    return { type, operands };
  }

  #not(): Expression {
    const start = this.#token;
    if (!this.#take('keyword', 'NOT')) return this.#predicate();
    const from = this.#token;
    const operand = this.#nested(start, () => this.#mustBe('condition', this.#not(), from));
    return this.#made(start, { type: 'not', operand });
  }

  #predicate(): Expression {
    const start = this.#token;
    const left = this.#sum();
    const operator = this.#token;
    if (operator.kind === 'symbol' && COMPARISONS.has(operator.text)) {
      this.#advance();
      return this.#comparison(left, start, operator);
    }
    if (this.#take('keyword', 'IS')) return this.#isNull(left, start, operator);
    const negated = this.#take('keyword', 'NOT');
    const word = this.#token;
    if (this.#take('keyword', 'BETWEEN')) return this.#between(left, start, word, negated);
    if (this.#take('keyword', 'IN')) return this.#in(left, start, word, negated);
    if (this.#take('keyword', 'LIKE')) return this.#like(left, start, word, negated);
    if (negated) throw this.#unexpected('BETWEEN, IN or LIKE');
    return left;
  }

  /** Strings and conditions have no order: with `<` and its like both sides are numbers. */
  #comparison(left: Expression, start: Token, operatorToken: Token): Expression {
    const operator = operatorToken.text as ComparisonOperator;
    const from = this.#token;
    const right = this.#sum();
    if (operator !== '=' && operator !== '<>') {
      this.#mustBe('number', left, start);
      this.#mustBe('number', right, from);
    }
    return this.#made(operatorToken, { type: 'comparison', operator, left, right });
  }

  #isNull(left: Expression, start: Token, at: Token): Expression {
    const negated = this.#take('keyword', 'NOT');
    if (!this.#take('keyword', 'NULL')) throw this.#unexpected(negated ? 'NULL' : 'NULL or NOT NULL');
    return this.#made(at, { type: 'null', name: this.#nameOf(left, start), negated });
  }

  #between(left: Expression, start: Token, at: Token, negated: boolean): Expression {
    const operand = this.#mustBe('number', left, start);
    const lowStart = this.#token;
    const low = this.#mustBe('number', this.#sum(), lowStart);
    if (!this.#take('keyword', 'AND')) throw this.#unexpected('AND');
    const highStart = this.#token;
    const high = this.#mustBe('number', this.#sum(), highStart);
    return this.#made(at, { type: 'between', operand, low, high, negated });
  }

  #in(left: Expression, start: Token, at: Token, negated: boolean): Expression {
    const name = this.#nameOf(left, start);
    if (!this.#take('symbol', '(')) throw this.#unexpected('"("');
    const items: string[] = [];
    do {
      if (items.length === SELECTOR_IN_ITEMS_MAX) throw this.#unexpected(`at most ${items.length} strings behind IN`);
      items.push(this.#string('a string'));
    } while (this.#take('symbol', ','));
    if (!this.#take('symbol', ')')) throw this.#unexpected('"," or ")"');
    return this.#made(at, { type: 'in', name, items, negated });
  }

  #like(left: Expression, start: Token, at: Token, negated: boolean): Expression {
    const name = this.#nameOf(left, start);
    const patternToken = this.#token;
    const pattern = this.#string('a pattern in quotes');
    let escape: string | null = null;
    if (this.#take('keyword', 'ESCAPE')) {
      const escapeToken = this.#token;
      escape = this.#string('one character in quotes');
      if ([...escape].length !== 1) throw this.#wrong(escapeToken, 'one character in quotes');
    }
    const elements = likeElements(pattern, escape);
    if (elements === null) throw this.#wrong(patternToken, 'a pattern where only %, _ and itself follow the ESCAPE');
    if (elements.length > LIKE_CHARACTERS_MAX)
      throw this.#wrong(patternToken, `a pattern of at most ${LIKE_CHARACTERS_MAX} characters`);
    return this.#made(at, { type: 'like', name, pattern, escape, negated });
  }

  #sum(): Expression {
    return this.#chain('+', '-', () => this.#product());
  }

  #product(): Expression {
    return this.#chain('*', '/', () => this.#sign());
  }

  #chain(one: ArithmeticOperator, other: ArithmeticOperator, operand: () => Expression): Expression {
    const start = this.#token;
    const first = operand();
    if (!this.#is('symbol', one) && !this.#is('symbol', other)) return first;
    this.#mustBe('number', first, start);
    const steps: { operator: ArithmeticOperator; operand: Expression }[] = [];
    while (this.#is('symbol', one) || this.#is('symbol', other)) {
      const operator = this.#token.text as ArithmeticOperator;
      this.#advance();
      const from = this.#token;
      steps.push({ operator, operand: this.#mustBe('number', operand(), from) });
      this.#count(from);
    }
    return { type: 'arithmetic', first, steps };
  }

  #sign(): Expression {
    const start = this.#token;
    const negative = this.#is('symbol', '-');
    if (!negative && !this.#is('symbol', '+')) return this.#primary();
    this.#advance();
    const from = this.#token;
    if (from.kind === 'exact' || from.kind === 'approximate') return this.#numberLiteral(negative);
    const operand = this.#nested(start, () => this.#mustBe('number', this.#sign(), from));
    return this.#made(start, { type: 'sign', negative, operand });
  }

  #primary(): Expression {
    const token = this.#token;
    if (token.kind === 'exact' || token.kind === 'approximate') return this.#numberLiteral(false);
    if (token.kind === 'string') return this.#literal(token, token.text);
    if (token.kind === 'identifier') return this.#identifier(token);
    if (this.#is('keyword', 'TRUE') || this.#is('keyword', 'FALSE')) return this.#literal(token, token.text === 'TRUE');
    if (!this.#take('symbol', '(')) throw this.#unexpected('an identifier, a literal or "("');
    const inner = this.#nested(token, () => this.#or());
    if (!this.#take('symbol', ')')) throw this.#unexpected('an operator, AND, OR or ")"');
    return inner;
  }

  #identifier(token: Token): Expression {
    this.identifiers.add(token.text);
    if (this.identifiers.size > SELECTOR_IDENTIFIERS_MAX)
      throw this.#wrong(token, `at most ${SELECTOR_IDENTIFIERS_MAX} different identifiers`);
    this.#advance();
    return this.#made(token, { type: 'identifier', name: token.text });
  }

  #literal(token: Token, value: Literal['value']): Expression {
    this.#advance();
    return this.#made(token, { type: 'literal', value, approximate: false });
  }

  /** A sign belongs to the literal behind it: the least long has no positive form. */
  #numberLiteral(negative: boolean): Expression {
    const token = this.#token;
    const { number } = token;
    if (number === LONG_MAGNITUDE_MAX && !negative) throw this.#unexpected('an integer of 64 bits');
    this.#advance();
    const approximate = token.kind === 'approximate';
    const value = negative && (approximate || number !== 0) ? -number : number;
    return this.#made(token, { type: 'literal', value, approximate });
  }

  #string(expected: string): string {
    const token = this.#token;
    if (token.kind !== 'string') throw this.#unexpected(expected);
    this.#advance();
    return token.text;
  }

  #nameOf(expression: Expression, start: Token): string {
    if (expression.type !== 'identifier') throw this.#wrong(start, 'an identifier before IS, IN or LIKE');
    return expression.name;
  }

  #mustBe(kind: Exclude<Kind, 'any'>, expression: Expression, start: Token): Expression {
    const is = kindOf(expression);
    if (is !== kind && is !== 'any') throw this.#wrong(start, IN_WORDS[kind]);
    return expression;
  }

  #nested(start: Token, parse: () => Expression): Expression {
    if (this.#depth === SELECTOR_DEPTH_MAX) throw this.#wrong(start, `a nesting of at most ${SELECTOR_DEPTH_MAX}`);
    this.#depth++;
    const expression = parse();
    this.#depth--;
    return expression;
  }

  #made(at: Token, expression: Expression): Expression {
    this.#count(at);
    return expression;
  }

  #count(at: Token): void {
    if (++this.#nodes > SELECTOR_NODES_MAX)
      throw this.#wrong(at, `at most ${SELECTOR_NODES_MAX} operators, literals and identifiers`);
  }

  #is(kind: Token['kind'], text: string): boolean {
    return this.#token.kind === kind && this.#token.text === text;
  }

  #take(kind: Token['kind'], text: string): boolean {
    if (!this.#is(kind, text)) return false;
    this.#advance();
    return true;
  }

  #advance(): void {
    this.#token = this.#lexer.next();
  }

  #unexpected(expected: string): SelectorError {
    return this.#wrong(this.#token, expected);
  }

  #wrong(token: Token, expected: string): SelectorError {
    return this.#lexer.error(token.at, token.end, expected);
  }
}
