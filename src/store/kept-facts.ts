import type { Database } from 'lmdb';
import type { MapStamp, OriginFacts } from '../routing/contract';
import { encodeFact, encodeStamp, factId, stampId } from './records';

export type FactChange = readonly [key: string, value: Buffer | null];

type Records = Pick<Database<Buffer, string>, 'put' | 'remove'>;

/** Where records go; made of LMDB's databases. */
export interface FactDisk {
  readonly facts: Records;
  readonly stamps: Records;
  /** What is written meanwhile is one transaction: resolves or rejects for all of it. */
  batch(writes: () => void): Promise<unknown>;
}

/** The facts of one origin as they should be on the disk. */
class Kept {
  /** Writes begun so far. */
  writes = 0;
  stamp: MapStamp | null = null;
  /** Keys whose value on the disk may be an older one: writing it failed. */
  readonly unsure = new Set<string>();

  constructor(readonly entries: Map<string, Buffer>) {}
}

/**
 * Facts of other nodes on the way to the disk. A stamp says that all its version holds is there: what the disk did not take
 * is therefore written again with the next stamp.
 */
export class KeptFacts {
  readonly #origins = new Map<string, Kept>();

  constructor(
    private readonly disk: FactDisk,
    lastRun: Iterable<OriginFacts>,
    /** Told of each write; says by itself when it fails. */
    private readonly told: (what: string, done: Promise<unknown>) => void,
  ) {
    for (const { origin, entries } of lastRun) this.#origins.set(origin, new Kept(new Map(entries)));
  }

  /** Changes of an origin's facts and the stamp of what they lead to: one transaction. */
  save(origin: string, stamp: MapStamp, changes: readonly FactChange[]): void {
    const kept = this.#keptOf(origin);
    kept.stamp = stamp;
    for (const [key, value] of changes) {
      if (value === null) kept.entries.delete(key);
      else kept.entries.set(key, value);
    }
    this.#write(origin, kept, stamp, new Set([...kept.unsure, ...changes.map(([key]) => key)]));
  }

  #keptOf(origin: string): Kept {
    let kept = this.#origins.get(origin);
    if (kept === undefined) this.#origins.set(origin, (kept = new Kept(new Map())));
    return kept;
  }

  #write(origin: string, kept: Kept, stamp: MapStamp, keys: ReadonlySet<string>): void {
    kept.unsure.clear();
    const write = ++kept.writes;
    const done = this.disk.batch(() => this.#put(origin, kept, stamp, keys));
    this.told(`facts of ${origin}`, done);
    done.catch(() => this.#failed(origin, kept, write, keys));
  }

  #put(origin: string, kept: Kept, stamp: MapStamp, keys: ReadonlySet<string>): void {
    const { facts, stamps } = this.disk;
    for (const key of keys) {
      const value = kept.entries.get(key);
      const id = factId(origin, key);
      if (value === undefined) void facts.remove(id);
      else void facts.put(id, encodeFact([origin, key, value]));
    }
    void stamps.put(stampId(origin), encodeStamp([origin, stamp]));
  }

  /** Nothing of it is on the disk. A later write, which did not know, may have left its stamp there. */
  #failed(origin: string, kept: Kept, write: number, keys: ReadonlySet<string>): void {
    for (const key of keys) kept.unsure.add(key);
    if (kept.writes > write && kept.stamp !== null) this.#write(origin, kept, kept.stamp, new Set(kept.unsure));
  }
}
