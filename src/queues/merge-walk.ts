import type { DeadLetters } from './dead-letters';
import type { DelayedMessages } from './delayed';
import type { Entry } from './entry';
import type { Intake } from './intake';
import { WALK_PER_TURN } from './limits';
import type { MergeSteps } from './moves-contract';
import type { QueueCore } from './queue-core';
import { writeHead } from './record';

/** The queue that everything goes to. */
export interface MergeTarget {
  readonly core: QueueCore;
  readonly intake: Intake;
  readonly dead: DeadLetters;
}

export interface MergeParts {
  readonly core: QueueCore;
  readonly delayed: DelayedMessages;
  readonly dead: DeadLetters;
  readonly target: MergeTarget;
  readonly done: (error: Error | null) => void;
  readonly steps: MergeSteps;
}

/** Moves all that a queue of this host holds behind what another one has: each message leaves and arrives with one group. */
export class MergeWalk {
  constructor(private readonly parts: MergeParts) {}

  /** @returns whether it is over */
  turn(): boolean {
    const { core, delayed, dead, target, done, steps } = this.parts;
    let left = this.#moveReady(WALK_PER_TURN);
    if (left > 0) left -= delayed.takeSome(left, (entry, due) => this.#takeOver(entry, due));
    if (left > 0)
      left -= dead.takeSome(left, (lane, record, reason) =>
        target.dead.takeOver(target.core.entryOf(lane, record), reason),
      );
    if (left <= 0 || core.state.depth > 0 || core.pendingLarge > 0) {
      if (left > 0) steps.waits();
      core.wantsTurn();
      return false;
    }
    steps.emptied();
    core.touch();
    core.group.waiting.push({ done });
    return true;
  }

  #moveReady(most: number): number {
    const { core } = this.parts;
    let left = most;
    for (const lane of core.ready.lanes)
      for (; left > 0; left--) {
        const entry = core.ready.first(lane);
        if (entry === undefined) break;
        lane.shift();
        this.#takeOver(entry, 0);
        // Its parts belong to the record there; of what others have too that is a copy.
        core.remove(entry);
        core.release(entry);
        core.removed++;
      }
    return left;
  }

  #takeOver(entry: Entry, due: number): void {
    const { core, target } = this.parts;
    const key = target.intake.takeOver(recordOf(entry), entry.lane, due);
    if (key === null) core.exclusions.forget(entry.key);
    else core.exclusions.moved(entry.key, target.core.exclusions, key);
  }

  end(error: Error): void {
    this.parts.done(error);
  }
}

/** A record of its own, that says that its message may have been delivered where that is so. */
function recordOf(entry: Entry): Buffer {
  const record = Buffer.from(entry.record);
  const deliveries = entry.seen ? Math.max(1, entry.deliveries) : entry.deliveries;
  writeHead(record, entry.flags, Math.min(deliveries, 0xffff), entry.publisher, entry.expiresAt);
  return record;
}
