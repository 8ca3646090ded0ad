import { FairleadError } from '../common/errors';

const CONDITIONS = {
  /** The name is malformed. Cure: correct it. */
  FL_ADDRESS_NAME: { condition: 'amqp:invalid-field' },
  /** The client's prefix or capability contradicts the rule. Cure: drop the prefix, or change the rule. */
  FL_ADDRESS_KIND: { condition: 'amqp:not-allowed' },
  /** A kind of address that this version does not serve. */
  FL_ADDRESS_UNSUPPORTED: { condition: 'amqp:not-implemented' },
  /** The address's rule has changed its kind. Cure: attach again. */
  FL_ADDRESS_CHANGED: { condition: 'amqp:resource-deleted', retryable: true },
  /** The consumer did not keep up for longer than `blockFor`. Cure: read faster, or choose another `slow` policy. */
  FL_CONSUMER_SLOW: { condition: 'amqp:resource-limit-exceeded', retryable: true },
  /** Nothing more fits. */
  FL_ADDRESS_LIMIT: { condition: 'amqp:resource-limit-exceeded', retryable: true },
} as const;

/** An address cannot be used as asked. */
export class AddressError extends FairleadError {
  constructor(
    override readonly code: keyof typeof CONDITIONS,
    message: string,
  ) {
    super(code, message, CONDITIONS[code]);
  }
}
