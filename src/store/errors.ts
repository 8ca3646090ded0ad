import { FairleadError } from '../common/errors';

/** Another live process owns the data folder. */
export class DataDirInUseError extends FairleadError {
  constructor(folder: string, owner: string) {
    super(
      'FL_DATA_DIR_IN_USE',
      `the data folder ${folder} belongs to ${owner}: stop that node, or give this one a dataDir of its own`,
      { retryable: true },
    );
  }
}

/** The data folder cannot be made, read or written. */
export class DataDirUnusableError extends FairleadError {
  constructor(folder: string, cause: unknown) {
    const why = cause instanceof Error ? cause.message : String(cause);
    super('FL_DATA_DIR_UNUSABLE', `the data folder ${folder} cannot be used: ${why}`, { cause });
  }
}

/** The store does not hold what was written to it. */
export class StoreDamagedError extends FairleadError {
  constructor(file: string, what: string, cause?: unknown) {
    super(
      'FL_STORE_DAMAGED',
      `the store ${file} is damaged (${what}): restore it from a backup, or move the folder aside to start as a node ` +
        'without memory (what it held on disk is then not delivered)',
      { cause },
    );
  }
}

/** The store was written by a version that this one does not understand. */
export class StoreVersionError extends FairleadError {
  constructor(file: string, found: unknown, known: number) {
    super(
      'FL_STORE_VERSION',
      `the store ${file} has format ${String(found)}, this version reads format ${known}: ` +
        'start the version that wrote it, or move the folder aside to begin with an empty store',
    );
  }
}
