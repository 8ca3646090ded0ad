import { FairleadError } from '../common/errors';
import type { ClientDisk } from './disk-port';
import { DISK_RETRY_MS } from './limits';

export type Told = (error: FairleadError | null) => void;

/** What clients left could not be written. Cure: see the log for the reason. */
class NotKeptError extends FairleadError {
  constructor(cause: Error) {
    super('FL_CLIENT_STORE', `what the client leaves could not be written: ${cause.message}`, {
      condition: 'amqp:internal-error',
      retryable: true,
      cause,
    });
  }
}

/** Records on their way to the disk: what one turn changes is one group. What the disk did not take is written again. */
export class KeptRecords {
  #changes = new Map<string, () => Buffer | null>();
  #waiting: Told[] = [];
  #isWriting = false;
  #retryAt = Infinity;

  constructor(
    private readonly disk: ClientDisk,
    private readonly now: () => number,
    private readonly scheduleFlush: () => void,
  ) {}

  /** @param value as it is when it is written */
  save(key: string, value: () => Buffer | null): void {
    this.#changes.set(key, value);
    this.scheduleFlush();
  }

  /** @param told once all that was saved before is on the disk */
  whenKept(told: Told): void {
    this.#waiting.push(told);
    this.scheduleFlush();
  }

  get isIdle(): boolean {
    return !this.#isWriting && this.#changes.size === 0 && this.#waiting.length === 0;
  }

  flush(): void {
    if (this.#isWriting || (this.#changes.size === 0 && this.#waiting.length === 0)) return;
    const changes = this.#changes;
    const waiting = this.#waiting;
    if (this.now() < this.#retryAt && this.#retryAt !== Infinity && waiting.length === 0) return;
    this.#retryAt = Infinity;
    this.#changes = new Map();
    this.#waiting = [];
    this.#isWriting = true;
    for (const [key, value] of changes) this.disk.put(key, value());
    this.disk.commit((error) => {
      this.#isWriting = false;
      if (error !== null) this.#failed(changes);
      for (const told of waiting) told(error === null ? null : new NotKeptError(error));
      this.scheduleFlush();
    });
  }

  #failed(changes: ReadonlyMap<string, () => Buffer | null>): void {
    this.#retryAt = this.now() + DISK_RETRY_MS;
    for (const [key, value] of changes) if (!this.#changes.has(key)) this.#changes.set(key, value);
  }

  tick(now: number): void {
    if (now >= this.#retryAt) this.scheduleFlush();
  }

  deadline(): number {
    return this.#retryAt;
  }
}
