import { cpSync, mkdtempSync, readFileSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SeededRandom } from '../common/ports';
import { QueueState } from '../queues/queue-state';
import { RECORD_FLAG, RECORD_HEAD, REFERENCE_BYTES, writeHead, writeReference } from '../queues/record';
import { countRecord } from '../queues/reference-counts';
import { OTHERS_COUNTS, SPACE } from '../queues/spaces';
import { backUp } from './backup';
import { crc32c } from './crc32c';
import { QUEUE_PAGE_BYTES } from './limits';
import { NodeState } from './node-state';
import { queueStoreFile } from './queue-environment';
import { LmdbQueueStore } from './queue-store';
import { BLOCK_HEAD_BYTES, SEGMENT_HEAD_BYTES } from './redo/format';
import { redoFilesIn } from './redo/reader';
import { salvage } from './salvage';
import { checkStores } from './store-check';
import { surveyQueueStore } from './store-survey';

const top = mkdtempSync(join(tmpdir(), 'fairlead-tools-'));
afterAll(() => rmSync(top, { recursive: true, force: true }));
const fresh = (): string => mkdtempSync(join(top, 'node-'));
const RECORDS = 3_000;
const PAGE = QUEUE_PAGE_BYTES;

function done(store: LmdbQueueStore): Promise<Error | null> {
  return new Promise((resolve) => store.commit({ done: resolve }));
}

/** A message of a queue, of several pages here and there: its head is looked at when what a queue knows of itself is counted anew. */
const valueOf = (key: number): Buffer => Buffer.alloc(key % 40 === 0 ? 9_000 + key : 150, key).fill(0, 0, RECORD_HEAD);

/** A node's folder with records of three queues, a third of them deleted again. */
async function filled(folder = fresh()): Promise<string> {
  const state = NodeState.open(folder);
  state.saveKnownNodes(['west']);
  state.saveFacts('west', { site: 'west', incarnation: 1, born: 1, version: 1 }, [['rule a', Buffer.from('x')]]);
  const store = LmdbQueueStore.open(folder);
  for (let key = 0; key < RECORDS; key++) store.put(3, key % 3, key, valueOf(key));
  await done(store);
  for (let key = 0; key < RECORDS; key += 9) store.delete(3, key % 3, key);
  await done(store);
  await store.close();
  await state.close();
  return folder;
}

/** Keys of the records of all queues, with digests of their values. */
function contentOf(folder: string): Map<number, number> {
  const found = new Map<number, number>();
  surveyQueueStore(queueStoreFile(folder), (space, _queue, key, record) => {
    if (space === 3) found.set(key, crc32c(record, 4, record.length));
  });
  return found;
}

const digestOf = (value: Buffer): number => crc32c(value, 0, value.length);

const WANTED = new Map(
  Array.from({ length: RECORDS }, (_, key) => key)
    .filter((key) => key % 9 !== 0)
    .map((key) => [key, digestOf(valueOf(key))]),
);

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

describe('a salvage', () => {
  it('saves every record that can be read, keeps the damaged file, and lets the node start', async () => {
    const folder = await filled();
    const file = queueStoreFile(folder);
    const damaged = readFileSync(file);
    const random = new SeededRandom(11);
    for (let n = 0; n < 12; n++) {
      const at = PAGE * (4 + (random.u32() % (damaged.length / PAGE - 5)));
      damaged.fill(random.u32() & 0xff, at + 40, at + 90);
    }
    writeFileSync(file, damaged);
    const readable = contentOf(folder);
    const redo = redoFilesIn(join(folder, 'queues'));
    const { survey, kept } = await salvage(folder, 'now');
    expect(survey.damageCount).toBeGreaterThan(0);
    expect(readFileSync(kept).equals(damaged)).toBe(true);
    expect(readdirSync(join(folder, 'queues')).filter((name) => !name.startsWith('redo'))).toEqual([
      ...redo.map((name) => `damaged-now-${name}`),
      ...['damaged-now.mdb', 'data.mdb', 'lock.mdb', 'reserve'],
    ]);
    expect(surveyQueueStore(file).damages).toEqual([]);
    expect(contentOf(folder)).toEqual(readable);
    expect(readable.size).toBeGreaterThan(WANTED.size / 2);
    const store = LmdbQueueStore.open(folder);
    expect(store.wasClean).toBe(false);
    const depths = [0, 1, 2].map((queue) => QueueState.decode(store.get(SPACE.state, queue, 0)!).depth);
    expect(depths.reduce((sum, depth) => sum + depth)).toBe(readable.size);
    const [key, value] = [...readable][0]!;
    expect(digestOf(store.get(3, key % 3, key)!)).toBe(value);
    await store.close();
  });

  it('makes no queues of what others keep, and leaves out what they count anew', async () => {
    const folder = fresh();
    const store = LmdbQueueStore.open(folder);
    store.put(33, 7, 1, Buffer.from('message'));
    store.put(34, 0, 1, Buffer.from('payload'));
    for (const space of OTHERS_COUNTS) store.put(space, 0, 1, Buffer.alloc(8));
    await done(store);
    await store.close();
    const { survey } = await salvage(folder, 'now');
    expect([survey.queues, survey.damageCount]).toEqual([[], 0]);
    const after = LmdbQueueStore.open(folder);
    expect([after.get(33, 7, 1)?.toString(), after.get(34, 0, 1)?.toString()]).toEqual(['message', 'payload']);
    for (const space of OTHERS_COUNTS) expect(after.get(space, 0, 1)).toBeNull();
    expect(after.last(SPACE.directory, 0)).toBe(-1);
    expect(after.last(SPACE.state, 7)).toBe(-1);
    await after.close();
  });

  it('counts anew what queues share, and leaves out what is lost of it', async () => {
    const folder = fresh();
    const store = LmdbQueueStore.open(folder);
    const reference = (payload: number): Buffer => {
      const record = Buffer.alloc(REFERENCE_BYTES);
      writeHead(record, RECORD_FLAG.shared, 0, 0, 0);
      writeReference(record, payload, 1_000);
      return record;
    };
    for (const queue of [1, 2, 3])
      for (const payload of [1, 2]) store.put(SPACE.messages, queue, payload, reference(payload));
    for (const payload of [1, 3]) store.put(SPACE.payloads, 0, payload, Buffer.alloc(1_014));
    for (const payload of [1, 2, 3]) store.put(SPACE.holders, 0, payload, countRecord(2));
    await done(store);
    await store.close();
    const { damages } = surveyQueueStore(queueStoreFile(folder));
    expect([...damages].sort()).toEqual([
      'payload 1 is said to be in 2 messages, and is in 3',
      'payload 2 is lost, which 3 messages have',
      'payload 3 is said to be in 2 messages, and is in 0',
    ]);
    await salvage(folder, 'now');
    expect(surveyQueueStore(queueStoreFile(folder)).damages).toEqual([]);
    const after = LmdbQueueStore.open(folder);
    expect([1, 2, 3].map((queue) => QueueState.decode(after.get(SPACE.state, queue, 0)!).depth)).toEqual([1, 1, 1]);
    expect([after.get(SPACE.holders, 0, 1), after.last(SPACE.payloads, 0)]).toEqual([countRecord(3), 1]);
    await after.close();
  });

  it('goes back to the state before when the root of the newest is lost', async () => {
    const folder = await filled();
    const file = queueStoreFile(folder);
    const bytes = readFileSync(file);
    const newest = [0, PAGE].sort((a, b) =>
      Number(bytes.readBigUInt64LE(b + 152) - bytes.readBigUInt64LE(a + 152)),
    )[0]!;
    const root = Number(bytes.readBigUInt64LE(newest + 136));
    bytes.fill(0, root * PAGE, (root + 1) * PAGE);
    writeFileSync(file, bytes);
    await salvage(folder, 'now');
    expect(contentOf(folder)).toEqual(WANTED);
  });

  it('is refused while a node runs', async () => {
    const folder = await filled();
    const state = NodeState.open(folder);
    await expect(salvage(folder, 'now')).rejects.toMatchObject({ code: 'FL_DATA_DIR_IN_USE' });
    await state.close();
    expect(contentOf(folder)).toEqual(WANTED);
  });
});
