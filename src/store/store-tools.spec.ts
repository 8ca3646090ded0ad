import { cpSync, readFileSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { SeededRandom } from '../common/ports';
import { backUp } from './backup';
import { contentOf, digestOf, done, filled, fresh, RECORDS, valueOf, WANTED } from './filled-store.fixture';
import { QUEUE_PAGE_BYTES as PAGE } from './limits';
import { NodeState } from './node-state';
import { queueStoreFile } from './queue-environment';
import { LmdbQueueStore } from './queue-store';
import { BLOCK_HEAD_BYTES, SEGMENT_HEAD_BYTES } from './redo/format';
import { redoFilesIn } from './redo/reader';
import { salvage } from './salvage';
import { checkStores } from './store-check';
import { surveyQueueStore } from './store-survey';

describe('reading a store without LMDB', () => {
  it('finds what was put, and nothing that was deleted', async () => {
    const folder = await filled();
    expect(contentOf(folder)).toEqual(WANTED);
    const { queues, state } = await checkStores(folder);
    expect(queues).toMatchObject({ damageCount: 0, damages: [], records: WANTED.size + 7 });
    expect(queues.queues.map(({ queue, records }) => [queue, records])).toEqual([
      [0, 666],
      [1, 1_000],
      [2, 1_000],
    ]);
    expect(state).toMatchObject({ damages: [], records: 5 });
  });

  it('tells damage wherever it is, and ends no process', async () => {
    const folder = await filled();
    const file = queueStoreFile(folder);
    const whole = readFileSync(file);
    const random = new SeededRandom(7);
    let told = 0;
    for (let n = 0; n < 60; n++) {
      const damaged = Buffer.from(whole);
      const at = 2 * PAGE + (random.u32() % (whole.length - 2 * PAGE - 64));
      const length = n % 2 === 0 ? 64 : PAGE;
      for (let i = at; i < Math.min(at + length, whole.length); i++) damaged[i] = random.u32() & 0xff;
      writeFileSync(file, damaged);
      const survey = surveyQueueStore(file);
      const found = contentOf(folder);
      expect([...found].filter(([key, digest]) => WANTED.get(key) !== digest)).toEqual([]);
      if (found.size < WANTED.size) expect(survey.damageCount).toBeGreaterThan(0);
      told += survey.damageCount > 0 ? 1 : 0;
    }
    expect(told).toBeGreaterThan(20);
  });

  it('refuses what is no store, and what is not there', async () => {
    const folder = await filled();
    writeFileSync(queueStoreFile(folder), 'not a store at all '.repeat(1_000));
    await expect(checkStores(folder)).rejects.toMatchObject({ code: 'FL_STORE_DAMAGED' });
    await expect(checkStores(fresh())).rejects.toMatchObject({ code: 'FL_STORE_MISSING' });
  });

  it('does not say that nothing is there where it cannot look', async () => {
    const folder = join(fresh(), 'round');
    symlinkSync('round', folder); // as closed as another user's folder, for root too
    const refused = { code: 'FL_DATA_DIR_UNUSABLE', message: expect.stringContaining('ELOOP') as string };
    await expect(checkStores(folder)).rejects.toMatchObject(refused);
    await expect(backUp(folder, fresh())).rejects.toMatchObject(refused);
    await expect(salvage(folder, 'now')).rejects.toMatchObject(refused);
  });
});

describe('a backup', () => {
  it('is a data folder of its own, and another life of the numbering of puts', async () => {
    const folder = await filled();
    const copy = join(fresh(), 'copy');
    expect(await backUp(folder, copy)).toMatchObject({ damageCount: 0 });
    expect(contentOf(copy)).toEqual(WANTED);
    const restored = NodeState.open(copy);
    expect(restored.lastRun.knownNodes).toEqual(['west']);
    const epochs: number[] = [];
    for (const [dataDir, wasClean] of [
      [copy, false],
      [copy, true],
      [folder, true],
    ] as const) {
      const store = LmdbQueueStore.open(dataDir);
      expect(store.wasClean).toBe(wasClean);
      epochs.push(store.putEpoch);
      await store.close();
    }
    expect(epochs[0]).toBe(epochs[1]);
    expect(epochs[0]).toBeGreaterThan(epochs[2]!);
    await restored.close();
  });

  it('goes to an empty folder only, and leaves nothing there when it fails', async () => {
    const folder = await filled();
    const target = fresh();
    writeFileSync(join(target, 'mine'), '');
    await expect(backUp(folder, target)).rejects.toMatchObject({ code: 'FL_BACKUP_TARGET' });
    expect(readdirSync(target)).toEqual(['mine']);
    const empty = fresh();
    rmSync(join(folder, 'state'), { recursive: true });
    await expect(backUp(folder, empty)).rejects.toBeInstanceOf(Error);
    expect(readdirSync(empty)).toEqual([]);
    await expect(backUp(fresh(), fresh())).rejects.toMatchObject({ code: 'FL_STORE_MISSING' });
  });

  it('is no data folder before it is finished', async () => {
    const folder = await filled();
    const target = fresh();
    const copying = backUp(folder, target);
    const unfinished = fresh();
    cpSync(target, unfinished, { recursive: true });
    await copying;
    const wanted = { code: 'FL_BACKUP_UNFINISHED' };
    expect(() => NodeState.open(unfinished)).toThrow(expect.objectContaining(wanted));
    for (const use of [
      () => checkStores(unfinished),
      () => salvage(unfinished, 'now'),
      () => backUp(unfinished, fresh()),
    ])
      await expect(use()).rejects.toMatchObject(wanted);
    await expect(backUp(folder, unfinished)).rejects.toThrow('has a backup in it that was not finished');
    expect(readdirSync(target).sort()).toEqual(['queues', 'state']);
    expect((await checkStores(target)).queues.damageCount).toBe(0);
  });
});

describe('what is in the redo log only', () => {
  /** A data folder as a node leaves it that is killed: LMDB has the first half of the records, and not what became of them. */
  async function halfApplied(): Promise<{ folder: string; store: LmdbQueueStore; wanted: Map<number, number> }> {
    const folder = await filled();
    const store = LmdbQueueStore.open(folder, { layerMs: 1e9 });
    const wanted = new Map(WANTED);
    for (let key = 1; key < 100; key++) {
      store.delete(3, key % 3, key);
      wanted.delete(key);
      store.put(3, key % 3, RECORDS + key, valueOf(RECORDS + key));
      wanted.set(RECORDS + key, digestOf(valueOf(RECORDS + key)));
      if (key % 10 === 0) expect(await done(store)).toBeNull();
    }
    store.put(3, 2, 200, valueOf(7));
    wanted.set(200, digestOf(valueOf(7)));
    expect(await done(store)).toBeNull();
    return { folder, store, wanted };
  }

  function copied(folder: string): string {
    const copy = fresh();
    cpSync(folder, copy, { recursive: true });
    rmSync(join(copy, 'owner.json'), { force: true });
    return copy;
  }

  it('is checked, and copied, also while a node runs', async () => {
    const { folder, store, wanted } = await halfApplied();
    expect(contentOf(folder)).toEqual(wanted);
    expect((await checkStores(folder)).queues).toMatchObject({ damageCount: 0, records: wanted.size + 7 });
    const copy = join(fresh(), 'copy');
    expect(await backUp(folder, copy)).toMatchObject({ damageCount: 0 });
    expect(contentOf(copy)).toEqual(wanted);
    expect(redoFilesIn(join(copy, 'queues'))).toEqual([]);
    const restored = LmdbQueueStore.open(copy);
    expect(restored.get(3, 1, RECORDS + 1)).toEqual(valueOf(RECORDS + 1));
    expect(restored.putEpoch).toBeGreaterThan(store.putEpoch);
    await restored.close();
    await store.close();
  });

  it('is there after a kill, and is salvaged as far as it can be read', async () => {
    const { folder, store, wanted } = await halfApplied();
    const [sound, damaged] = [copied(folder), copied(folder)];
    await store.close();
    const again = LmdbQueueStore.open(sound);
    expect(contentOf(sound)).toEqual(wanted);
    expect([again.wasClean, again.get(3, 2, 200)]).toEqual([false, valueOf(7)]);
    await again.close();
    const name = redoFilesIn(join(damaged, 'queues')).find((one) =>
      readFileSync(redoFile(damaged, one)).includes(valueOf(7)),
    )!;
    const bytes = readFileSync(redoFile(damaged, name));
    bytes[SEGMENT_HEAD_BYTES + BLOCK_HEAD_BYTES + 20]! ^= 1;
    writeFileSync(redoFile(damaged, name), bytes);
    expect(() => LmdbQueueStore.open(damaged)).toThrow('fairlead store salvage');
    const { survey } = await salvage(damaged, 'now');
    expect(survey.damages[0]).toBe(`a block of ${name} is damaged`);
    // The first ten groups of one key each are lost, and what they deleted is there.
    const found = contentOf(damaged);
    expect([found.has(RECORDS + 5), found.has(5), found.has(RECORDS + 15), found.has(15)]).toEqual([
      false,
      true,
      true,
      false,
    ]);
    expect(readFileSync(redoFile(damaged, `damaged-now-${name}`)).equals(bytes)).toBe(true);
    const salvaged = LmdbQueueStore.open(damaged);
    expect(salvaged.get(3, 2, 200)).toEqual(valueOf(7));
    await salvaged.close();
  });

  const redoFile = (folder: string, name: string): string => join(folder, 'queues', name);
});
