import type { StoreCompletion } from '../queues/store-port';
import { Applier } from './overlay/applier';
import { Layer } from './overlay/layer';
import { MergedReader } from './overlay/merged-reader';
import { Overlay } from './overlay/overlay';
import type { QueueEnvironment } from './queue-environment';
import { KEY_END } from './queue-key';
import { lastKey } from './record-reader';
import type { RedoLog } from './redo/redo-log';
import { WriteLog } from './write-log';

export interface GroupWriterPorts {
  /** @throws StoreFailedError while there is none */
  readonly environment: () => QueueEnvironment;
  readonly redo: RedoLog;
  /** For so long changes wait before they go to LMDB. */
  readonly layerMs: number;
  /** So many bytes are on the disk. */
  readonly onWritten: (bytes: number) => void;
  /** Something could not be written. It takes nothing before {@link GroupWriter.refuse}. */
  readonly onFailed: (error: unknown) => void;
  /** LMDB could not take what is in the redo log. All that is committed is done nevertheless. */
  readonly onBehind: (error: unknown) => void;
}

interface Group {
  /** Where it ends in the log. */
  readonly end: number;
  readonly completion: StoreCompletion;
}

/**
 * Makes groups durable in their order: one block of the redo log is on its way to the disk, and groups that are committed meanwhile gather
 * into the next. What is durable is read from the overlay until it is in LMDB.
 */
export class GroupWriter {
  readonly reader: MergedReader;
  readonly #log = new WriteLog();
  readonly #overlay: Overlay;
  readonly #applier: Applier;
  /** Committed and not done, in order. */
  #groups: Group[] = [];
  /** Positions in the log: behind what is done, and behind what is committed. */
  #doneTo = 0;
  #committedTo = 0;
  #busy = false;
  #writing: Promise<void> | null = null;
  #failure: Error | null = null;
  /** Why LMDB takes nothing for the time being. */
  #heldBy: Error | null = null;
  #onIdle: () => void = () => undefined;

  constructor(private readonly ports: GroupWriterPorts) {
    const { environment, redo, layerMs, onBehind: onFailed } = ports;
    this.#overlay = new Overlay(this.#log, (space, queue, end) => greatestKey(environment, space, queue, end));
    this.#applier = new Applier({ environment, log: this.#log, overlay: this.#overlay, redo, layerMs, onFailed });
    this.reader = new MergedReader(this.#overlay, environment);
  }

  get unflushedBytes(): number {
    return this.#committedTo - this.#doneTo;
  }

  /** Bytes that LMDB has not got yet, but will. */
  get unappliedBytes(): number {
    return this.#overlay.bytes;
  }

  put(space: number, queue: number, key: number, value: Buffer): void {
    this.#log.put(space, queue, key, value);
  }

  delete(space: number, queue: number, key: number): void {
    this.#log.delete(space, queue, key);
  }

  commit(completion: StoreCompletion): void {
    this.#committedTo = this.#log.end;
    this.#groups.push({ end: this.#committedTo, completion });
    if (!this.#busy) this.#next();
  }

  /** Resolves when all that was committed is done. */
  async idle(): Promise<void> {
    if (this.#busy) await new Promise<void>((idle) => (this.#onIdle = idle));
  }

  /** Nothing is on its way to the disk any more. */
  async rest(): Promise<void> {
    await this.#writing;
    await this.#applier.rest();
  }

  /** Brings all that is durable to LMDB. */
  async apply(): Promise<void> {
    this.#overlay.freeze();
    if (this.#heldBy !== null) this.#overlay.merge();
    await this.#applier.drain();
  }

  /** Begins with that, because there may soon be no room for it. */
  hurry(): void {
    this.#applier.freeze();
  }

  /** Fails all that is committed, and what comes before {@link resume}. What is on its way may be done nevertheless. */
  refuse(failure: Error): void {
    this.#failure = failure;
    this.ports.redo.interrupt(failure);
    this.#refuse();
  }

  /** LMDB gets nothing but by {@link apply} before {@link resume}. Groups are done as long as the redo log has room. */
  hold(failure: Error): void {
    this.#failure = null;
    this.#setHeld(failure);
    if (this.ports.redo.isUsedUp) this.ports.redo.interrupt(failure);
  }

  resume(): void {
    this.#failure = null;
    this.#setHeld(null);
    this.#applier.run();
  }

  #setHeld(by: Error | null): void {
    this.#heldBy = by;
    this.#applier.isHeld = this.ports.redo.isHeld = by !== null;
  }

  stop(): void {
    this.#applier.stop();
  }

  #next(): void {
    if (this.#writing !== null) return;
    this.#busy = this.#groups.length > 0;
    if (!this.#busy) return this.#onIdle();
    // Later: who commits again at once when it is refused must not stop the process.
    if (this.#failure) setImmediate(() => this.#refuse());
    else this.#start();
  }

  #refuse(): void {
    const failure = this.#failure;
    if (failure === null || this.#writing !== null) return this.#next();
    this.#doneTo = this.#committedTo;
    if (this.#overlay.isEmpty) this.#log.release(this.#committedTo);
    for (const { completion } of this.#groups.splice(0)) completion.done(failure);
    this.#next();
  }

  #start(): void {
    this.#writing = this.#write().then(
      (groups) => {
        this.#writing = null;
        this.#done(groups);
      },
      (error: unknown) => {
        this.#writing = null;
        this.ports.onFailed(error);
      },
    );
  }

  /** Writes the groups that wait, as many as there is room for in one block. @returns how many */
  async #write(): Promise<number> {
    const { redo } = this.ports;
    const first = this.#groups[0]!;
    const bytes = first.end - this.#doneTo;
    if (bytes > redo.room && bytes <= redo.roomMax) {
      if (this.#heldBy !== null && redo.isUsedUp) throw this.#heldBy;
      this.#applier.freeze();
      await redo.rotate();
    }
    if (bytes > redo.room) return this.#writeToStore(first);
    const bound = this.#doneTo + redo.room;
    let count = 1;
    while (count < this.#groups.length && this.#groups[count]!.end <= bound) count++;
    const { end } = this.#groups[count - 1]!;
    if (end === this.#doneTo) return count;
    const parts = this.#log.bytes(this.#doneTo, end);
    const sequence = await redo.append(parts, end - this.#doneTo);
    this.#overlay.take(this.#doneTo, end, sequence);
    this.#applier.noted();
    return count;
  }

  /** A group that is too large for the redo log goes to LMDB, behind all that was before it. */
  async #writeToStore({ end }: Group): Promise<number> {
    const { redo } = this.ports;
    await this.apply();
    const layer = new Layer(this.#doneTo, () => KEY_END);
    this.#log.visit(this.#doneTo, end, layer);
    layer.end = end;
    layer.sequence = redo.sequence + 1;
    await this.#applier.apply([layer]);
    redo.skipTo(layer.sequence);
    return 1;
  }

  #done(count: number): void {
    const { end } = this.#groups[count - 1]!;
    const bytes = end - this.#doneTo;
    this.#doneTo = end;
    const groups = this.#groups.splice(0, count);
    // What waits goes to the disk while these are told. Where nothing does, it is busy still: what completions commit gathers first.
    const isWaiting = this.#groups.length > 0;
    if (isWaiting) this.#next();
    for (const { completion } of groups) completion.done(null);
    this.ports.onWritten(bytes);
    if (!isWaiting) this.#next();
  }
}

/** What cannot be read may be anything. */
function greatestKey(environment: () => QueueEnvironment, space: number, queue: number, end: number): number {
  try {
    return lastKey(environment(), space, queue, end);
  } catch {
    return KEY_END;
  }
}
