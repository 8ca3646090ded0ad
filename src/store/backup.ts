import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { open } from 'lmdb';
import { FairleadError } from '../common/errors';
import { clientStoreFile } from './client-store';
import { DataDirUnusableError } from './errors';
import { existingStoreFile } from './existing-store';
import { makeFolders } from './folders';
import { PageFile } from './lmdb-pages';
import { openQueueEnvironment, queueStoreFile, syncPath, told } from './queue-environment';
import { openStoreImage } from './redo/beside';
import { readRedoFiles, redoFilesIn, RedoImage } from './redo/reader';
import { replay } from './redo/replay';
import { markRestored, redoPosition } from './store-life';
import { type StoreSurvey, surveyQueueStore } from './store-survey';
import { isUnfinishedBackup, markFinished, markUnfinished, removeMark } from './unfinished-backup';

const COPIES_MAX = 5;
/** Of a data folder: what each holds is copied. Sessions come last: one may name a subscription that is not in the copy, never the other way round. */
const PARTS = ['queues', 'state', 'clients'];

/** The folder of a backup has something in it. */
export class BackupTargetError extends FairleadError {
  constructor(folder: string) {
    const has = isUnfinishedBackup(folder) ? 'has a backup in it that was not finished' : 'is not empty';
    super('FL_BACKUP_TARGET', `${folder} ${has}: name a folder that is empty, or one that does not exist yet`);
  }
}

/**
 * Copies what a data folder holds to another one, which a node can be started on; also while a node runs on it. Each store is copied
 * as it was after one of its transactions: queues first, as the state knows no less than they do.
 * @returns what is in the copy of the store of queues
 */
export async function backUp(dataDir: string, target: string): Promise<StoreSurvey> {
  const file = existingStoreFile(dataDir);
  prepare(target);
  try {
    await copyQueues(dirname(file), join(target, 'queues'));
    await copy(join(dataDir, 'state'), join(target, 'state'));
    // A node of an earlier version had none.
    if (existsSync(clientStoreFile(dataDir))) await copy(join(dataDir, 'clients'), join(target, 'clients'));
    const survey = await finish(target);
    markFinished(target);
    return survey;
  } catch (error) {
    for (const part of PARTS) rmSync(join(target, part), { recursive: true, force: true });
    removeMark(target);
    throw told(file, error);
  }
}

function prepare(target: string): void {
  if (existsSync(target) && readdirSync(target).length > 0) throw new BackupTargetError(target);
  try {
    makeFolders(target);
    markUnfinished(target);
  } catch (error) {
    throw new DataDirUnusableError(target, error);
  }
}

/** With the redo log, which is read first: what LMDB gets meanwhile is in both then. */
async function copyQueues(from: string, to: string): Promise<void> {
  for (let copies = 1; ; copies++) {
    const redo = readRedoFiles(from);
    await copy(from, to);
    for (const { name, bytes } of redo) writeFileSync(join(to, name), bytes, { mode: 0o600 });
    // A segment that was used again while it was read is not there twice in a row.
    if (copies === COPIES_MAX || isRedoWhole(join(to, 'data.mdb'))) return;
    rmSync(to, { recursive: true });
  }
}

function isRedoWhole(file: string): boolean {
  const { pages, redo } = openStoreImage(file, 0);
  pages.close();
  return redo.damages.length === 0;
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
      replay(environment, new RedoImage(readRedoFiles(dirname(file)), redoPosition(environment)));
      markRestored(environment);
    } finally {
      await environment.root.close();
    }
    for (const name of redoFilesIn(dirname(file))) rmSync(join(dirname(file), name));
  }
  const folders = PARTS.map((part) => join(target, part)).filter((folder) => existsSync(folder));
  for (const folder of folders) syncPath(join(folder, 'data.mdb'));
  for (const folder of [...folders, target, dirname(target)]) syncPath(folder);
  return survey;
}
