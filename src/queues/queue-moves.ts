import type { FairleadError } from '../common/errors';
import { invariant } from '../common/errors';
import type { Queue } from './contract';
import { readSeenId, type SeenId } from './duplicates';
import type { Group } from './group';
import type { HomeQueue } from './home-queue';
import type { LargeStore } from './large-store';
import { Mark } from './marks';
import { MergeWalk } from './merge-walk';
import { MoveRecords } from './move-records';
import type { MergeSteps, QueueItems, QueueMoves, StagedQueue } from './moves-contract';
import type { QueueDirectory } from './queue-directory';
import { QueueExport } from './queue-export';
import { QueueImport } from './queue-import';
import type { SharedPayloads } from './shared-payloads';
import { SPACE } from './spaces';
import type { QueueStore } from './store-port';

const NO_STEPS: MergeSteps = { waits: () => undefined, emptied: () => undefined };

export interface QueueMovesHome {
  readonly large: LargeStore;
  readonly payloads: SharedPayloads;
  readonly directory: QueueDirectory;
  /** The group of this turn, which has a change now. */
  change(): Group;
  later(act: () => void): void;
  /** The queue of a name, if it is served. */
  served(name: string): HomeQueue | null;
  /** What is put to intakes waits, or does so no longer. */
  hold(held: boolean): void;
  /** It is served no more, and stays on the disk. */
  forget(queue: HomeQueue): void;
}

/** Queues that come to a host, and leave it. */
export class LocalQueueMoves implements QueueMoves {
  readonly notes: MoveRecords;

  /** @throws RecordDamagedError */
  constructor(
    private readonly store: QueueStore,
    private readonly home: QueueMovesHome,
  ) {
    this.notes = new MoveRecords(store, () => home.change());
  }

  pause(name: string, paused: boolean): void {
    this.home.served(name)?.pause(paused);
  }

  isBusy(name: string): boolean {
    return this.home.served(name)?.consumers.isBusy ?? false;
  }

  detach(name: string, error: FairleadError, done: () => void): void {
    const queue = this.home.served(name);
    if (queue === null) {
      this.home.later(done);
      return;
    }
    queue.detach(error, () => {
      this.home.forget(queue);
      done();
    });
  }

  items(name: string): QueueItems {
    const id = this.home.directory.idOf(name);
    invariant(id !== null && this.home.served(name) === null, `queue ${name} is on the disk, and served by nobody`);
    return new QueueExport(this.store, this.home.large, this.home.payloads, id);
  }

  stage(): StagedQueue {
    const { large, directory } = this.home;
    return new QueueImport({ store: this.store, large, directory, change: () => this.home.change() });
  }

  mergeMarks(from: StagedQueue, into: Queue): void {
    const marks: Mark[] = [];
    const { id } = from as QueueImport;
    this.store.scan(SPACE.marks, id, 0, Number.MAX_SAFE_INTEGER, (key, value) => {
      marks.push(Mark.decode(key, value));
      return true;
    });
    const { core } = into as HomeQueue;
    for (const mark of marks) core.marks.merge(mark);
    core.touch();
    const ids: SeenId[] = [];
    this.store.scan(SPACE.ids, id, 0, Number.MAX_SAFE_INTEGER, (_key, value) => {
      ids.push(readSeenId(value));
      return true;
    });
    (into as HomeQueue).intake.takeOverIds(ids);
  }

  merge(from: Queue, into: Queue, done: (error: Error | null) => void, steps: MergeSteps = NO_STEPS): void {
    const { core, delayed, dead, walks } = from as HomeQueue;
    walks.begin(new MergeWalk({ core, delayed, dead, target: into as HomeQueue, done, steps }));
  }

  hold(held: boolean): void {
    this.home.hold(held);
  }
}
