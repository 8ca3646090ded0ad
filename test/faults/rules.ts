import type { RawSite } from '../../src/config/schema';

/** Address rules that all fault tests use: one address of each kind, and quick neighbours' failure detection by default. */
export const RULES: NonNullable<RawSite['addresses']> = [
  { match: 'alerts', kind: 'multicast', ack: 'all' },
  { match: 'quote.#', kind: 'anycast' },
];

export const ORDERS = (address: string): boolean => address.startsWith('topic/orders.');
