import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { RECORD_HEAD } from '../queues/record';
import { crc32c } from './crc32c';
import { NodeState } from './node-state';
import { queueStoreFile } from './queue-environment';
import { LmdbQueueStore } from './queue-store';
import { surveyQueueStore } from './store-survey';

const top = mkdtempSync(join(tmpdir(), 'fairlead-tools-'));
afterAll(() => rmSync(top, { recursive: true, force: true }));
/** A folder of its own, gone at the end. */
export const fresh = (): string => mkdtempSync(join(top, 'node-'));
export const RECORDS = 3_000;

/** Commits what was put. */
export function done(store: LmdbQueueStore): Promise<Error | null> {
  return new Promise((resolve) => store.commit({ done: resolve }));
}

/** A message of a queue, of several pages here and there: its head is looked at when what a queue knows of itself is counted anew. */
export const valueOf = (key: number): Buffer =>
  Buffer.alloc(key % 40 === 0 ? 9_000 + key : 150, key).fill(0, 0, RECORD_HEAD);

/** A node's folder with records of three queues, a third of them deleted again. */
export async function filled(folder = fresh()): Promise<string> {
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
export function contentOf(folder: string): Map<number, number> {
  const found = new Map<number, number>();
  surveyQueueStore(queueStoreFile(folder), (space, _queue, key, record) => {
    if (space === 3) found.set(key, crc32c(record, 4, record.length));
  });
  return found;
}

export const digestOf = (value: Buffer): number => crc32c(value, 0, value.length);

/** What {@link filled} leaves, as {@link contentOf} finds it. */
export const WANTED = new Map(
  Array.from({ length: RECORDS }, (_, key) => key)
    .filter((key) => key % 9 !== 0)
    .map((key) => [key, digestOf(valueOf(key))]),
);
