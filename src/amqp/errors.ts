import { FairleadError } from '../common/errors';
import { CONDITION } from './constants';

/** What an error ends: nothing wider than this (part 2.8.14 and the sections that name each condition). */
export type ErrorScope = 'connection' | 'session' | 'link';

/** A peer broke the protocol, or asked for what cannot be; it is told `condition` and the message. */
export class AmqpError extends FairleadError {
  declare readonly condition: string;

  /**
   * @param condition AMQP error condition
   * @param description what was wrong and what was expected, for the peer and for the log
   */
  constructor(
    condition: string,
    readonly description: string,
    readonly scope: ErrorScope,
  ) {
    super('FL_AMQP', description, { condition });
  }
}

/** Bytes that are no valid AMQP encoding. */
export class DecodeError extends AmqpError {
  constructor(description: string) {
    super(CONDITION.decode, description, 'connection');
  }
}
