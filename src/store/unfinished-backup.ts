import { closeSync, existsSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { FairleadError } from '../common/errors';
import { syncPath } from './queue-environment';

/** Stands in the folder of a backup until all of it is on the disk. */
const MARK = 'unfinished-backup';
const TEXT =
  'fairlead store backup is copying to this folder. If it is not running any more, the copy is worth nothing.\n';

/** The data folder is a backup that was never finished. */
export class BackupUnfinishedError extends FairleadError {
  constructor(folder: string) {
    super(
      'FL_BACKUP_UNFINISHED',
      `${folder} is not a whole copy: fairlead store backup ended before it was done, or is still running; remove it, and make or use another one`,
    );
  }
}

/** True of a folder that a backup was begun in and not finished. */
export function isUnfinishedBackup(folder: string): boolean {
  return existsSync(join(folder, MARK));
}

/** @throws BackupUnfinishedError */
export function refuseUnfinishedBackup(folder: string): void {
  if (isUnfinishedBackup(folder)) throw new BackupUnfinishedError(folder);
}

/** Before anything is copied there; on the disk before it returns. @throws what the file system says, also if another copy is being made there */
export function markUnfinished(folder: string): void {
  const mark = join(folder, MARK);
  closeSync(openSync(mark, 'wx', 0o600));
  try {
    writeFileSync(mark, TEXT);
    for (const path of [mark, folder]) syncPath(path);
  } catch (error) {
    removeMark(folder);
    throw error;
  }
}

/** All of it is on the disk; so is that, before it returns. */
export function markFinished(folder: string): void {
  removeMark(folder);
  syncPath(folder);
}

/** There is no copy any more. */
export function removeMark(folder: string): void {
  rmSync(join(folder, MARK), { force: true });
}
