import type { AddressKind } from './contract';
import { FilterTrie } from './filter-trie';
import { RULE_CONFLICTS_MAX, RULE_OVERLAP_VISITS_MAX } from './limits';
import {
  DEFAULT_QUEUE_RULE,
  isPositive,
  ofSubscriptions,
  readQueueRule,
  SUBSCRIPTION_FIELDS,
  type QueueRule,
} from './queue-rule';

/**
 * What a rule says of the addresses that it matches; the site document's rule, compiled: durations in milliseconds, absent values
 * defaulted. Each part counts for its kind only.
 */
export interface AddressPolicy extends QueueRule {
  /** Pattern with `*` and `#` over dotted words. */
  readonly match: string;
  readonly kind: AddressKind;
  /** Multicast: how many sites must accept. */
  readonly ack: 'ingress' | 'any' | 'all';
  readonly ackTimeoutMs: number;
  /** Topic: what happens to a consumer that does not keep up. */
  readonly slow: 'block' | 'dropOldest' | 'dropNewest' | 'spill';
  readonly blockForMs: number;
  readonly noSubscriber: 'accept' | 'release';
  /** Anycast: deliveries in flight per consumer site before the next cheapest helps; null for no spilling. */
  readonly overflowAt: number | null;
  readonly trafficClass: 'high' | 'normal';
}

/** For addresses without a rule; the kind comes from the client or the site's default. */
export function defaultPolicy(kind: AddressKind): AddressPolicy {
  return {
    match: '#',
    kind,
    ack: 'all',
    ackTimeoutMs: 10_000,
    slow: 'block',
    blockForMs: 30_000,
    noSubscriber: 'accept',
    overflowAt: null,
    trafficClass: 'normal',
    ...DEFAULT_QUEUE_RULE,
  };
}

/** For the queue of a subscription. @param rule of the topics that it holds; null without one */
export function subscriptionPolicy(rule: AddressPolicy | null): AddressPolicy {
  const base = defaultPolicy('queue');
  if (rule === null) return { ...base, custody: 'ingress' };
  const { trafficClass, overLimit } = rule;
  // A subscription holds up nobody who publishes.
  const over = overLimit === 'dropOldest' ? 'dropOldest' : 'reject';
  return { ...base, custody: 'ingress', trafficClass, ...ofSubscriptions(rule), overLimit: over };
}

/** A rule that holds, and the nodes whose documents say just that, in order. */
export interface RuleInForce {
  readonly rule: AddressPolicy;
  readonly saidBy: readonly string[];
}

/** A rule and the node whose document it stands in. */
interface OwnedRule {
  readonly owner: string;
  readonly rule: AddressPolicy;
  readonly words: readonly string[];
}

/** Negative when `a` holds where both match: the more specific pattern, then the lower node name, the same at every node. */
function byPrecedence(a: OwnedRule, b: OwnedRule): number {
  return bySpecificity(a.words, b.words) || byText(a.owner, b.owner) || byText(a.rule.match, b.rule.match);
}

function byText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Words decide from the left: a literal before `*` before the end before `#`. */
function bySpecificity(a: readonly string[], b: readonly string[]): number {
  for (let n = 0; n < Math.max(a.length, b.length); n++) {
    const difference = rank(a[n]) - rank(b[n]);
    if (difference !== 0) return difference;
  }
  return 0;
}

function rank(word: string | undefined): number {
  if (word === undefined) return 2;
  return word === '#' ? 3 : word === '*' ? 1 : 0;
}

/** The rules of all sites together. */
export class RuleBook {
  readonly #byOwner = new Map<string, Map<string, OwnedRule>>();
  readonly #rules = new FilterTrie<OwnedRule>();
  #conflicts: readonly string[] | null = null;

  set(owner: string, rule: AddressPolicy): void {
    this.delete(owner, rule.match);
    let rules = this.#byOwner.get(owner);
    if (rules === undefined) this.#byOwner.set(owner, (rules = new Map()));
    const owned = { owner, rule, words: rule.match.split('.') };
    rules.set(rule.match, owned);
    this.#rules.add(rule.match, owned);
    this.#conflicts = null;
  }

  delete(owner: string, match: string): void {
    const rules = this.#byOwner.get(owner);
    const owned = rules?.get(match);
    if (rules === undefined || owned === undefined) return;
    rules.delete(match);
    if (rules.size === 0) this.#byOwner.delete(owner);
    this.#rules.remove(match, owned);
    this.#conflicts = null;
  }

  /** Forgets all rules of a node. */
  clear(owner: string): void {
    for (const match of [...(this.#byOwner.get(owner)?.keys() ?? [])]) this.delete(owner, match);
  }

  /** The rule that holds for a name, or for all that a filter matches; undefined without one. */
  find(name: string): AddressPolicy | undefined {
    let best: OwnedRule | undefined;
    this.#rules.match(name, (rule) => {
      if (best === undefined || byPrecedence(rule, best) < 0) best = rule;
    });
    return best?.rule;
  }

  /** One rule per pattern, in the order in which they are asked: what holds in the whole mesh, the same at every node. */
  inForce(): readonly RuleInForce[] {
    const all = [...this.#byOwner.values()].flatMap((rules) => [...rules.values()]).sort(byPrecedence);
    const held = new Map<string, { readonly winner: OwnedRule; readonly saidBy: string[] }>();
    for (const one of all) {
      const known = held.get(one.rule.match);
      if (known === undefined) held.set(one.rule.match, { winner: one, saidBy: [one.owner] });
      else if (fieldsThatDiffer(known.winner, one).length === 0) known.saidBy.push(one.owner);
    }
    return [...held.values()].map(({ winner, saidBy }) => ({ rule: winner.rule, saidBy }));
  }

  /** Rules of two sites that contradict each other, as sentences; the same at every node. */
  get conflicts(): readonly string[] {
    this.#conflicts ??= this.#findConflicts();
    return this.#conflicts;
  }

  #findConflicts(): string[] {
    const found: string[] = [];
    let visitsLeft = RULE_OVERLAP_VISITS_MAX;
    for (const rules of this.#byOwner.size > 1 ? this.#byOwner.values() : []) {
      for (const one of rules.values()) {
        const compare = (other: OwnedRule): void => {
          if (found.length >= RULE_CONFLICTS_MAX || one.owner === other.owner) return;
          if (byPrecedence(one, other) > 0) return;
          if (one.rule.match === other.rule.match) found.push(...differing(one, other));
          else if (one.rule.kind !== other.rule.kind) found.push(contradiction(one, other));
        };
        const { match } = one.rule;
        // A plain name overlaps what covers it and nothing else.
        const isWild = one.words.some((word) => word === '*' || word === '#');
        if (isWild && visitsLeft > 0) visitsLeft -= this.#rules.overlapping(match, visitsLeft, compare);
        else this.#rules.match(match, compare);
      }
    }
    return found.sort();
  }
}

function fieldsThatDiffer({ rule }: OwnedRule, other: OwnedRule): (keyof AddressPolicy)[] {
  return (Object.keys(rule) as (keyof AddressPolicy)[]).filter((field) => rule[field] !== other.rule[field]);
}

/** Two rules for one pattern: every field must be the same. */
function differing(winner: OwnedRule, loser: OwnedRule): string[] {
  const fields = fieldsThatDiffer(winner, loser);
  if (fields.length === 0) return [];
  const says = ({ owner, rule }: OwnedRule): string =>
    `${owner} says ${fields.map((field) => `${field} ${String(rule[field])}`).join(', ')}`;
  return [`rule '${winner.rule.match}': ${says(winner)}, ${says(loser)}; that of ${winner.owner} holds`];
}

/** A more specific rule may differ, but a name's kind must not depend on who is asked. */
function contradiction(winner: OwnedRule, loser: OwnedRule): string {
  const says = ({ owner, rule }: OwnedRule): string => `'${rule.match}' of ${owner} says ${rule.kind}`;
  const which =
    bySpecificity(winner.words, loser.words) < 0
      ? `the more specific one, that of ${winner.owner},`
      : `that of ${winner.owner}`;
  return `rule ${says(winner)}, ${says(loser)}; ${which} holds`;
}

/** A rule as a durable fact: every node keeps those of all, so what is about queues stands in rules of queues, and of topics what is about subscriptions. */
export function writeRule(rule: AddressPolicy): Buffer {
  const isTold = (key: string, value: unknown): boolean => {
    if (rule.kind === 'queue' || !(key in DEFAULT_QUEUE_RULE)) return true;
    return rule.kind === 'topic' && isOfSubscriptions(key) && value !== DEFAULT_QUEUE_RULE[key as keyof QueueRule];
  };
  return Buffer.from(JSON.stringify(rule, (key, value: unknown) => (isTold(key, value) ? value : undefined)));
}

const CHOICES = {
  kind: ['topic', 'multicast', 'anycast', 'queue'],
  ack: ['ingress', 'any', 'all'],
  slow: ['block', 'dropOldest', 'dropNewest', 'spill'],
  noSubscriber: ['accept', 'release'],
  trafficClass: ['high', 'normal'],
} as const;

/** Reads a rule that another node told; null when it is none that this version understands. What it does not know is defaulted. */
export function readRule(value: Buffer): AddressPolicy | null {
  const told = parseObject(value);
  const { match, kind } = told;
  if (typeof match !== 'string' || !isChoice('kind', kind)) return null;
  const base = defaultPolicy(kind);
  const choice = <F extends keyof typeof CHOICES>(field: F): AddressPolicy[F] =>
    isChoice(field, told[field]) ? told[field] : base[field];
  return {
    match,
    kind,
    ack: choice('ack'),
    slow: choice('slow'),
    noSubscriber: choice('noSubscriber'),
    trafficClass: choice('trafficClass'),
    ackTimeoutMs: isPositive(told['ackTimeoutMs']) ? told['ackTimeoutMs'] : base.ackTimeoutMs,
    blockForMs: isPositive(told['blockForMs']) ? told['blockForMs'] : base.blockForMs,
    overflowAt: isPositive(told['overflowAt']) ? Math.max(1, Math.floor(told['overflowAt'])) : null,
    ...queuePart(kind, told),
  };
}

function queuePart(kind: AddressKind, told: Readonly<Record<string, unknown>>): QueueRule {
  if (kind === 'queue') return readQueueRule(told);
  return kind === 'topic' ? { ...DEFAULT_QUEUE_RULE, ...ofSubscriptions(readQueueRule(told)) } : DEFAULT_QUEUE_RULE;
}

function isOfSubscriptions(key: string): boolean {
  return (SUBSCRIPTION_FIELDS as readonly string[]).includes(key);
}

function isChoice<F extends keyof typeof CHOICES>(field: F, value: unknown): value is AddressPolicy[F] {
  return (CHOICES[field] as readonly unknown[]).includes(value);
}

function parseObject(value: Buffer): Readonly<Record<string, unknown>> {
  try {
    const parsed: unknown = JSON.parse(value.toString());
    return typeof parsed === 'object' && parsed !== null ? (parsed as Readonly<Record<string, unknown>>) : {};
  } catch (error) {
    if (error instanceof SyntaxError) return {};
    throw error;
  }
}
