import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import type { Database, RootDatabase } from 'lmdb';
import { type Journal, SILENT_JOURNAL } from '../common/ports';
import { DataDirLock } from './data-dir-lock';
import { openEnvironment } from './environment';
import { DataDirUnusableError, StoreDamagedError, StoreVersionError } from './errors';
import { makeFolders } from './folders';
import { type Fact, decodeFact, encodeFact, factId, seal, unseal } from './records';

/** Changes with the layout of the records; there is one so far. */
export const STATE_FORMAT = 1;
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

  private constructor(
    readonly folder: string,
    private readonly lock: DataDirLock,
    private readonly root: RootDatabase<Buffer, string>,
    private readonly facts: Database<Buffer, string>,
    private readonly journal: Journal,
    readonly incarnation: number,
    readonly lastRun: { readonly knownNodes: readonly string[]; readonly facts: readonly Fact[] },
  ) {}

  /**
   * Takes the folder, reads what is there and writes this life's incarnation to the disk before it is used.
   * @throws DataDirInUseError, DataDirUnusableError, StoreDamagedError, StoreVersionError
   */
  static open(folder: string, ports: Partial<NodeStatePorts> = {}): NodeState {
    const { journal, wall, random16, onLost, probe } = { ...DEFAULT_PORTS, ...ports };
    const path = join(folder, 'state');
    makeFolder(path, folder);
    const lock = new DataDirLock(folder);
    lock.acquire(onLost);
    try {
      const { root, facts } = openEnvironment(path, probe);
      const lastRun = readLastRun(path, root, facts);
      const incarnation = nextIncarnation(root, path, wall(), random16());
      return new NodeState(folder, lock, root, facts, journal, incarnation, lastRun);
    } catch (error) {
      lock.release();
      throw error;
    }
  }

  saveKnownNodes(names: readonly string[]): void {
    this.#write('known nodes', this.root.put('known', seal(Buffer.from(JSON.stringify(names)))));
  }

  saveFact(origin: string, key: string, value: Buffer | null): void {
    const id = factId(origin, key);
    const done = value === null ? this.facts.remove(id) : this.facts.put(id, encodeFact([origin, key, value]));
    this.#write(`fact ${key} of ${origin}`, done);
  }

  /** Writes that LMDB has not yet committed, and writes that failed; shown in health and metrics. */
  get writes(): { readonly pending: number; readonly failed: number } {
    return { pending: this.#unsettled, failed: this.#failed };
  }

  async flushed(): Promise<void> {
    await this.root.flushed;
  }

  async close(): Promise<void> {
    await this.flushed();
    await this.root.close();
    this.lock.release();
  }

  #write(what: string, done: Promise<boolean>): void {
    this.#unsettled++;
    done.then(
      () => this.#unsettled--,
      (error: unknown) => {
        this.#unsettled--;
        this.#failed++;
        this.journal.warn('state-write-failed', {
          what,
          error: error instanceof Error ? error.message : String(error),
        });
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

function readLastRun(path: string, root: Database<Buffer, string>, facts: Database<Buffer, string>) {
  const file = join(path, 'data.mdb');
  const format = readJson(file, root, 'format') ?? STATE_FORMAT;
  if (format !== STATE_FORMAT) throw new StoreVersionError(file, format, STATE_FORMAT);
  const known = (readJson(file, root, 'known') ?? []) as readonly string[];
  return { knownNodes: known, facts: readFacts(file, facts) };
}

function readFacts(file: string, facts: Database<Buffer, string>): Fact[] {
  const all: Fact[] = [];
  try {
    for (const { key, value } of facts.getRange()) {
      const fact = decodeFact(value);
      if (!fact) throw new StoreDamagedError(file, `the check sum of fact ${key} is wrong`);
      all.push(fact);
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
