import { z } from 'zod';
import { NOT_IMPLEMENTED } from './problems';
import { DURATION_PATTERN, SIZE_PATTERN, formatDuration, formatSize, parseDuration, parseSize } from './units';

/**
 * The kinds of fields a site document is made of. The message of every zod error here is the phrase that follows
 * "expected" (or begins with "not implemented in this version"); `explain.ts` adds path and found value.
 */

/** A mapping whose unknown keys are errors. */
export function section<S extends z.ZodRawShape>(shape: S) {
  return z.strictObject(shape, { error: (issue) => (issue.code === 'invalid_type' ? 'a mapping' : undefined) });
}

export function list<T extends z.ZodType>(element: T, max: number) {
  return z.array(element, { error: 'a list' }).max(max, { error: `at most ${max} entries` });
}

/** A key that the document knows and a later version serves. */
export function later(what: string) {
  const message = `${NOT_IMPLEMENTED}: ${what}`;
  return z
    .never({ error: message })
    .optional()
    .meta({ description: `Known, ${message}.`, 'x-later': true });
}

export function integer(min: number, max: number) {
  const error = `a whole number from ${min} to ${max}`;
  return z.int({ error }).min(min, { error }).max(max, { error });
}

export function flag() {
  return z.boolean({ error: 'true or false' });
}

export function text(pattern: RegExp, what: string) {
  return z.string({ error: what }).regex(pattern, { error: what });
}

/** One of a few words; `laterWords` are known and served by a later version. */
export function choice<const T extends readonly [string, ...string[]]>(words: T, laterWords: readonly string[] = []) {
  const what = words.length === 1 ? words[0] : `one of ${words.join(', ')}`;
  return z.enum(words, {
    error: (issue) => (laterWords.includes(String(issue.input)) ? `${NOT_IMPLEMENTED}: ${String(issue.input)}` : what),
  });
}

/** `250ms`, `10s`, `5m`, `1h`, `7d`, within bounds. */
export function duration(minMs: number, maxMs: number) {
  const error = `a duration such as 250ms, 10s, 5m or 1h, from ${formatDuration(minMs)} to ${formatDuration(maxMs)}`;
  const inBounds = (value: string) => {
    const ms = parseDuration(value);
    return ms !== null && ms >= minMs && ms <= maxMs;
  };
  return z.string({ error }).regex(DURATION_PATTERN, { error, abort: true }).refine(inBounds, { error });
}

/** `64KiB`, `1MiB`, within bounds. */
export function size(minBytes: number, maxBytes: number) {
  const error = `a size such as 64KiB or 1MiB, from ${formatSize(minBytes)} to ${formatSize(maxBytes)}`;
  const inBounds = (value: string) => {
    const bytes = parseSize(value);
    return bytes !== null && bytes >= minBytes && bytes <= maxBytes;
  };
  return z.string({ error }).regex(SIZE_PATTERN, { error, abort: true }).refine(inBounds, { error });
}

/** `amqp://host:port`, nothing behind it; credentials and TLS have keys of their own. */
export const CONNECT_PATTERN = /^amqp:\/\/([^\s/:@[\]]+|\[[0-9a-fA-F:.]+\]):(\d{1,5})\/?$/;

export function connectUrl() {
  const what = "a mesh address such as 'amqp://west.example.com:55671'";
  return z
    .string({ error: what })
    .regex(CONNECT_PATTERN, {
      error: (issue) =>
        String(issue.input).startsWith('amqps://') ? `${NOT_IMPLEMENTED}: amqps:// (TLS between nodes)` : what,
      abort: true,
    })
    .refine((value) => isPort(portOf(value)), { error: what });
}

function isPort(port: number): boolean {
  return port >= 1 && port <= 65_535;
}

function portOf(url: string): number {
  return Number(CONNECT_PATTERN.exec(url)?.[2] ?? 0);
}

/** A DNS label; a mapping in its place is known and served by a later version. */
export function labelOr(laterMapping: string, what: string) {
  const error = (issue: { readonly input?: unknown }): string =>
    typeof issue.input === 'object' && issue.input !== null ? `${NOT_IMPLEMENTED}: ${laterMapping}` : what;
  return z.string({ error }).regex(DNS_LABEL, { error: what });
}

export const DNS_LABEL = /^[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?$/;

/** An exact name as a client writes it, with the prefix of its kind or without one. */
export const ADDRESS_PATTERN = /^(?:(?:topic|multicast|anycast|queue)(?::\/\/|\/))?[^\s.*#/]+(?:\.[^\s.*#/]+)*$/;

/** A service as clients write an anycast address, with or without its prefix; at most 255 characters of one byte. */
export const SERVICE_PATTERN = /^(?:anycast(?::\/\/|\/))?([!-.0-~]{1,255})$/;

export function serviceAddress() {
  const what = "the anycast address of a TCP service, such as 'anycast/shop'";
  return z
    .string({ error: what })
    .regex(ADDRESS_PATTERN, { error: what, abort: true })
    .regex(SERVICE_PATTERN, { error: what });
}

/** `host:port` of a TCP service. */
export const TCP_PATTERN = /^([\w.-]+|\[[0-9a-fA-F:.]+\]):(\d{1,5})$/;

export function tcpAddress() {
  const what = "host and port of a TCP service, such as '127.0.0.1:8080'";
  return z
    .string({ error: what })
    .regex(TCP_PATTERN, { error: what, abort: true })
    .refine((value) => isPort(Number(TCP_PATTERN.exec(value)?.[2])), { error: what });
}

/** Words are separated by dots; `*` and `#` are whole words. */
export const MATCH_PATTERN = /^(?:\*|#|[^\s.*#/]+)(?:\.(?:\*|#|[^\s.*#/]+))*$/;
