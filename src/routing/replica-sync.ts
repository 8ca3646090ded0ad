import type { Clock } from '../common/ports';
import { WireError, WireReader } from '../common/wire';
import type { SyncPort } from '../links/sync-port';
import { SPACE } from './contract';
import {
  DIGEST_ENTRIES_MAX,
  DIGEST_TOTAL_MAX,
  HEAL_MS,
  HEAL_MS_MAX,
  REQUEST_AGAIN_MS,
  SNAPSHOT_PARTS_MAX,
} from './limits';
import type { ReplicaTable } from './replica-table';
import {
  readChanges,
  readDigest,
  readStateHead,
  readStateRequest,
  writeDigest,
  writeStateRequest,
  type Change,
  type ReplicaStamp,
  type StateHead,
} from './state-frames';
import { checkTopologyChanges } from './topology-records';

/** Frames to neighbours. */
export interface NeighbourPort {
  send(link: number, frame: Buffer): void;
  /** To every link that is synchronising, up or draining, but the one it came from. */
  flood(frames: readonly Buffer[], except: number): void;
}

/** The parts of a snapshot that have come so far; they follow each other on a link. */
interface OpenSnapshot {
  readonly head: StateHead;
  readonly entries: Map<string, Buffer>;
  readonly frames: Buffer[];
}

/** The exchange with one neighbour over one link. */
class LinkSync {
  digestsSent = 0;
  /** Parts of the digest that is coming in. */
  incoming: ReplicaStamp[] = [];
  /** Number of the neighbour's first digest, once it is whole; and what of it we do not have yet. */
  theirs = 0;
  missing: ReplicaStamp[] = [];
  remindAt = Infinity;
  snapshot: OpenSnapshot | null = null;
  unequalSince = Infinity;
  healMs = HEAL_MS;
}

/** Counters for metrics and tests. */
export class SyncCounters {
  floodedFrames = 0;
  knownFrames = 0;
  gaps = 0;
  digests = 0;
  heals = 0;
}

/**
 * Keeps the replicas of neighbours equal: floods what is new, asks for what was missed, compares digests when a link begins and
 * whenever two neighbours stay unequal.
 */
export class ReplicaSync implements SyncPort {
  readonly counters = new SyncCounters();
  readonly #links = new Map<number, LinkSync>();
  /** When a missing version was last asked for, by space and origin. */
  readonly #asked = new Map<string, number>();

  constructor(
    private readonly table: ReplicaTable,
    private readonly neighbours: NeighbourPort,
    private readonly clock: Clock,
  ) {}

  // --- what an adjacency asks ----------------------------------------------------------------------------------------------

  start(link: number): number {
    this.#links.set(link, new LinkSync());
    return this.#sendDigest(link);
  }

  covered(link: number): number {
    const sync = this.#links.get(link);
    if (sync === undefined || sync.theirs === 0) return 0;
    sync.missing = sync.missing.filter((stamp) => !this.table.isAtLeast(stamp));
    if (sync.missing.length === 0) return sync.theirs;
    const now = this.clock.now();
    if (now >= sync.remindAt) {
      sync.remindAt = now + REQUEST_AGAIN_MS;
      this.#request(link, sync.missing);
    }
    return 0;
  }

  stop(link: number): void {
    this.#links.delete(link);
  }

  summary(): number {
    return this.table.summary;
  }

  // --- frames --------------------------------------------------------------------------------------------------------------

  /** @throws WireError */
  onDigest(link: number, reader: WireReader): void {
    const part = readDigest(reader);
    const sync = this.#links.get(link);
    if (sync === undefined) return;
    if (sync.incoming.length + part.stamps.length > DIGEST_TOTAL_MAX) throw new WireError('digest without an end');
    sync.incoming.push(...part.stamps);
    if (!part.last) return;
    const theirs = sync.incoming;
    sync.incoming = [];
    this.#answer(link, theirs);
    const missing = theirs.filter((stamp) => !this.table.isAtLeast(stamp));
    if (part.number > 1) {
      this.#request(link, missing);
      return;
    }
    sync.theirs = part.number;
    sync.missing = missing;
    sync.remindAt = this.clock.now() + REQUEST_AGAIN_MS;
  }

  /** @throws WireError */
  onRequest(link: number, reader: WireReader): void {
    for (const stamp of readStateRequest(reader)) this.#bring(link, stamp);
  }

  /** A state frame; the bytes are copied if they are news. @throws WireError */
  onState(link: number, bytes: Buffer, start: number, end: number): void {
    const reader = new WireReader(bytes, start, end);
    const head = readStateHead(reader);
    const verdict = this.table.judge(head);
    if (verdict === 'known') this.counters.knownFrames++;
    if (verdict === 'gap') this.#ask(link, head);
    if (verdict !== 'next' && verdict !== 'own') return;
    const changes = readChanges(reader, head.snapshot);
    if (head.space === SPACE.topology) checkTopologyChanges(changes);
    if (verdict === 'own') {
      this.table.claimOwnName(head);
      return;
    }
    const frame = Buffer.from(bytes.subarray(start, end));
    if (head.snapshot) this.#onPart(link, head, changes, frame);
    else {
      this.table.applyDelta(head, changes, frame);
      this.#flood([frame], link);
    }
  }

  #onPart(link: number, head: StateHead, changes: readonly Change[], frame: Buffer): void {
    const sync = this.#links.get(link);
    if (sync === undefined) return;
    if (head.part === 0) sync.snapshot = { head, entries: new Map(), frames: [] };
    const open = sync.snapshot;
    if (open === null || !continues(open, head)) {
      sync.snapshot = null;
      return;
    }
    if (open.frames.length >= SNAPSHOT_PARTS_MAX) throw new WireError('snapshot without an end');
    for (const [key, value] of changes) if (value !== null) open.entries.set(key, value);
    open.frames.push(frame);
    if (!head.last) return;
    sync.snapshot = null;
    this.table.applySnapshot(head, open.entries);
    this.#flood(open.frames, link);
  }

  #flood(frames: readonly Buffer[], except: number): void {
    this.counters.floodedFrames += frames.length;
    this.neighbours.flood(frames, except);
  }

  // --- own changes ---------------------------------------------------------------------------------------------------------

  /** Floods what this node changed in its own maps. */
  flush(): void {
    const frames = this.table.takePending();
    if (frames.length > 0) this.#flood(frames, -1);
  }

  /** Begins a new life of this node. */
  advance(incarnation: number): void {
    this.#flood(this.table.advance(incarnation), -1);
  }

  // --- healing -------------------------------------------------------------------------------------------------------------

  /** A hello told whether the neighbour's summary equals ours; digests follow when it does not for long. */
  compared(link: number, equal: boolean): void {
    const sync = this.#links.get(link);
    if (sync === undefined) return;
    const now = this.clock.now();
    if (equal) {
      sync.unequalSince = Infinity;
      sync.healMs = HEAL_MS;
    } else if (sync.unequalSince === Infinity) sync.unequalSince = now;
    else if (now - sync.unequalSince >= sync.healMs) {
      sync.unequalSince = now;
      sync.healMs = Math.min(sync.healMs * 2, HEAL_MS_MAX);
      this.counters.heals++;
      this.#sendDigest(link);
    }
  }

  #sendDigest(link: number): number {
    const sync = this.#links.get(link) as LinkSync;
    const number = ++sync.digestsSent;
    this.counters.digests++;
    for (const frame of writeDigest(number, [...this.table.stamps()])) this.neighbours.send(link, frame);
    return number;
  }

  /** Sends what a digest shows to be missing there. */
  #answer(link: number, theirs: readonly ReplicaStamp[]): void {
    const held = new Map<string, ReplicaStamp>();
    for (const stamp of theirs) held.set(stampKey(stamp), stamp);
    for (const mine of this.table.stamps()) {
      const stamp = held.get(stampKey(mine)) ?? { ...mine, incarnation: 0, version: 0 };
      this.#bring(link, stamp);
    }
  }

  /** Sends what leads from the stamp to what we have, if that is newer. */
  #bring(link: number, stamp: ReplicaStamp): void {
    const origin = this.table.origin(stamp.origin);
    const replica = origin?.replicas[stamp.space];
    if (origin === undefined || replica === undefined || replica.version === 0) return;
    const { incarnation, version } = replica;
    if (incarnation < stamp.incarnation || (incarnation === stamp.incarnation && version <= stamp.version)) return;
    for (const frame of replica.framesSince(origin, stamp.incarnation, stamp.version))
      this.neighbours.send(link, frame);
  }

  #ask(link: number, head: StateHead): void {
    const key = stampKey(head);
    const now = this.clock.now();
    if (now - (this.#asked.get(key) ?? -Infinity) < REQUEST_AGAIN_MS) return;
    if (this.#asked.size > 10_000) this.#asked.clear();
    this.#asked.set(key, now);
    this.counters.gaps++;
    const replica = this.table.origin(head.origin)?.replicas[head.space];
    const { space, origin } = head;
    const held = { space, origin, incarnation: replica?.incarnation ?? 0, version: replica?.version ?? 0 };
    this.#request(link, [held]);
  }

  #request(link: number, wanted: readonly ReplicaStamp[]): void {
    for (let from = 0; from < wanted.length; from += DIGEST_ENTRIES_MAX) {
      const held = wanted.slice(from, from + DIGEST_ENTRIES_MAX).map(({ space, origin }) => {
        const replica = this.table.origin(origin)?.replicas[space];
        return { space, origin, incarnation: replica?.incarnation ?? 0, version: replica?.version ?? 0 };
      });
      this.neighbours.send(link, writeStateRequest(held));
    }
  }
}

function stampKey(stamp: { readonly space: number; readonly origin: number }): string {
  return `${stamp.space}/${stamp.origin}`;
}

function continues(open: OpenSnapshot, head: StateHead): boolean {
  const { space, origin, incarnation, version } = open.head;
  const same = head.space === space && head.origin === origin && head.incarnation === incarnation;
  return same && head.version === version && head.part === open.frames.length;
}
