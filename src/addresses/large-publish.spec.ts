import { ChunkPool } from '../common/chunk';
import { OUTCOME, type LargeBody, type Streams } from '../streams/contract';
import { LARGE_MEMORY_BYTES } from '../streams/limits';
import type { SpoolPort } from '../streams/reassembly';
import { LargePublish } from './large-publish';

const PART = Buffer.alloc(200_000, 7);

function setUp(spool: SpoolPort, largeId: number, local: boolean) {
  const ended: boolean[] = [];
  const streams = {
    appendSegment: () => undefined,
    endLarge: (_id: number, aborted: boolean) => void ended.push(aborted),
  } as unknown as Streams;
  const storage = { spool, pool: new ChunkPool('retention', 64 * 1024 * 1024), failed: jest.fn() };
  const complete = jest.fn((_body: LargeBody | null) => OUTCOME.accepted);
  const aborted = jest.fn();
  const publish = new LargePublish(streams, storage, largeId, local, { complete, aborted });
  return { publish, ended, storage, complete, aborted };
}

const FULL_DISK: SpoolPort = {
  create: () => {
    throw new Error('ENOSPC: no space left on device');
  },
};

describe('LargePublish', () => {
  it('lets go of its memory once those who got the message have', () => {
    const { publish, storage, complete, ended } = setUp(FULL_DISK, 3, true);
    publish.part(PART, 0, PART.length);
    expect(storage.pool.used).toBe(PART.length);
    expect(publish.end()).toBe(OUTCOME.accepted);
    expect(complete.mock.calls[0]?.[0]?.length).toBe(PART.length);
    expect([storage.pool.used, ended]).toEqual([0, [false]]);
  });

  it('rejects, and takes back from other sites, what the disk here does not take', () => {
    const { publish, storage, complete, aborted, ended } = setUp(FULL_DISK, 3, true);
    for (let sent = 0; sent <= LARGE_MEMORY_BYTES; sent += PART.length) publish.part(PART, 0, PART.length);
    expect(publish.end()).toBe(OUTCOME.rejected);
    expect(storage.failed).toHaveBeenCalledTimes(1);
    expect([complete.mock.calls.length, aborted.mock.calls.length]).toEqual([0, 1]);
    expect([storage.pool.used, ended]).toEqual([0, [true]]);
  });

  it('needs no disk for consumers at other sites only', () => {
    const { publish, complete, ended } = setUp(FULL_DISK, 3, false);
    for (let sent = 0; sent <= LARGE_MEMORY_BYTES; sent += PART.length) publish.part(PART, 0, PART.length);
    expect(publish.end()).toBe(OUTCOME.accepted);
    expect([complete.mock.calls[0]?.[0], ended]).toEqual([null, [false]]);
  });
});
