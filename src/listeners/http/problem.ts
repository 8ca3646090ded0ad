import type { FairleadError } from '../../common/errors';
import { HttpError } from './errors';

/** RFC 9457, with our stable code. */
export interface Problem {
  readonly type: 'about:blank';
  readonly title: string;
  readonly status: number;
  readonly code: string;
  readonly detail: string;
}

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

const TITLES: Readonly<Record<number, string>> = {
  400: 'Bad request',
  403: 'Forbidden',
  404: 'Not found',
  405: 'Method not allowed',
  408: 'Request time-out',
  409: 'Conflict',
  413: 'Too large',
  415: 'Unsupported media type',
  422: 'Rejected',
  426: 'Upgrade required',
  431: 'Headers too large',
  503: 'Unavailable',
  504: 'Time-out',
};

export const PROBLEM_TYPE = 'application/problem+json';

export function problemOf(error: FairleadError): Problem {
  const status =
    error instanceof HttpError ? error.status : (STATUS_OF_CODE[error.code] ?? (error.retryable ? 503 : 500));
  const title = TITLES[status] ?? 'Internal error';
  return { type: 'about:blank', title, status, code: error.code, detail: error.message };
}

/** Headers that an error asks for beside its problem. */
export function headersOf(error: FairleadError): Readonly<Record<string, string>> {
  return error instanceof HttpError ? error.headers : {};
}
