import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import type { Database } from 'lmdb';
import { type Journal, SILENT_JOURNAL } from '../common/ports';
import type { MapStamp, OriginFacts } from '../routing/contract';
import { commitReason } from './commit-reason';
import { DataDirLock } from './data-dir-lock';
import { type Environment, openEnvironment } from './environment';
import { DataDirUnusableError, StoreDamagedError, StoreVersionError } from './errors';
import { makeFolders } from './folders';
import { boundErrorText } from './lmdb-error-text';
import { KeptFacts, type FactChange } from './kept-facts';
import { decodeFact, decodeStamp, seal, unseal } from './records';
import { refuseUnfinishedBackup } from './unfinished-backup';

/** Changes with the layout of the records. Format 1 had facts without stamps; it is read, and written as this one from then on. */
export const STATE_FORMAT = 2;
const FORMATS_READ: readonly unknown[] = [1, STATE_FORMAT];
const INCARNATION_RANDOM = 65_536;

export interface NodeStatePorts {
  readonly journal: Journal;
  /** Milliseconds since the epoch. */
  readonly wall: () => number;
  readonly random16: () => number;
  /** Another host has taken the folder: stop. */
  readonly onLost: (owner: string) => void;
  /** Says what is wrong with a store that must not be opened in this process; null when it may be. */
  readonly probe: (path: string) => string | null;
}

const DEFAULT_PORTS: NodeStatePorts = {
  journal: SILENT_JOURNAL,
  wall: Date.now,
  random16: () => randomBytes(2).readUInt16BE(),
  onLost: () => undefined,
  probe: () => null,
};

/**
 * What a node must know after a restart: its incarnation, the nodes it knew, durable facts. One process owns the folder.
 * Writes are queued and committed by LMDB's own thread; `flushed` waits for the disk. Fits the mesh's DurablePort.
 */
export class NodeState {
  #unsettled = 0;
  #failed = 0;
  readonly #facts: KeptFacts;

  private constructor(
    readonly folder: string,
    private readonly lock: DataDirLock,
    private readonly environment: Environment,
    private readonly journal: Journal,
    readonly incarnation: number,
    readonly lastRun: { readonly knownNodes: readonly string[]; readonly facts: readonly OriginFacts[] },
  ) {
    const { root, facts, stamps } = environment;
    const disk = { facts, stamps, batch: (writes: () => void) => root.batch(writes) };
    this.#facts = new KeptFacts(disk, lastRun.facts, (what, done) => this.#write(what, done));
  }

  /**
   * Takes the folder, reads what is there and writes this life's incarnation to the disk before it is used.
   * @throws BackupUnfinishedError, DataDirInUseError, DataDirUnusableError, StoreDamagedError, StoreVersionError
   */
  static open(folder: string, ports: Partial<NodeStatePorts> = {}): NodeState {
    const { journal, wall, random16, onLost, probe } = { ...DEFAULT_PORTS, ...ports };
    refuseUnfinishedBackup(folder);
    const path = join(folder, 'state');
    makeFolder(path, folder);
    const lock = new DataDirLock(folder);
    lock.acquire(onLost);
    try {
      // Before anything is written by LMDB in this process.
      if (!boundErrorText()) journal.warn('lmdb-errors-unbounded');
      const environment = openEnvironment(path, probe);
      const lastRun = readLastRun(path, environment);
      const incarnation = nextIncarnation(environment.root, path, wall(), random16());
      return new NodeState(folder, lock, environment, journal, incarnation, lastRun);
    } catch (error) {
      lock.release();
      throw error;
    }
  }

  saveKnownNodes(names: readonly string[]): void {
    this.#write('known nodes', this.environment.root.put('known', seal(Buffer.from(JSON.stringify(names)))));
  }

  saveFacts(origin: string, stamp: MapStamp, changes: readonly FactChange[]): void {
    this.#facts.save(origin, stamp, changes);
  }

  /** Writes that LMDB has not yet committed, and writes that failed; shown in health and metrics. */
  get writes(): { readonly pending: number; readonly failed: number } {
    return { pending: this.#unsettled, failed: this.#failed };
  }

  async flushed(): Promise<void> {
    await this.environment.root.flushed;
  }

  async close(): Promise<void> {
    // A write that fails has said so by itself.
    await Promise.allSettled([this.environment.root.flushed]);
    await this.environment.root.close();
    this.lock.release();
  }

  #write(what: string, done: Promise<unknown>): void {
    this.#unsettled++;
    // What a backup or a check saw that was killed: until then no page is used again that was freed since.
    this.environment.root.readerCheck();
    done.then(
      () => this.#unsettled--,
      async (error: unknown) => {
        this.#unsettled--;
        this.#failed++;
        this.journal.warn('state-write-failed', { what, error: (await commitReason(error)).message });
      },
    );
  }
}

function makeFolder(path: string, folder: string): void {
  try {
    makeFolders(path);
  } catch (error) {
    throw new DataDirUnusableError(folder, error);
  }
}

function readLastRun(path: string, { root, facts, stamps }: Environment) {
  const file = join(path, 'data.mdb');
  const format = readJson(file, root, 'format') ?? STATE_FORMAT;
  if (!FORMATS_READ.includes(format)) throw new StoreVersionError(file, format, STATE_FORMAT);
  const known = (readJson(file, root, 'known') ?? []) as readonly string[];
  return { knownNodes: known, facts: readFacts(file, facts, stamps) };
}

function readFacts(file: string, facts: Database<Buffer, string>, stamps: Database<Buffer, string>): OriginFacts[] {
  const stampOf = new Map(readRecords(file, 'stamp', stamps, decodeStamp));
  const origins = new Map<string, Map<string, Buffer>>();
  for (const [origin, key, value] of readRecords(file, 'fact', facts, decodeFact)) {
    const entries = origins.get(origin);
    if (entries === undefined) origins.set(origin, new Map([[key, value]]));
    else entries.set(key, value);
  }
  return [...origins].map(([origin, entries]) => ({ origin, stamp: stampOf.get(origin) ?? null, entries }));
}

function readRecords<T>(
  file: string,
  what: string,
  records: Database<Buffer, string>,
  decode: (record: Buffer) => T | null,
): T[] {
  const all: T[] = [];
  try {
    for (const { key, value } of records.getRange()) {
      const record = decode(value);
      if (record === null) throw new StoreDamagedError(file, `the check sum of ${what} ${key} is wrong`);
      all.push(record);
    }
  } catch (error) {
    if (error instanceof StoreDamagedError) throw error;
    throw new StoreDamagedError(file, error instanceof Error ? error.message : String(error), error);
  }
  return all;
}

function readJson(file: string, root: Database<Buffer, string>, key: string): unknown {
  const record = root.get(key);
  if (record === undefined) return undefined;
  const bytes = unseal(record);
  if (!bytes) throw new StoreDamagedError(file, `the check sum of its ${key} is wrong`);
  return JSON.parse(bytes.toString('utf8')) as unknown;
}

/** Ordered over the lives of a node even when its clock goes back, or its memory is lost. */
function nextIncarnation(root: Database<Buffer, string>, path: string, wall: number, random16: number): number {
  const file = join(path, 'data.mdb');
  const before = readJson(file, root, 'boot');
  const boot = Math.max((typeof before === 'number' ? before : 0) + 1, Math.floor(wall / 1000));
  try {
    root.transactionSync(() => {
      root.putSync('format', seal(Buffer.from(JSON.stringify(STATE_FORMAT))));
      root.putSync('boot', seal(Buffer.from(JSON.stringify(boot))));
    });
  } catch (error) {
    throw new DataDirUnusableError(path, error);
  }
  return boot * INCARNATION_RANDOM + (random16 % INCARNATION_RANDOM);
}
