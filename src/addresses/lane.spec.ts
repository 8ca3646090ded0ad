import fc from 'fast-check';
import { Chunk } from '../common/chunk';
import { OUTCOME } from '../streams/contract';
import { Holding } from './holding';
import { Lane } from './lane';
import { LANE_HIGH_BYTES, LANE_HIGH_MESSAGES, LANE_OVERRUN, SPILL_LANE_BYTES } from './limits';
import { entryOf, JOURNAL, pool, TestSpool } from './parts.fixture';
import type { AddressPolicy } from './rules';
import { SpillBlock, LaneBudget } from './spill';

class Bench {
  readonly spool = new TestSpool();
  readonly budget: LaneBudget;
  readonly dropped = new Map<string, number>();
  readonly settled: (readonly [number, number])[] = [];
  slowed = 0;
  readonly entries = {
    block: entryOf('topic', 'a'),
    dropOldest: entryOf('topic', 'a', { slow: 'dropOldest' }),
    dropNewest: entryOf('topic', 'a', { slow: 'dropNewest' }),
    spill: entryOf('topic', 'a', { slow: 'spill' }),
  };
  readonly lane: Lane;

  constructor(capacity = Infinity, memoryMax = Infinity) {
    this.budget = new LaneBudget(this.spool, JOURNAL, capacity, memoryMax);
    this.lane = new Lane(
      {
        dropped: (reason, count) => this.dropped.set(reason, (this.dropped.get(reason) ?? 0) + count),
        settled: (slot, outcome) => this.settled.push([slot, outcome]),
        onSlow: () => this.slowed++,
      },
      this.budget,
      new Holding(pool(1 << 20), () => undefined),
    );
  }

  push(slow: AddressPolicy['slow'], text: string, slot = -1): void {
    const bytes = Buffer.from(`..${text}`);
    this.lane.push(this.entries[slow], bytes, 2, bytes.length, null, slot);
  }

  /** Takes the first message out. */
  take(): string {
    const { start, length } = this.lane.ring;
    const held = this.lane.shift();
    if (!(held instanceof Chunk || held instanceof SpillBlock)) throw new Error('a large body');
    const text = held.bytes.toString('utf8', start, start + length);
    held.release();
    return text;
  }

  takeAll(): string[] {
    const all: string[] = [];
    while (this.lane.size > 0) all.push(this.take());
    return all;
  }
}

const KIB = 'x'.repeat(1_023);
const text = (n: number): string => `${n}`.padStart(8, '0') + KIB.slice(8);

describe('lane', () => {
  it('with `block` is slow past its bytes or its messages, until well below', () => {
    for (const body of [KIB, '']) {
      const bench = new Bench();
      const most = body === '' ? LANE_HIGH_MESSAGES : LANE_HIGH_BYTES / 1_023;
      for (let n = 0; n <= most; n++) bench.push('block', body);
      expect([bench.lane.slow, bench.slowed]).toEqual([true, 1]);
      while (!bench.lane.recovered()) bench.take();
      expect(bench.lane.size).toBeGreaterThan(0);
      expect(bench.lane.size).toBeLessThanOrEqual(most / 4);
      expect(bench.lane.slow).toBe(false);
    }
  });

  it('with `dropOldest` keeps the last, with `dropNewest` the first, never tracked ones', () => {
    const count = 1_000;
    for (const slow of ['dropOldest', 'dropNewest'] as const) {
      const bench = new Bench();
      for (let n = 0; n < count; n++) bench.push(slow, text(n));
      const got = bench.takeAll();
      const dropped = bench.dropped.get(slow) ?? 0;
      expect([got.length + dropped, bench.lane.slow]).toEqual([count, false]);
      expect(got.length).toBe(Math.floor(LANE_HIGH_BYTES / KIB.length));
      const first = slow === 'dropOldest' ? dropped : 0;
      expect(got).toEqual(Array.from(got, (_, n) => text(first + n)));
    }
    const bench = new Bench();
    for (let n = 0; n < count; n++) bench.push('dropNewest', text(n), n);
    expect([bench.lane.size, bench.lane.slow]).toEqual([count, true]);
  });

  it('does not drop what waits by another rule to make room', () => {
    const bench = new Bench();
    bench.push('block', text(0));
    for (let n = 1; n < 300; n++) bench.push('dropOldest', text(n));
    expect(bench.lane.slow).toBe(true);
    expect(bench.takeAll()).toEqual(Array.from({ length: 300 }, (_, n) => text(n)));
  });

  it('with `spill` is bounded in memory and on disk, in order, and leaves no file', () => {
    const bench = new Bench();
    const fits = Math.floor(SPILL_LANE_BYTES / KIB.length);
    for (let n = 0; n < fits; n++) bench.push('spill', text(n));
    expect(bench.lane.bytes).toBeLessThanOrEqual(LANE_HIGH_BYTES);
    expect(bench.spool.bytes).toBeGreaterThan(SPILL_LANE_BYTES * 0.9);
    expect(bench.lane.slow).toBe(false);
    for (let n = fits; n < fits + 1_000; n++) bench.push('spill', text(n));
    expect([bench.lane.slow, bench.lane.spilledBytes <= SPILL_LANE_BYTES]).toEqual([true, true]);
    for (let n = 0; n < fits + 1_000; n++) if (bench.take() !== text(n)) throw new Error(`message ${n} is another one`);
    expect(bench.lane.recovered()).toBe(true);
    expect([bench.spool.files.size, bench.budget.used, bench.lane.spilledBytes]).toEqual([0, 0, 0]);
  });

  it('with `spill` is at its bound when the node is at its own, or when the disk fails, and loses nothing', () => {
    const full = new Bench(100_000);
    for (let n = 0; n < 1_000; n++) full.push('spill', text(n));
    expect([full.lane.slow, full.budget.used <= 100_000]).toEqual([true, true]);
    expect(full.takeAll()).toEqual(Array.from({ length: 1_000 }, (_, n) => text(n)));
    const failing = new Bench();
    failing.spool.failing = true;
    for (let n = 0; n < 1_000; n++) failing.push('spill', text(n));
    expect([failing.lane.slow, failing.spool.bytes]).toEqual([true, 0]);
    expect(failing.takeAll()).toEqual(Array.from({ length: 1_000 }, (_, n) => text(n)));
  });

  it('holds no more than a few times its bound in memory, whatever comes and whatever the rule: the rest is on disk', () => {
    for (const slot of [-1, 3]) {
      const bench = new Bench();
      for (let n = 0; n < 5_000; n++) bench.push('block', text(n), slot);
      expect([bench.lane.slow, bench.slowed, bench.lane.size]).toEqual([true, 1, 5_000]);
      expect(bench.lane.bytes).toBeLessThanOrEqual(LANE_OVERRUN * LANE_HIGH_BYTES);
      expect(bench.budget.memory).toBe(bench.lane.bytes);
      while (bench.lane.spilledBytes > 0) {
        bench.take();
        expect(bench.lane.recovered()).toBe(bench.lane.spilledBytes === 0);
      }
      expect([bench.spool.files.size, bench.budget.memory]).toEqual([0, 0]);
    }
  });

  it('has a smaller share while all lanes together hold too much', () => {
    const bench = new Bench(Infinity, 100_000);
    const other = new Bench();
    for (let n = 0; n < 50; n++) bench.push('block', text(n));
    expect(bench.lane.slow).toBe(false);
    bench.budget.memory += 100_000;
    bench.push('block', text(50));
    expect(bench.lane.slow).toBe(true);
    for (let n = 0; n < 50; n++) other.push('block', text(n));
    expect(other.lane.slow).toBe(false);
  });

  it('gives tracked messages back and counts the others when its consumer goes', () => {
    const bench = new Bench();
    for (let n = 0; n < 500; n++) bench.push('spill', text(n), n % 2 === 0 ? n : -1);
    bench.lane.clear();
    expect(bench.dropped).toEqual(new Map([['consumerDisconnected', 250]]));
    expect(bench.settled).toHaveLength(250);
    expect(bench.settled[1]).toEqual([2, OUTCOME.undelivered]);
    expect([bench.spool.files.size, bench.budget.used, bench.lane.size]).toEqual([0, 0, 0]);
  });

  it('releases what it holds once, whatever comes and goes', () => {
    const action = fc.oneof(
      fc.record({
        slow: fc.constantFrom('block' as const, 'dropOldest' as const, 'dropNewest' as const, 'spill' as const),
        size: fc.integer({ min: 0, max: 90_000 }),
        slot: fc.constantFrom(-1, -1, 5),
      }),
      fc.nat(10),
    );
    fc.assert(
      fc.property(fc.array(action, { maxLength: 120 }), (actions) => {
        const bench = new Bench(1_000_000);
        const chunks: Chunk[] = [];
        const waiting: number[] = [];
        for (const each of actions) {
          if (typeof each === 'number') {
            for (let n = 0; n < each && bench.lane.size > 0; n++) waiting.push(bench.take().length);
            continue;
          }
          const chunk = new Chunk(Buffer.alloc(each.size), null, 0);
          chunks.push(chunk);
          bench.lane.push(entryOf('topic', 'a', { slow: each.slow }), chunk.bytes, 0, each.size, chunk, each.slot);
        }
        bench.lane.clear();
        expect(chunks.every(({ refs }) => refs === 1)).toBe(true);
        expect([bench.spool.files.size, bench.budget.used, bench.lane.spilledBytes, bench.lane.bytes]).toEqual([
          0, 0, 0, 0,
        ]);
        const dropped = [...bench.dropped.values()].reduce((sum, count) => sum + count, 0);
        expect(waiting.length + dropped + bench.settled.length).toBe(chunks.length);
      }),
    );
  });
});
