import { nodeIdOf, type NodeId } from '../links/contract';
import type { NodeView } from '../routing/contract';
import { KNOWN_NODES_MAX } from './limits';
import type { AddressMemory } from './ports';

/**
 * A restarted ingress must not accept into nothing: publishers wait until the nodes known from the last run are reachable, or a
 * bounded time. Also keeps the list of nodes that the next start waits for.
 */
export class StartHold {
  readonly #missing = new Set<NodeId>();
  /** Who was within reach last stands last. */
  readonly #known = new Map<NodeId, string>();
  #changed = false;
  #deadline: number;

  constructor(
    knownNodes: readonly string[],
    self: NodeId,
    now: number,
    holdMs: number,
    private readonly memory: AddressMemory,
    private readonly ended: () => void,
    private readonly scheduleFlush: () => void,
  ) {
    for (const name of knownNodes) {
      const id = nodeIdOf(name);
      if (id === self) continue;
      this.#known.set(id, name);
      this.#missing.add(id);
    }
    this.#deadline = this.#missing.size === 0 ? -Infinity : now + holdMs;
  }

  get over(): boolean {
    return this.#deadline === -Infinity;
  }

  /** Names of the nodes that are waited for. */
  get missing(): string[] {
    return this.over ? [] : [...this.#missing].map((id) => this.#known.get(id) as string);
  }

  /** A node is within reach, which means that what it wants is known here too. */
  reachable(view: NodeView): void {
    if (!this.#known.delete(view.id)) {
      this.#makeRoom();
      this.#changed = true;
      this.scheduleFlush();
    }
    this.#known.set(view.id, view.name);
    this.#missing.delete(view.id);
    if (this.#missing.size === 0) this.#end();
  }

  /** Names that nobody bears any more would add up: who was not within reach for longest is waited for no longer. */
  #makeRoom(): void {
    if (this.#known.size < KNOWN_NODES_MAX) return;
    const [oldest] = this.#known.keys();
    if (oldest === undefined) return;
    this.#known.delete(oldest);
    this.#missing.delete(oldest);
  }

  tick(now: number): void {
    if (now >= this.#deadline) this.#end();
  }

  #end(): void {
    if (this.over) return;
    this.#deadline = -Infinity;
    this.ended();
    this.scheduleFlush();
  }

  deadline(): number {
    return this.over ? Infinity : this.#deadline;
  }

  flush(): void {
    if (!this.#changed) return;
    this.#changed = false;
    this.memory.saveKnownNodes([...this.#known.values()].sort());
  }
}
