import fc from 'fast-check';
import type { SourceValue } from './ports';
import { Parser } from './parser';
import { parseSelector } from './selector';
import type { Properties } from './selectors.fixture';
import { conditionArb, evaluateNaively, print, propertiesArb, sourceOf } from './selectors.fixture';

const matches = (text: string, properties: Properties = {}, approximate: readonly string[] = []): boolean =>
  parseSelector(text).matches(sourceOf(properties, approximate));

/** Tells unknown from false: NOT turns only the one around. */
function truthOf(text: string, properties: Properties = {}): 'true' | 'false' | 'unknown' {
  if (matches(text, properties)) return 'true';
  return matches(`NOT (${text})`, properties) ? 'false' : 'unknown';
}

describe('the examples of JMS 2.0, 3.8.1', () => {
  it.each<[string, Properties, string]>([
    ["JMSType = 'car' AND color = 'blue' AND weight > 2500", { JMSType: 'car', color: 'blue', weight: 2501 }, 'true'],
    ["JMSType = 'car' AND color = 'blue' AND weight > 2500", { JMSType: 'car', color: 'blue', weight: 2500 }, 'false'],
    ['NumberOfOrders > 1', { NumberOfOrders: '2' }, 'false'],
    ['age BETWEEN 15 AND 19', { age: 15 }, 'true'],
    ['age BETWEEN 15 AND 19', { age: 20 }, 'false'],
    ['age NOT BETWEEN 15 AND 19', { age: 20 }, 'true'],
    ['age NOT BETWEEN 15 AND 19', {}, 'unknown'],
    ["Country IN (' UK', 'US', 'France')", { Country: 'US' }, 'true'],
    ["Country IN (' UK', 'US', 'France')", { Country: 'Peru' }, 'false'],
    ["Country NOT IN (' UK', 'US', 'France')", { Country: 'Peru' }, 'true'],
    ["Country NOT IN (' UK', 'US', 'France')", {}, 'unknown'],
    ["phone LIKE '12%3'", { phone: '12993' }, 'true'],
    ["word LIKE 'l_se'", { word: 'loose' }, 'false'],
    ["underscored LIKE '\\_%' ESCAPE '\\'", { underscored: '_foo' }, 'true'],
    ["phone NOT LIKE '12%3'", { phone: '1234' }, 'true'],
    ["phone NOT LIKE '12%3'", {}, 'unknown'],
    ['prop_name IS NULL', {}, 'true'],
    ['prop_name IS NULL', { prop_name: null }, 'true'],
    ['prop_name IS NOT NULL', { prop_name: false }, 'true'],
    ["name = 'literal''s'", { name: "literal's" }, 'true'],
  ])('%s of %j is %s', (text, properties, expected) => {
    expect(truthOf(text, properties)).toBe(expected);
  });
});

describe('three-valued logic', () => {
  const T = 'true';
  const F = 'false';
  const U = 'unknown';
  const words = { true: 'TRUE', false: 'FALSE', unknown: '(absent = 1)' } as const;

  it.each([
    [T, T, T, T],
    [T, F, F, T],
    [T, U, U, T],
    [F, T, F, T],
    [F, F, F, F],
    [F, U, F, U],
    [U, T, U, T],
    [U, F, F, U],
    [U, U, U, U],
  ] as const)('%s with %s: AND is %s, OR is %s', (left, right, and, or) => {
    expect(truthOf(`${words[left]} AND ${words[right]}`)).toBe(and);
    expect(truthOf(`${words[left]} OR ${words[right]}`)).toBe(or);
  });

  it.each([
    [T, F],
    [F, T],
    [U, U],
  ] as const)('NOT %s is %s', (operand, expected) => {
    expect(truthOf(`NOT ${words[operand]}`)).toBe(expected);
  });
});

describe('kinds', () => {
  it.each<[string, SourceValue, string]>([
    ["a = '1'", 1, 'false'],
    ["a <> '1'", 1, 'false'],
    ['a = TRUE', 'true', 'false'],
    ['a <> TRUE', false, 'true'],
    ['a < 2', true, 'false'],
    ['a BETWEEN 1 AND 2', 'x', 'false'],
    ['a NOT BETWEEN 1 AND 2', 'x', 'false'],
    ["a LIKE '%'", 1, 'false'],
    ["a NOT LIKE '%'", 1, 'true'],
    ["a IN ('1')", 1, 'false'],
    ["a NOT IN ('1')", 1, 'true'],
    ['a + 1 > 0', 'x', 'unknown'],
    ['-a = 1', true, 'unknown'],
    ['a', true, 'true'],
    ['a', false, 'false'],
    ['a', null, 'unknown'],
    ['a', 'true', 'false'],
    ['(a = 1) = TRUE', 1, 'true'],
    ['(a = 1) = FALSE', null, 'unknown'],
    ["'a' = 'a'", null, 'true'],
    ["'a' = 'A'", null, 'false'],
  ])('%s of %j is %s', (text, a, expected) => {
    expect(truthOf(text, { a })).toBe(expected);
  });
});

describe('numbers', () => {
  it.each<[string, SourceValue]>([
    ['a = 57', 57],
    ['a = +62', 62],
    ['a = -957', -957],
    ['a = 0x1F', 31],
    ['a = 0XffL', 255],
    ['a = 017', 15],
    ['a = 00', 0],
    ['a = 12l', 12],
    ['a = 7.', 7],
    ['a = .5', 0.5],
    ['a = 7E3', 7000],
    ['a = -57.9E2', -5790],
    ['a = 1e-1D', 0.1],
    ['a = 09.5', 9.5],
    ['a = 1d', 1],
    ['a = 0.1F', Math.fround(0.1)],
    ['a = 9007199254740993', 9007199254740993n],
    ['a <> 9007199254740992', 9007199254740993n],
    ['a = 9007199254740992.0', 9007199254740993n],
    ['NOT a > 9007199254740992.0', 9007199254740993n],
    ['a = 5', 5n],
    ['a > 9007199254740992', 9007199254740993n],
    ['a = -9223372036854775808', -(2n ** 63n)],
    ['a + 1 = -9223372036854775808', 2n ** 63n - 1n],
    ['a + 1 = 9007199254740993', 9007199254740992n],
    ['a * a = 81', 9],
    ['9007199254740991 + a = 9007199254740993', 2],
    ['7 / a = 3', 2],
    ['-7 / a = -3', 2],
    ['7.0 / a = 3.5', 2],
    ['a / 2 = 1.25', 2.5],
    ['1.0 / a > 1e300', 0],
    ['1.0 / (a * -1) > 1e300', 0],
    ['1.0 / -a > 1e300', 0],
    ['9007199254740991 / a = 3002399751580330', 3],
    ['(1 / 0 = a) = TRUE OR a = 1', 1],
    ['2 + 3 * a - 4 / 2 = 12', 4],
    ['(2 + 3) * a = 20', 4],
    ['10 - 2 - a = 5', 3],
    ['- - a = 3', 3],
    ['-a * 2 = -6', 3],
    ['a--1 = 4', 3],
  ])('%s of %p', (text, a) => {
    expect(matches(text, { a })).toBe(true);
  });

  it('divides what is of a floating type like doubles', () => {
    expect(matches('a / 2 = 3', { a: 7 })).toBe(true);
    expect(matches('a / 2 = 3.5', { a: 7 }, ['a'])).toBe(true);
    expect(matches('(a + 1) / 3 > 2.6', { a: 7 }, ['a'])).toBe(true);
  });

  it('has no value for a division by zero', () => {
    expect(truthOf('1 / a = 0', { a: 0 })).toBe('unknown');
    expect(truthOf('1 / a = 0', { a: 0n })).toBe('unknown');
  });
});

describe('grammar', () => {
  it.each<[string, Properties, boolean]>([
    ['a OR b AND c', { a: true, b: false, c: false }, true],
    ['(a OR b) AND c', { a: true, b: false, c: false }, false],
    ['NOT a AND b', { a: false, b: false }, false],
    ['NOT (a AND b)', { a: false, b: false }, true],
    ['NOT n = 1', { n: 2 }, true],
    ['NOT NOT n = 1', { n: 1 }, true],
    ['n BETWEEN 1 AND 2 AND b', { n: 1, b: false }, false],
    ['n + 1 BETWEEN 1 + 1 AND 2 * 3', { n: 5 }, true],
    ['n between 1 and 2 or Not b', { n: 1, b: true }, true],
    ['a\tIS\r\nnot\fnull', { a: 1 }, true],
    ['A = 1', { a: 1 }, false],
    ['$a_1 = 1 AND _b = 2 AND größe = 3', { $a_1: 1, _b: 2, größe: 3 }, true],
    ["amqp.message_id = 'x'", { 'amqp.message_id': 'x' }, true],
    ['nulls = 1 AND andy = 2 AND ina = 3', { nulls: 1, andy: 2, ina: 3 }, true],
    ["a='x'AND(b=1)", { a: 'x', b: 1 }, true],
    ['', {}, true],
    [' \n', {}, true],
  ])('%j of %j: %j', (text, properties, expected) => {
    expect(matches(text, properties)).toBe(expected);
  });

  it('tells which identifiers it reads, each once', () => {
    const { identifiers } = parseSelector("b > 1 AND (a LIKE 'x' OR b IS NULL) AND c IN ('d') AND -e < 2");
    expect([...identifiers]).toEqual(['b', 'a', 'c', 'e']);
  });

  it.each([
    ['a AND b', { a: false }, ['a']],
    ['a OR b', { a: true }, ['a']],
    ['a AND b', { a: null }, ['a', 'b']],
    ['a BETWEEN b AND 2', { a: 1, b: 1 }, ['a', 'b']],
  ])('%s of %j asks for %j alone', (text, properties: Properties, expected) => {
    const asked: string[] = [];
    parseSelector(text).matches({
      value: (name) => {
        asked.push(name);
        return properties[name];
      },
    });
    expect(asked).toEqual(expected);
  });

  it('reads back what is printed with the fewest parentheses', () => {
    fc.assert(
      fc.property(conditionArb, (condition) => {
        expect(new Parser(print(condition)).parse()).toEqual(condition);
      }),
      { numRuns: 1_000 },
    );
  });

  it('agrees with a naive evaluator', () => {
    const approximateArb = fc.subarray(['a', 'b', 'c', 'amqp.x']);
    fc.assert(
      fc.property(conditionArb, propertiesArb, approximateArb, (condition, properties, approximate) => {
        const source = sourceOf(properties, approximate);
        const text = print(condition);
        const expected = evaluateNaively(condition, source);
        expect([text, parseSelector(text).matches(source)]).toEqual([text, expected === true]);
        const unknown =
          condition.type === 'identifier' ? (properties[condition.name] ?? null) === null : expected === null;
        expect([text, parseSelector(`NOT (${text})`).matches(source)]).toEqual([text, expected !== true && !unknown]);
      }),
      { numRuns: 3_000 },
    );
  });
});
