import type { FairleadError } from '../common/errors';
import type { DeadLetters } from './dead-letters';
import { DETACH_MS } from './limits';
import type { QueueCore } from './queue-core';

export interface DepartureParts {
  readonly core: QueueCore;
  readonly dead: DeadLetters;
  /** Groups with changes of the queue are not done. */
  readonly isWriting: () => boolean;
  /** Why the queue is served no more. */
  readonly error: FairleadError;
  readonly done: () => void;
}

/** A queue is served no more, once all of it is on the disk: what is on its way there, or to a dead-letter address, comes to its end first. */
export class Departure {
  /** So long it waits for what is on its way to a dead-letter address. */
  readonly #until: number;
  /** The last state was given to a group. */
  #isWritten = false;

  constructor(private readonly parts: DepartureParts) {
    this.#until = parts.core.home.wall() + DETACH_MS;
  }

  get error(): FairleadError {
    return this.parts.error;
  }

  get done(): () => void {
    return this.parts.done;
  }

  /** @returns whether all is on the disk, or never will be */
  turn(): boolean {
    const { core, dead, isWriting } = this.parts;
    if (core.error !== null) return true;
    if (core.storing > 0 || core.pendingLarge > 0) return false;
    if (dead.sent > 0 && core.home.wall() < this.#until) {
      core.wakeAt(this.#until);
      return false;
    }
    if (core.isTouched) core.touch();
    if (core.isTouched || isWriting()) return false;
    if (this.#isWritten) return true;
    this.#isWritten = true;
    // What a transaction holds may have been seen.
    if (core.acquired === 0) core.state.mark = core.state.depth > 0 ? core.crashMark : 0;
    core.touch();
    return false;
  }
}
