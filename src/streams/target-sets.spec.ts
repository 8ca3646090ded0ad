import fc from 'fast-check';
import { ChunkPool } from '../common/chunk';
import { STREAM_CLASS } from '../links/contract';
import { Batch, StagingBuffers } from './batch';
import { BATCH_BYTES_MAX } from './limits';
import { TargetSets, type OpenTargetSet } from './target-sets';

const POOL = new ChunkPool('retention', 1 << 20);
const BUFFERS = new StagingBuffers();

function batch(): Batch {
  return new Batch(POOL, BUFFERS, STREAM_CLASS.normal, BATCH_BYTES_MAX);
}

describe('TargetSets', () => {
  it('has one object for equal sets, in whatever order and however often a node is named', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(20), { minLength: 1, maxLength: 8 }), (nodes) => {
        const sets = new TargetSets();
        const set = sets.intern(nodes);
        expect(sets.intern([...nodes].reverse())).toBe(set);
        expect(sets.intern([...nodes, ...nodes])).toBe(set);
        expect(set.targets).toEqual([...new Set(nodes)].sort((a, b) => a - b));
      }),
    );
  });

  it('hands the open batches out in the order in which they were opened, each once', () => {
    const sets = new TargetSets();
    const [one, other] = [sets.intern([1]), sets.intern([2])] as const;
    const batches = [batch(), batch(), batch()] as const;
    sets.opened(other, 2, batches[0]);
    sets.opened(one, 2, batches[1]);
    sets.opened(other, 1, batches[2]);
    const closed: [OpenTargetSet, Batch][] = [];
    sets.close((set, open) => closed.push([set, open]));
    expect(closed.map(([set, open]) => [set.key, batches.indexOf(open as never)])).toEqual([
      ['2', 0],
      ['1', 1],
      ['2', 2],
    ]);
    expect(sets.anyOpen).toBe(false);
  });

  it('hands out what is opened while others are closed', () => {
    const sets = new TargetSets();
    const set = sets.intern([1]);
    sets.opened(set, 2, batch());
    let closed = 0;
    sets.close(() => {
      if (closed++ === 0) sets.opened(set, 2, batch());
    });
    expect(closed).toBe(2);
  });

  it('forgets idle sets past its bound, never one with an open batch', () => {
    const sets = new TargetSets();
    const busy = sets.intern([1, 2]);
    sets.opened(busy, 2, batch());
    const idle = sets.intern([3]);
    for (let n = 10; n < 10_010; n++) sets.intern([n]);
    expect(sets.intern([1, 2])).toBe(busy);
    expect(sets.intern([3])).not.toBe(idle);
  });
});
