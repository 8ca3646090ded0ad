import { ChunkPool } from '../common/chunk';
import { Holding } from './holding';

function setUp(): { pool: ChunkPool; holding: Holding; turns: () => number } {
  const pool = new ChunkPool('retention', 1 << 20);
  let turns = 0;
  return { pool, holding: new Holding(pool, () => turns++), turns: () => turns };
}

function message(bytes: number, fill: number): Buffer {
  return Buffer.alloc(bytes, fill);
}

describe('Holding', () => {
  it('keeps messages of one turn in one chunk of their exact size', () => {
    const { pool, holding, turns } = setUp();
    const held = [10, 300, 25].map((bytes, n) => {
      const chunk = holding.hold(message(bytes + 6, n + 1), 6, bytes + 6);
      return { chunk, at: holding.at, bytes, fill: n + 1 };
    });
    holding.flush();
    expect([new Set(held.map(({ chunk }) => chunk)).size, pool.used, turns()]).toEqual([1, 335, 1]);
    for (const { chunk, at, bytes, fill } of held)
      expect(chunk.bytes.subarray(at, at + bytes).equals(message(bytes, fill))).toBe(true);
    for (const { chunk } of held) chunk.release();
    expect(pool.used).toBe(0);
  });

  it('does not touch what an earlier turn holds', () => {
    const { holding } = setUp();
    const former = holding.hold(message(100, 1), 0, 100);
    holding.flush();
    holding.hold(message(100, 2), 0, 100);
    expect(former.bytes.equals(message(100, 1))).toBe(true);
  });

  it('charges nothing for what was given out within its turn', () => {
    const { pool, holding } = setUp();
    holding.hold(message(100, 1), 0, 100).release();
    holding.flush();
    expect(pool.used).toBe(0);
  });

  it('goes on in another chunk when one is full, and gives a long message its own', () => {
    const { pool, holding } = setUp();
    const chunks = [8_000, 8_000, 8_000, 8_000, 8_000, 8_000, 8_000, 8_000, 8_000, 9_000].map((bytes) =>
      holding.hold(message(bytes, 5), 0, bytes),
    );
    holding.flush();
    expect([new Set(chunks).size, pool.used]).toEqual([3, 81_000]);
    for (const chunk of chunks) chunk.release();
    expect(pool.used).toBe(0);
  });
});
