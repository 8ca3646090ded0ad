import { randomBytes } from 'node:crypto';
import { invariant } from '../common/errors';
import { type Journal, SILENT_JOURNAL } from '../common/ports';
import type { QueueStore, StoreCompletion, StoreState, StoreVisit } from '../queues/store-port';
import { commitReason } from './commit-reason';
import { DiskSpace } from './disk-space';
import { StoreFailedError } from './errors';
import { GroupWriter } from './group-writer';
import { boundErrorText } from './lmdb-error-text';
import { LAYER_MS, RECORD_BYTES_MAX, SPACE_LOOK_MS } from './limits';
import {
  type QueueEnvironment,
  openProbed,
  openQueueEnvironment,
  pagesOf,
  queueStoreFile,
  told,
} from './queue-environment';
import { SPACE_END } from './queue-key';
import { openRedoLog } from './redo/open-redo-log';
import type { RedoLog } from './redo/redo-log';
import { type StoreLife, beginLife, endLife } from './store-life';
import { StoreRecovery } from './store-recovery';

export interface QueueStorePorts {
  readonly journal: Journal;
  /** Wall-clock ms, for the epoch of puts. */
  readonly wall: () => number;
  readonly random16: () => number;
  /** Says what is wrong with a store that must not be opened in this process; null when it may be. */
  readonly probe: (file: string) => string | null;
  /** Where its map begins; grows by itself. */
  readonly mapBytes?: number;
  /** For so long changes wait before they go to LMDB. */
  readonly layerMs: number;
}

const DEFAULT_PORTS: QueueStorePorts = {
  journal: SILENT_JOURNAL,
  wall: Date.now,
  random16: () => randomBytes(2).readUInt16BE(),
  probe: () => null,
  layerMs: LAYER_MS,
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

/**
 * Queues' records: in the redo log as soon as they are done, and some time later in an LMDB environment of their own. Whoever opens it owns
 * the data folder already (NodeState).
 */
export class LmdbQueueStore implements QueueStore {
  onState: (state: StoreState) => void = () => undefined;
  /** One life of the numbering of puts: another one after a restore from a backup. */
  readonly putEpoch: number;
  /** The last life ended with {@link close}; also true of a store that was just made. */
  readonly wasClean: boolean;
  readonly #writer: GroupWriter;
  readonly #space: DiskSpace;
  /** Committed while it closes: refused once all before them are done. */
  #late: StoreCompletion[] = [];
  #state: StoreState = 'ok';
  #closing = false;
  /** Once it is closed. */
  #ended: StoreFailedError | null = null;
  readonly #recovery: StoreRecovery;
  #timer: NodeJS.Timeout | null = null;

  private constructor(
    private readonly file: string,
    private environment: QueueEnvironment | null,
    private readonly redo: RedoLog,
    life: StoreLife,
    private readonly ports: QueueStorePorts,
  ) {
    this.putEpoch = life.putEpoch;
    this.wasClean = life.wasClean;
    this.#writer = new GroupWriter({
      environment: () => this.#opened(),
      redo,
      layerMs: ports.layerMs,
      onWritten: (bytes) => {
        if (this.#space.hasWritten(bytes)) this.#look();
      },
      onFailed: (error) => void this.#recovery.fail(error),
      onBehind: (error) => void this.#recovery.fallBehind(error),
    });
    this.#space = new DiskSpace(
      file,
      () => this.#freeInFile(),
      () => this.#writer.unappliedBytes,
    );
    this.#recovery = new StoreRecovery({
      file,
      writer: this.#writer,
      redo,
      space: this.#space,
      journal: ports.journal,
      reopen: () => this.#reopen(),
      environment: () => this.#opened(),
      enter: (state) => this.#enter(state),
      onRecovered: () => this.#look(),
    });
    this.#look();
  }

  /** @throws QueueStoreDamagedError, StoreVersionError, DataDirUnusableError */
  static open(dataDir: string, ports: Partial<QueueStorePorts> = {}): LmdbQueueStore {
    const all = { ...DEFAULT_PORTS, ...ports };
    const file = queueStoreFile(dataDir);
    if (!boundErrorText()) all.journal.warn('lmdb-errors-unbounded');
    const environment = openProbed(file, all.probe, all.mapBytes);
    try {
      const life = beginLife(file, environment, all.wall(), all.random16());
      const redo = openRedoLog(file, environment, life.putEpoch);
      return new LmdbQueueStore(file, environment, redo, life, all);
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
    return this.#writer.unflushedBytes;
  }

  /** For health and metrics. */
  get usage(): StoreUsage {
    const { used, all } = this.environment ? pagesOf(this.environment) : { used: 0, all: 0 };
    const { state, unflushedBytes } = this;
    return { state, usedBytes: used, fileBytes: all, unflushedBytes, failures: this.#recovery.failures };
  }

  put(space: number, queue: number, key: number, value: Buffer): void {
    invariant(space < SPACE_END, `space ${space} is the store's own`);
    invariant(value.length <= RECORD_BYTES_MAX, `a record of ${value.length} bytes is too long`);
    this.#writer.put(space, queue, key, value);
  }

  delete(space: number, queue: number, key: number): void {
    invariant(space < SPACE_END, `space ${space} is the store's own`);
    this.#writer.delete(space, queue, key);
  }

  commit(completion: StoreCompletion): void {
    if (this.#closing && !this.#failure) this.#late.push(completion);
    else this.#writer.commit(completion);
  }

  get(space: number, queue: number, key: number): Buffer | null {
    return this.#writer.reader.get(space, queue, key);
  }

  scan(space: number, queue: number, from: number, to: number, visit: StoreVisit): void {
    this.#writer.reader.scan(space, queue, from, to, visit);
  }

  last(space: number, queue: number): number {
    return this.#writer.reader.last(space, queue);
  }

  /** Waits for what is committed, brings it to LMDB, says that the stop was a clean one, and closes. */
  async close(): Promise<void> {
    this.#closing = true;
    if (this.#timer) clearTimeout(this.#timer);
    this.#recovery.stop();
    await this.#writer.idle();
    await this.#recovery.rest();
    this.#writer.stop();
    const { environment } = this;
    if (environment && !this.#failure) await this.#sayClean(environment);
    await this.#writer.rest();
    this.environment = null;
    this.#ended = this.#closed();
    this.#writer.refuse(this.#ended);
    for (const completion of this.#late.splice(0)) completion.done(this.#ended);
    await this.redo.close();
    await environment?.root.close();
  }

  /** Resolves when nothing is on its way to the disk. */
  rest(): Promise<void> {
    return this.#writer.rest();
  }

  async #sayClean(environment: QueueEnvironment): Promise<void> {
    try {
      await this.#writer.apply();
      await endLife(environment);
    } catch (error) {
      this.ports.journal.warn('store-not-clean', { error: (await commitReason(error)).message });
    }
  }

  get #failure(): StoreFailedError | null {
    return this.#ended ?? this.#recovery.failure;
  }

  #opened(): QueueEnvironment {
    if (!this.environment) throw this.#failure ?? this.#closed();
    return this.environment;
  }

  #closed(): StoreFailedError {
    return new StoreFailedError(this.file, new Error('it is closed'));
  }

  async #reopen(): Promise<void> {
    const { environment } = this;
    this.environment = null;
    await environment?.root.close();
    this.environment = openQueueEnvironment(this.file, this.ports);
  }

  /** Looks whether the volume is full, and again in a while: others write to it too. */
  #look(): void {
    if (!this.#recovery.isWell || this.#closing) return;
    // What a backup or a check saw that was killed: until then no page is used again that was freed since.
    this.environment?.root.readerCheck();
    const isFull = this.#space.isFull();
    if (isFull) this.#writer.hurry();
    this.#enter(isFull ? 'full' : 'ok');
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
