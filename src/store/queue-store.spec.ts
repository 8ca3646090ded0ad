import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { open } from 'lmdb';
import { describeStore, type StoreUnderTest } from '../queues/store-contract.fixture';
import { LAYER_MS, QUEUE_PAGE_BYTES } from './limits';
import { PageFile } from './lmdb-pages';
import { arenaOf } from './write-log';
import { openQueueEnvironment, queueStoreFile } from './queue-environment';
import { LmdbQueueStore, type QueueStorePorts } from './queue-store';
import { sealOf } from './sealed-record';
import { markRestored } from './store-life';
import { surveyQueueStore } from './store-survey';

const top = mkdtempSync(join(tmpdir(), 'fairlead-queues-'));
afterAll(() => rmSync(top, { recursive: true, force: true }));
const fresh = (): string => mkdtempSync(join(top, 'node-'));

function done(store: LmdbQueueStore): Promise<Error | null> {
  return new Promise((resolve) => store.commit({ done: resolve }));
}

async function under(folder: string, layerMs: number): Promise<StoreUnderTest> {
  const store = LmdbQueueStore.open(folder, { layerMs });
  return {
    store,
    pass: () => new Promise<void>((passed) => void setImmediate(passed)),
    reopen: async () => {
      await store.close();
      return under(folder, layerMs);
    },
    close: () => store.close(),
    damage: (space, queue, key) => flipBit(folder, space, queue, key),
  };
}

/** Writes behind the back of the store, once LMDB has the record: the binding shares the environment of one process. */
async function flipBit(folder: string, space: number, queue: number, key: number): Promise<void> {
  const { root, codec } = openQueueEnvironment(queueStoreFile(folder));
  const isThere = (): boolean => {
    [codec.space, codec.queue] = [space, queue];
    return root.get(key) !== undefined;
  };
  while (!isThere()) await new Promise((passed) => setTimeout(passed, 5));
  // It lets go of what it has of it itself once it is told.
  await new Promise((passed) => setTimeout(passed, 20));
  [codec.space, codec.queue] = [space, queue];
  const record = Buffer.from(root.get(key)!.subarray(0, root.get(key)!.length));
  record[record.length - 1]! ^= 1;
  const arena = arenaOf(record.length);
  record.copy(arena);
  await root.batch(() => void root.put(key, arena));
  await root.close();
}

/** Writes what the store says of itself. */
async function writeOwn(folder: string, key: number, value: number): Promise<void> {
  const { root, codec } = openQueueEnvironment(queueStoreFile(folder));
  [codec.space, codec.queue] = [255, 0];
  const arena = arenaOf(12);
  arena.writeDoubleLE(value, 4);
  arena.writeInt32LE(sealOf(255, 0, key, arena, 4, 12));
  await root.batch(() => void root.put(key, arena));
  await root.close();
}

function makeQueues(folder: string): string {
  mkdirSync(join(folder, 'queues'));
  return folder;
}

describeStore('the store of queues', () => under(fresh(), LAYER_MS));
describeStore('the store of queues whose changes go to LMDB at once', () => under(fresh(), 0));

async function opened<T>(
  folder: string,
  ports: Partial<QueueStorePorts>,
  body: (store: LmdbQueueStore) => T | Promise<T>,
): Promise<T> {
  const store = LmdbQueueStore.open(folder, ports);
  try {
    return await body(store);
  } finally {
    await store.close();
  }
}

describe('the file of the store of queues', () => {
  it('grows past its map', async () => {
    const folder = fresh();
    await opened(folder, { mapBytes: 1024 ** 2 }, async (store) => {
      for (let n = 0; n < 300; n++) {
        store.put(1, 1, n, Buffer.alloc(100_000, n));
        if (n % 50 === 49) expect(await done(store)).toBeNull();
        if (n > 60) expect(store.get(1, 1, n - 60)![0]).toBe((n - 60) & 0xff);
      }
      expect(store.last(1, 1)).toBe(299);
    });
    expect(statSync(queueStoreFile(folder)).size).toBeGreaterThan(30_000_000);
    await opened(folder, {}, (store) => expect(store.get(1, 1, 299)).toEqual(Buffer.alloc(100_000, 299)));
  });

  it.each([
    ['short', 100],
    ['of a page', QUEUE_PAGE_BYTES],
    ['long', 40_000],
  ])(
    'does not grow while as much is deleted as is put: %s values',
    async (_kind, length) => {
      await opened(fresh(), {}, async (store) => {
        const window = Math.ceil(400_000 / length);
        let size = 0;
        for (let cycle = 0; cycle < 60; cycle++) {
          for (let n = 0; n < window; n++) {
            store.put(1, 1, cycle * window + n, Buffer.alloc(length + (n % 7) * (length / 10), n));
            store.delete(1, 1, (cycle - 1) * window + n);
          }
          expect(await done(store)).toBeNull();
          if (cycle === 20) size = store.usage.fileBytes;
        }
        expect(store.usage.fileBytes).toBeLessThan(size * 1.5);
        expect(store.usage.usedBytes).toBeLessThan(size);
      });
      // 60 times to the disk, which may be slow.
    },
    60_000,
  );
});

describe('a life of the store of queues', () => {
  it('says whether the one before ended cleanly', async () => {
    const folder = fresh();
    await opened(folder, {}, (store) => expect(store.wasClean).toBe(true));
    await opened(folder, {}, (store) => expect(store.wasClean).toBe(true));
    const life = LmdbQueueStore.open(folder);
    life.put(1, 1, 1, Buffer.from('x'));
    await done(life);
    // The next one begins before this one says that it ends.
    await opened(folder, {}, (store) => expect(store.wasClean).toBe(false));
    await life.close();
  });

  it('numbers puts as the one before, and anew after a restore', async () => {
    const folder = fresh();
    const wall = () => 1_900_000_000_000;
    const epochs: number[] = [];
    const life = () => opened(folder, { wall, random16: () => 7 }, (store) => void epochs.push(store.putEpoch));
    await life();
    await life();
    const copy = openQueueEnvironment(queueStoreFile(folder));
    markRestored(copy);
    await copy.root.close();
    await life();
    await life();
    const first = 1_900_000_000 * 65_536 + 7;
    expect(epochs).toEqual([first, first, first + 65_536, first + 65_536]);
  });

  it('finishes what is committed before it ends, and takes nothing after', async () => {
    const folder = fresh();
    const store = LmdbQueueStore.open(folder);
    const told: (Error | null)[] = [];
    for (let n = 0; n < 5; n++) {
      store.put(1, 1, n, Buffer.from('x'));
      store.commit({ done: (error) => void told.push(error) });
    }
    const closed = store.close();
    store.put(1, 1, 5, Buffer.from('x'));
    store.commit({ done: (error) => void told.push(error) });
    await closed;
    expect(told).toEqual([null, null, null, null, null, expect.objectContaining({ code: 'FL_STORE_FAILED' })]);
    store.put(1, 1, 6, Buffer.from('x'));
    expect(await done(store)).toMatchObject({ code: 'FL_STORE_FAILED', condition: 'amqp:internal-error' });
    expect(() => store.get(1, 1, 1)).toThrow('it is closed');
    await opened(folder, {}, (next) => expect(next.last(1, 1)).toBe(4));
  });

  it('goes on with a store of the format before, which knows of no redo log', async () => {
    const folder = fresh();
    const old = openQueueEnvironment(queueStoreFile(makeQueues(folder)));
    await old.root.close();
    for (const [key, value] of [
      [0, 2],
      [1, 77],
      [2, 1],
    ] as const)
      await writeOwn(folder, key, value);
    await opened(folder, {}, async (store) => {
      expect([store.putEpoch, store.wasClean]).toEqual([77, true]);
      store.put(1, 1, 1, Buffer.from('x'));
      expect(await done(store)).toBeNull();
    });
    await opened(folder, {}, (store) => expect(store.get(1, 1, 1)?.toString()).toBe('x'));
    expect(surveyQueueStore(queueStoreFile(folder)).damages).toEqual([]);
  });

  it('has all of a group that no segment of the redo log has room for', async () => {
    const folder = fresh();
    const values = (n: number): Buffer => Buffer.alloc(6_000_000, n);
    await opened(folder, {}, async (store) => {
      for (let round = 0; round < 2; round++) {
        store.put(1, 1, round, Buffer.from('before'));
        const small = done(store);
        for (let n = 0; n < 4; n++) store.put(1, 2, 10 * round + n, values(n));
        store.delete(1, 1, round - 1);
        const large = done(store);
        store.put(1, 1, 100 + round, Buffer.from('after'));
        expect(await Promise.all([small, large, done(store)])).toEqual([null, null, null]);
      }
      expect([store.get(1, 1, 0), store.get(1, 1, 1)?.toString(), store.last(1, 1)]).toEqual([null, 'before', 101]);
      expect(store.get(1, 2, 13)!.equals(values(3))).toBe(true);
    });
    await opened(folder, {}, (store) => expect([store.last(1, 2), store.last(1, 1)]).toEqual([13, 101]));
  });

  it('keeps a reserve and a redo log beside it', async () => {
    const folder = fresh();
    await opened(folder, {}, () => undefined);
    expect(readdirSync(join(folder, 'queues')).sort()).toEqual(['data.mdb', 'lock.mdb', 'redo-0', 'reserve']);
  });
});

describe('blocks of the store of queues', () => {
  /** Records on the disk, as another process would find them. */
  const onDisk = (folder: string): number => surveyQueueStore(queueStoreFile(folder)).records;
  const putSome = (store: LmdbQueueStore, queue: number): void => {
    for (let n = 0; n < 100; n++) store.put(1, queue, n, Buffer.alloc(1_000, n));
  };

  it('go on while those of the one before are told', async () => {
    const folder = fresh();
    await opened(folder, {}, async (store) => {
      const before = onDisk(folder);
      putSome(store, 1);
      const first = new Promise<number>((resolve) => {
        store.commit({
          done: () => {
            // This thread is busy all the while.
            const pause = new Int32Array(new SharedArrayBuffer(4));
            for (let n = 0; n < 1_000 && onDisk(folder) < before + 200; n++) Atomics.wait(pause, 0, 0, 10);
            resolve(onDisk(folder));
          },
        });
      });
      putSome(store, 2);
      const second = done(store);
      expect(await first).toBe(before + 200);
      expect(await second).toBeNull();
    });
  });
});

describe('pages of the store of queues', () => {
  const pageBytesOf = (folder: string): number => {
    const file = new PageFile(queueStoreFile(folder));
    file.close();
    return file.pageBytes;
  };

  it('are larger than those of the system in a new one', async () => {
    const folder = fresh();
    await opened(folder, {}, () => undefined);
    expect(pageBytesOf(folder)).toBe(QUEUE_PAGE_BYTES);
  });

  it('stay what they are in one that was made with others', async () => {
    const folder = fresh();
    await open({ path: join(folder, 'queues'), pageSize: 4_096, encoding: 'binary', overlappingSync: false }).close();
    for (let life = 0; life < 2; life++)
      await opened(folder, {}, async (store) => {
        expect(store.last(1, 1)).toBe(life * 100 - 1);
        for (let n = 0; n < 100; n++) store.put(1, 1, life * 100 + n, Buffer.alloc(1_100, n));
        expect(await done(store)).toBeNull();
        expect(store.get(1, 1, 42)).toEqual(Buffer.alloc(1_100, 42));
      });
    expect(pageBytesOf(folder)).toBe(4_096);
  });
});

describe('a store of queues that cannot be used', () => {
  const codeOf = (folder: string, probe: () => string | null = () => null): string => {
    try {
      LmdbQueueStore.open(folder, { probe });
    } catch (error) {
      const { code, message } = error as Error & { code: string };
      if (code === 'FL_STORE_DAMAGED') expect(message).toContain('fairlead store salvage');
      return code;
    }
    return 'none';
  };

  it('is refused when it is none, or was cut off within its head', async () => {
    const folder = fresh();
    mkdirSync(join(folder, 'queues'));
    writeFileSync(queueStoreFile(folder), 'not a store at all '.repeat(1_000));
    expect(codeOf(folder)).toBe('FL_STORE_DAMAGED');
    const short = fresh();
    await opened(short, {}, () => undefined);
    truncateSync(queueStoreFile(short), 5_000);
    expect(codeOf(short)).toBe('FL_STORE_DAMAGED');
  });

  it('is refused when the probe says what is wrong', async () => {
    const folder = fresh();
    await opened(folder, {}, () => undefined);
    expect(codeOf(folder, () => 'its pages lead nowhere')).toBe('FL_STORE_DAMAGED');
    expect(codeOf(folder)).toBe('none');
  });

  it('is refused when its folder cannot be made', () => {
    const folder = fresh();
    writeFileSync(join(folder, 'queues'), '');
    expect(codeOf(folder)).toBe('FL_DATA_DIR_UNUSABLE');
  });

  it.each([
    ['of another version', 0, 99, 'FL_STORE_VERSION'],
    ['with a flipped bit in what it says of itself', 1, null, 'FL_STORE_DAMAGED'],
  ])('is refused %s', async (_kind, key, value, code) => {
    const folder = fresh();
    await opened(folder, {}, () => undefined);
    if (value === null) await flipBit(folder, 255, 0, key);
    else await writeOwn(folder, key, value);
    expect(codeOf(folder)).toBe(code);
  });
});
