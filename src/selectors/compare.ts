import type { ComparisonOperator } from './expression';
import type { Truth } from './truth';
import { FALSE, truthOf, UNKNOWN } from './truth';

/** What an expression yields; null where there is no value. */
export type Value = string | boolean | number | bigint | null;
export type Compare = (left: Value, right: Value) => Truth;

type Numeric = number | bigint;

function isNumeric(value: Value): value is Numeric {
  return typeof value === 'number' || typeof value === 'bigint';
}

/** Java's promotion: a long beside a double becomes one. No integer but those beyond 2^53 is a bigint, so that all others are exact. */
function equal(left: Value, right: Value): boolean {
  return typeof left === typeof right ? left === right : Number(left) === Number(right);
}

function alike(left: Value, right: Value): boolean {
  return typeof left === typeof right || (isNumeric(left) && isNumeric(right));
}

/** Without a value the result is unknown; values of different kinds are neither equal nor unequal. */
function equality(wanted: boolean): Compare {
  return (left, right) => {
    if (left === null || right === null) return UNKNOWN;
    return alike(left, right) ? truthOf(equal(left, right) === wanted) : FALSE;
  };
}

/** Only numbers have an order. */
function order(test: (left: Numeric, right: Numeric) => boolean): Compare {
  return (left, right) => {
    if (left === null || right === null) return UNKNOWN;
    if (!isNumeric(left) || !isNumeric(right)) return FALSE;
    return truthOf(typeof left === typeof right ? test(left, right) : test(Number(left), Number(right)));
  };
}

/** JMS 2.0, 3.8.1.1: comparison of values. */
export const COMPARE: Readonly<Record<ComparisonOperator, Compare>> = {
  '=': equality(true),
  '<>': equality(false),
  '<': order((left, right) => left < right),
  '<=': order((left, right) => left <= right),
  '>': order((left, right) => left > right),
  '>=': order((left, right) => left >= right),
};
