import { InvalidArgumentError } from 'commander';
import { DURATION_PATTERN, parseDuration } from '../config/units';

/** As long as a node takes. */
const SUBSCRIPTION_BYTES_MAX = 512;

/** Readers of option values; what they throw is told with the option's name. */

export function positiveInteger(text: string): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(value) || value < 1)
    throw new InvalidArgumentError('Expected a whole number from 1.');
  return value;
}

export function positiveNumber(text: string): number {
  const value = Number(text);
  if (!Number.isFinite(value) || value <= 0) throw new InvalidArgumentError('Expected a number above 0.');
  return value;
}

export function addressOf(text: string): string {
  if (text === '') throw new InvalidArgumentError('Expected an address such as topic/orders.new.');
  return text;
}

export function durationMs(text: string): number {
  const ms = DURATION_PATTERN.test(text) ? parseDuration(text) : null;
  if (ms === null || ms <= 0) throw new InvalidArgumentError('Expected a duration such as 500ms, 10s or 1m.');
  return ms;
}

/** What follows a | is no part of a subscription's name for the node. */
export function subscriptionName(text: string): string {
  if (text === '' || text.includes('|') || Buffer.byteLength(text) > SUBSCRIPTION_BYTES_MAX)
    throw new InvalidArgumentError(`Expected a name of at most ${SUBSCRIPTION_BYTES_MAX} bytes, without |.`);
  return text;
}

/** Collects `k=v` of an option that may come several times. */
export function property(text: string, former: readonly (readonly [string, string])[] = []): [string, string][] {
  const at = text.indexOf('=');
  if (at < 1) throw new InvalidArgumentError('Expected KEY=VALUE with a key that is not empty.');
  return [...former.map(([key, value]): [string, string] => [key, value]), [text.slice(0, at), text.slice(at + 1)]];
}
