import type { IncomingHttpHeaders } from 'node:http';
import { HttpError } from './errors';

/** Which pages of browsers may use a listener. */
export interface OriginRule {
  /** Decides by its Host header whether a request was meant for this node. */
  readonly isOurs: (host: string | undefined) => boolean;
  /** Origins that pages may have beside that of the node itself, as browsers write them. */
  readonly origins: readonly string[];
}

const HEADERS_ALLOWED = 'content-type, idempotency-key, last-event-id, prefer';
const PREFLIGHT_SECONDS = '600';

/**
 * Looks at who has a browser send a request. A page may make its browser send many requests without asking (forms, images, WebSockets),
 * and there is no password yet that it would not know: what comes from a page of another origin is refused before anything is done
 * with it, unless the listener names that origin. What is no browser says neither `Origin` nor `Sec-Fetch-Site`.
 * @returns the origin that the answer is to be readable for; null where nothing is to be said
 * @throws HttpError
 */
export function admittedOrigin(headers: IncomingHttpHeaders, rule: OriginRule): string | null {
  const { host, origin } = headers;
  if (!rule.isOurs(host)) throw new HttpError('FL_HTTP_ORIGIN', `this node does not answer to ${JSON.stringify(host)}`);
  if (origin !== undefined) {
    if (rule.origins.includes(origin)) return origin;
    if (isSame(origin, host)) return null;
    throw new HttpError('FL_HTTP_ORIGIN', `pages of ${JSON.stringify(origin)} may not: cors.origins does not name it`);
  }
  const site = headers['sec-fetch-site'];
  if (site === 'cross-site' || site === 'same-site')
    throw new HttpError('FL_HTTP_ORIGIN', 'a page of another origin may not have its browser ask this');
  return null;
}

function isSame(origin: string, host: string | undefined): boolean {
  return (
    host !== undefined && (origin === `http://${host.toLowerCase()}` || origin === `https://${host.toLowerCase()}`)
  );
}

/** Headers of an answer that a page of `origin` may read. */
export function corsHeaders(origin: string): Record<string, string> {
  return { 'access-control-allow-origin': origin, vary: 'origin', 'access-control-expose-headers': '*' };
}

/** Headers of the answer to a browser that asks beforehand; what it wants to send is told as allowed where it names headers of ours. */
export function preflightHeaders(origin: string, asked: string | null): Record<string, string> {
  const own = (asked ?? '')
    .toLowerCase()
    .split(',')
    .map((name) => name.trim())
    .filter((name) => /^(?:ce|fairlead|x)-[\w-]+$/.test(name));
  return {
    ...corsHeaders(origin),
    'access-control-allow-methods': 'GET, POST, DELETE',
    'access-control-allow-headers': [HEADERS_ALLOWED, ...own].join(', '),
    'access-control-max-age': PREFLIGHT_SECONDS,
  };
}
