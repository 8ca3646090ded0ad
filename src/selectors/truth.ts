/** SQL's three truths, in an order that makes AND the least, OR the greatest and NOT the mirror image. */
export const FALSE = 0;
export const UNKNOWN = 1;
export const TRUE = 2;

export type Truth = typeof FALSE | typeof UNKNOWN | typeof TRUE;

export function truthOf(value: boolean): Truth {
  return value ? TRUE : FALSE;
}

export function not(truth: Truth): Truth {
  return (TRUE - truth) as Truth;
}

export function and(left: Truth, right: Truth): Truth {
  return left < right ? left : right;
}

export function or(left: Truth, right: Truth): Truth {
  return left > right ? left : right;
}
