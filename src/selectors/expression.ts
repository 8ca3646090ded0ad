/** What a selector says, as the parser hands it on. Parentheses are gone; chains of one precedence are lists, so depth is nesting. */
export type Expression = ValueExpression | ConditionExpression;

export type ArithmeticOperator = '+' | '-' | '*' | '/';
export type ComparisonOperator = '=' | '<>' | '<' | '<=' | '>' | '>=';

export interface Literal {
  readonly type: 'literal';
  readonly value: string | boolean | number | bigint;
  /** A number written as a floating one. */
  readonly approximate: boolean;
}

export interface Identifier {
  readonly type: 'identifier';
  readonly name: string;
}

export type ValueExpression =
  | Literal
  | Identifier
  | { readonly type: 'sign'; readonly negative: boolean; readonly operand: Expression }
  | {
      readonly type: 'arithmetic';
      readonly first: Expression;
      readonly steps: readonly { readonly operator: ArithmeticOperator; readonly operand: Expression }[];
    };

export type ConditionExpression =
  | {
      readonly type: 'comparison';
      readonly operator: ComparisonOperator;
      readonly left: Expression;
      readonly right: Expression;
    }
  | {
      readonly type: 'between';
      readonly operand: Expression;
      readonly low: Expression;
      readonly high: Expression;
      readonly negated: boolean;
    }
  | { readonly type: 'in'; readonly name: string; readonly items: readonly string[]; readonly negated: boolean }
  | {
      readonly type: 'like';
      readonly name: string;
      readonly pattern: string;
      readonly escape: string | null;
      readonly negated: boolean;
    }
  | { readonly type: 'null'; readonly name: string; readonly negated: boolean }
  | { readonly type: 'not'; readonly operand: Expression }
  | { readonly type: 'and' | 'or'; readonly operands: readonly Expression[] };

/** What an expression yields; an identifier may yield anything. */
export type Kind = 'any' | 'number' | 'string' | 'condition';

export function kindOf(expression: Expression): Kind {
  switch (expression.type) {
    case 'identifier':
      return 'any';
    case 'sign':
    case 'arithmetic':
      return 'number';
    case 'literal':
      if (typeof expression.value === 'string') return 'string';
      return typeof expression.value === 'boolean' ? 'condition' : 'number';
    default:
      return 'condition';
  }
}
