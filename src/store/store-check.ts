import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { open } from 'lmdb';
import { clientStoreFile } from './client-store';
import { existingStoreFile } from './existing-store';
import { PageFile, type TreeRoot } from './lmdb-pages';
import { told } from './queue-environment';
import { unseal } from './records';
import { type StoreSurvey, surveyQueueStore } from './store-survey';
import { TreeWalk } from './tree-walk';

/** What a check of a data folder found. */
export interface StoreCheck {
  readonly queues: StoreSurvey;
  readonly state: FactsSurvey;
  /** What clients have left; null for a node of a version that did not keep it. */
  readonly clients: FactsSurvey | null;
}

/** What a small store holds. */
export interface FactsSurvey {
  readonly file: string;
  readonly records: number;
  readonly damages: readonly string[];
}

/** The record of the state that only its probe writes. */
const TRIAL = 'probe';

/**
 * Reads all that a data folder holds, also while a node runs on it, and without LMDB: no damage can end the process.
 * @throws StoreMissingError, DataDirUnusableError, BackupUnfinishedError, StoreDamagedError when a file is no store,
 * StoreVersionError
 */
export async function checkStores(dataDir: string): Promise<StoreCheck> {
  const file = existingStoreFile(dataDir);
  const state = join(dataDir, 'state', 'data.mdb');
  const clients = clientStoreFile(dataDir);
  return {
    queues: await pinned(file, () => surveyQueueStore(file)).catch((error: unknown) => {
      throw told(file, error);
    }),
    state: await pinned(state, () => surveyFacts(state, 'state')),
    clients: existsSync(clients) ? await pinned(clients, () => surveyFacts(clients, 'clients')) : null,
  };
}

/** While a node runs, a reader of LMDB keeps it from using pages again that are being read here. */
async function pinned<T>(file: string, read: () => T): Promise<T> {
  // LMDB is shown only what has the head of a store: a process in which it refused a file may end with a signal later.
  new PageFile(file).close();
  const root = open<Buffer, string>({ path: dirname(file), encoding: 'binary', readOnly: true, maxDbs: 4 });
  const reader = root.useReadTransaction();
  try {
    return read();
  } finally {
    reader.done();
    await root.close();
  }
}

/**
 * Reads a small store to its end.
 * @param named what its first tree is called
 * @param take gets every record that has a right check sum, but for those of the first tree
 * @param back 0 for its newest state, 1 for that before its last transaction
 */
export function surveyFacts(
  file: string,
  named: string,
  take: (record: Buffer) => void = () => undefined,
  back: 0 | 1 = 0,
): FactsSurvey {
  const pages = new PageFile(file);
  const damages: string[] = [];
  let records = 0;
  const trees: [name: string, root: TreeRoot][] = [[named, pages.roots[back]!]];
  try {
    for (const [name, root] of trees)
      new TreeWalk(pages, {
        record: (key, value) => {
          records++;
          if (unseal(value) === null && textOf(key) !== TRIAL)
            damages.push(`a record of ${name}: its check sum is wrong`);
          else if (trees[0]?.[1] !== root) take(value);
        },
        lost: (_from, _to, why) => void damages.push(`${why}: records of ${name} are lost`),
        tree: (key, subtree) => void trees.push([textOf(key), subtree]),
      }).walk(root);
    return { file, records, damages };
  } finally {
    pages.close();
  }
}

/** The binding ends a key of text with a zero byte where there is room. */
function textOf(key: Buffer): string {
  return key.toString().replace(/\0+$/, '');
}
