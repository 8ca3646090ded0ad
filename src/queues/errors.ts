import { FairleadError } from '../common/errors';

/** Of addresses that a message names so many are told, and so much of each. */
const ADDRESSES_TOLD = 10;
const CHARS_TOLD = 256;

/** Records of a queue do not fit their check sums: it is closed, the others go on. */
export class QueueDamagedError extends FairleadError {
  constructor(name: string, cause: unknown) {
    super('FL_QUEUE_DAMAGED', `queue ${name} is damaged and closed: see the log, then "fairlead store salvage"`, {
      condition: 'amqp:internal-error',
      cause,
    });
  }
}

/** A queue was deleted while it was used. */
export class QueueDeletedError extends FairleadError {
  constructor(name: string) {
    super('FL_QUEUE_DELETED', `queue ${name} was deleted`, { condition: 'amqp:resource-deleted' });
  }
}

/** Somebody consumes a queue exclusively, or it has consumers and one wants to be the only one. */
export class QueueLockedError extends FairleadError {
  constructor(name: string, holder: string) {
    super('FL_QUEUE_LOCKED', `queue ${name} has an exclusive consumer, or the new one would not be alone: ${holder}`, {
      condition: 'amqp:resource-locked',
      retryable: true,
    });
  }
}

/** Another consumer of the same subscription has taken over. */
export class QueueStolenError extends FairleadError {
  constructor(name: string, by: string) {
    super('FL_QUEUE_STOLEN', `another consumer of ${name} has taken over: ${by}`, { condition: 'amqp:link:stolen' });
  }
}

/** An intake holds no messages: it cannot be consumed, or looked into. */
export class IntakeError extends FairleadError {
  constructor(name: string) {
    super('FL_QUEUE_INTAKE', `${name} is an intake, which holds no messages: it only takes them`, {
      condition: 'amqp:not-allowed',
    });
  }
}

/** Messages that were to go from a queue to other addresses are still in it. */
export class NotTakenError extends FairleadError {
  constructor(addresses: readonly string[], stay: number, moved: number) {
    const told = addresses.slice(0, ADDRESSES_TOLD).map((address) => JSON.stringify(address.slice(0, CHARS_TOLD)));
    const more = addresses.length > ADDRESSES_TOLD ? ` and ${addresses.length - ADDRESSES_TOLD} more` : '';
    super(
      'FL_QUEUE_NOT_TAKEN',
      `${told.join(', ')}${more} did not take ${stay} messages, which stay; ${moved} were moved`,
      {
        condition: 'amqp:precondition-failed',
        retryable: true,
      },
    );
  }
}

/** There are as many queues, or consumers of one, as there may be. */
export class QueueLimitError extends FairleadError {
  constructor(what: string) {
    super('FL_QUEUE_LIMIT', what, { condition: 'amqp:resource-limit-exceeded' });
  }
}

/** A unit of work was not done: nothing of it is in force. */
export class TransactionFailedError extends FairleadError {
  constructor(condition: string, why: string, cause?: unknown) {
    super('FL_QUEUE_TRANSACTION', `nothing of the transaction was done: ${why}`, { condition, cause, retryable: true });
  }
}
