import { InvariantError } from '../common/errors';
import type { ArithmeticOperator, Expression } from './expression';
import type { SelectorSource } from './ports';

type Numeric = number | bigint;
/** Null where an operand has no value or is no number. */
export type Compute = (source: SelectorSource) => Numeric | null;

/** Whether the number computed last is an integer by its type: a second result that allocates nothing. */
class Register {
  exact = true;
}

/** Java's arithmetic on longs and doubles: the integers stay plain numbers up to 2^53 and are bigint beyond. */
export function compileArithmetic(expression: Expression, register = new Register()): Compute {
  switch (expression.type) {
    case 'literal':
      return literal(expression.value, !expression.approximate, register);
    case 'identifier':
      return identifier(expression.name, register);
    case 'sign':
      return sign(expression.negative, compileArithmetic(expression.operand, register), register);
    case 'arithmetic':
      return chain(
        compileArithmetic(expression.first, register),
        expression.steps.map(({ operator }) => operator),
        expression.steps.map(({ operand }) => compileArithmetic(operand, register)),
        register,
      );
    default:
      throw new InvariantError(`a ${expression.type} is no operand of arithmetic`);
  }
}

function literal(value: Numeric | string | boolean, exact: boolean, register: Register): Compute {
  if (typeof value !== 'number' && typeof value !== 'bigint')
    throw new InvariantError(`a ${typeof value} is no operand of arithmetic`);
  return () => {
    register.exact = exact;
    return value;
  };
}

function identifier(name: string, register: Register): Compute {
  return (source) => {
    const value = source.value(name);
    if (typeof value === 'number') {
      register.exact = Number.isSafeInteger(value) && source.approximate?.(name) !== true;
      return value;
    }
    register.exact = true;
    return typeof value === 'bigint' ? value : null;
  };
}

function sign(negative: boolean, operand: Compute, register: Register): Compute {
  if (!negative) return operand;
  return (source) => {
    const value = operand(source);
    if (value === null) return null;
    return register.exact ? exactly('-', 0, value) : -value;
  };
}

function chain(
  first: Compute,
  operators: readonly ArithmeticOperator[],
  operands: readonly Compute[],
  register: Register,
): Compute {
  return (source) => {
    let result = first(source);
    let exact = register.exact;
    for (let step = 0; step < operators.length && result !== null; step++) {
      const operator = operators[step] as ArithmeticOperator;
      const operand = (operands[step] as Compute)(source);
      if (operand === null) return null;
      exact &&= register.exact;
      result = exact ? exactly(operator, result, operand) : approximately(operator, Number(result), Number(operand));
    }
    register.exact = exact;
    return result;
  };
}

function approximately(operator: ArithmeticOperator, left: number, right: number): number {
  switch (operator) {
    case '+':
      return left + right;
    case '-':
      return left - right;
    case '*':
      return left * right;
    case '/':
      return left / right;
  }
}

/** Null for a division by zero, which has no value. */
function exactly(operator: ArithmeticOperator, left: Numeric, right: Numeric): Numeric | null {
  if (operator === '/' && Number(right) === 0) return null;
  if (typeof left === 'number' && typeof right === 'number') {
    // What is left after the remainder divides without rounding.
    const result = approximately(operator, operator === '/' ? left - (left % right) : left, right);
    // An integer has no negative zero.
    if (Number.isSafeInteger(result)) return result + 0;
  }
  return narrow(BigInt.asIntN(64, wide(operator, BigInt(left), BigInt(right))));
}

function wide(operator: ArithmeticOperator, left: bigint, right: bigint): bigint {
  switch (operator) {
    case '+':
      return left + right;
    case '-':
      return left - right;
    case '*':
      return left * right;
    case '/':
      return left / right;
  }
}

function narrow(value: bigint): Numeric {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}
