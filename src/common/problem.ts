/** What an HTTP request failed of: RFC 9457, with our stable code. */
export interface Problem {
  readonly type: 'about:blank';
  readonly title: string;
  readonly status: number;
  readonly code: string;
  readonly detail: string;
  /** The request's path. */
  readonly instance?: string;
}

export const PROBLEM_TYPE = 'application/problem+json';

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

export function problem(status: number, code: string, detail: string): Problem {
  return { type: 'about:blank', title: TITLES[status] ?? 'Internal error', status, code, detail };
}
