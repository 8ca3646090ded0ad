import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SeededRandom } from '../../common/ports';
import { LmdbQueueStore } from '../queue-store';
import { KEY_END } from '../queue-key';
import { WriteLog } from '../write-log';
import { Overlay } from './overlay';

const top = mkdtempSync(join(tmpdir(), 'fairlead-overlay-'));
afterAll(() => rmSync(top, { recursive: true, force: true }));

const SPACES = [1, 3];
const QUEUES = [0, 7];
/** Of two lanes, and at both ends. */
const KEYS = [0, 1, 2, 3, 4, 5, 2 ** 32 - 1, 2 ** 32, 2 ** 48 + 1, 2 ** 48 + 2, 2 ** 53 - 1];

type Model = Map<string, string>;
const nameOf = (space: number, queue: number, key: number): string => `${space} ${queue} ${key}`;

interface Change {
  readonly space: number;
  readonly queue: number;
  readonly key: number;
  readonly value: string | null;
}

function apply(model: Model, changes: readonly Change[]): void {
  for (const { space, queue, key, value } of changes) {
    if (value === null) model.delete(nameOf(space, queue, key));
    else model.set(nameOf(space, queue, key), value);
  }
}

/** Records of a queue with keys in [from, to), in order. */
function rangeOf(model: Model, space: number, queue: number, from: number, to: number): [number, string][] {
  const keys = KEYS.filter((key) => key >= from && key < to && model.has(nameOf(space, queue, key)));
  return keys.map((key) => [key, model.get(nameOf(space, queue, key))!]);
}

class Trial {
  readonly model: Model = new Map();
  readonly #random: SeededRandom;
  #value = 0;

  constructor(
    seed: number,
    public store: LmdbQueueStore,
  ) {
    this.#random = new SeededRandom(seed);
  }

  pick<T>(of: readonly T[]): T {
    return of[this.#random.below(of.length)]!;
  }

  chance(part: number): boolean {
    return this.#random.chance(part);
  }

  /** Commits a group of random changes, some of them longer than a segment. */
  group(): Promise<void> {
    const changes = Array.from({ length: 1 + this.#random.below(6) }, (): Change => {
      const value = this.chance(0.5) ? null : `${this.#value++}`.padEnd(this.chance(0.02) ? 400_000 : 10);
      return { space: this.pick(SPACES), queue: this.pick(QUEUES), key: this.pick(KEYS), value };
    });
    for (const { space, queue, key, value } of changes) {
      if (value === null) this.store.delete(space, queue, key);
      else this.store.put(space, queue, key, Buffer.from(value));
    }
    return new Promise((resolve, reject) => {
      this.store.commit({
        done: (error) => {
          if (error) return reject(error);
          apply(this.model, changes);
          resolve();
        },
      });
    });
  }

  /** What is read is what was done. */
  check(): void {
    const [space, queue, key] = [this.pick(SPACES), this.pick(QUEUES), this.pick(KEYS)];
    const [from, to] = [this.pick(KEYS), this.pick([...KEYS, Infinity])];
    const { model, store } = this;
    expect(store.get(space, queue, key)?.toString()).toBe(model.get(nameOf(space, queue, key)));
    const found: [number, string][] = [];
    store.scan(space, queue, from, to, (at, value) => found.push([at, value.toString()]) > 0);
    expect(found).toEqual(rangeOf(model, space, queue, from, to));
    expect(store.last(space, queue)).toBe(rangeOf(model, space, queue, 0, KEY_END).at(-1)?.[0] ?? -1);
  }

  checkAll(): void {
    for (let n = 0; n < 100; n++) this.check();
  }
}

async function crashed(folder: string, store: LmdbQueueStore): Promise<string> {
  const copy = mkdtempSync(join(top, 'copy-'));
  // Between its transactions: nothing is being written.
  await store.rest();
  cpSync(join(folder, 'queues'), join(copy, 'queues'), { recursive: true });
  return copy;
}

it.each(Array.from({ length: 8 }, (_, seed) => seed))(
  'reads of a store are what was done, whatever of it is in LMDB, also after crashes (seed %i)',
  async (seed) => {
    let folder = mkdtempSync(join(top, 'node-'));
    const open = (): LmdbQueueStore => LmdbQueueStore.open(folder, { layerMs: [0, 3, 10_000][seed % 3]! });
    const trial = new Trial(seed, open());
    for (let life = 0; life < 4; life++) {
      for (let n = 0; n < 40; n++) {
        const groups = Array.from({ length: trial.pick([1, 1, 3, 10]) }, () => trial.group());
        await Promise.all(groups);
        trial.check();
      }
      trial.checkAll();
      const before = trial.store;
      if (trial.chance(0.7)) folder = await crashed(folder, before);
      await before.close();
      trial.store = open();
      trial.checkAll();
    }
    await trial.store.close();
  },
  60_000,
);

describe('an overlay', () => {
  function overlayOf(greatest = -1): { log: WriteLog; overlay: Overlay; take: () => void } {
    const log = new WriteLog();
    const overlay = new Overlay(log, () => greatest);
    let [from, sequence] = [0, 0];
    const take = (): void => {
      overlay.take(from, log.end, ++sequence);
      from = log.end;
    };
    return { log, overlay, take };
  }

  it('keeps nothing of what was put and deleted in it, and is nowhere else', () => {
    const { log, overlay, take } = overlayOf(100);
    for (let key = 101; key < 1_101; key++) log.put(3, 1, key, Buffer.from('message'));
    take();
    expect(overlay.live.size).toBe(1_000);
    for (let key = 101; key < 1_100; key++) log.delete(3, 1, key);
    take();
    expect([overlay.live.size, overlay.next(3, 1, 0, KEY_END)]).toEqual([1, 1_100]);
  });

  it('remembers what was deleted of what may be below it', () => {
    const { log, overlay, take } = overlayOf(100);
    log.put(3, 1, 100, Buffer.from('again'));
    log.put(3, 1, 101, Buffer.from('new'));
    take();
    overlay.freeze();
    for (const key of [99, 100, 101, 102]) log.delete(3, 1, key);
    take();
    expect([99, 100, 101, 102].map((key) => overlay.record(3, 1, key))).toEqual([null, null, null, undefined]);
    overlay.drop(overlay.frozen[0]!);
    expect(overlay.frozen).toEqual([]);
    expect([overlay.live.size, overlay.last(3, 1, KEY_END)]).toEqual([3, -1]);
  });

  it('reads the same when its frozen layers are one, which keeps what was deleted', () => {
    const { log, overlay, take } = overlayOf(100);
    const seen = (): unknown => {
      const textOf = (key: number): string | null | undefined => {
        const record = overlay.record(3, 1, key);
        return record && record.toString('utf8', record.start + 4, record.end);
      };
      return { records: [100, 101, 102, 103, 104].map(textOf), next: overlay.next(3, 1, 101, KEY_END) };
    };
    for (const key of [101, 102, 103]) log.put(3, 1, key, Buffer.from(`first of ${key}`));
    take();
    overlay.freeze();
    log.delete(3, 1, 101);
    log.put(3, 1, 102, Buffer.from('second of 102'));
    take();
    overlay.freeze();
    log.put(3, 1, 104, Buffer.from('first of 104'));
    log.delete(3, 1, 100);
    take();
    overlay.freeze();
    log.delete(3, 1, 103);
    take();
    const before = seen();
    overlay.merge();
    const [frozen, ...others] = overlay.frozen;
    expect([frozen?.sequence, frozen?.size, others]).toEqual([3, 5, []]);
    expect(seen()).toEqual(before);
    overlay.merge();
    expect(seen()).toEqual(before);
    overlay.drop(frozen!);
    expect(seen()).toEqual({ records: [undefined, undefined, undefined, null, undefined], next: 103 });
  });

  it('is empty when LMDB has all of it', () => {
    const { log, overlay, take } = overlayOf();
    expect([overlay.isEmpty, overlay.bytes]).toEqual([true, 0]);
    log.put(3, 1, 1, Buffer.from('x'));
    take();
    expect(overlay.isEmpty).toBe(false);
    overlay.freeze();
    overlay.freeze();
    expect([overlay.isEmpty, overlay.frozen.length]).toEqual([false, 1]);
    overlay.drop(overlay.frozen[0]!);
    expect([overlay.isEmpty, overlay.bytes]).toEqual([true, 0]);
  });
});
