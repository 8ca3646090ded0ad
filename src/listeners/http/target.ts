import { HttpError } from './errors';

const ROOT = '/v1/addresses/';
/** As much of a client's text as an error repeats. */
const SHOWN_MAX = 60;
const KIND = /^(topic|multicast|anycast|queue)$/;

/** What a request is for. */
export interface Target {
  /** As AMQP clients write it. */
  readonly address: string;
  /** Path behind the address, decoded; empty for the address itself. */
  readonly rest: readonly string[];
  readonly query: URLSearchParams;
}

/**
 * The address of a path is one segment, percent-encoded, or two where the first is a kind: `orders.new`, `queue%2Fjobs`, `queue/jobs`.
 * Null for paths that are of no address.
 * @throws HttpError
 */
export function targetOf(url: string): Target | null {
  const mark = url.indexOf('?');
  const path = mark < 0 ? url : url.slice(0, mark);
  if (!path.startsWith(ROOT)) return null;
  const [first = '', ...others] = path.slice(ROOT.length).split('/').map(decoded);
  const query = queryOf(mark < 0 ? '' : url.slice(mark + 1));
  const [second, ...rest] = others;
  if (KIND.test(first) && second !== undefined) return { address: `${first}/${second}`, rest, query };
  return { address: first, rest: others, query };
}

/** What a request may say in its query; what a misspelt one meant would silently not be done. */
const PARAMETERS = [
  'browse',
  'client',
  'durable',
  'failed',
  'last-event-id',
  'lock',
  'selector',
  'shared',
  'timeout',
  'wait',
];

function queryOf(text: string): URLSearchParams {
  const query = new URLSearchParams(text);
  for (const name of query.keys())
    if (!PARAMETERS.includes(name))
      throw new HttpError(
        'FL_HTTP_REQUEST',
        `query: ${JSON.stringify(name.slice(0, SHOWN_MAX))} is not known; expected one of ${PARAMETERS.join(', ')}`,
      );
  return query;
}

function decoded(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    throw new HttpError('FL_HTTP_REQUEST', 'path: a percent-encoding that is none');
  }
}

/** The same of any text that a query or a header has. */
export interface Parameters {
  get(name: string): string | null;
}

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000 };

/** A duration as in the site document, within bounds. @throws HttpError */
export function durationOf(query: Parameters, name: string, defaultMs: number, maxMs: number): number {
  const text = query.get(name);
  if (text === null) return defaultMs;
  const [, digits, unit = 's'] = /^(\d{1,7})(ms|s|m)?$/.exec(text) ?? [];
  const ms = Number(digits) * (UNITS[unit] ?? 1);
  if (!(ms <= maxMs))
    throw new HttpError(
      'FL_HTTP_REQUEST',
      `${name}: expected a duration such as 500ms or 10s, at most ${maxMs / 1000}s`,
    );
  return ms;
}

/** @throws HttpError */
export function flagOf(query: Parameters, name: string): boolean {
  const text = query.get(name);
  if (text !== null && text !== 'true' && text !== 'false')
    throw new HttpError('FL_HTTP_REQUEST', `${name}: expected true or false`);
  return text === 'true';
}
