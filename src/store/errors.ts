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
  constructor(
    readonly file: string,
    readonly what: string,
    cause?: unknown,
    cure = 'restore it from a backup, or move the folder aside to start as a node without memory (what it held on disk is ' +
      'then not delivered)',
  ) {
    super('FL_STORE_DAMAGED', `the store ${file} is damaged (${what}): ${cure}`, { cause });
  }
}

/** The same of the store of queues, which can be salvaged. */
export class QueueStoreDamagedError extends StoreDamagedError {
  constructor(file: string, what: string, cause?: unknown) {
    super(
      file,
      what,
      cause,
      'fairlead store salvage -c SITE.yaml saves what can be read of it; or restore it from a backup',
    );
  }
}

/** There is no store of queues where one was looked for. */
export class StoreMissingError extends FairleadError {
  constructor(dataDir: string) {
    super(
      'FL_STORE_MISSING',
      `there is no store in ${dataDir}: no node was started on that folder yet, or it is another`,
    );
  }
}

/** What the system and LMDB say when there is no room; LMDB says it by numbers, the last is its own (MDB_MAP_FULL). */
const NO_ROOM: readonly unknown[] = ['ENOSPC', 'EDQUOT', 'EFBIG', 28, 122, 27, -30792];

/** A write did not reach the disk, or the store is being opened again after one. */
export class StoreFailedError extends FairleadError {
  /** The disk is full. */
  readonly full: boolean;

  constructor(file: string, cause: unknown, usedUp = false) {
    const { code, message } = cause as Error & { readonly code?: unknown };
    const full = usedUp || NO_ROOM.includes(code);
    super('FL_STORE_FAILED', `the store ${file} could not be written (${message}); it is tried again by itself`, {
      condition: full ? 'amqp:resource-limit-exceeded' : 'amqp:internal-error',
      retryable: true,
      cause,
    });
    this.full = full;
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
