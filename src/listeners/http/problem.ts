import type { FairleadError } from '../../common/errors';
import { problem, type Problem } from '../../common/problem';
import { HttpError } from './errors';

/** Statuses of errors that other layers throw; all that is retryable is 503. */
const STATUS_OF_CODE: Readonly<Record<string, number>> = {
  FL_ADDRESS_NAME: 400,
  FL_ADDRESS_KIND: 409,
  FL_ADDRESS_RESERVED: 403,
  FL_MESSAGE_FIELD: 400,
  FL_SELECTOR_INVALID: 400,
  FL_QUEUE_LOCKED: 409,
  FL_QUEUE_GONE: 404,
  FL_SUBSCRIPTION_IN_USE: 409,
  FL_SUBSCRIPTION_KIND: 409,
  FL_SUBSCRIPTION_UNKNOWN: 404,
};

export function problemOf(error: FairleadError): Problem {
  const status =
    error instanceof HttpError ? error.status : (STATUS_OF_CODE[error.code] ?? (error.retryable ? 503 : 500));
  return problem(status, error.code, error.message);
}

/** Headers that an error asks for beside its problem. */
export function headersOf(error: FairleadError): Readonly<Record<string, string>> {
  return error instanceof HttpError ? error.headers : {};
}
