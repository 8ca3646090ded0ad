import { invariant } from '../common/errors';
import type { NodeId, NodeIdentity } from '../links/contract';
import { nodeIdOf } from '../links/contract';
import { SPACE, type MapStamp, type OriginFacts, type ReplicaEvents, type Replicas, type Space } from './contract';
import { KEY_BYTES_MAX, VALUE_BYTES_MAX } from './limits';
import { PendingChanges, Replica } from './replica';
import type { Change, ReplicaStamp, StateHead } from './state-frames';

const SPACES: readonly Space[] = [SPACE.topology, SPACE.interest, SPACE.facts];
const NO_ENTRIES: ReadonlyMap<string, Buffer> = new Map();
const NO_CHANGES: readonly Change[] = [];

/** What the table tells the layer that owns it, besides the changes themselves. */
export interface ReplicaTableEvents extends ReplicaEvents {
  /** An origin is known for the first time or lives anew; its maps of the former life are already empty. */
  onLife(origin: Origin): void;
  /** The origin and everything of it is forgotten. */
  onForgotten(origin: NodeId): void;
  /** Somebody floods under this node's own name, above its incarnation. */
  onOwnName(incarnation: number, born: number): void;
  /** Two names have one hash; the second one is ignored. */
  onCollision(known: string, other: string): void;
}

/** What is known of one node by its replicas. */
export class Origin {
  incarnation = 0;
  born = 0;
  /** Unreachable for so long that it is no longer told to others (its facts excepted). */
  faded = false;
  readonly replicas: readonly [Replica, Replica, Replica];

  constructor(
    readonly id: NodeId,
    readonly name: string,
    public site: string,
  ) {
    this.replicas = [new Replica(0, id), new Replica(1, id), new Replica(2, id)];
  }
}

/** What a received state frame is to this table. */
export type Verdict = 'known' | 'refused' | 'own' | 'gap' | 'next';

/** All replicas of all origins, this node's own included. */
export class ReplicaTable implements Replicas {
  readonly own: Origin;
  /** Exclusive or of the hashes of all maps that are told to others: equal tables have equal summaries. */
  summary = 0;
  readonly #origins = new Map<NodeId, Origin>();
  readonly #pending = [new PendingChanges(), new PendingChanges(), new PendingChanges()] as const;
  readonly #refused = new Set<NodeId>();

  constructor(
    identity: NodeIdentity,
    private readonly events: ReplicaTableEvents,
    private readonly scheduleFlush: () => void,
  ) {
    this.own = new Origin(identity.id, identity.name, identity.site);
    this.#origins.set(identity.id, this.own);
    this.#begin(identity.incarnation);
    this.own.born = identity.incarnation;
  }

  // --- this node's own maps ------------------------------------------------------------------------------------------------

  set(space: Space, key: string, value: Buffer): void {
    invariant(Buffer.byteLength(key) <= KEY_BYTES_MAX && value.length <= VALUE_BYTES_MAX, `entry too big: '${key}'`);
    const { entries } = this.own.replicas[space];
    if (entries.get(key)?.equals(value) === true) return;
    entries.set(key, value);
    this.#pending[space].add(key, value);
    this.scheduleFlush();
  }

  delete(space: Space, key: string): void {
    if (!this.own.replicas[space].entries.delete(key)) return;
    this.#pending[space].add(key, null);
    this.scheduleFlush();
  }

  pendingVersion(space: Space): number {
    return this.own.replicas[space].version + this.#pending[space].versions;
  }

  /** Turns the changes made since the last call into frames for all links. A large first map leaves whole, as a snapshot. */
  takePending(): readonly Buffer[] {
    if (this.#pending.every(nothingPending)) return NO_FRAMES;
    const frames: Buffer[] = [];
    for (const space of SPACES) {
      const replica = this.own.replicas[space];
      const versions = this.#pending[space].take();
      if (replica.version === 0 && versions.length > 1) {
        this.#change(this.own, replica, () => replica.replace(replica.incarnation, versions.length, replica.entries));
        frames.push(...replica.snapshot(this.own));
        continue;
      }
      for (const changes of versions) {
        const frame = replica.delta(this.own, replica.version + 1, changes);
        this.#change(this.own, replica, () => replica.advance(NO_CHANGES, frame));
        frames.push(frame);
      }
    }
    return frames;
  }

  /** Begins a new life under the same name: all own maps are flooded afresh. @returns the frames for all links */
  advance(incarnation: number): Buffer[] {
    const told = SPACES.filter((space) => this.pendingVersion(space) > 0);
    this.#begin(incarnation);
    const frames: Buffer[] = [];
    for (const space of told) {
      this.#pending[space].take();
      const replica = this.own.replicas[space];
      this.#change(this.own, replica, () => replica.replace(incarnation, 1, replica.entries));
      frames.push(...replica.snapshot(this.own));
    }
    return frames;
  }

  #begin(incarnation: number): void {
    this.own.incarnation = incarnation;
    for (const replica of this.own.replicas)
      this.#change(this.own, replica, () => replica.replace(incarnation, 0, replica.entries));
  }

  // --- reading -------------------------------------------------------------------------------------------------------------

  version(space: Space, origin: NodeId): number {
    return this.#origins.get(origin)?.replicas[space].version ?? 0;
  }

  stamp(space: Space, id: NodeId): MapStamp | null {
    const origin = this.#origins.get(id);
    return origin === undefined ? null : origin.replicas[space].stamp(origin);
  }

  entries(space: Space, origin: NodeId): ReadonlyMap<string, Buffer> {
    return this.#origins.get(origin)?.replicas[space].entries ?? NO_ENTRIES;
  }

  *origins(space: Space): IterableIterator<NodeId> {
    for (const [id, origin] of this.#origins) if (origin.replicas[space].entries.size > 0) yield id;
  }

  origin(id: NodeId): Origin | undefined {
    return this.#origins.get(id);
  }

  all(): IterableIterator<Origin> {
    return this.#origins.values();
  }

  /** Stamps of everything that others are to have. */
  *stamps(): IterableIterator<ReplicaStamp> {
    for (const origin of this.#origins.values()) {
      for (const { space, incarnation, version } of origin.replicas) {
        if (version === 0 || (origin.faded && space !== SPACE.facts)) continue;
        yield { space, origin: origin.id, incarnation, version };
      }
    }
  }

  /** True when this table is as new as the stamp or newer, or will never take what it stands for. */
  isAtLeast(stamp: ReplicaStamp): boolean {
    if (this.#refused.has(stamp.origin)) return true;
    const origin = this.#origins.get(stamp.origin);
    if (origin === undefined) return false;
    if (stamp.space !== SPACE.facts && origin.incarnation > stamp.incarnation) return true;
    return origin.replicas[stamp.space].isAtLeast(stamp.incarnation, stamp.version);
  }

  // --- what others flood ---------------------------------------------------------------------------------------------------

  /** Says what a state frame is by its head alone; tells of name conflicts on the way. */
  judge(head: StateHead): Verdict {
    if (head.origin === this.own.id) return this.#judgeOwn(head);
    const origin = this.#origins.get(head.origin);
    if (origin !== undefined && origin.name !== head.name) return this.#refuse(origin.name, head);
    if (origin === undefined) return head.snapshot || head.version === 1 ? 'next' : 'gap';
    if (head.space !== SPACE.facts && head.incarnation < origin.incarnation) {
      // It is back below its former life: it learns of that one only if others are told of it again.
      this.fade(origin, false);
      return 'known';
    }
    const replica = origin.replicas[head.space];
    if (replica.isAtLeast(head.incarnation, head.version)) return 'known';
    if (head.snapshot) return 'next';
    const base = head.incarnation > replica.incarnation ? 0 : replica.version;
    if (head.version === base + 1) return 'next';
    return 'gap';
  }

  #judgeOwn(head: StateHead): Verdict {
    const { name, replicas, incarnation } = this.own;
    if (head.name !== name) return this.#refuse(name, head);
    if (head.incarnation < incarnation) return 'known';
    if (head.incarnation === incarnation && head.version <= replicas[head.space].version) return 'known';
    return 'own';
  }

  /** A frame that {@link judge} called `own` reads well. */
  claimOwnName(head: StateHead): void {
    this.events.onOwnName(head.incarnation, head.born);
  }

  #refuse(known: string, head: StateHead): Verdict {
    if (!this.#refused.has(head.origin)) this.events.onCollision(known, head.name);
    this.#refused.add(head.origin);
    return 'refused';
  }

  /** Applies a delta that {@link judge} called `next`. */
  applyDelta(head: StateHead, changes: readonly Change[], frame: Buffer): void {
    const origin = this.#originOf(head);
    const replica = origin.replicas[head.space];
    const fresh = head.incarnation > replica.incarnation || replica.version === 0;
    this.#change(origin, replica, () => {
      if (fresh) replica.replace(head.incarnation, 0, new Map());
      replica.advance(changes, frame);
    });
    this.events.onReplica(head.space, head.origin, head.version, fresh, changes);
  }

  /** Replaces a map by a snapshot that {@link judge} called `next`. */
  applySnapshot(head: StateHead, entries: Map<string, Buffer>): void {
    const origin = this.#originOf(head);
    const replica = origin.replicas[head.space];
    this.#change(origin, replica, () => replica.replace(head.incarnation, head.version, entries));
    this.events.onReplica(head.space, head.origin, head.version, true, NO_CHANGES);
  }

  #originOf(head: StateHead): Origin {
    let origin = this.#origins.get(head.origin);
    if (origin === undefined) {
      origin = new Origin(head.origin, head.name, head.site);
      this.#origins.set(head.origin, origin);
    }
    if (head.incarnation > origin.incarnation) this.#live(origin, head);
    return origin;
  }

  /** Topology and interest belong to a life; facts outlive it until the new life has told its own. */
  #live(origin: Origin, head: MapStamp): void {
    origin.incarnation = head.incarnation;
    origin.born = head.born;
    origin.site = head.site;
    const emptied: Space[] = [];
    for (const space of [SPACE.topology, SPACE.interest]) {
      const replica = origin.replicas[space];
      if (replica.version > 0) emptied.push(space);
      this.#change(origin, replica, () => replica.replace(head.incarnation, 0, new Map()));
    }
    this.events.onLife(origin);
    for (const space of emptied) this.events.onReplica(space, origin.id, 0, true, NO_CHANGES);
  }

  // --- what outlives a node ------------------------------------------------------------------------------------------------

  /**
   * Facts of the last run, until their origin tells newer ones. With their stamp they are what the origin said then, and are
   * told to those who have less; without it they stay here.
   */
  restoreFacts(origins: Iterable<OriginFacts>): void {
    for (const { origin: name, stamp, entries } of origins) {
      if (name === this.own.name) for (const [key, value] of entries) this.set(SPACE.facts, key, value);
      else this.#restore(name, stamp, new Map(entries));
    }
  }

  #restore(name: string, stamp: MapStamp | null, entries: Map<string, Buffer>): void {
    const id = nodeIdOf(name);
    if (this.#origins.has(id)) return; // another name with the same hash
    const origin = new Origin(id, name, '');
    this.#origins.set(id, origin);
    if (stamp === null) this.events.onLife(origin);
    else this.#live(origin, stamp);
    const facts = origin.replicas[SPACE.facts];
    this.#change(origin, facts, () => facts.replace(stamp?.incarnation ?? 0, stamp?.version ?? 0, entries));
  }

  /** Begins or ends to keep an origin to itself. */
  fade(origin: Origin, faded: boolean): void {
    if (origin.faded === faded) return;
    for (const space of [SPACE.topology, SPACE.interest]) this.summary ^= origin.replicas[space].hash;
    this.summary >>>= 0;
    origin.faded = faded;
  }

  /** Forgets an origin's topology and interest, and the origin itself when it has no facts. */
  purge(origin: Origin): void {
    invariant(origin !== this.own, 'a node does not forget itself');
    const facts = origin.replicas[SPACE.facts];
    // No life is held against the origin that no replica here could tell it of.
    origin.incarnation = facts.incarnation;
    for (const space of [SPACE.topology, SPACE.interest]) {
      const replica = origin.replicas[space];
      const former = replica.version;
      this.#change(origin, replica, () => replica.replace(facts.incarnation, 0, new Map()));
      if (former > 0) this.events.onReplica(space, origin.id, 0, true, NO_CHANGES);
    }
    if (facts.entries.size > 0) return;
    this.#change(origin, facts, () => facts.replace(0, 0, new Map()));
    this.#origins.delete(origin.id);
    this.#refused.delete(origin.id);
    this.events.onForgotten(origin.id);
  }

  #change(origin: Origin, replica: Replica, apply: () => void): void {
    const counted = !origin.faded || replica.space === SPACE.facts;
    const before = replica.hash;
    apply();
    if (counted) this.summary = (this.summary ^ before ^ replica.hash) >>> 0;
  }
}

const NO_FRAMES: readonly Buffer[] = [];

function nothingPending({ versions }: PendingChanges): boolean {
  return versions === 0;
}
