import { randomBytes } from 'node:crypto';
import { invariant } from '../common/errors';
import { type Journal, SILENT_JOURNAL } from '../common/ports';
import type { QueueStore, StoreCompletion, StoreState, StoreVisit } from '../queues/store-port';
import { commitReason } from './commit-reason';
import { DiskSpace } from './disk-space';
import { StoreFailedError } from './errors';
import { boundErrorText } from './lmdb-error-text';
import { RECORD_BYTES_MAX, REOPEN_MS_MAX, REOPEN_MS_MIN, SPACE_LOOK_MS, TRANSACTION_BYTES_MAX } from './limits';
import {
  type QueueEnvironment,
  openProbed,
  openQueueEnvironment,
  pagesOf,
  queueStoreFile,
  told,
} from './queue-environment';
import { SPACE_END } from './queue-key';
import { lastKey, readRecord, scanRecords } from './record-reader';
import { type StoreLife, beginLife, endLife, tryWrite } from './store-life';
import { RecordWriter } from './record-writer';
import { WriteLog } from './write-log';

export interface QueueStorePorts {
  readonly journal: Journal;
  /** Wall-clock ms, for the epoch of puts. */
  readonly wall: () => number;
  readonly random16: () => number;
  /** Says what is wrong with a store that must not be opened in this process; null when it may be. */
  readonly probe: (file: string) => string | null;
  /** Where its map begins; grows by itself. */
  readonly mapBytes?: number;
}

const DEFAULT_PORTS: QueueStorePorts = {
  journal: SILENT_JOURNAL,
  wall: Date.now,
  random16: () => randomBytes(2).readUInt16BE(),
  probe: () => null,
};

export interface StoreUsage {
  readonly state: StoreState;
  /** Bytes of its file that hold something, and all; 0 while it is being opened again. */
  readonly usedBytes: number;
  readonly fileBytes: number;
  readonly unflushedBytes: number;
  /** Writes that failed in this life. */
  readonly failures: number;
}

const NO_MORE = (): void => undefined;

interface Group {
  /** Where it ends in the log. */
  readonly end: number;
  readonly completion: StoreCompletion;
}

/**
 * Queues' records in an LMDB environment of their own. One transaction is on its way to the disk; groups that are committed
 * meanwhile gather into the next. Whoever opens it owns the data folder already (NodeState).
 */
export class LmdbQueueStore implements QueueStore {
  onState: (state: StoreState) => void = () => undefined;
  /** One life of the numbering of puts: another one after a restore from a backup. */
  readonly putEpoch: number;
  /** The last life ended with {@link close}; also true of a store that was just made. */
  readonly wasClean: boolean;
  readonly #log = new WriteLog();
  readonly #writer = new RecordWriter();
  readonly #space: DiskSpace;
  /** Committed and not done, in order. */
  #groups: Group[] = [];
  /** Positions in the log: behind what is done, and behind what is committed. */
  #doneTo = 0;
  #committedTo = 0;
  /** Committed while it closes: refused once all before them are done. */
  #late: StoreCompletion[] = [];
  #busy = false;
  #state: StoreState = 'ok';
  #failures = 0;
  #failure: StoreFailedError | null = null;
  #closing = false;
  #recovery: Promise<void> = Promise.resolve();
  #onIdle: () => void = () => undefined;
  #wake: () => void = () => undefined;
  #timer: NodeJS.Timeout | null = null;

  private constructor(
    private readonly file: string,
    private environment: QueueEnvironment | null,
    life: StoreLife,
    private readonly ports: QueueStorePorts,
  ) {
    this.putEpoch = life.putEpoch;
    this.wasClean = life.wasClean;
    this.#space = new DiskSpace(file, () => this.#freeInFile());
    this.#look();
  }

  /** @throws QueueStoreDamagedError, StoreVersionError, DataDirUnusableError */
  static open(dataDir: string, ports: Partial<QueueStorePorts> = {}): LmdbQueueStore {
    const all = { ...DEFAULT_PORTS, ...ports };
    const file = queueStoreFile(dataDir);
    if (!boundErrorText()) all.journal.warn('lmdb-errors-unbounded');
    const environment = openProbed(file, all.probe, all.mapBytes);
    try {
      return new LmdbQueueStore(file, environment, beginLife(file, environment, all.wall(), all.random16()), all);
    } catch (error) {
      void environment.root.close();
      throw told(file, error);
    }
  }

  get state(): StoreState {
    return this.#state;
  }

  get lacksRoom(): boolean {
    return this.#state === 'full' || this.#failure?.full === true;
  }

  get unflushedBytes(): number {
    return this.#committedTo - this.#doneTo;
  }

  /** For health and metrics. */
  get usage(): StoreUsage {
    const { used, all } = this.environment ? pagesOf(this.environment) : { used: 0, all: 0 };
    const { state, unflushedBytes } = this;
    return { state, usedBytes: used, fileBytes: all, unflushedBytes, failures: this.#failures };
  }

  put(space: number, queue: number, key: number, value: Buffer): void {
    invariant(space < SPACE_END, `space ${space} is the store's own`);
    invariant(value.length <= RECORD_BYTES_MAX, `a record of ${value.length} bytes is too long`);
    this.#log.put(space, queue, key, value);
  }

  delete(space: number, queue: number, key: number): void {
    invariant(space < SPACE_END, `space ${space} is the store's own`);
    this.#log.delete(space, queue, key);
  }

  commit(completion: StoreCompletion): void {
    if (this.#closing && !this.#failure) return void this.#late.push(completion);
    this.#committedTo = this.#log.end;
    this.#groups.push({ end: this.#committedTo, completion });
    if (!this.#busy) this.#next();
  }

  get(space: number, queue: number, key: number): Buffer | null {
    return readRecord(this.#opened(), space, queue, key);
  }

  scan(space: number, queue: number, from: number, to: number, visit: StoreVisit): void {
    scanRecords(this.#opened(), space, queue, from, to, visit);
  }

  last(space: number, queue: number): number {
    return lastKey(this.#opened(), space, queue);
  }

  /** Waits for what is committed, says that the stop was a clean one, and closes. */
  async close(): Promise<void> {
    this.#closing = true;
    if (this.#timer) clearTimeout(this.#timer);
    this.#wake();
    if (this.#busy) await new Promise<void>((idle) => (this.#onIdle = idle));
    await this.#recovery;
    const { environment } = this;
    if (environment && !this.#failure) await this.#sayClean(environment);
    this.environment = null;
    this.#failure = this.#closed();
    for (const completion of this.#late.splice(0)) completion.done(this.#failure);
    await environment?.root.close();
  }

  async #sayClean(environment: QueueEnvironment): Promise<void> {
    try {
      await endLife(environment);
    } catch (error) {
      this.ports.journal.warn('store-not-clean', { error: (await commitReason(error)).message });
    }
  }

  #opened(): QueueEnvironment {
    if (!this.environment) throw this.#failure ?? this.#closed();
    return this.environment;
  }

  #closed(): StoreFailedError {
    return new StoreFailedError(this.file, new Error('it is closed'));
  }

  /** Begins the next transaction: all groups that wait, up to a bound on their bytes. */
  #start(): void {
    let count = 1;
    const bound = this.#doneTo + TRANSACTION_BYTES_MAX;
    while (count < this.#groups.length && this.#groups[count]!.end <= bound) count++;
    const to = this.#groups[count - 1]!.end;
    this.#write(to).then(
      () => this.#done(count, to),
      (error: unknown) => this.#fail(error),
    );
  }

  async #write(to: number): Promise<void> {
    const { root, codec } = this.#opened();
    if (to === this.#doneTo) return;
    this.#writer.use(root, codec);
    const written = root.batch(() => this.#log.writeTo(this.#writer, to));
    // After one batch the binding waits for more until the next turn, before which whole reads of sockets may be worked off. With another
    // it has more than its threshold, and begins; it has one promise for both.
    void root.batch(NO_MORE);
    await written;
  }

  #done(count: number, to: number): void {
    const bytes = to - this.#doneTo;
    this.#doneTo = to;
    this.#log.release(to);
    const groups = this.#groups.splice(0, count);
    // What waits goes to the disk while these are told. Where nothing does, it is busy still: what completions commit gathers first.
    const isWaiting = this.#groups.length > 0;
    if (isWaiting) this.#next();
    for (const { completion } of groups) completion.done(null);
    if (this.#space.hasWritten(bytes)) this.#look();
    if (!isWaiting) this.#next();
  }

  #next(): void {
    this.#busy = this.#groups.length > 0;
    if (!this.#busy) return this.#onIdle();
    // Later: who commits again at once when it is refused must not stop the process.
    if (this.#failure) setImmediate(() => this.#refuse());
    else this.#start();
  }

  /** Fails all that is committed. */
  #refuse(): void {
    this.#doneTo = this.#committedTo;
    this.#log.release(this.#committedTo);
    for (const { completion } of this.#groups.splice(0)) completion.done(this.#failure ?? this.#closed());
    this.#next();
  }

  async #fail(error: unknown): Promise<void> {
    const reason = await commitReason(error);
    this.#failures++;
    this.#failure = this.#failureOf(reason);
    this.ports.journal.warn('store-write-failed', { error: reason.message });
    if (this.#failure.full) this.#space.giveReserve();
    this.#enter('failed');
    this.#recovery = this.#recover();
    this.#refuse();
  }

  /** LMDB calls it EIO when only a part of a page has found room. */
  #failureOf(reason: Error): StoreFailedError {
    return new StoreFailedError(this.file, reason, this.#space.isUsedUp());
  }

  /** Opens the environment again until a write succeeds. */
  async #recover(): Promise<void> {
    for (let pauseMs = REOPEN_MS_MIN; !this.#closing; pauseMs = Math.min(2 * pauseMs, REOPEN_MS_MAX)) {
      try {
        await this.environment?.root.close();
        this.environment = null;
        this.environment = openQueueEnvironment(this.file, this.ports);
        await this.#pause(pauseMs);
        if (this.#closing) return;
        await tryWrite(this.environment);
        this.#failure = null;
        this.ports.journal.info('store-recovered');
        return this.#look();
      } catch (error) {
        const reason = await commitReason(error);
        this.#failure = this.#failureOf(reason);
        if (this.#failure.full) this.#space.giveReserve();
        if (!this.environment) await this.#pause(pauseMs);
      }
    }
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
      this.#timer = setTimeout(resolve, ms);
    });
  }

  /** Looks whether the volume is full, and again in a while: others write to it too. */
  #look(): void {
    if (this.#failure || this.#closing) return;
    this.#enter(this.#space.isFull() ? 'full' : 'ok');
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#look(), SPACE_LOOK_MS);
    this.#timer.unref();
  }

  #enter(state: StoreState): void {
    if (this.#state === state) return;
    this.#state = state;
    this.onState(state);
  }

  #freeInFile(): number {
    const { used, all } = pagesOf(this.#opened());
    return all - used;
  }
}
