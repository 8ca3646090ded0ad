import fc from 'fast-check';
import { SelectorError } from './errors';
import {
  LIKE_CHARACTERS_MAX,
  SELECTOR_DEPTH_MAX,
  SELECTOR_IDENTIFIERS_MAX,
  SELECTOR_IN_ITEMS_MAX,
  SELECTOR_LENGTH_MAX,
  SELECTOR_NODES_MAX,
} from './limits';
import { parseSelector } from './selector';

function errorOf(text: string): SelectorError {
  try {
    parseSelector(text);
  } catch (error) {
    if (error instanceof SelectorError) return error;
    throw error;
  }
  throw new Error(`${text} is a selector`);
}

const AFTER = 'an operator, AND, OR or the end';
const OPERAND = 'an identifier, a literal or "("';
const NAME = 'an identifier before IS, IN or LIKE';
const NUMBER = 'a number or an identifier';

describe('what is no selector', () => {
  it('has a code, a condition and a message for the client', () => {
    const error = errorOf('color = AND');
    expect(error).toMatchObject({ code: 'FL_SELECTOR_INVALID', condition: 'amqp:invalid-field', retryable: false });
    expect(error.message).toBe(`selector, column 9: expected ${OPERAND}, found "AND"`);
  });

  it.each([
    ['a =', 4, OPERAND, 'the end'],
    ['(a = 1', 7, 'an operator, AND, OR or ")"', 'the end'],
    ['()', 2, OPERAND, '")"'],
    ['a = 1)', 6, AFTER, '")"'],
    ['a b', 3, AFTER, '"b"'],
    ['a = b = c', 7, AFTER, '"="'],
    ['a == 1', 4, OPERAND, '"="'],
    ['a != 1', 3, 'an identifier, a literal or an operator', '"!"'],
    ['😀 = 1', 1, 'an identifier, a literal or an operator', '"😀"'],
    ["a = '😀' ; b", 9, 'an identifier, a literal or an operator', '";"'],
    ['"a" = 1', 1, 'an identifier, a literal or an operator', '"\\""'],
    ["a = 'x", 5, 'a string that ends with a quote', `"'x"`],
    ["a = 'x''", 5, 'a string that ends with a quote', `"'x''"`],
    ['a = 12b', 5, 'a number', '"12b"'],
    ['a = 1.2.3', 5, 'a number', '"1.2.3"'],
    ['a = 0x', 5, 'a number', '"0x"'],
    ['a = 1e', 5, 'a number', '"1e"'],
    ['a = 08', 5, 'an octal number, as 0 says at its front', '"08"'],
    ['a = 9223372036854775808', 5, 'an integer of 64 bits', '"9223372036854775808"'],
    ['a = -9223372036854775809', 6, 'an integer of 64 bits', '"9223372036854775809"'],
    ['a = 1e999', 5, 'a number within the range of a double', '"1e999"'],
    ['1', 1, 'a condition', '"1"'],
    ["b AND 'x'", 7, 'a condition', `"'x'"`],
    ['1 OR b', 1, 'a condition', '"1"'],
    ['NOT (a + 1)', 5, 'a condition', '"("'],
    ["a < 'x'", 5, NUMBER, `"'x'"`],
    ['TRUE >= a', 1, NUMBER, '"TRUE"'],
    ["a + 'x' = 1", 5, NUMBER, `"'x'"`],
    ["'x' * 2 = 1", 1, NUMBER, `"'x'"`],
    ["-'x' = 1", 2, NUMBER, `"'x'"`],
    ["a BETWEEN 'x' AND 2", 11, NUMBER, `"'x'"`],
    ['a BETWEEN 1 AND TRUE', 17, NUMBER, '"TRUE"'],
    ["'x' BETWEEN 1 AND 2", 1, NUMBER, `"'x'"`],
    ['a BETWEEN 1 OR 2', 13, 'AND', '"OR"'],
    ['a NOT = 1', 7, 'BETWEEN, IN or LIKE', '"="'],
    ['a IS 1', 6, 'NULL or NOT NULL', '"1"'],
    ['a IS NOT 1', 10, 'NULL', '"1"'],
    ['1 IS NULL', 1, NAME, '"1"'],
    ['a = NULL', 5, OPERAND, '"NULL"'],
    ["a IN 'x'", 6, '"("', `"'x'"`],
    ['a IN ()', 7, 'a string', '")"'],
    ['a IN (1)', 7, 'a string', '"1"'],
    ["a IN ('x' 'y')", 11, '"," or ")"', `"'y'"`],
    ["a + 1 IN ('x')", 1, NAME, '"a"'],
    ['a LIKE b', 8, 'a pattern in quotes', '"b"'],
    ["'a' LIKE 'b'", 1, NAME, `"'a'"`],
    ["a LIKE 'x' ESCAPE 'ab'", 19, 'one character in quotes', `"'ab'"`],
    ["a LIKE 'x' ESCAPE ''", 19, 'one character in quotes', `"''"`],
    ["a LIKE 'x' ESCAPE", 18, 'one character in quotes', 'the end'],
    ["a LIKE '!x' ESCAPE '!'", 8, 'a pattern where only %, _ and itself follow the ESCAPE', `"'!x'"`],
    [`a = '${'x'.repeat(50)}`, 5, 'a string that ends with a quote', `"'${'x'.repeat(39)}"...`],
  ])('%s: column %i, expected %s, found %s', (text, column, expected, found) => {
    const error = errorOf(text);
    expect({ column: error.column, expected: error.expected, found: error.found }).toEqual({ column, expected, found });
  });

  it('throws nothing but this error, whatever the text', () => {
    const word = fc.constantFrom(
      ...'a b 1 1.5 0x1 TRUE NULL NOT AND OR BETWEEN LIKE IN IS ESCAPE + - * / = <> < ( ) ,'.split(' '),
      "'x'",
      "'%'",
      "'",
      '\u0000',
    );
    const texts = fc.oneof(
      fc.array(word, { maxLength: 12 }).map((words) => words.join(' ')),
      fc.string({ unit: 'binary' }),
    );
    const source = { value: (name: string) => (name === 'a' ? 1 : null) };
    fc.assert(
      fc.property(texts, (text) => {
        try {
          parseSelector(text).matches(source);
        } catch (error) {
          expect(error).toBeInstanceOf(SelectorError);
        }
      }),
      { numRuns: 5_000 },
    );
  });
});

describe('bounds', () => {
  const depth = SELECTOR_DEPTH_MAX;
  const list = (count: number, item: (n: number) => string, between: string): string =>
    Array.from({ length: count }, (_, n) => item(n)).join(between);

  it.each<[string, (size: number) => string, number]>([
    ['length', (size) => 'a'.padEnd(size), SELECTOR_LENGTH_MAX],
    ['parentheses', (size) => '('.repeat(size) + 'a' + ')'.repeat(size), depth],
    ['NOT', (size) => 'NOT '.repeat(size) + 'a', depth],
    ['signs', (size) => `1 = ${'- '.repeat(size)}a`, depth],
    ['identifiers', (size) => list(size, (n) => `a${n}`, ' OR '), SELECTOR_IDENTIFIERS_MAX],
    ['items', (size) => `a IN (${list(size, (n) => `'${n}'`, ',')})`, SELECTOR_IN_ITEMS_MAX],
    ['nodes of a sum', (size) => `a = ${list((size - 1) / 2, () => '1', '+')}`, SELECTOR_NODES_MAX - 1],
    ['pattern', (size) => `a LIKE '${'_'.repeat(size)}'`, LIKE_CHARACTERS_MAX],
  ])('%s', (_, make, most) => {
    expect(() => parseSelector(make(most))).not.toThrow();
    expect(() => parseSelector(make(most + 2))).toThrow(SelectorError);
  });

  it('counts nesting, not what stands beside each other', () => {
    expect(() => parseSelector(list(100, () => '(NOT -a = 1)', ' OR '))).not.toThrow();
  });

  it.each([
    ['('.repeat(SELECTOR_LENGTH_MAX)],
    ['NOT '.repeat(SELECTOR_LENGTH_MAX / 4)],
    ['-'.repeat(SELECTOR_LENGTH_MAX)],
    ["'".repeat(SELECTOR_LENGTH_MAX)],
    [`a = ${'9'.repeat(SELECTOR_LENGTH_MAX - 4)}`],
    [`a = ${'1'.repeat(SELECTOR_LENGTH_MAX - 5)}x`],
    ['a.'.repeat(SELECTOR_LENGTH_MAX / 2) + 'b'],
  ])('hostile texts are refused at once', (text) => {
    const started = performance.now();
    expect(() => parseSelector(text)).toThrow(SelectorError);
    expect(performance.now() - started).toBeLessThan(2_000);
  });

  it('the largest selector costs little a message', () => {
    const selector = parseSelector(list(300, () => "a LIKE '%a_b%'", ' OR '));
    const source = { value: () => 'a'.repeat(10_000) };
    const started = performance.now();
    expect(selector.matches(source)).toBe(false);
    expect(performance.now() - started).toBeLessThan(5_000);
  });
});
