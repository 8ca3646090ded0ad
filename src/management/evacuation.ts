import { FairleadError } from '../common/errors';
import type { MeshNode } from '../mesh/contract';
import type { NodeView } from '../routing/contract';

/** Queues of a node that move at once: each has a window of its own on the way. */
const AT_ONCE = 4;

/** One queue of a node that is evacuated. */
export interface EvacuationRow {
  readonly queue: string;
  /** Null while no node is known that could take it. */
  readonly to: string | null;
  readonly state: 'waiting' | 'moving' | 'moved' | 'failed';
  /** Why it stays; null while nothing is wrong. */
  readonly why: string | null;
}

/** Moves all queues of a node to others, some at once. Nothing happens but when it is looked at. */
export class Evacuation {
  readonly #rows = new Map<string, EvacuationRow>();

  constructor(
    private readonly node: MeshNode,
    /** The node that gets them; null for whichever is best for each. */
    readonly to: string | null,
  ) {}

  /** Goes on, and tells how far it is. */
  look(): readonly EvacuationRow[] {
    for (const queue of this.node.relocation.queues())
      if (!this.#rows.has(queue)) this.#rows.set(queue, { queue, to: null, state: 'waiting', why: null });
    let moving = 0;
    for (const row of this.#rows.values()) if (row.state === 'moving') moving += this.#ask(row) ? 1 : 0;
    for (const row of this.#rows.values())
      if (row.state === 'waiting' && moving < AT_ONCE)
        moving += this.#ask({ ...row, to: this.#destination(row) }) ? 1 : 0;
    return [...this.#rows.values()];
  }

  get isOver(): boolean {
    return [...this.#rows.values()].every(({ state }) => state === 'moved' || state === 'failed');
  }

  get failed(): readonly EvacuationRow[] {
    return [...this.#rows.values()].filter(({ state }) => state === 'failed');
  }

  /** @returns whether it is on its way */
  #ask({ queue, to }: EvacuationRow): boolean {
    const tell = (state: EvacuationRow['state'], why: string | null): boolean => {
      this.#rows.set(queue, { queue, to, state, why });
      return state === 'moving';
    };
    if (to === null) return tell('failed', 'no other node is within reach');
    try {
      return tell(this.node.relocation.rehome(queue, to).state === 'moved' ? 'moved' : 'moving', null);
    } catch (error) {
      if (!(error instanceof FairleadError)) throw error;
      return tell('failed', error.message);
    }
  }

  /** The nearest one, of its own site if there is any. */
  #destination(_row: EvacuationRow): string | null {
    if (this.to !== null) return this.to;
    const { site } = this.node.identity;
    let best: NodeView | null = null;
    for (const view of this.node.nodes())
      if (view.reachable && view.id !== this.node.identity.id && (best === null || isBetter(view, best, site)))
        best = view;
    return best?.name ?? null;
  }
}

function isBetter(one: NodeView, other: NodeView, site: string): boolean {
  if ((one.site === site) !== (other.site === site)) return one.site === site;
  if (one.cost !== other.cost) return one.cost < other.cost;
  return one.name < other.name;
}
