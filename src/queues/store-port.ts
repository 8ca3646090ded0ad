/**
 * Where queues keep their records: an ordered key-value store whose changes become durable in order. Keys are (space, queue, key):
 * a small integer, an unsigned 32-bit integer and an integer below 2^53, ordered by number.
 */
export interface QueueStore {
  /** One life of the numbering of what is kept here: another one after a restore from a backup, the same after a restart. */
  readonly putEpoch: number;
  /** Replaces or adds a record in the group that is being collected. `value` belongs to the store until the group is done. */
  put(space: number, queue: number, key: number, value: Buffer): void;
  /** Deletes a record in the group that is being collected; one that is not there is no error. */
  delete(space: number, queue: number, key: number): void;
  /**
   * Ends the group: all of it becomes durable, or nothing. Groups are done in the order of their commits, never within this call. When
   * one fails, all that were committed after it and are not done yet fail too; what it would have changed may or may not be seen by
   * reads after a failure, so it has to be written again, or deleted. Large removals are made in groups of some ten thousand.
   */
  commit(done: StoreCompletion): void;
  /** Bytes of groups that are committed and not done yet. */
  readonly unflushedBytes: number;
  /**
   * Reads see every group that is done, and perhaps some that are not yet. While the state is `failed` they may throw the error that
   * groups are failed with. @throws RecordDamagedError
   */
  get(space: number, queue: number, key: number): Buffer | null;
  /**
   * Visits records with keys in [from, to) in order until `visit` says false. `value` is a copy that the visitor may keep. What is put or
   * deleted meanwhile is not seen.
   * @throws RecordDamagedError
   */
  scan(space: number, queue: number, from: number, to: number, visit: StoreVisit): void;
  /** The greatest key of a queue's records in a space, or -1. */
  last(space: number, queue: number): number;
  /**
   * `full`: puts are refused by whoever asks, deletes still fit (room is kept for them). `failed`: a write has failed and the
   * store is being opened again; nothing is taken. It becomes `ok` by itself.
   */
  readonly state: StoreState;
  /** While it is not `ok`: for want of room, and not because the disk is bad. What is refused meanwhile is told so. */
  readonly lacksRoom: boolean;
  /** Told of each change of `state`. */
  onState: (state: StoreState) => void;
}

export type StoreState = 'ok' | 'full' | 'failed';
export type StoreVisit = (key: number, value: Buffer) => boolean;

/** Told once what became of a group. */
export interface StoreCompletion {
  /** @param error null when all of it is on the disk; its `condition`, where it has one, is what clients are told */
  done(error: Error | null): void;
}

/** A record does not fit its check sum. What it belongs to cannot be served; all else can. */
export class RecordDamagedError extends Error {
  constructor(
    readonly space: number,
    readonly queue: number,
    readonly key: number,
    why: string,
  ) {
    super(`record ${key} of queue ${queue} (space ${space}) is damaged: ${why}`);
  }
}
