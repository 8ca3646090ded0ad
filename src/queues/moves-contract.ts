import type { FairleadError } from '../common/errors';
import type { Queue } from './contract';

/** Short notes by name that outlive a crash. What is set in one turn, also by others in this store, is on the disk together or not at all. */
export interface MoveNotes {
  get(name: string): string | null;
  names(prefix: string): Iterable<string>;
  /** Written until it has come to pass. @param done it is on the disk */
  set(name: string, text: string | null, done?: () => void): void;
}

/** All records of a queue that nobody serves, in an order of their own. */
export interface QueueItems {
  /** About `most` bytes of them; null behind the last ones. @throws RecordDamagedError */
  next(most: number): Buffer | null;
}

/** A queue that comes from elsewhere: none before it is adopted, and a crash before that leaves nothing of it. */
export interface StagedQueue {
  /** Takes what {@link QueueItems} said, cut anywhere. @param done it is on the disk, or never will be @throws WireError */
  take(bytes: Buffer, done: (error: Error | null) => void): void;
  /** All of it was taken. */
  readonly isComplete: boolean;
  /** It is a queue of this host from the group of this turn on, as after a restart. @param done it is so on the disk */
  adopt(name: string, done: () => void): void;
  discard(): void;
}

/** How queues come to this host, and leave it, with all that belongs to them. */
export interface QueueMoves {
  readonly notes: MoveNotes;
  /** A queue that is served gives nothing more to its consumers, or goes on. */
  pause(name: string, paused: boolean): void;
  /** Its consumers have deliveries that are not settled, or settlements that are not on the disk. */
  isBusy(name: string): boolean;
  /**
   * Ends the service of a queue; its records stay, and the `open` of its host serves it again.
   * @param error what its consumers are told
   * @param done told, never within the call, when all of it is on the disk as it was in memory
   */
  detach(name: string, error: FairleadError, done: () => void): void;
  /** What a detached queue holds. */
  items(name: string): QueueItems;
  stage(): StagedQueue;
  /** Puts of the staged queue, and the message-ids that it has seen, are known to the other one, from the group of this turn on. */
  mergeMarks(from: StagedQueue, into: Queue): void;
  /** Moves all messages of a queue behind those of another one, in order and in turns of its own. @param done nothing is left in it */
  merge(from: Queue, into: Queue, done: (error: Error | null) => void, steps?: MergeSteps): void;
  /** What is put to intakes waits from now on, without an answer, until it no longer is to. */
  hold(held: boolean): void;
}

/** What is told of a queue that goes into another one, while it takes puts. */
export interface MergeSteps {
  /** All that was on the disk has gone: what remains is on its way to it. */
  waits(): void;
  /** Nothing is left in it, in this turn: nothing more must come. */
  emptied(): void;
}
