import type { AmqpErrorFields } from '../amqp/codec/types';
import { FairleadError } from '../common/errors';

/** What a user wrote is no URL of an AMQP container. */
export class ClientUrlError extends FairleadError {
  constructor(url: string, why: string) {
    super('FL_CLIENT_URL', `${url}: ${why}; expected amqp://[USER:PASSWORD@]HOST[:PORT]`);
  }
}

/** The peer answered, and its answer is no. */
export class RefusedError extends FairleadError {
  /** @param what was asked for, for the message */
  constructor(what: string, error: AmqpErrorFields | null) {
    const condition = error?.condition ?? 'amqp:internal-error';
    super('FL_CLIENT_REFUSED', `${what} was refused: ${tellError(error)}`, { condition });
  }
}

/** The connection, or the link, ended while it was in use. */
export class LostError extends FairleadError {
  constructor(what: string, error: AmqpErrorFields | null) {
    super('FL_CLIENT_LOST', `${what} was lost: ${tellError(error)}`, { retryable: true });
  }
}

/** The link ended before there was credit for the message. */
export class NotSentError extends FairleadError {
  constructor(what: string, error: AmqpErrorFields | null) {
    super('FL_CLIENT_NOT_SENT', `not sent: ${what} was lost: ${tellError(error)}`, { retryable: true });
  }
}

/** The message is larger than the peer takes on that link. */
export class TooLargeError extends FairleadError {
  constructor(what: string, bytes: number, bytesMax: number) {
    const message = `${what} takes messages of at most ${bytesMax} bytes, this one has ${bytes} with its headers`;
    super('FL_CLIENT_TOO_LARGE', message, { condition: 'amqp:link:message-size-exceeded' });
  }
}

/** A durable subscription was asked for, and the peer keeps nothing for it. */
export class NotDurableError extends FairleadError {
  /** @param address that was subscribed to */
  constructor(address: string) {
    super('FL_CLIENT_NOT_DURABLE', `the node has no durable subscriptions to ${address}: only topics have`);
  }
}

/** The peer did not answer in time. */
export class NoAnswerError extends FairleadError {
  constructor(what: string, ms: number) {
    super('FL_CLIENT_NO_ANSWER', `${what} was not answered within ${ms} ms`, { retryable: true });
  }
}

/** `amqp:not-found: no such address`, as people are told. */
export function tellError(error: AmqpErrorFields | null): string {
  if (error === null) return 'closed without a reason';
  return error.description ? `${error.condition}: ${error.description}` : error.condition;
}
