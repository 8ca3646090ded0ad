import type { MapStamp } from '../routing/contract';
import { KeptFacts, type FactChange, type FactDisk } from './kept-facts';
import { decodeFact, decodeStamp } from './records';

const stampOf = (version: number): MapStamp => ({ site: 'west', incarnation: 65_536, born: 65_536, version });
const put = (key: string, value: string): FactChange => [key, Buffer.from(value)];

/** Takes each batch as a whole, or nothing of it while it is full. */
class Disk implements FactDisk {
  readonly facts = this.#records();
  readonly stamps = this.#records();
  #batch: (() => void)[] = [];
  #ends: ((full: boolean) => void)[] = [];

  #records() {
    const records = new Map<string, Buffer>();
    const later = (write: () => void): Promise<boolean> => {
      this.#batch.push(write);
      return Promise.resolve(true);
    };
    const put = (id: string, record: Buffer) => later(() => void records.set(id, record));
    const remove = (id: string) => later(() => void records.delete(id));
    return { records, put, remove } as unknown as FactDisk['facts'] & { records: Map<string, Buffer> };
  }

  batch(writes: () => void): Promise<unknown> {
    writes();
    const batch = this.#batch.splice(0);
    return new Promise<void>((resolve, reject) =>
      this.#ends.push((full) => {
        if (full) return reject(new Error('no space left'));
        for (const write of batch) write();
        resolve();
      }),
    );
  }

  /** The batches so far end. */
  async commit(full = false): Promise<void> {
    for (const end of this.#ends.splice(0)) end(full);
    await new Promise<void>((resolve) => void setImmediate(resolve));
  }

  get idle(): boolean {
    return this.#ends.length === 0;
  }
}

function setUp() {
  const disk = new Disk();
  const kept = new KeptFacts(disk, [], (_what, done) => void done.catch(() => undefined));
  const held = (): Record<string, string> =>
    Object.fromEntries(
      [...disk.facts.records.values()].map((record) => {
        const [, key, value] = decodeFact(record) ?? ['', '', ''];
        return [key, value.toString()];
      }),
    );
  const version = (): (number | undefined)[] =>
    [...disk.stamps.records.values()].map((record) => decodeStamp(record)?.[1].version);
  return { kept, disk, held, version };
}

describe('facts that the disk did not take', () => {
  it('are written with the next stamp, and the old ones stand under theirs until then', async () => {
    const { kept, disk, held, version } = setUp();
    kept.save('west', stampOf(1), [put('a', '1'), put('b', '1')]);
    await disk.commit();
    kept.save('west', stampOf(2), [put('a', '2'), ['b', null], put('c', '2')]);
    await disk.commit(true);
    expect([held(), version(), disk.idle]).toEqual([{ a: '1', b: '1' }, [1], true]);
    kept.save('west', stampOf(3), [put('c', '3')]);
    await disk.commit(true);
    kept.save('west', stampOf(4), []);
    await disk.commit();
    expect([held(), version()]).toEqual([{ a: '2', c: '3' }, [4]]);
  });

  it('are written again when a later stamp was on its way already', async () => {
    const { kept, disk, held, version } = setUp();
    kept.save('west', stampOf(1), [put('a', '1'), put('b', '1')]);
    const failing = disk.commit(true);
    kept.save('west', stampOf(2), [put('a', '2')]);
    await failing;
    await disk.commit();
    await disk.commit();
    expect([held(), version(), disk.idle]).toEqual([{ a: '2', b: '1' }, [2], true]);
  });
});
