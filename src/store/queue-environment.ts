import { closeSync, copyFileSync, fsyncSync, linkSync, openSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type RootDatabase, open } from 'lmdb';
import { FairleadError } from '../common/errors';
import { RecordDamagedError } from '../queues/store-port';
import { DataDirUnusableError, QueueStoreDamagedError, StoreDamagedError } from './errors';
import { makeFolders } from './folders';
import { QUEUE_MAP_BYTES, QUEUE_PAGE_BYTES } from './limits';
import { prepareLmdbFile } from './lmdb-file';
import { KeyCodec } from './queue-key';

/**
 * Never with useWritemap: a stray pointer must not reach the disk. Commits are on the disk when they are done, one at a time. The
 * binding does not copy values: it is given arenas, and what it reads stands in a buffer of its own until the next read.
 */
const OPTIONS = {
  encoding: 'binary',
  pageSize: QUEUE_PAGE_BYTES,
  overlappingSync: false,
  eventTurnBatching: false,
  txnStartThreshold: 1,
  maxDbs: 1,
  encoder: { encode: (value: Buffer) => value, decode: (bytes: Buffer) => bytes },
} as const;

export interface QueueEnvironment {
  readonly root: RootDatabase<Buffer, number>;
  /** Space and queue of the next key. */
  readonly codec: KeyCodec;
}

/** The file of the store of queues in a data folder. */
export function queueStoreFile(dataDir: string): string {
  return join(dataDir, 'queues', 'data.mdb');
}

export interface OpenOptions {
  readonly readOnly?: boolean;
  readonly mapBytes?: number;
}

/** Opens a store's environment, or makes it; looks at nothing before. */
export function openQueueEnvironment(file: string, { readOnly = false, mapBytes }: OpenOptions = {}): QueueEnvironment {
  const codec = new KeyCodec();
  const path = dirname(file);
  const mapSize = mapBytes ?? QUEUE_MAP_BYTES;
  const root = open<Buffer, number>({ ...OPTIONS, path, mapSize, readOnly, keyEncoder: codec });
  return { root, codec };
}

/**
 * The same at the start of a node: damage is told, and what was made is on the disk.
 * @param probe says what is wrong with a store that must not be opened in this process
 * @throws QueueStoreDamagedError, DataDirUnusableError
 */
export function openProbed(file: string, probe: (file: string) => string | null, mapBytes?: number): QueueEnvironment {
  const folder = dirname(file);
  try {
    makeFolders(folder);
  } catch (error) {
    throw new DataDirUnusableError(folder, error);
  }
  try {
    prepareLmdbFile(file);
    const damage = probe(file);
    if (damage !== null) throw new QueueStoreDamagedError(file, damage);
    const environment = openQueueEnvironment(file, mapBytes === undefined ? {} : { mapBytes });
    for (const path of [folder, dirname(folder)]) syncPath(path);
    return environment;
  } catch (error) {
    throw told(file, error);
  }
}

/** An error of the opening as the user is told it. */
export function told(file: string, error: unknown): Error {
  if (error instanceof StoreDamagedError && !(error instanceof QueueStoreDamagedError))
    return new QueueStoreDamagedError(file, error.what, error);
  if (error instanceof FairleadError) return error;
  if (error instanceof RecordDamagedError) return new QueueStoreDamagedError(file, error.message, error);
  const { code, message } = error as Error & { readonly code?: unknown };
  // LMDB's own numbers are negative; what the system says of a file is not its damage.
  if (typeof code === 'string' || (typeof code === 'number' && code > 0)) return new DataDirUnusableError(file, error);
  return new QueueStoreDamagedError(file, message, error);
}

/** Gives a file another name beside the one that it has. */
export function keep(file: string, kept: string): void {
  try {
    linkSync(file, kept);
  } catch {
    // A file system without hard links.
    copyFileSync(file, kept);
  }
}

/** Sees to it that a file, or the entries of a folder, are on the disk. */
export function syncPath(path: string): void {
  const handle = openSync(path, 'r');
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}

/** Bytes of the pages that hold something, and of all. */
export function pagesOf({ root }: QueueEnvironment): { used: number; all: number } {
  const stats = root.getStats() as TreeStats & { readonly free: TreeStats; readonly lastPageNumber: number };
  const metas = 2;
  const used = metas + pagesOfTree(stats) + pagesOfTree(stats.free);
  return { used: used * stats.pageSize, all: (stats.lastPageNumber + 1) * stats.pageSize };
}

interface TreeStats {
  readonly pageSize: number;
  readonly treeBranchPageCount: number;
  readonly treeLeafPageCount: number;
  readonly overflowPages: number;
}

function pagesOfTree(tree: TreeStats): number {
  return tree.treeBranchPageCount + tree.treeLeafPageCount + tree.overflowPages;
}
