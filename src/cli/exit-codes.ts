import { FairleadError } from '../common/errors';

/** What the process ends with; scripts and supervisors rely on it. */
export const EXIT = {
  ok: 0,
  failed: 1,
  badDocument: 2,
  inUse: 3,
  damagedStore: 4,
  internal: 70,
} as const;

const BY_CODE: Readonly<Record<string, number>> = {
  FL_CONFIG_INVALID: EXIT.badDocument,
  FL_PORT_IN_USE: EXIT.inUse,
  FL_DATA_DIR_IN_USE: EXIT.inUse,
  FL_DATA_DIR_UNUSABLE: EXIT.inUse,
  FL_DATA_DIR_LOST: EXIT.inUse,
  FL_NODE_NAME_IN_USE: EXIT.inUse,
  FL_STORE_DAMAGED: EXIT.damagedStore,
  FL_BACKUP_UNFINISHED: EXIT.damagedStore,
  FL_STORE_VERSION: EXIT.damagedStore,
  FL_INVARIANT: EXIT.internal,
};

export function exitCodeOf(error: unknown): number {
  return error instanceof FairleadError ? (BY_CODE[error.code] ?? EXIT.failed) : EXIT.internal;
}
