import { InvariantError } from '../common/errors';
import { compileArithmetic } from './arithmetic';
import type { Value } from './compare';
import { COMPARE } from './compare';
import type { Expression } from './expression';
import { compileLike, likeElements } from './like';
import type { SelectorSource } from './ports';
import type { Truth } from './truth';
import { and, FALSE, not, or, TRUE, truthOf, UNKNOWN } from './truth';

export type Condition = (source: SelectorSource) => Truth;
type Evaluate = (source: SelectorSource) => Value;

/** Makes a condition of closures, one per node: a match walks them and allocates nothing but integers beyond 2^53. */
export function compileCondition(expression: Expression): Condition {
  switch (expression.type) {
    case 'literal': {
      const truth = truthOf(expression.value === true);
      return () => truth;
    }
    case 'identifier':
      return strictly(expression.name, (value) => value === true);
    case 'comparison': {
      const compare = COMPARE[expression.operator];
      const left = compileValue(expression.left);
      const right = compileValue(expression.right);
      return (source) => compare(left(source), right(source));
    }
    case 'between':
      return between(expression.operand, expression.low, expression.high, expression.negated);
    case 'in': {
      const items: ReadonlySet<unknown> = new Set(expression.items);
      return negatedIf(
        expression.negated,
        strictly(expression.name, (value) => items.has(value)),
      );
    }
    case 'like':
      return negatedIf(expression.negated, like(expression.name, expression.pattern, expression.escape));
    case 'null': {
      const { name, negated } = expression;
      return (source) => truthOf(((source.value(name) ?? null) === null) !== negated);
    }
    case 'not':
      return negatedIf(true, compileCondition(expression.operand));
    case 'and':
      return junction(expression.operands.map(compileCondition), and, TRUE, FALSE);
    case 'or':
      return junction(expression.operands.map(compileCondition), or, FALSE, TRUE);
    default:
      throw new InvariantError(`a ${expression.type} is no condition`);
  }
}

function compileValue(expression: Expression): Evaluate {
  switch (expression.type) {
    case 'literal': {
      const { value } = expression;
      return () => value;
    }
    case 'identifier': {
      const { name } = expression;
      return (source) => source.value(name) ?? null;
    }
    case 'sign':
    case 'arithmetic':
      return compileArithmetic(expression);
    default: {
      const condition = compileCondition(expression);
      return (source) => {
        const truth = condition(source);
        return truth === UNKNOWN ? null : truth === TRUE;
      };
    }
  }
}

/** Unknown without a value; a value of another kind fails the test. */
function strictly(name: string, test: (value: Value) => boolean): Condition {
  return (source) => {
    const value = source.value(name) ?? null;
    return value === null ? UNKNOWN : truthOf(test(value));
  };
}

function like(name: string, pattern: string, escape: string | null): Condition {
  const matches = compileLike(likeElements(pattern, escape) ?? []);
  return strictly(name, (value) => typeof value === 'string' && matches(value));
}

/** JMS defines the negated form by `<` and `>`: what is no number is neither between nor not between. */
function between(operand: Expression, lowest: Expression, highest: Expression, negated: boolean): Condition {
  const value = compileValue(operand);
  const low = compileValue(lowest);
  const high = compileValue(highest);
  const compareLow = COMPARE[negated ? '<' : '>='];
  const compareHigh = COMPARE[negated ? '>' : '<='];
  const join = negated ? or : and;
  return (source) => {
    const found = value(source);
    return join(compareLow(found, low(source)), compareHigh(found, high(source)));
  };
}

function negatedIf(negated: boolean, condition: Condition): Condition {
  return negated ? (source) => not(condition(source)) : condition;
}

/** @param decisive the truth after which the others need no look */
function junction(
  conditions: readonly Condition[],
  join: (left: Truth, right: Truth) => Truth,
  neutral: Truth,
  decisive: Truth,
): Condition {
  return (source) => {
    let truth = neutral;
    for (let n = 0; n < conditions.length && truth !== decisive; n++)
      truth = join(truth, (conditions[n] as Condition)(source));
    return truth;
  };
}
