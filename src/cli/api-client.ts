import { FairleadError } from '../common/errors';

/** The management API answered with a problem. */
export class ApiProblemError extends FairleadError {
  constructor(code: string, detail: string) {
    super(code, detail);
  }
}

/** No management API answers there. */
export class ApiUnreachableError extends FairleadError {
  constructor(url: string, why: string, cause: unknown) {
    super('FL_API_UNREACHABLE', `cannot reach the management API at ${url}: ${why}`, { retryable: true, cause });
  }
}

const TIMEOUT_MS = 10_000;

/** Asks a node's management API; `path` begins with /api. @throws ApiProblemError, ApiUnreachableError */
export async function askApi<T>(
  api: string,
  path: string,
  request: { method?: string; body?: unknown } = {},
): Promise<T> {
  const response = await fetchFrom(api, path, request);
  const text = await response.text();
  const answer = readJson(text);
  if (response.ok && answer !== undefined) return answer as T;
  const { code, detail } = (answer ?? {}) as { code?: unknown; detail?: unknown };
  if (typeof code === 'string' && typeof detail === 'string') throw new ApiProblemError(code, detail);
  throw new ApiUnreachableError(api, `it answered ${response.status} with no word of a node`, null);
}

async function fetchFrom(api: string, path: string, { method = 'GET', body }: { method?: string; body?: unknown }) {
  const url = urlOf(path, api);
  try {
    return await fetch(url, {
      method,
      signal: AbortSignal.timeout(TIMEOUT_MS),
      ...(body === undefined ? {} : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
    });
  } catch (error) {
    throw new ApiUnreachableError(api, `${whyOf(error)}; --api names the http port of a running node`, error);
  }
}

/** @throws ApiUnreachableError when `api` is no address of an API, as without its http:// */
export function urlOf(path: string, api: string): URL {
  const url = URL.canParse(path, api) ? new URL(path, api) : null;
  if (url?.protocol === 'http:' || url?.protocol === 'https:') return url;
  throw new ApiUnreachableError(api, 'this is no URL of HTTP; expected http://HOST:PORT', null);
}

/** What `fetch` says is in the cause of its error; several attempts at once have a code and no message. */
function whyOf(error: unknown): string {
  const { message, code, cause } = error as { message?: string; code?: string | number; cause?: unknown };
  if (typeof cause === 'object' && cause !== null) return whyOf(cause);
  return message || String(code ?? error);
}

function readJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // not a node's answer: the caller says so
  }
}
