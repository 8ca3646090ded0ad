import type { MeshNode } from '../mesh/contract';

export interface NodeRow {
  readonly node: string;
  readonly site: string;
  readonly reachable: boolean;
  /** Sum of link costs of the cheapest path; null while unreachable. */
  readonly cost: number | null;
}

/** Every node of the mesh that is known, by name. */
export function nodeRows(node: Pick<MeshNode, 'nodes'>): NodeRow[] {
  return [...node.nodes()]
    .map(({ name, site, reachable, cost }) => ({ node: name, site, reachable, cost: reachable ? cost : null }))
    .sort((a, b) => (a.node < b.node ? -1 : 1));
}
