import { DecodeError } from '../amqp/errors';
import { EncodedMessageSource } from '../message/selector-source';
import { parseSelector, type Selector } from '../selectors/selector';

/** A selector that is asked about encoded messages, one after the other. */
export class MessageFilter {
  readonly #source: EncodedMessageSource;

  constructor(private readonly selector: Selector) {
    this.#source = new EncodedMessageSource(selector.identifiers);
  }

  get text(): string {
    return this.selector.text;
  }

  /**
   * Whether it selects the message in [start, end), or the one of which that is the head. One whose properties cannot be read has none
   * that it could be selected by.
   */
  matches(bytes: Buffer, start: number, end: number): boolean {
    this.#source.turnTo(bytes, start, end);
    try {
      return this.selector.matches(this.#source);
    } catch (error) {
      if (error instanceof DecodeError) return false;
      throw error;
    } finally {
      this.#source.leave();
    }
  }
}

/** @throws SelectorError when the text is no selector */
export function compileMessageFilter(text: string): MessageFilter {
  return new MessageFilter(parseSelector(text));
}
