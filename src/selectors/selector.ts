import type { Condition } from './compile';
import { compileCondition } from './compile';
import { SelectorError } from './errors';
import { SELECTOR_LENGTH_MAX } from './limits';
import { Parser } from './parser';
import type { SelectorSource } from './ports';
import { TRUE } from './truth';

/** A JMS message selector (JMS 2.0, 3.8), ready to be asked about messages. */
export class Selector {
  readonly #condition: Condition;

  constructor(
    readonly text: string,
    /** What it reads: all that a caller needs to decode. */
    readonly identifiers: ReadonlySet<string>,
    condition: Condition,
  ) {
    this.#condition = condition;
  }

  /** True when the selector is true of the message: neither false nor unknown. */
  matches(source: SelectorSource): boolean {
    return this.#condition(source) === TRUE;
  }
}

/**
 * Compiles a selector. A blank one selects every message, as in JMS.
 * @throws SelectorError when the text is no selector, or a larger one than `limits.ts` allows
 */
export function parseSelector(text: string): Selector {
  if (text.length > SELECTOR_LENGTH_MAX)
    throw new SelectorError(
      SELECTOR_LENGTH_MAX + 1,
      `at most ${SELECTOR_LENGTH_MAX} characters`,
      `${text.length} characters`,
    );
  const parser = new Parser(text);
  const expression = parser.parse();
  return new Selector(text, parser.identifiers, expression === null ? () => TRUE : compileCondition(expression));
}
