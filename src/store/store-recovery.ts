import type { Journal } from '../common/ports';
import type { StoreState } from '../queues/store-port';
import { commitReason } from './commit-reason';
import type { DiskSpace } from './disk-space';
import { StoreFailedError } from './errors';
import type { GroupWriter } from './group-writer';
import { REOPEN_MS_MAX, REOPEN_MS_MIN } from './limits';
import type { QueueEnvironment } from './queue-environment';
import type { RedoLog } from './redo/redo-log';
import { redoPosition, tryWrite } from './store-life';

export interface RecoveryPorts {
  readonly file: string;
  readonly writer: GroupWriter;
  readonly redo: RedoLog;
  readonly space: DiskSpace;
  readonly journal: Journal;
  /** Closes the environment, if there is one, and opens it again. */
  readonly reopen: () => Promise<void>;
  /** @throws StoreFailedError while there is none */
  readonly environment: () => QueueEnvironment;
  readonly enter: (state: StoreState) => void;
  /** All is well again. */
  readonly onRecovered: () => void;
}

/**
 * What a store does about writes that fail. After most it is failed: nothing is taken until it was opened again and writing works. Where
 * only LMDB finds no room it falls behind: the redo log, which needs none, goes on taking what makes room, as long as its segments last.
 */
export class StoreRecovery {
  /** Why nothing is taken. */
  failure: StoreFailedError | null = null;
  /** LMDB gets nothing for want of room. */
  isBehind = false;
  /** Writes that failed in this life. */
  failures = 0;
  #stopped = false;
  #running: Promise<void> = Promise.resolve();
  #wake: () => void = () => undefined;
  #timer: NodeJS.Timeout | null = null;

  constructor(private readonly ports: RecoveryPorts) {}

  get isWell(): boolean {
    return this.failure === null && !this.isBehind;
  }

  /** A write failed, or it became unknown what it did. */
  async fail(error: unknown): Promise<void> {
    const reason = await commitReason(error);
    const { writer } = this.ports;
    if (this.failure === null) {
      this.failure = this.#noted(reason);
      this.ports.enter('failed');
      this.#endPause();
      this.#running = this.#running.then(() => this.#recover());
    }
    writer.refuse(this.failure);
  }

  /** LMDB could not take what is in the redo log. */
  async fallBehind(error: unknown): Promise<void> {
    const reason = await commitReason(error);
    // Whoever is at it already finds out by himself.
    if (!this.isWell) return;
    if (!this.#failureOf(reason).full) return this.fail(error);
    const failure = this.#noted(reason);
    this.isBehind = true;
    this.#running = this.#running.then(() => this.#lag(failure));
  }

  /** Nothing is tried again from here on. */
  stop(): void {
    this.#stopped = true;
    this.#endPause();
  }

  /** Resolves when nothing is being tried. */
  rest(): Promise<void> {
    return this.#running;
  }

  #noted(reason: Error): StoreFailedError {
    const failure = this.#failureOf(reason);
    this.failures++;
    this.ports.journal.warn('store-write-failed', { error: reason.message });
    if (failure.full) this.ports.space.giveReserve();
    return failure;
  }

  /** LMDB calls it EIO when only a part of a page has found room. */
  #failureOf(reason: Error): StoreFailedError {
    return new StoreFailedError(this.ports.file, reason, this.ports.space.isUsedUp());
  }

  /** Opens the environment again until it has all that is durable, and writing works. */
  async #recover(): Promise<void> {
    const { writer, redo, reopen, environment } = this.ports;
    for (let pauseMs = REOPEN_MS_MIN; !this.#stopped; pauseMs = Math.min(2 * pauseMs, REOPEN_MS_MAX)) {
      let isOpen = false;
      try {
        await writer.rest();
        await reopen();
        isOpen = true;
        // Of a group that went to LMDB itself it is known now whether it is there.
        redo.skipTo(redoPosition(environment()).applied);
        await this.#pause(pauseMs);
        if (this.#stopped) return;
        await this.#catchUp();
        return this.#recovered();
      } catch (error) {
        const failure = this.#failureOf(await commitReason(error));
        this.failure = failure;
        writer.refuse(failure);
        if (failure.full) await this.#giveRoom();
        if (!isOpen) await this.#pause(pauseMs);
        else if (failure.full && this.#mayLag) return this.#lag(failure);
      }
    }
  }

  async #catchUp(): Promise<void> {
    const { writer, redo, environment } = this.ports;
    await tryWrite(environment());
    await writer.apply();
    if (redo.isBroken) await redo.restart();
  }

  get #mayLag(): boolean {
    const { redo } = this.ports;
    return !redo.isBroken && !redo.isUsedUp;
  }

  /** Tries again and again to bring LMDB what the redo log has, while that goes on. */
  async #lag(failure: StoreFailedError): Promise<void> {
    const { writer, enter } = this.ports;
    this.isBehind = true;
    this.failure = null;
    writer.hold(failure);
    enter('full');
    for (let pauseMs = REOPEN_MS_MIN; this.#goesOn; pauseMs = Math.min(2 * pauseMs, REOPEN_MS_MAX)) {
      await this.#pause(pauseMs);
      if (!this.#goesOn) return;
      try {
        await writer.apply();
        if (!this.#goesOn) return;
        return this.#recovered();
      } catch (error) {
        const reason = await commitReason(error);
        if (!this.#goesOn) return;
        if (!this.#failureOf(reason).full) return void this.fail(error);
        await this.#giveRoom();
      }
    }
  }

  /** Unless something else has failed meanwhile, which is seen to next. */
  get #goesOn(): boolean {
    return !this.#stopped && this.failure === null;
  }

  #recovered(): void {
    this.failure = null;
    this.isBehind = false;
    this.ports.writer.resume();
    this.ports.journal.info('store-recovered');
    this.ports.onRecovered();
  }

  async #giveRoom(): Promise<void> {
    this.ports.space.giveReserve();
    try {
      await this.ports.redo.giveRoom();
    } catch {
      // The next write says what it is.
    }
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
      this.#timer = setTimeout(resolve, ms);
    });
  }

  #endPause(): void {
    if (this.#timer) clearTimeout(this.#timer);
    this.#wake();
  }
}
