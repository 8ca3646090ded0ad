import { existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { open } from 'lmdb';
import { FairleadError } from '../common/errors';
import { DataDirUnusableError, StoreMissingError } from './errors';
import { makeFolders } from './folders';
import { PageFile } from './lmdb-pages';
import { openQueueEnvironment, queueStoreFile, syncPath, told } from './queue-environment';
import { markRestored } from './store-life';
import { type StoreSurvey, surveyQueueStore } from './store-survey';

/** The folder of a backup has something in it. */
export class BackupTargetError extends FairleadError {
  constructor(folder: string) {
    super('FL_BACKUP_TARGET', `${folder} is not empty: name a folder that is, or one that does not exist yet`);
  }
}

/**
 * Copies what a data folder holds to another one, which a node can be started on; also while a node runs on it. Each store is copied
 * as it was after one of its transactions: queues first, as the state knows no less than they do.
 * @returns what is in the copy of the store of queues
 */
export async function backUp(dataDir: string, target: string): Promise<StoreSurvey> {
  const file = queueStoreFile(dataDir);
  if (!existsSync(file)) throw new StoreMissingError(dataDir);
  prepare(target);
  try {
    await copy(dirname(file), join(target, 'queues'));
    await copy(join(dataDir, 'state'), join(target, 'state'));
    return await finish(target);
  } catch (error) {
    for (const part of ['queues', 'state']) rmSync(join(target, part), { recursive: true, force: true });
    throw told(file, error);
  }
}

function prepare(target: string): void {
  if (existsSync(target) && readdirSync(target).length > 0) throw new BackupTargetError(target);
  try {
    makeFolders(target);
  } catch (error) {
    throw new DataDirUnusableError(target, error);
  }
}

async function copy(from: string, to: string): Promise<void> {
  mkdirSync(to, { mode: 0o700 });
  // LMDB is shown only what has the head of a store.
  new PageFile(join(from, 'data.mdb')).close();
  const root = open<Buffer, string>({ path: from, encoding: 'binary', readOnly: true, maxDbs: 4 });
  try {
    await root.backup(to, false);
  } finally {
    await root.close();
  }
}

/** Sees to it that the copy is on the disk, and that a node started on it numbers its puts anew. */
async function finish(target: string): Promise<StoreSurvey> {
  const file = queueStoreFile(target);
  const survey = surveyQueueStore(file);
  // What is damaged is not written to: it is salvaged first, which does the same.
  if (survey.damageCount === 0) {
    const environment = openQueueEnvironment(file);
    try {
      markRestored(environment);
    } finally {
      await environment.root.close();
    }
  }
  const folders = ['queues', 'state'].map((part) => join(target, part));
  for (const folder of folders) syncPath(join(folder, 'data.mdb'));
  for (const folder of [...folders, target, dirname(target)]) syncPath(folder);
  return survey;
}
