import { AddressError } from '../addresses/errors';
import { parseAddress, type ParsedAddress } from '../addresses/names';
import { RuleBook, defaultPolicy } from '../addresses/rules';
import { type LocatedProblem, located } from './explain';
import type { DefaultedSite } from './schema';

/** Where the dead letters of queues, and of durable subscriptions to topics, go: to an address of the kind that its rule says, and never back to where they came from. */
export function deadLetters(site: DefaultedSite): LocatedProblem[] {
  const ways = new DeadLetterWays(site);
  return site.addresses.flatMap(({ kind, deadLetter }, i) => {
    if (!hasDeadLetters(kind) || deadLetter === undefined) return [];
    const problem = ways.problem(i, deadLetter);
    if (problem === null) return [];
    return [located(['addresses', i, 'deadLetter'], problem.expected, JSON.stringify(deadLetter), problem.hint)];
  });
}

interface Problem {
  readonly expected: string;
  readonly hint?: string;
}

/** Follows dead letters from rule to rule of one document. */
class DeadLetterWays {
  readonly #book = new RuleBook();
  /** Index of the rule with a pattern. */
  readonly #byMatch = new Map<string, number>();
  readonly #circles: ReadonlySet<number>;

  constructor(private readonly site: DefaultedSite) {
    site.addresses.forEach(({ match, kind }, i) => {
      this.#book.set(site.site, { ...defaultPolicy(kind), match });
      this.#byMatch.set(match, i);
    });
    this.#circles = this.#findCircles();
  }

  problem(from: number, deadLetter: string): Problem | null {
    let address: ParsedAddress;
    try {
      address = parseAddress(deadLetter);
    } catch (error) {
      if (error instanceof AddressError) return { expected: 'an address', hint: error.message };
      throw error;
    }
    const to = this.#ruleOf(address.name);
    if (to === undefined) {
      if (address.kind !== null || this.site.defaultKind !== 'topic') return null;
      return { expected: `queue/${address.name}, or a rule for that name`, hint: 'a topic keeps no dead letters' };
    }
    const kind = this.site.addresses[to]?.kind;
    if (address.kind !== null && address.kind !== kind)
      return { expected: `an address of kind ${kind}, as addresses[${to}] says` };
    if (to === from)
      return { expected: 'an address outside of this rule', hint: `give ${address.name} a rule of its own` };
    if (!this.#circles.has(from)) return null;
    return { expected: 'an address whose own dead letters do not come back here', hint: `see addresses[${to}]` };
  }

  /** Rules whose dead letters come back to them: each rule leads to one other at most, so one walk over all of them finds the circles. */
  #findCircles(): ReadonlySet<number> {
    const { addresses } = this.site;
    const circles = new Set<number>();
    const walkOf = new Map<number, number>();
    addresses.forEach((_, start) => {
      let at: number | undefined = start;
      for (; at !== undefined && !walkOf.has(at); at = this.#next(at)) walkOf.set(at, start);
      if (at === undefined || walkOf.get(at) !== start) return;
      for (; at !== undefined && !circles.has(at); at = this.#next(at)) circles.add(at);
    });
    return circles;
  }

  /** The rule that the dead letters of a rule's queues and subscriptions come under. */
  #next(from: number): number | undefined {
    const { kind, deadLetter } = this.site.addresses[from] ?? {};
    return hasDeadLetters(kind) && deadLetter !== undefined ? this.#ruleOf(nameOf(deadLetter)) : undefined;
  }

  #ruleOf(name: string): number | undefined {
    const match = this.#book.find(name)?.match;
    return match === undefined ? undefined : this.#byMatch.get(match);
  }
}

/** Rules of other kinds have none, which is a problem of its own. */
function hasDeadLetters(kind: string | undefined): boolean {
  return kind === 'queue' || kind === 'topic';
}

/** Without the prefix of its kind. */
function nameOf(address: string): string {
  return address.slice(address.lastIndexOf('/') + 1);
}
