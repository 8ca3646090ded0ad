import { dirname, join } from 'node:path';
import { type Database, type RootDatabase, open } from 'lmdb';
import type { ClientDisk } from '../sessions/disk-port';
import { commitReason } from './commit-reason';
import { CLIENTS_DB, OPEN_OPTIONS } from './environment';
import { DataDirUnusableError, StoreDamagedError, StoreVersionError } from './errors';
import { makeFolders } from './folders';
import { prepareLmdbFile } from './lmdb-file';
import { decodeFact, encodeFact, factId, seal, unseal } from './records';

export const CLIENT_STORE_FORMAT = 1;
/** Records are those of facts, of one origin. */
const ORIGIN = '';

/** Where the store of a data folder is. */
export function clientStoreFile(folder: string): string {
  return join(folder, 'clients', 'data.mdb');
}

/** What clients leave in the mesh, on the disk: a small environment of its own, so that no damage of it touches queues, or the other way round. */
export class ClientStore implements ClientDisk {
  #changes = new Map<string, Buffer | null>();

  private constructor(
    private readonly file: string,
    private readonly root: RootDatabase<Buffer, string>,
    private readonly records: Database<Buffer, string>,
  ) {}

  /**
   * @param folder of the node's data, whose lock the caller has
   * @param probe says what is wrong with a store that must not be opened in this process
   * @throws DataDirUnusableError, StoreDamagedError, StoreVersionError
   */
  static open(folder: string, probe: (path: string) => string | null = () => null): ClientStore {
    const file = clientStoreFile(folder);
    const path = dirname(file);
    try {
      makeFolders(path);
    } catch (error) {
      throw new DataDirUnusableError(folder, error);
    }
    prepareLmdbFile(file);
    const damage = probe(path);
    if (damage !== null) throw new StoreDamagedError(file, damage);
    try {
      const root = open<Buffer, string>({ path, ...OPEN_OPTIONS });
      const store = new ClientStore(file, root, root.openDB<Buffer, string>(CLIENTS_DB));
      store.#checkFormat();
      return store;
    } catch (error) {
      if (error instanceof StoreVersionError) throw error;
      throw new StoreDamagedError(file, error instanceof Error ? error.message : String(error), error);
    }
  }

  #checkFormat(): void {
    const record = this.root.get('format');
    const format = record === undefined ? null : Number(unseal(record)?.toString() ?? Number.NaN);
    if (format !== null && format !== CLIENT_STORE_FORMAT)
      throw new StoreVersionError(this.file, format, CLIENT_STORE_FORMAT);
    if (format !== null) return;
    this.root.transactionSync(() => this.root.putSync('format', seal(Buffer.from(String(CLIENT_STORE_FORMAT)))));
  }

  /** @throws StoreDamagedError */
  load(visit: (key: string, value: Buffer) => void): void {
    for (const { key: id, value: record } of this.records.getRange()) {
      const fact = decodeFact(record);
      if (fact === null) throw new StoreDamagedError(this.file, `the check sum of record ${id} is wrong`);
      visit(fact[1], fact[2]);
    }
  }

  put(key: string, value: Buffer | null): void {
    this.#changes.set(key, value);
  }

  commit(done: (error: Error | null) => void): void {
    const changes = this.#changes;
    this.#changes = new Map();
    const written = this.root.batch(() => {
      for (const [key, value] of changes) {
        const id = factId(ORIGIN, key);
        if (value === null) void this.records.remove(id);
        else void this.records.put(id, encodeFact([ORIGIN, key, value]));
      }
    });
    written.then(
      () => done(null),
      async (error: unknown) => done(await commitReason(error)),
    );
  }

  async close(): Promise<void> {
    await Promise.allSettled([this.root.flushed]);
    await this.root.close();
  }
}
