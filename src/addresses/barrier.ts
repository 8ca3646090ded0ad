import type { Clock } from '../common/ports';
import { WireWriter, type WireReader } from '../common/wire';
import type { NodeId } from '../links/contract';
import { SPACE, type Replicas, type Routes, type Space } from '../routing/contract';
import type { Streams } from '../streams/contract';
import { CONTROL } from './control';
import { BARRIER_DELAY_MS, BARRIER_MS_MAX } from './limits';

/** Nodes that count though they are not within reach: right after a start those of the last run. */
export interface Awaited {
  /** Their names; none once they are waited for no longer. */
  readonly missing: readonly string[];
  /** Until when they are waited for; Infinity when they no longer are. */
  deadline(): number;
}

/** A subscription that waits to be known everywhere. */
interface Waiter {
  readonly version: number;
  readonly deadline: number;
  readonly done: (unconfirmed: readonly string[]) => void;
}

/** What is to be known everywhere: a map of this node, and the kind of message that acknowledges a version of it. */
export interface Told {
  readonly space: Space;
  readonly acknowledged: number;
}

/** What consumers want. */
export const INTEREST: Told = { space: SPACE.interest, acknowledged: CONTROL.interestApplied };
/** What subscriptions there are. Others keep it over this node's lives, so that a version is one of a life. */
export const FACTS: Told = { space: SPACE.facts, acknowledged: CONTROL.factsApplied };

/**
 * The subscription barrier: a consumer is confirmed once every reachable node has acknowledged the version of this node's interest
 * that holds what it wants, or after a bound. Right after a start the nodes of the last run count as if they were within reach.
 * Acknowledgements are cumulative and collected for a few milliseconds.
 */
export class Barrier {
  /** By version, so that whoever is confirmed stands first. */
  #waiters: Waiter[] = [];
  #expiresAt = Infinity;
  /** What each node has acknowledged of this node's interest. */
  readonly #acked = new Map<NodeId, number>();
  /** The version that every reachable node has; null when that has to be looked up again. */
  #confirmed: number | null = null;
  /** Origins whose interest this node has applied and not acknowledged. */
  readonly #due = new Set<NodeId>();
  #ackAt = Infinity;

  constructor(
    private readonly clock: Clock,
    private readonly routes: Routes,
    private readonly replicas: Replicas,
    private readonly streams: Streams,
    private readonly awaited: Awaited,
    private readonly scheduleFlush: () => void,
    private readonly told: Told = INTEREST,
  ) {}

  /** Calls `done` once a version of this node's interest is known everywhere; at once if it is already. */
  wait(version: number, done: (unconfirmed: readonly string[]) => void): void {
    if (version <= this.#known()) {
      done([]);
      return;
    }
    // Links after a start may take as long as publishers there are held: a confirmation before that would be none.
    const held = this.awaited.missing.length > 0 ? this.awaited.deadline() : 0;
    const deadline = Math.max(this.clock.now(), held) + BARRIER_MS_MAX;
    this.#expiresAt = Math.min(this.#expiresAt, deadline);
    const waiters = this.#waiters;
    let at = waiters.length;
    while (at > 0 && (waiters[at - 1] as Waiter).version > version) at--;
    waiters.splice(at, 0, { version, deadline, done });
    this.scheduleFlush();
  }

  #known(): number {
    if (this.#confirmed !== null) return this.#confirmed;
    let least = this.awaited.missing.length > 0 ? -1 : Infinity;
    for (const node of this.#reachable()) least = Math.min(least, this.#acked.get(node.id) ?? 0);
    return (this.#confirmed = least);
  }

  *#reachable(): IterableIterator<{ readonly id: NodeId; readonly name: string }> {
    for (const node of this.routes.nodes()) if (node.id !== this.routes.self.id && node.reachable) yield node;
  }

  #missing(version: number): string[] {
    const names = [...this.awaited.missing];
    for (const node of this.#reachable()) if ((this.#acked.get(node.id) ?? 0) < version) names.push(node.name);
    return names;
  }

  /** What another node tells was applied here. */
  applied(origin: NodeId): void {
    this.#due.add(origin);
    if (this.#ackAt !== Infinity) return;
    this.#ackAt = this.clock.now() + BARRIER_DELAY_MS;
    this.scheduleFlush();
  }

  /** @throws WireError */
  onAck(from: NodeId, reader: WireReader): void {
    const version = reader.u48();
    if (this.told === FACTS && reader.u53() !== this.routes.self.incarnation) return;
    if (version <= (this.#acked.get(from) ?? 0)) return;
    this.#acked.set(from, version);
    this.review();
  }

  /** A node begins a new life: what the former one acknowledged is void. */
  forget(node: NodeId): void {
    this.#acked.delete(node);
    this.#confirmed = null;
  }

  /** This node begins a new life: versions start afresh. */
  restart(): void {
    this.#acked.clear();
    this.#confirmed = null;
    const version = this.replicas.pendingVersion(this.told.space);
    this.#waiters = this.#waiters.map((waiter) => ({ ...waiter, version }));
  }

  /** Which nodes count, or what they know, has changed: confirms those for whom nothing is missing any more. */
  review(): void {
    this.#confirmed = null;
    if (this.#waiters.length === 0) return;
    const known = this.#known();
    let done = 0;
    while (done < this.#waiters.length && (this.#waiters[done] as Waiter).version <= known) done++;
    for (const waiter of this.#waiters.splice(0, done)) waiter.done([]);
  }

  tick(now: number): void {
    if (now >= this.#ackAt) this.#acknowledge();
    if (now >= this.#expiresAt) this.#expire(now);
  }

  #acknowledge(): void {
    this.#ackAt = Infinity;
    for (const origin of this.#due) {
      if (this.routes.view(origin)?.reachable !== true) continue;
      this.#due.delete(origin);
      const { space, acknowledged } = this.told;
      const version = this.replicas.version(space, origin);
      // Nobody waits for a node that never wanted anything; in a large mesh these would be most of what is sent when it starts.
      if (version === 0) continue;
      const writer = new WireWriter(14).u48(version);
      if (this.told === FACTS) writer.u53(this.replicas.stamp(space, origin)?.incarnation ?? 0);
      this.streams.sendControl(origin, acknowledged, writer.take());
    }
  }

  #expire(now: number): void {
    const waiters = this.#waiters;
    this.#waiters = waiters.filter(({ deadline }) => deadline > now);
    this.#expiresAt = this.#waiters.reduce((next, { deadline }) => Math.min(next, deadline), Infinity);
    for (const { deadline, version, done } of waiters) if (deadline <= now) done(this.#missing(version));
  }

  deadline(): number {
    return Math.min(this.#ackAt, this.#expiresAt);
  }
}
