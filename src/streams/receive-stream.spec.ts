import fc from 'fast-check';
import { ChunkPool } from '../common/chunk';
import { SeededRandom } from '../common/ports';
import { STREAM_CLASS } from '../links/contract';
import { ACK_BYTES, ACK_DELAY_MS, GAP_DELAY_MS } from './limits';
import { ReceiveStream } from './receive-stream';

const WINDOW = 1 << 20;

class Bench {
  readonly pool = new ChunkPool('receive', 1 << 24);
  readonly stream = new ReceiveStream(9, 1, STREAM_CLASS.normal);
  readonly got: number[] = [];

  /** A batch of `count` messages comes in. */
  arrive(firstSeq: number, count: number, now = 0, bytes = 100, window = WINDOW): string {
    const body = this.pool.adopt(Buffer.alloc(bytes));
    const arrival = this.stream.arrive(firstSeq, count, body, window, now);
    if (arrival === 'deliver') {
      this.#deliver(firstSeq, count);
      for (let next = this.stream.next(now); next !== null; next = this.stream.next(now)) {
        this.#deliver(next.firstSeq, next.count);
        next.body.release();
      }
    }
    body.release();
    return arrival;
  }

  #deliver(firstSeq: number, count: number): void {
    for (let seq = firstSeq; seq < firstSeq + count; seq++) this.got.push(seq);
  }
}

describe('ReceiveStream', () => {
  it('delivers in order, once, whatever order and however often batches come', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1, maxLength: 30 }),
        fc.integer(),
        (counts, seed) => {
          const bench = new Bench();
          const random = new SeededRandom(seed);
          let next = 1;
          const batches = counts.map((count) => {
            const batch = { first: next, count };
            next += count;
            return batch;
          });
          const all = [...batches, ...batches].sort(() => (random.chance(0.5) ? 1 : -1));
          for (const { first, count } of [...all, ...batches]) bench.arrive(first, count);
          expect(bench.got).toEqual(Array.from({ length: next - 1 }, (_, n) => n + 1));
          expect(bench.stream.expectedSeq).toBe(next);
          expect([bench.pool.used, bench.stream.earlyBytes]).toEqual([0, 0]);
        },
      ),
    );
  });

  it('keeps no more out of turn than the window', () => {
    const bench = new Bench();
    expect(bench.arrive(3, 1, 0, 600, 1_000)).toBe('early');
    expect(bench.arrive(4, 1, 0, 600, 1_000)).toBe('overflow');
    expect(bench.pool.used).toBe(600);
    bench.stream.discardEarly();
    expect(bench.pool.used).toBe(0);
  });

  it('acknowledges late when little has come, at once when much has, and a repeat at once', () => {
    const bench = new Bench();
    bench.arrive(1, 1, 5);
    expect(bench.stream.ackDeadline).toBe(5 + ACK_DELAY_MS);
    bench.arrive(2, 1, 6, ACK_BYTES);
    expect(bench.stream.ackDeadline).toBe(6);
    bench.stream.acknowledged();
    expect([bench.stream.ackDue, bench.stream.ackDeadline]).toEqual([false, Infinity]);
    expect(bench.arrive(1, 1, 9)).toBe('duplicate');
    expect(bench.stream.ackDeadline).toBe(9);
  });

  it('reports a gap only when it has lasted, and again after a longer pause', () => {
    const bench = new Bench();
    bench.arrive(5, 2, 10);
    bench.arrive(9, 2, 20);
    expect(bench.stream.gapDeadline).toBe(10 + GAP_DELAY_MS);
    expect(bench.stream.takeGap(10 + GAP_DELAY_MS)).toEqual([1, 5]);
    expect(bench.stream.gapDeadline).toBe(10 + GAP_DELAY_MS * 3);
    bench.arrive(1, 4, 500);
    expect(bench.stream.takeGap(900)).toEqual([7, 9]);
    bench.arrive(7, 2, 901);
    expect(bench.stream.gapDeadline).toBe(Infinity);
    expect(bench.stream.takeGap(2_000)).toBeNull();
  });

  it('begins afresh with a later epoch', () => {
    const bench = new Bench();
    bench.arrive(1, 3);
    bench.arrive(8, 1);
    bench.stream.restart(2);
    expect([bench.stream.epoch, bench.stream.expectedSeq, bench.pool.used]).toEqual([2, 1, 0]);
    expect(bench.arrive(1, 1)).toBe('deliver');
  });
});
