import type { Adjacency } from '../links/adjacency';
import type { NodeId } from '../links/contract';
import { SPACE, type Replicas } from './contract';
import { DAMP_MS_MAX, DAMP_MS_MIN, DAMP_QUIET_MS } from './limits';
import type { Topology } from './topology';
import { writeEdgeRecord } from './topology-records';

/** A link that has failed lately. */
interface Damping {
  pauseMs: number;
  lostAt: number;
}

/**
 * Advertises this node's end of each link while it is up. A link that fails again and again is advertised only once it was up for
 * a while, longer each time, so that one bad cable does not keep the whole mesh computing.
 */
export class EdgeAdvertiser {
  #instances = 0;
  /** Advertised edges, by key. */
  readonly #advertised = new Map<string, number>();
  /** Links that are up and not advertised yet. */
  readonly #waiting = new Map<Adjacency, number>();
  readonly #damping = new Map<string, Damping>();

  constructor(
    private readonly self: NodeId,
    private readonly replicas: Replicas,
    private readonly topology: Topology,
  ) {}

  up(adjacency: Adjacency, now: number): void {
    const damping = this.#damping.get(adjacency.key);
    if (damping === undefined || now - damping.lostAt >= DAMP_QUIET_MS) this.#advertise(adjacency);
    else this.#waiting.set(adjacency, now + damping.pauseMs);
  }

  /** The link is not to be used any more; `failed` tells that nobody wanted that. */
  down(adjacency: Adjacency, now: number, failed: boolean): void {
    this.#waiting.delete(adjacency);
    const { key } = adjacency;
    if (this.#advertised.delete(key)) {
      this.replicas.delete(SPACE.topology, key);
      this.topology.change(this.self, [[key, null]]);
    }
    if (failed) this.#damp(adjacency.key, now);
  }

  #damp(key: string, now: number): void {
    const former = this.#damping.get(key);
    const again = former !== undefined && now - former.lostAt < DAMP_QUIET_MS;
    this.#damping.set(key, { pauseMs: again ? Math.min(former.pauseMs * 2, DAMP_MS_MAX) : DAMP_MS_MIN, lostAt: now });
  }

  costChanged(adjacency: Adjacency): void {
    const instance = this.#advertised.get(adjacency.key);
    if (instance !== undefined) this.#put(adjacency, instance);
  }

  #advertise(adjacency: Adjacency): void {
    const instance = ++this.#instances;
    this.#advertised.set(adjacency.key, instance);
    this.#put(adjacency, instance);
  }

  #put(adjacency: Adjacency, instance: number): void {
    const { key } = adjacency;
    const record = writeEdgeRecord(adjacency.cost, instance);
    this.replicas.set(SPACE.topology, key, record);
    this.topology.change(this.self, [[key, record]]);
  }

  tick(now: number): number {
    for (const [adjacency, at] of this.#waiting) {
      if (now < at) continue;
      this.#waiting.delete(adjacency);
      this.#advertise(adjacency);
    }
    for (const [key, { lostAt }] of this.#damping) if (now - lostAt >= DAMP_QUIET_MS) this.#damping.delete(key);
    return this.deadline();
  }

  deadline(): number {
    let next = Infinity;
    for (const at of this.#waiting.values()) next = Math.min(next, at);
    return next;
  }
}
