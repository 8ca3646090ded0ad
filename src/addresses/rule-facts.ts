import type { NodeId } from '../links/contract';
import { nodeIdOf } from '../links/contract';
import { SPACE } from '../routing/contract';
import type { AddressPorts, FactChange } from './ports';
import { readRule, RuleBook, writeRule, type AddressPolicy } from './rules';

const PREFIX = 'rule/';
/** Told by every node in every life, so that one that has no rules any more takes back what its former life told. */
const MARKER = 'rules';

/** Address rules as durable facts: this node's are told to all, those of others are kept over restarts. */
export class RuleFacts {
  readonly book = new RuleBook();
  /** Facts of other nodes as they are on this node's disk. */
  readonly #kept = new Map<string, Map<string, Buffer>>();

  constructor(
    private readonly ports: AddressPorts,
    /** Rules are others than before. */
    private readonly changed: () => void,
    /** A fact that is no rule came, changed, or (null) went. */
    private readonly other: (origin: string, key: string, value: Buffer | null) => void,
  ) {
    for (const { origin, entries } of ports.facts) {
      if (nodeIdOf(origin) === ports.self) continue;
      this.#kept.set(origin, new Map(entries));
      for (const [key, value] of entries) this.#apply(origin, key, value);
    }
    this.#tellOwn(ports.rules);
  }

  /** Replaces this node's rules. */
  setOwn(rules: readonly AddressPolicy[]): void {
    this.book.clear(this.ports.selfName);
    this.#tellOwn(rules);
    this.changed();
  }

  #tellOwn(rules: readonly AddressPolicy[]): void {
    const { replicas, self, selfName } = this.ports;
    const keys = new Set<string>();
    for (const rule of rules) {
      this.book.set(selfName, rule);
      const key = PREFIX + rule.match;
      keys.add(key);
      replicas.set(SPACE.facts, key, writeRule(rule));
    }
    for (const key of [...replicas.entries(SPACE.facts, self).keys()])
      if (key.startsWith(PREFIX) && !keys.has(key)) replicas.delete(SPACE.facts, key);
    replicas.set(SPACE.facts, MARKER, Buffer.from(String(keys.size)));
  }

  /** What another node tells. Rules of one that is out of reach, or was forgotten by routing, stay in force. */
  onReplica(origin: NodeId, replaced: boolean, changes: readonly FactChange[]): void {
    const { routes, replicas, self, memory } = this.ports;
    const name = routes.view(origin)?.name;
    const stamp = replicas.stamp(SPACE.facts, origin);
    if (name === undefined || origin === self || stamp === null) return;
    const kept = this.#keptOf(name);
    const news: FactChange[] = [];
    if (replaced) {
      const entries = replicas.entries(SPACE.facts, origin);
      // A map that is empty is one that was not told yet: every life tells its marker.
      if (entries.size === 0) return;
      for (const key of kept.keys()) if (!entries.has(key)) news.push([key, null]);
      news.push(...entries);
    }
    news.push(...changes);
    // Also without any: what is on the disk is then this version too.
    const taken = news.filter(([key, value]) => this.#take(name, kept, key, value));
    memory.saveFacts(name, stamp, taken);
    if (taken.some(([key]) => key.startsWith(PREFIX))) this.changed();
  }

  #keptOf(origin: string): Map<string, Buffer> {
    let kept = this.#kept.get(origin);
    if (kept === undefined) this.#kept.set(origin, (kept = new Map()));
    return kept;
  }

  /** @returns whether it is another than before */
  #take(origin: string, kept: Map<string, Buffer>, key: string, value: Buffer | null): boolean {
    const known = kept.get(key);
    if (value === null ? known === undefined : known?.equals(value) === true) return false;
    if (value === null) kept.delete(key);
    else kept.set(key, value);
    this.#apply(origin, key, value);
    return true;
  }

  #apply(origin: string, key: string, value: Buffer | null): void {
    if (!key.startsWith(PREFIX)) {
      this.other(origin, key, value);
      return;
    }
    const rule = value === null ? null : readRule(value);
    if (rule === null || rule.match !== key.slice(PREFIX.length)) this.book.delete(origin, key.slice(PREFIX.length));
    else this.book.set(origin, rule);
  }
}
