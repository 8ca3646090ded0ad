import { accessSync, constants } from 'node:fs';
import { DataDirUnusableError, StoreMissingError } from './errors';
import { queueStoreFile } from './queue-environment';
import { refuseUnfinishedBackup } from './unfinished-backup';

const ABSENT: readonly unknown[] = ['ENOENT', 'ENOTDIR'];

/**
 * The file of the store of queues of a data folder that has one.
 * @throws BackupUnfinishedError, StoreMissingError, or DataDirUnusableError where nobody but its owner can see whether there is one
 */
export function existingStoreFile(dataDir: string): string {
  const file = queueStoreFile(dataDir);
  refuseUnfinishedBackup(dataDir);
  try {
    accessSync(file, constants.R_OK);
    return file;
  } catch (error) {
    throw ABSENT.includes((error as NodeJS.ErrnoException).code)
      ? new StoreMissingError(dataDir)
      : new DataDirUnusableError(dataDir, error);
  }
}
