/** Every limit of message selectors, its reason beside it: evaluating one costs at most its nodes times the longest value read. */

/** Length of the text: room for some hundred values behind IN, well below a frame. */
export const SELECTOR_LENGTH_MAX = 16_384;
/** Parentheses, NOT and signs within each other: bounds the stack of the parser and of every evaluation. */
export const SELECTOR_DEPTH_MAX = 64;
/** Operators, literals and identifiers: each is looked at once a message, a few µs for all. */
export const SELECTOR_NODES_MAX = 1_000;
/** Strings behind one IN: looked up at once however many there are, so that this bounds memory. */
export const SELECTOR_IN_ITEMS_MAX = 1_000;
/** Different identifiers: each is a property that the caller must find in the message. */
export const SELECTOR_IDENTIFIERS_MAX = 100;
/** Characters of a LIKE pattern: a character of the value costs one step for each 32 of them. */
export const LIKE_CHARACTERS_MAX = 256;
/** A longer text between two `%` is searched for by the automaton: the plain search may take length times length. */
export const LIKE_SEARCH_MAX = 32;
/** Characters of a selector that an error repeats. */
export const FOUND_CHARACTERS_MAX = 40;
