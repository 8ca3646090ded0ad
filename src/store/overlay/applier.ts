import { LAYER_RECORDS_MAX } from '../limits';
import type { QueueEnvironment } from '../queue-environment';
import { RecordWriter } from '../record-writer';
import type { RedoLog } from '../redo/redo-log';
import { writeApplied } from '../store-life';
import type { WriteLog } from '../write-log';
import type { Layer } from './layer';
import type { Overlay } from './overlay';
import { DELETED, LOW_END, UNCHANGED } from './table';

export interface ApplierPorts {
  readonly environment: () => QueueEnvironment;
  readonly log: WriteLog;
  readonly overlay: Overlay;
  readonly redo: RedoLog;
  /** For so long changes wait for others to go with them. */
  readonly layerMs: number;
  /** LMDB could not take it. Nothing is lost: it is tried again with the next {@link Applier.run}, or by whoever holds it back. */
  readonly onFailed: (error: unknown) => void;
}

const NO_MORE = (): void => undefined;

/** Brings what is in the overlay to LMDB, some thousand records in a transaction, and lets go of the segments that had it. */
export class Applier {
  readonly #writer = new RecordWriter();
  #running: Promise<void> | null = null;
  #timer: NodeJS.Timeout | null = null;
  /** Nothing goes to LMDB but by {@link drain}. */
  isHeld = false;

  constructor(private readonly ports: ApplierPorts) {}

  /** Told of what the overlay has taken. */
  noted(): void {
    if (this.isHeld) return;
    if (this.ports.overlay.live.size >= LAYER_RECORDS_MAX) return this.freeze();
    this.#timer ??= setTimeout(() => this.freeze(), this.ports.layerMs).unref();
  }

  /** What has come so far goes to LMDB now. */
  freeze(): void {
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = null;
    this.ports.overlay.freeze();
    this.run();
  }

  /** Goes on with what is frozen. */
  run(): void {
    if (this.isHeld || this.#running !== null || this.ports.overlay.frozen.length === 0) return;
    this.drain().catch((error: unknown) => this.ports.onFailed(error));
  }

  /** Resolves when all that is frozen is in LMDB. */
  drain(): Promise<void> {
    this.#running ??= this.#drain().finally(() => (this.#running = null));
    return this.#running;
  }

  /** Resolves when no transaction is on its way. */
  async rest(): Promise<void> {
    await this.#running?.catch(() => undefined);
  }

  stop(): void {
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = null;
  }

  async #drain(): Promise<void> {
    for (;;) {
      const layers = nextOf(this.ports.overlay.frozen);
      if (layers.length === 0) return;
      await this.apply(layers);
    }
  }

  /** One transaction: a reader of LMDB finds all of a block or nothing. */
  async apply(layers: readonly Layer[]): Promise<void> {
    const { log, overlay, redo } = this.ports;
    const last = layers[layers.length - 1]!;
    const needed = redo.neededAfter(last.sequence);
    const environment = this.ports.environment();
    this.#writer.use(environment);
    const written = environment.root.batch(() => {
      layers.forEach((layer, n) => this.#write(layer, layers.slice(n + 1)));
      writeApplied(environment, last.sequence, needed);
    });
    // After one batch the binding waits for more until the next turn, before which whole reads of sockets may be worked off. With another
    // it has more than its threshold, and begins; it has one promise for both.
    void environment.root.batch(NO_MORE);
    await written;
    overlay.drop(last);
    log.release(last.end);
    redo.release(needed);
  }

  /** What a later one of the same transaction has of a key comes from there. */
  #write(layer: Layer, later: readonly Layer[]): void {
    layer.spaces.forEach((queues, space) => {
      for (const tables of queues?.values() ?? [])
        for (const { queue, high, entries } of tables)
          entries.forEachSorted((low, at) => {
            const key = high * LOW_END + low;
            if (later.length > 0 && later.some((other) => other.entry(space, queue, key) !== UNCHANGED)) return;
            if (at === DELETED) this.#writer.delete(space, queue, key);
            else this.#writer.put(space, queue, key, this.ports.log.sealed(layer.base + at, space, queue, key));
          });
    });
  }
}

/** So many layers that one transaction is not too long. */
function nextOf(frozen: readonly Layer[]): readonly Layer[] {
  let [count, size] = [0, 0];
  while (count < frozen.length && (count === 0 || size + frozen[count]!.size <= LAYER_RECORDS_MAX)) {
    size += frozen[count]!.size;
    count++;
  }
  return frozen.slice(0, count);
}
