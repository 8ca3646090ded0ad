import { FairleadError } from '../common/errors';

/** A text that is no message selector. The client that sent it has to correct it: another try fails alike. */
export class SelectorError extends FairleadError {
  /**
   * @param column where, in characters from 1
   * @param expected what could stand there
   * @param found what does
   */
  constructor(
    readonly column: number,
    readonly expected: string,
    readonly found: string,
  ) {
    super('FL_SELECTOR_INVALID', `selector, column ${column}: expected ${expected}, found ${found}`, {
      condition: 'amqp:invalid-field',
    });
  }
}
