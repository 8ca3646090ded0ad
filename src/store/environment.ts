import { join } from 'node:path';
import { type Database, type RootDatabase, open } from 'lmdb';
import { StoreDamagedError } from './errors';
import { prepareLmdbFile } from './lmdb-file';

/** Small: identity, names, durable facts. Growing past it is an error of LMDB, told in the log. */
const MAP_BYTES = 256 * 1024 * 1024;

/**
 * Never with useWritemap: a stray pointer must not reach the disk. Commits of transactionSync are on the disk. Batches are ours: those
 * that LMDB makes of each turn end the process when the disk is full, by a rejection that nobody can handle.
 */
export const OPEN_OPTIONS = {
  encoding: 'binary',
  mapSize: MAP_BYTES,
  overlappingSync: false,
  eventTurnBatching: false,
  maxDbs: 4,
} as const;

export const FACTS_DB = { name: 'facts', encoding: 'binary' } as const;
export const STAMPS_DB = { name: 'stamps', encoding: 'binary' } as const;
/** In the environment of what clients leave. */
export const CLIENTS_DB = { name: 'clients', encoding: 'binary' } as const;

export interface Environment {
  readonly root: RootDatabase<Buffer, string>;
  readonly facts: Database<Buffer, string>;
  /** Which version of each origin's facts they are. */
  readonly stamps: Database<Buffer, string>;
}

/**
 * Opens the LMDB environment in a folder, or makes it.
 * @param probe says what is wrong with a store that must not be opened in this process
 * @throws StoreDamagedError
 */
export function openEnvironment(path: string, probe: (path: string) => string | null): Environment {
  const file = join(path, 'data.mdb');
  prepareLmdbFile(file);
  const damage = probe(path);
  if (damage !== null) throw new StoreDamagedError(file, damage);
  try {
    const root = open<Buffer, string>({ path, ...OPEN_OPTIONS });
    return { root, facts: root.openDB<Buffer, string>(FACTS_DB), stamps: root.openDB<Buffer, string>(STAMPS_DB) };
  } catch (error) {
    throw new StoreDamagedError(file, error instanceof Error ? error.message : String(error), error);
  }
}
