import { ChunkPool } from '../common/chunk';
import { OUTCOME, type LargeBody, type SegmentKeeper, type Streams } from '../streams/contract';
import { LARGE_MEMORY_BYTES } from '../streams/limits';
import { SEGMENT_HEAD_BYTES, type SpoolPort } from '../streams/reassembly';
import { LARGE_KEPT_BYTES_MAX, LARGE_KEPT_PARTS_MAX } from './limits';
import { TestSpool } from './parts.fixture';
import { LargePublish, type Gather } from './large-publish';

const PART = Buffer.alloc(200_000, 7);

function setUp(spool: SpoolPort, largeId: number, gather: Gather) {
  const ended: boolean[] = [];
  let streamed = 0;
  const room = { any: true };
  const streams = {
    appendSegment: (_id: number, payload: Buffer, start: number, end: number, kept?: SegmentKeeper | null) => {
      streamed += end - start;
      // As it lies in a batch: behind the head of a segment.
      const chunk = storage.pool.adopt(Buffer.from(payload.subarray(start, end)));
      kept?.add({ chunk, start: -SEGMENT_HEAD_BYTES, length: end - start + SEGMENT_HEAD_BYTES });
      chunk.release();
    },
    endLarge: (_id: number, aborted: boolean) => void ended.push(aborted),
  } as unknown as Streams;
  const storage = { spool, pool: new ChunkPool('retention', 64 * 1024 * 1024), failed: jest.fn() };
  const complete = jest.fn((_body: LargeBody | null) => OUTCOME.accepted);
  const aborted = jest.fn();
  const publish = new LargePublish(streams, storage, largeId, gather, { complete, aborted }, () => room.any);
  return { publish, ended, storage, complete, aborted, room, streamed: () => streamed };
}

const FULL_DISK: SpoolPort = {
  create: () => {
    throw new Error('ENOSPC: no space left on device');
  },
};

describe('LargePublish', () => {
  it('lets go of its memory once those who got the message have', () => {
    const { publish, storage, complete, ended } = setUp(FULL_DISK, 3, 'whole');
    publish.part(PART, 0, PART.length);
    expect(storage.pool.used).toBe(PART.length);
    expect(publish.end()).toBe(OUTCOME.accepted);
    expect(complete.mock.calls[0]?.[0]?.length).toBe(PART.length);
    expect([storage.pool.used, ended]).toEqual([0, [false]]);
  });

  it('rejects, and takes back from other sites, what the disk here does not take', () => {
    const { publish, storage, complete, aborted, ended } = setUp(FULL_DISK, 3, 'whole');
    for (let sent = 0; sent <= LARGE_MEMORY_BYTES; sent += PART.length) publish.part(PART, 0, PART.length);
    expect(publish.end()).toBe(OUTCOME.rejected);
    expect(storage.failed).toHaveBeenCalledTimes(1);
    expect([complete.mock.calls.length, aborted.mock.calls.length]).toEqual([0, 1]);
    expect([storage.pool.used, ended]).toEqual([0, [true]]);
  });

  it('needs no disk for consumers at other sites only', () => {
    const { publish, complete, ended } = setUp(FULL_DISK, 3, 'nothing');
    for (let sent = 0; sent <= LARGE_MEMORY_BYTES; sent += PART.length) publish.part(PART, 0, PART.length);
    expect(publish.end()).toBe(OUTCOME.accepted);
    expect([complete.mock.calls[0]?.[0], ended]).toEqual([null, [false]]);
  });

  it('keeps what goes to another site in what it left in', () => {
    const { publish, storage, complete, streamed } = setUp(FULL_DISK, 3, 'kept');
    publish.part(PART, 0, PART.length);
    publish.part(PART, 0, 5);
    expect([storage.pool.used, streamed()]).toEqual([PART.length + 5, PART.length + 5]);
    complete.mockImplementation((body) => {
      expect(body?.length).toBe(PART.length + 5);
      return OUTCOME.accepted;
    });
    expect(publish.end()).toBe(OUTCOME.accepted);
    expect([storage.pool.used, complete.mock.calls.length]).toEqual([0, 1]);
  });

  it.each([
    ['is too large', PART.length, LARGE_KEPT_BYTES_MAX / PART.length],
    ['comes in too many parts', 1, LARGE_KEPT_PARTS_MAX],
  ])('keeps nothing of what %s', (_what, bytes, parts) => {
    const { publish, storage, complete, ended } = setUp(FULL_DISK, 3, 'kept');
    for (let n = 0; n <= parts; n++) publish.part(PART, 0, bytes);
    expect(storage.pool.used).toBe(0);
    expect(publish.divert()).toBe(false);
    expect(publish.end()).toBe(OUTCOME.accepted);
    expect([complete.mock.calls[0]?.[0], ended]).toEqual([null, [false]]);
  });

  it('keeps nothing more, and nothing of what came before, when there is no room', () => {
    const { publish, storage, room } = setUp(FULL_DISK, 3, 'kept');
    publish.part(PART, 0, PART.length);
    room.any = false;
    publish.part(PART, 0, PART.length);
    expect(storage.pool.used).toBe(0);
    room.any = true;
    publish.part(PART, 0, PART.length);
    expect([storage.pool.used, publish.divert()]).toEqual([0, false]);
  });

  it('lets go of what was kept when it is given up', () => {
    const { publish, storage, aborted } = setUp(FULL_DISK, 3, 'kept');
    publish.part(PART, 0, PART.length);
    publish.abort();
    expect([storage.pool.used, aborted.mock.calls.length]).toEqual([0, 1]);
  });

  it('goes on here when the site that it was for is lost', () => {
    const { publish, storage, complete, ended, streamed } = setUp(new TestSpool(), 3, 'kept');
    publish.part(PART, 0, PART.length);
    expect(publish.divert()).toBe(true);
    for (let sent = 0; sent <= LARGE_MEMORY_BYTES; sent += PART.length) publish.part(PART, 0, PART.length);
    expect(streamed()).toBe(PART.length);
    complete.mockImplementation((body) => {
      expect(body?.length).toBe(publish.length);
      return OUTCOME.accepted;
    });
    expect(publish.end()).toBe(OUTCOME.accepted);
    expect([storage.pool.used, complete.mock.calls.length, ended]).toEqual([0, 1, [false]]);
  });
});
