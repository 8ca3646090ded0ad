import type { AddressKind, KindHint } from './contract';
import { AddressError, reserved } from './errors';
import { fits, parseAddress } from './names';
import { isReserved } from './reserved-names';
import { defaultPolicy, subscriptionPolicy, type AddressPolicy, type RuleBook } from './rules';

/** Temporary addresses carry their kind and owner in their name, so that every node resolves them alike, whatever its rules. */
const TEMPORARY = /^fairlead\.temp\.([taq])\.([^.]+)\./;
const KIND_OF = { t: 'topic', a: 'anycast', q: 'queue' } as const;

/** Name of a temporary address of this node. */
export function temporaryName(kind: 'topic' | 'anycast' | 'queue', node: string, unique: string): string {
  return `fairlead.temp.${kind.slice(0, 1)}.${node}.${unique}`;
}

export function isTemporary(name: string): boolean {
  return TEMPORARY.test(name);
}

/** The node that a temporary address belongs to; undefined for one that is not temporary. */
export function temporaryHome(name: string): string | undefined {
  return TEMPORARY.exec(name)?.[2];
}

/** What a client's address means: its name, its kind, and whether it is a filter. */
export interface ResolvedName {
  readonly kind: AddressKind;
  readonly name: string;
  readonly wild: boolean;
}

/** Decides what names mean: by rule, then by the client's prefix, then by its terminus, then by the site's default. */
export class AddressNames {
  /** What the queue of a subscription keeps; null where it is none. */
  filterOf: (queue: string) => string | null = () => null;

  constructor(
    private readonly rules: RuleBook,
    public defaultKind: AddressKind,
  ) {}

  /** @throws AddressError when the address is malformed or contradicts its rule */
  resolve(address: string, hint: KindHint): ResolvedName {
    const { kind: prefix, name, wild } = parseAddress(address);
    const ruled = this.ruledKind(name);
    if (ruled !== undefined) this.#check(address, name, ruled, prefix, hint);
    // Only topics have filters: what says nothing of its kind, but is one, is a topic.
    const kind = ruled ?? prefix ?? hint ?? (wild ? 'topic' : this.defaultKind);
    if (wild && kind !== 'topic')
      throw new AddressError('FL_ADDRESS_NAME', `'${address}' is a filter, but ${kind} addresses have an exact name`);
    return { kind, name, wild };
  }

  #check(address: string, name: string, ruled: AddressKind, prefix: AddressKind | null, hint: KindHint): void {
    if (prefix === null ? fits(ruled, hint) : prefix === ruled) return;
    if (isReserved(name)) throw reserved(name);
    const asked = prefix === null ? `capability '${String(hint)}'` : `prefix '${prefix}'`;
    const by = this.rules.find(name)?.match;
    const says = by === undefined ? 'it is temporary and' : `rule '${by}' says`;
    throw new AddressError('FL_ADDRESS_KIND', `'${address}': ${says} ${ruled}, which ${asked} contradicts`);
  }

  ruledKind(name: string): AddressKind | undefined {
    if (isReserved(name)) return 'queue';
    const temporary = TEMPORARY.exec(name);
    if (temporary !== null) return KIND_OF[temporary[1] as keyof typeof KIND_OF];
    return this.rules.find(name)?.kind;
  }

  /** The policy of a name, or of a filter as a whole; null when the rules say another kind. */
  policy(kind: AddressKind, name: string): AddressPolicy | null {
    if (isReserved(name)) return kind === 'queue' ? this.#ofReserved(name) : null;
    const ruled = this.ruledKind(name);
    if (ruled === undefined || isTemporary(name)) return defaultPolicy(kind);
    return ruled === kind ? (this.rules.find(name) as AddressPolicy) : null;
  }

  /** A subscription is kept by the rule of what it holds. */
  #ofReserved(queue: string): AddressPolicy {
    const filter = this.filterOf(queue);
    return subscriptionPolicy(filter === null ? null : this.policy('topic', filter));
  }
}
