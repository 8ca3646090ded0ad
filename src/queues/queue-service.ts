import type { FairleadError } from '../common/errors';
import type { Consumers } from './consumers';
import type { DeadLetters } from './dead-letters';
import type { DelayedMessages } from './delayed';
import { Departure } from './departure';
import { QueueDamagedError } from './errors';
import type { LargeIntake } from './large-intake';
import type { QueueCore } from './queue-core';
import { RecordDamagedError } from './store-port';
import type { Walks } from './walks';

/** What ends with the service of a queue. */
export interface ServiceParts {
  readonly core: QueueCore;
  readonly consumers: Pick<Consumers, 'end' | 'detach' | 'stop'>;
  readonly large: Pick<LargeIntake, 'end'>;
  readonly walks: Pick<Walks, 'end'>;
  readonly delayed: Pick<DelayedMessages, 'purge'>;
  readonly dead: DeadLetters;
  /** Groups with changes of the queue are not done. */
  readonly isWriting: () => boolean;
  /** Told once it has ended for damage. */
  readonly damaged: (error: QueueDamagedError) => void;
}

/** How long a queue is served: until it is damaged, deleted, has left for another host, or the node stops. */
export class QueueService {
  #departure: Departure | null = null;

  constructor(private readonly parts: ServiceParts) {}

  /** It is about to leave: its consumers are gone, and some of it is not on the disk. */
  get isLeaving(): boolean {
    return this.#departure !== null;
  }

  /** Damage closes this queue, and nothing else. */
  guard(act: () => void): void {
    if (this.parts.core.error !== null) return;
    try {
      act();
    } catch (error) {
      if (!(error instanceof RecordDamagedError)) throw error;
      this.#endDamaged(error);
    }
  }

  /** A part of a message could not be read. @returns what its reader is told */
  unreadable(error: unknown): unknown {
    if (!(error instanceof RecordDamagedError)) return error;
    this.#endDamaged(error);
    return this.parts.core.error;
  }

  #endDamaged(error: Error): void {
    this.end(new QueueDamagedError(this.parts.core.name, error));
  }

  /** It is served no more. */
  end(error: FairleadError): void {
    const { core, large, walks, consumers, delayed, damaged } = this.parts;
    if (core.error !== null) return;
    core.error = error;
    large.end();
    walks.end(error);
    consumers.end(error);
    if (core.store === null) delayed.purge(0);
    core.clear();
    core.checkRoom();
    if (error instanceof QueueDamagedError) damaged(error);
  }

  /** Ends cleanly: what consumers have counts as failed with them, and nothing is marked that they never had. */
  stop(): void {
    const { core, consumers } = this.parts;
    if (core.store === null || core.error !== null) return;
    consumers.stop();
    core.state.mark = core.state.depth > 0 ? core.crashMark : 0;
    core.touch();
  }

  /** Begins to leave: what consumers have goes back as a failed attempt. @param done all that it has is on the disk */
  detach(error: FairleadError, done: () => void): void {
    const { core, dead, walks, consumers, isWriting } = this.parts;
    this.#departure = new Departure({ core, dead, isWriting, error, done });
    walks.end(error);
    consumers.detach(error);
    core.wantsTurn();
  }

  /** Goes on leaving. */
  leave(): void {
    const departure = this.#departure;
    if (departure === null || !departure.turn()) return;
    this.#departure = null;
    this.end(departure.error);
    this.parts.core.home.later(departure.done);
  }
}
