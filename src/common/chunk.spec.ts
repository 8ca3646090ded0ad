import fc from 'fast-check';
import { ChunkPool, type Chunk } from './chunk';
import { InvariantError } from './errors';

describe('Chunk', () => {
  it('is charged for as long as anybody holds it', () => {
    const pool = new ChunkPool('receive', 1_000);
    const chunk = pool.adopt(Buffer.alloc(300));
    chunk.retain();
    chunk.release();
    expect([pool.used, pool.free]).toEqual([300, 700]);
    chunk.release();
    expect(pool.used).toBe(0);
  });

  it('costs nothing while it is staged, and what it holds from its move on', () => {
    const pool = new ChunkPool('retention', 1_000);
    const chunk = pool.stage(Buffer.alloc(64));
    chunk.fill(5);
    expect(pool.used).toBe(0);
    chunk.moveTo(Buffer.from('abcde'));
    expect([pool.used, chunk.length, chunk.bytes.toString()]).toEqual([5, 5, 'abcde']);
    chunk.release();
    expect(pool.used).toBe(0);
  });

  it('is no longer to spare while it is staged, whether it moves or goes', () => {
    const pool = new ChunkPool('retention', 1_000);
    const [moves, goes] = [pool.stage(Buffer.alloc(64)), pool.stage(Buffer.alloc(64))];
    for (const chunk of [moves, goes]) for (const length of [5, 20]) chunk.fill(length);
    expect([pool.used, pool.free, pool.spare]).toEqual([0, 1_000, 960]);
    moves.moveTo(Buffer.alloc(20));
    goes.release();
    expect([pool.used, pool.free, pool.spare]).toEqual([20, 980, 980]);
    moves.release();
    expect(pool.spare).toBe(1_000);
  });

  it('names the bug when it is released once too often', () => {
    const chunk = new ChunkPool('receive', 10).adopt(Buffer.alloc(1));
    chunk.release();
    expect(() => chunk.release()).toThrow(InvariantError);
  });

  it('dwarfs a small part of itself, which is then copied and does not pin the rest', () => {
    const pool = new ChunkPool('receive', 100_000);
    const chunk = pool.adopt(Buffer.alloc(64_000));
    expect([100, 15_999, 16_000, 64_000].map((length) => chunk.dwarfs(length))).toEqual([true, true, false, false]);
    // An open batch is as large as it may become.
    expect(pool.stage(Buffer.alloc(64 * 1024)).dwarfs(1_000)).toBe(true);
  });

  it('adds up, whoever holds and lets go in whatever order', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(4), fc.nat(500)), { maxLength: 200 }), (steps) => {
        const pool = new ChunkPool('receive', 1_000);
        const held: Chunk[] = [];
        for (const [what, size] of steps) {
          const some = held[size % Math.max(1, held.length)];
          if (what === 0 || some === undefined) held.push(pool.adopt(Buffer.alloc(size)));
          else if (what === 1) held.push(some.retain());
          else held.splice(held.indexOf(some), 1)[0]?.release();
          const distinct = new Set(held);
          expect(pool.used).toBe([...distinct].reduce((sum, { length }) => sum + length, 0));
        }
        for (const chunk of held) chunk.release();
        expect(pool.used).toBe(0);
      }),
    );
  });
});
