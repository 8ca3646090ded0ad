import { Lexer, Parser } from 'yaml';
import { KEYS_MAX, LEVELS_MAX } from './limits';

/** Parts of a nesting level in the parser's stack that are none of the document's: the document itself, and what is read now. */
const STACK_EXTRA = 2;

export interface PassedBound {
  readonly expected: string;
  readonly found: string;
}

/**
 * The bound of shape that a text passes, or null. Looked at while tokens are read, which neither recurses nor looks back:
 * composing what is deep ends the stack, or with some texts the process, and composing a wide mapping compares all its keys.
 */
export function passedBound(text: string): PassedBound | null {
  const parser = new Parser();
  for (const lexeme of new Lexer().lex(text)) {
    // The tokens that come out are of no use here: those that are not complete yet stand in the stack.
    Array.from(parser.next(lexeme));
    if (parser.stack.length > LEVELS_MAX + STACK_EXTRA)
      return { expected: `at most ${LEVELS_MAX} levels`, found: 'more' };
    const top = parser.stack.at(-1);
    const keys = top?.type === 'block-map' || top?.type === 'flow-collection' ? top : null;
    if (keys === null || (keys.type === 'flow-collection' && keys.start.source !== '{')) continue;
    if (keys.items.length > KEYS_MAX) return { expected: `at most ${KEYS_MAX} keys in a mapping`, found: 'more' };
  }
  return null;
}
