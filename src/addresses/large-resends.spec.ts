import { ChunkPool } from '../common/chunk';
import type { LargeBody, Streams, TargetSet } from '../streams/contract';
import { SEGMENT_BYTES } from '../streams/limits';
import { LargeAssembler } from '../streams/reassembly';
import { LargeResends } from './large-resends';
import { TestSpool } from './parts.fixture';

const SITE: TargetSet = { key: '7', targets: [7] };
const LENGTH = 5 * SEGMENT_BYTES + 100;

/** Streams that take so many segments before they are full. */
function setUp(room: number) {
  const log: string[] = [];
  const got: Buffer[] = [];
  let left = room;
  const streams = {
    isFull: () => left === 0,
    beginLarge: () => (log.push('begin'), 3),
    appendSegment: (_id: number, payload: Buffer, start: number, end: number) => {
      left--;
      got.push(Buffer.from(payload.subarray(start, end)));
    },
    endLarge: (_id: number, aborted: boolean) => void log.push(aborted ? 'abort' : 'end'),
  } as unknown as Streams;
  const failed = jest.fn();
  const resends = new LargeResends(streams, failed);
  const add = (body: LargeBody): void => resends.add(1, SITE, 2, 'a', 4, body);
  return { log, got, failed, resends, add, more: (segments: number) => (left = segments) };
}

function bodyOf(bytes: Buffer): LargeBody {
  const storage = { spool: new TestSpool(), pool: new ChunkPool('test', 64 * 1024 * 1024), failed: jest.fn() };
  const assembler = new LargeAssembler(storage);
  assembler.append(bytes, 0, bytes.length);
  return assembler.finish() as LargeBody;
}

describe('LargeResends', () => {
  const bytes = Buffer.from(Array.from({ length: LENGTH }, (_, n) => n % 251));

  it('sends a whole message as far as there is room, and the rest when there is more', () => {
    const { log, got, resends, add, more } = setUp(2);
    add(bodyOf(bytes));
    expect([got.length, log, resends.size]).toEqual([2, ['begin'], 1]);
    resends.pump();
    expect(got.length).toBe(2);
    more(100);
    resends.pump();
    expect(Buffer.concat(got).equals(bytes)).toBe(true);
    expect([log, resends.size]).toEqual([['begin', 'end'], 0]);
  });

  it('leaves off when its site is lost', () => {
    const { log, got, resends, add, more } = setUp(2);
    add(bodyOf(bytes));
    resends.cancel(1);
    more(100);
    resends.pump();
    resends.cancel(1);
    expect([got.length, log, resends.size]).toEqual([2, ['begin', 'abort'], 0]);
  });

  it.each([
    [
      'cannot be read',
      () => {
        throw new Error('EIO');
      },
    ],
    ['is shorter than it was', () => 0],
  ])('gives up, and says so, what %s', (_what, read) => {
    const { log, failed, resends, add } = setUp(100);
    add({ length: LENGTH, read, retain: () => undefined, release: () => undefined });
    expect(failed).toHaveBeenCalledTimes(1);
    expect(failed).toHaveBeenCalledWith(1, 7, expect.any(Error));
    expect([log, resends.size]).toEqual([['begin', 'abort'], 0]);
  });
});
