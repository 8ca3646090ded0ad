import fc from 'fast-check';
import type { ComparisonOperator, Expression } from './expression';
import type { SelectorSource, SourceValue } from './ports';

export type Properties = Readonly<Record<string, SourceValue>>;

export function sourceOf(properties: Properties, approximate: readonly string[] = []): SelectorSource {
  return { value: (name) => properties[name], approximate: (name) => approximate.includes(name) };
}

const COMPARISON_OPERATORS: readonly ComparisonOperator[] = ['=', '<>', '<', '<=', '>', '>='];
const NAMES = ['a', 'b', 'c', 'amqp.x'];
/** Few letters, so that values and patterns meet. */
export const textArb = fc.string({
  unit: fc.constantFrom('a', 'b', 'a', 'b', '%', '_', "'", '\\', '😀'),
  maxLength: 8,
});

const integerArb = fc.oneof(fc.integer({ min: -3, max: 9 }), fc.maxSafeInteger());
const longArb = fc.oneof(
  fc.bigInt({ min: 2n ** 53n, max: 2n ** 63n - 1n }),
  fc.bigInt({ min: -(2n ** 63n), max: -(2n ** 53n) }),
  fc.bigInt({ min: 2n ** 53n, max: 2n ** 53n + 2n }),
);
const doubleArb = fc.oneof(
  fc.constantFrom(0.5, 1, 2, 2 ** 53, -1.5),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
);

export const propertiesArb: fc.Arbitrary<Properties> = fc.record(
  Object.fromEntries(
    NAMES.map((name) => [
      name,
      fc.oneof(textArb, fc.boolean(), integerArb, longArb, doubleArb, fc.constantFrom(null, undefined)),
    ]),
  ),
);

function literal(value: string | boolean | number | bigint, approximate = false): Expression {
  return { type: 'literal', value, approximate };
}

/** One depth for both forms, so that the largest stays within the bounds. */
const depth = { maxDepth: 4, depthIdentifier: fc.createDepthIdentifier(), withCrossShrink: true };

const identifier = fc.constantFrom(...NAMES).map((name): Expression => ({ type: 'identifier', name }));
const number = fc.oneof(
  // An exact literal has no negative zero.
  fc.oneof(integerArb, longArb).map((value) => literal(value === 0 ? 0 : value)),
  doubleArb.map((value) => literal(value, true)),
);

/** Expressions that the parser can make, of every form. */
export const { condition: conditionArb } = fc.letrec<{ condition: Expression; numeric: Expression }>((tie) => {
  const numeric = tie('numeric');
  const condition = tie('condition');
  const any = fc.oneof(
    identifier,
    number,
    textArb.map((text) => literal(text)),
    numeric,
    condition,
  );
  const name = fc.constantFrom(...NAMES);
  const negated = fc.boolean();
  return {
    numeric: fc.oneof(
      depth,
      identifier,
      number,
      fc
        .record({ negative: fc.boolean(), operand: numeric })
        .filter(({ operand }) => operand.type !== 'literal')
        .map((parts): Expression => ({ type: 'sign', ...parts })),
      fc.oneof(
        ...[['+', '-'] as const, ['*', '/'] as const].map((operators) =>
          fc
            .record({
              first: numeric,
              steps: fc.array(fc.record({ operator: fc.constantFrom(...operators), operand: numeric }), {
                minLength: 1,
                maxLength: 3,
              }),
            })
            .map((parts): Expression => ({ type: 'arithmetic', ...parts })),
        ),
      ),
    ),
    condition: fc.oneof(
      depth,
      identifier,
      fc.boolean().map((value) => literal(value)),
      fc
        .record({ operator: fc.constantFrom(...COMPARISON_OPERATORS), left: numeric, right: numeric })
        .map((parts): Expression => ({ type: 'comparison', ...parts })),
      fc
        .record({ operator: fc.constantFrom('=' as const, '<>' as const), left: any, right: any })
        .map((parts): Expression => ({ type: 'comparison', ...parts })),
      fc
        .record({ operand: numeric, low: numeric, high: numeric, negated })
        .map((parts): Expression => ({ type: 'between', ...parts })),
      fc
        .record({ name, items: fc.array(textArb, { minLength: 1, maxLength: 3 }), negated })
        .map((parts): Expression => ({ type: 'in', ...parts })),
      fc
        .record({ name, pattern: textArb, negated })
        .map((parts): Expression => ({ type: 'like', escape: null, ...parts })),
      fc.record({ name, negated }).map((parts): Expression => ({ type: 'null', ...parts })),
      condition.map((operand): Expression => ({ type: 'not', operand })),
      fc
        .record({
          type: fc.constantFrom('and' as const, 'or' as const),
          operands: fc.array(condition, { minLength: 2, maxLength: 3 }),
        })
        .map((parts): Expression => parts),
    ),
  };
});

/** How tightly the outermost operator of an expression binds. */
function precedence(expression: Expression): number {
  switch (expression.type) {
    case 'or':
      return 0;
    case 'and':
      return 1;
    case 'not':
      return 2;
    case 'arithmetic':
      return expression.steps.some(({ operator }) => operator === '+' || operator === '-') ? 4 : 5;
    case 'sign':
      return 6;
    case 'literal':
    case 'identifier':
      return 7;
    default:
      return 3;
  }
}

const quoted = (text: string): string => `'${text.replaceAll("'", "''")}'`;

function printLiteral(value: string | boolean | number | bigint, approximate: boolean): string {
  if (typeof value === 'string') return quoted(value);
  if (!approximate) return `${value}`;
  return Object.is(value, -0) ? '-0D' : `${value}D`;
}

/** Writes an expression with no more parentheses than it needs. */
export function print(expression: Expression): string {
  const within = (operand: Expression, least: number): string =>
    precedence(operand) < least ? `(${print(operand)})` : print(operand);
  const not = 'negated' in expression && expression.negated ? 'NOT ' : '';
  switch (expression.type) {
    case 'literal':
      return printLiteral(expression.value, expression.approximate);
    case 'identifier':
      return expression.name;
    case 'sign':
      return `${expression.negative ? '-' : '+'} ${within(expression.operand, 6)}`;
    case 'arithmetic': {
      const own = precedence(expression);
      const steps = expression.steps.map(({ operator, operand }) => `${operator} ${within(operand, own + 1)}`);
      return [within(expression.first, own + 1), ...steps].join(' ');
    }
    case 'comparison':
      return `${within(expression.left, 4)} ${expression.operator} ${within(expression.right, 4)}`;
    case 'between':
      return `${within(expression.operand, 4)} ${not}BETWEEN ${within(expression.low, 4)} AND ${within(expression.high, 4)}`;
    case 'in':
      return `${expression.name} ${not}IN (${expression.items.map(quoted).join(', ')})`;
    case 'like':
      return `${expression.name} ${not}LIKE ${quoted(expression.pattern)}`;
    case 'null':
      return `${expression.name} IS ${not}NULL`;
    case 'not':
      return `NOT ${within(expression.operand, 2)}`;
    case 'and':
      return expression.operands.map((operand) => within(operand, 2)).join(' AND ');
    case 'or':
      return expression.operands.map((operand) => within(operand, 1)).join(' OR ');
  }
}

/** LIKE by trying everything. */
export function likeNaively(value: string, pattern: string, escape: string | null): boolean {
  const match = (characters: readonly string[], rest: readonly string[]): boolean => {
    const [first, ...further] = rest;
    if (first === undefined) return characters.length === 0;
    if (first === escape) return characters[0] === further[0] && match(characters.slice(1), further.slice(1));
    if (first === '%') return match(characters, further) || (characters.length > 0 && match(characters.slice(1), rest));
    return characters.length > 0 && (first === '_' || first === characters[0]) && match(characters.slice(1), further);
  };
  return match([...value], [...pattern]);
}

/** A number with its type, as Java has it: every integer a long. */
type Typed = string | boolean | null | { readonly long: bigint } | { readonly double: number };

function typed(value: SourceValue, approximate: boolean): Typed {
  if (typeof value === 'bigint') return { long: value };
  if (typeof value !== 'number') return value ?? null;
  return approximate || !Number.isSafeInteger(value) ? { double: value } : { long: BigInt(value) };
}

const doubleOf = (value: { readonly long: bigint } | { readonly double: number }): number =>
  'long' in value ? Number(value.long) : value.double;

function computeNaively(operator: string, left: Typed, right: Typed): Typed {
  if (left === null || right === null || typeof left !== 'object' || typeof right !== 'object') return null;
  if ('long' in left && 'long' in right) {
    if (operator === '/' && right.long === 0n) return null;
    const [l, r] = [left.long, right.long];
    const long = operator === '+' ? l + r : operator === '-' ? l - r : operator === '*' ? l * r : l / r;
    return { long: BigInt.asIntN(64, long) };
  }
  const [l, r] = [doubleOf(left), doubleOf(right)];
  return { double: operator === '+' ? l + r : operator === '-' ? l - r : operator === '*' ? l * r : l / r };
}

function compareNaively(operator: ComparisonOperator, left: Typed, right: Typed): boolean | null {
  if (left === null || right === null) return null;
  if (typeof left !== typeof right) return false;
  if (typeof left !== 'object' || typeof right !== 'object')
    return operator === '=' ? left === right : operator === '<>' && left !== right;
  const longs = 'long' in left && 'long' in right;
  const l = longs ? left.long : doubleOf(left);
  const r = longs ? right.long : doubleOf(right);
  const results = { '=': l === r, '<>': l !== r, '<': l < r, '<=': l <= r, '>': l > r, '>=': l >= r };
  return results[operator];
}

/** Walks the expression and takes every rule word by word; null is unknown. */
export function evaluateNaively(expression: Expression, source: SelectorSource): Typed {
  const valueOf = (operand: Expression): Typed => evaluateNaively(operand, source);
  const property = (name: string): Typed => typed(source.value(name), source.approximate?.(name) === true);
  const inverted = (truth: Typed): Typed => (truth === null ? null : !truth);
  const truths = (operands: readonly Expression[]): (boolean | null)[] =>
    operands.map((operand) => {
      const value = valueOf(operand);
      return value === null ? null : value === true;
    });
  const negatedIf = (negated: boolean, truth: Typed): Typed => (negated ? inverted(truth) : truth);
  const among = (list: readonly (boolean | null)[], decisive: boolean): Typed =>
    list.includes(decisive) ? decisive : list.includes(null) ? null : !decisive;
  switch (expression.type) {
    case 'literal':
      return typed(expression.value, expression.approximate);
    case 'identifier':
      return property(expression.name);
    case 'sign': {
      const value = valueOf(expression.operand);
      if (value === null || typeof value !== 'object') return null;
      if (!expression.negative) return value;
      return 'long' in value ? { long: BigInt.asIntN(64, -value.long) } : { double: -value.double };
    }
    case 'arithmetic':
      return expression.steps.reduce(
        (left, { operator, operand }) => computeNaively(operator, left, valueOf(operand)),
        valueOf(expression.first),
      );
    case 'comparison':
      return compareNaively(expression.operator, valueOf(expression.left), valueOf(expression.right));
    case 'between': {
      const [value, low, high] = [valueOf(expression.operand), valueOf(expression.low), valueOf(expression.high)];
      if (expression.negated) return among([compareNaively('<', value, low), compareNaively('>', value, high)], true);
      return among([compareNaively('>=', value, low), compareNaively('<=', value, high)], false);
    }
    case 'in': {
      const value = property(expression.name);
      return negatedIf(
        expression.negated,
        among(
          expression.items.map((item) => compareNaively('=', value, item)),
          true,
        ),
      );
    }
    case 'like': {
      const value = property(expression.name);
      if (value === null) return null;
      const matched = typeof value === 'string' && likeNaively(value, expression.pattern, expression.escape);
      return negatedIf(expression.negated, matched);
    }
    case 'null':
      return negatedIf(expression.negated, property(expression.name) === null);
    case 'not':
      return inverted(truths([expression.operand])[0] ?? null);
    case 'and':
      return among(truths(expression.operands), false);
    case 'or':
      return among(truths(expression.operands), true);
  }
}
