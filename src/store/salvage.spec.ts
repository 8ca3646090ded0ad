import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { SeededRandom } from '../common/ports';
import { QueueState } from '../queues/queue-state';
import { RECORD_FLAG, REFERENCE_BYTES, writeHead, writeReference } from '../queues/record';
import { countRecord } from '../queues/reference-counts';
import { OTHERS_COUNTS, SPACE } from '../queues/spaces';
import { contentOf, digestOf, done, filled, fresh, WANTED } from './filled-store.fixture';
import { QUEUE_PAGE_BYTES as PAGE } from './limits';
import { NodeState } from './node-state';
import { queueStoreFile } from './queue-environment';
import { LmdbQueueStore } from './queue-store';
import { redoFilesIn } from './redo/reader';
import { salvage } from './salvage';
import { surveyQueueStore } from './store-survey';

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
