import type { QueuePolicy } from '../queues/contract';
import { DEFAULT_QUEUE_POLICY } from '../queues/default-policy';
import { AddressError } from './errors';
import { parseAddress } from './names';

/** The part of a rule that is about queues. */
export interface QueueRule extends QueuePolicy {
  /** Name of the node or site where the queue lives; empty for the node where it is first used. */
  readonly home: string;
  /** Where a message is on the disk when its sender hears `accepted`. */
  readonly custody: 'home' | 'ingress';
}

/** What holds of a queue whose rule says nothing, and stands in the rules of other kinds. */
export const DEFAULT_QUEUE_RULE: QueueRule = {
  home: '',
  custody: 'home',
  ...DEFAULT_QUEUE_POLICY,
};

/** What a topic's rule says of the subscriptions that hold it. */
export const SUBSCRIPTION_FIELDS = [
  'maxDepth',
  'maxBytes',
  'overLimit',
  'ttlMs',
  'maxDeliveries',
  'deadLetter',
] as const satisfies readonly (keyof QueueRule)[];

export function ofSubscriptions(rule: QueueRule): Pick<QueueRule, (typeof SUBSCRIPTION_FIELDS)[number]> {
  const { maxDepth, maxBytes, overLimit, ttlMs, maxDeliveries, deadLetter } = rule;
  return { maxDepth, maxBytes, overLimit, ttlMs, maxDeliveries, deadLetter };
}

const CHOICES = {
  custody: ['home', 'ingress'],
  overLimit: ['reject', 'block', 'dropOldest'],
  locality: ['none', 'prefer'],
} as const;

/** Reads what another node told: what is missing, or not understood, is defaulted. */
export function readQueueRule(told: Readonly<Record<string, unknown>>): QueueRule {
  const base = DEFAULT_QUEUE_RULE;
  const choice = <F extends keyof typeof CHOICES>(field: F): QueueRule[F] =>
    isChoice(field, told[field]) ? told[field] : base[field];
  const bound = (field: string): number | null =>
    isPositive(told[field]) ? Math.max(1, Math.floor(told[field])) : null;
  return {
    home: isNodeName(told['home']) ? told['home'] : base.home,
    custody: choice('custody'),
    maxDepth: bound('maxDepth'),
    maxBytes: bound('maxBytes'),
    overLimit: choice('overLimit'),
    ttlMs: bound('ttlMs'),
    maxDeliveries: bound('maxDeliveries'),
    retryMs: bound('retryMs') ?? base.retryMs,
    deadLetter: isAddress(told['deadLetter']) ? told['deadLetter'] : base.deadLetter,
    duplicateWindowMs: bound('duplicateWindowMs'),
    exclusive: told['exclusive'] === true,
    locality: choice('locality'),
  };
}

export function isPositive(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value) && value > 0;
}

function isChoice<F extends keyof typeof CHOICES>(field: F, value: unknown): value is QueueRule[F] {
  return (CHOICES[field] as readonly unknown[]).includes(value);
}

function isNodeName(value: unknown): value is string {
  return typeof value === 'string' && /^[a-z0-9][-a-z0-9]{0,62}$/.test(value);
}

/** An address that can be sent to. */
function isAddress(value: unknown): value is string {
  if (typeof value !== 'string') return false;
  try {
    return !parseAddress(value).wild;
  } catch (error) {
    if (error instanceof AddressError) return false;
    throw error;
  }
}
