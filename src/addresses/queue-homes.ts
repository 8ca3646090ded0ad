import { nodeIdOf, type NodeId } from '../links/contract';
import { SPACE, type Replicas, type Routes } from '../routing/contract';
import { temporaryHome } from './address-names';
import { RULE_CONFLICTS_MAX } from './limits';
import { readClaim, writeClaim, type QueueClaim } from './queue-claim';
import { intakeHome, isSubscriptionQueue } from './reserved-names';
import type { AddressPolicy } from './rules';

/** Key of the durable fact by which a node tells that a queue lives there; its value is a claim. */
const PREFIX = 'queue/';

/** No node is known that could be the home. */
export const NOWHERE: NodeId = -1;

/** A node that has a queue, by its own word. */
export interface Claimed {
  readonly owner: string;
  readonly claim: QueueClaim;
}

/**
 * Where queues live. A node that has made a queue tells it as a durable fact, and that holds from then on; before that the rule says
 * where it is to be made, and without a rule it is made where it is first used. Of several nodes that claim a queue the one with the
 * greatest generation has it, then the one with the lowest name.
 */
export class QueueHomes {
  /** What was looked up before it changed is to be looked up again. */
  generation = 0;
  /** Whoever has a queue, by its name; the first one is its home, more than one is a conflict. */
  readonly #claims = new Map<string, readonly Claimed[]>();
  /** What former homes tell, the one with the greatest generation first: it counts where nobody claims the queue. */
  readonly #pointers = new Map<string, readonly Claimed[]>();

  constructor(
    private readonly selfName: string,
    private readonly routes: Routes,
    private readonly replicas: Replicas,
    /** Where a queue lives, or what is told of it, may have changed. */
    private readonly changed: (name: string) => void,
  ) {}

  /** What a node tells of a queue. */
  onFact(owner: string, key: string, value: Buffer | null): void {
    if (key.startsWith(PREFIX)) this.#set(owner, key.slice(PREFIX.length), value === null ? null : readClaim(value));
  }

  /** A queue was made here, is another now, or (null) was deleted. */
  own(name: string, claim: QueueClaim | null): void {
    if (claim === null) this.replicas.delete(SPACE.facts, PREFIX + name);
    else this.replicas.set(SPACE.facts, PREFIX + name, writeClaim(claim));
    this.#set(this.selfName, name, claim);
  }

  #set(owner: string, name: string, claim: QueueClaim | null): void {
    const isPointer = claim?.movedTo !== undefined;
    replace(this.#claims, name, owner, isPointer ? null : claim);
    replace(this.#pointers, name, owner, isPointer ? claim : null);
    this.generation++;
    this.changed(name);
  }

  /** Rules or nodes are others than before. */
  void(): void {
    this.generation++;
  }

  /** Whoever claims a queue, its home first. */
  claims(name: string): readonly Claimed[] {
    return this.#claims.get(name) ?? [];
  }

  /**
   * Two nodes have made the queue, and one of `nodes` (null: any) is not its home: what is there is still to come to the home. (Of a queue that has
   * moved the newer claim is of a greater generation.)
   */
  isMerging(name: string, nodes: readonly NodeId[] | null): boolean {
    const [home, ...others] = this.claims(name);
    return others.some(
      ({ owner, claim }) =>
        claim.generation === home?.claim.generation && (nodes === null || nodes.includes(nodeIdOf(owner))),
    );
  }

  /** What former homes tell, the newest move first. */
  pointers(name: string): readonly Claimed[] {
    return this.#pointers.get(name) ?? [];
  }

  /** What a node tells of a queue; null when it tells nothing. */
  told(owner: string, name: string): QueueClaim | null {
    const by = (one: Claimed): boolean => one.owner === owner;
    return (this.claims(name).find(by) ?? this.pointers(name).find(by))?.claim ?? null;
  }

  /** A generation above all that are told of a queue. */
  nextGeneration(name: string): number {
    const told = [...this.claims(name), ...this.pointers(name)];
    return told.reduce((next, { claim }) => Math.max(next, claim.generation + 1), 0);
  }

  /** The node where a queue lives, or is to be made. */
  homeOf(name: string, policy: AddressPolicy): NodeId {
    const home =
      this.#claims.get(name)?.[0]?.owner ?? this.#pointers.get(name)?.[0]?.claim.movedTo ?? temporaryHome(name);
    if (home !== undefined) return nodeIdOf(home);
    if (isSubscriptionQueue(name)) return NOWHERE;
    return intakeHome(name) ?? (policy.home === '' ? this.routes.self.id : this.#byRule(policy.home));
  }

  /** A node's name, or a site's: then the lowest-named of its nodes that live. */
  #byRule(home: string): NodeId {
    let lowest: string | null = null;
    for (const { name, site, reachable } of this.routes.nodes()) {
      if (name === home) return nodeIdOf(name);
      if (site !== home || !(reachable || name === this.selfName)) continue;
      if (lowest === null || name < lowest) lowest = name;
    }
    return lowest === null ? NOWHERE : nodeIdOf(lowest);
  }

  /** Every queue of the mesh with the node where it lives. */
  *all(): IterableIterator<readonly [name: string, node: string]> {
    for (const [name, [home]] of this.#claims) if (home !== undefined) yield [name, home.owner];
  }

  /** Queues that two nodes have, and such as live elsewhere than their rule says; the same at every node. */
  conflicts(policyOf: (name: string) => AddressPolicy | null): readonly string[] {
    const found: string[] = [];
    for (const [name, claims] of this.#claims) {
      if (found.length >= RULE_CONFLICTS_MAX) break;
      const owners = claims.map(({ owner }) => owner);
      const [home = ''] = owners;
      if (owners.length > 1) found.push(`queue '${name}' is at ${owners.sort().join(' and ')}; that of ${home} holds`);
      // One that was moved is where an operator wants it.
      const wanted = claims[0]?.claim.generation === 0 ? (policyOf(name)?.home ?? '') : '';
      if (wanted === '' || wanted === home || this.routes.view(nodeIdOf(home))?.site === wanted) continue;
      found.push(`queue '${name}' is at ${home}, but its rule says home ${wanted}; it stays where it is`);
    }
    return found.sort();
  }
}

function replace(all: Map<string, readonly Claimed[]>, name: string, owner: string, claim: QueueClaim | null): void {
  const known = all.get(name);
  if (known === undefined && claim === null) return;
  const others = (known ?? []).filter((other) => other.owner !== owner);
  if (claim !== null) others.push({ owner, claim });
  if (others.length === 0) all.delete(name);
  else all.set(name, others.sort(byPrecedence));
}

function byPrecedence(a: Claimed, b: Claimed): number {
  if (a.claim.generation !== b.claim.generation) return b.claim.generation - a.claim.generation;
  return a.owner < b.owner ? -1 : 1;
}
