import { nodeIdOf, type NodeId } from '../links/contract';
import { SPACE, type Replicas, type Routes } from '../routing/contract';
import { temporaryHome } from './address-names';
import { RULE_CONFLICTS_MAX } from './limits';
import type { AddressPolicy } from './rules';

/** Key of the durable fact by which a node tells that a queue lives there. */
const PREFIX = 'queue/';
const NOTHING = Buffer.alloc(0);

/** No node is known that could be the home. */
export const NOWHERE: NodeId = -1;

/**
 * Where queues live. A node that has made a queue tells it as a durable fact, and that holds from then on; before that the rule says
 * where it is to be made, and without a rule it is made where it is first used.
 */
export class QueueHomes {
  /** What was looked up before it changed is to be looked up again. */
  generation = 0;
  /** Names of the nodes that have a queue, by its name: more than one is a conflict. */
  readonly #claims = new Map<string, string[]>();

  constructor(
    private readonly selfName: string,
    private readonly routes: Routes,
    private readonly replicas: Replicas,
    /** Where a queue lives may have changed. */
    private readonly changed: (name: string) => void,
  ) {}

  /** What a node tells of a queue. */
  onFact(owner: string, key: string, exists: boolean): void {
    if (key.startsWith(PREFIX)) this.#claim(owner, key.slice(PREFIX.length), exists);
  }

  /** A queue was made here, or deleted. */
  own(name: string, exists: boolean): void {
    if (exists) this.replicas.set(SPACE.facts, PREFIX + name, NOTHING);
    else this.replicas.delete(SPACE.facts, PREFIX + name);
    this.#claim(this.selfName, name, exists);
  }

  #claim(owner: string, name: string, exists: boolean): void {
    const owners = this.#claims.get(name) ?? [];
    if (owners.includes(owner) === exists) return;
    const now = exists ? [...owners, owner].sort() : owners.filter((other) => other !== owner);
    if (now.length === 0) this.#claims.delete(name);
    else this.#claims.set(name, now);
    this.generation++;
    this.changed(name);
  }

  /** Rules or nodes are others than before. */
  void(): void {
    this.generation++;
  }

  /** The node where a queue lives, or is to be made. */
  homeOf(name: string, policy: AddressPolicy): NodeId {
    const [claimed] = this.#claims.get(name) ?? [];
    const home = claimed ?? temporaryHome(name);
    if (home !== undefined) return nodeIdOf(home);
    return policy.home === '' ? this.routes.self.id : this.#byRule(policy.home);
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
    for (const [name, owners] of this.#claims) yield [name, owners[0] as string];
  }

  /** Queues that two nodes have, and such as live elsewhere than their rule says; the same at every node. */
  conflicts(policyOf: (name: string) => AddressPolicy | null): readonly string[] {
    const found: string[] = [];
    for (const [name, owners] of this.#claims) {
      if (found.length >= RULE_CONFLICTS_MAX) break;
      const [home = ''] = owners;
      if (owners.length > 1) found.push(`queue '${name}' is at ${owners.join(' and ')}; that of ${home} holds`);
      const wanted = policyOf(name)?.home ?? '';
      if (wanted === '' || wanted === home || this.routes.view(nodeIdOf(home))?.site === wanted) continue;
      found.push(`queue '${name}' is at ${home}, but its rule says home ${wanted}; it stays where it is`);
    }
    return found.sort();
  }
}
