import fc from 'fast-check';
import type { Chunk } from '../common/chunk';
import { Holding } from './holding';
import { KeptMessages } from './kept-messages';
import { COMPACT_BYTES } from './limits';
import { pool } from './parts.fixture';

const KIB = 1024;

class Bench {
  readonly memory = pool(64 * KIB * KIB);
  readonly holding = new Holding(this.memory, () => undefined);
  readonly kept = new KeptMessages();
  readonly texts = new Map<number, string>();
  #slots = 0;

  /** A batch of messages, all of them kept. @returns its chunk, held once, and their slots */
  batch(texts: readonly string[]): { readonly chunk: Chunk; readonly slots: number[] } {
    const chunk = this.memory.adopt(Buffer.from(texts.join('')));
    let start = 0;
    const slots = texts.map((text) => {
      const slot = this.#slots++;
      this.kept.open(slot);
      this.kept.keep(slot, chunk, start, text.length);
      this.texts.set(slot, text);
      start += text.length;
      return slot;
    });
    return { chunk, slots };
  }

  drop(slot: number): void {
    this.texts.delete(slot);
    this.kept.drop(slot);
  }

  compact(): void {
    this.kept.compact(this.holding);
    this.holding.flush();
  }

  check(): void {
    for (const [slot, text] of this.texts) {
      const start = this.kept.start(slot);
      const { bytes } = this.kept.chunk(slot) as Chunk;
      expect(bytes.toString('latin1', start, start + this.kept.length(slot))).toBe(text);
    }
  }
}

const texts = (count: number, length: number): string[] =>
  Array.from({ length: count }, (_, n) => String(n).padEnd(length, '.'));

describe('kept messages', () => {
  it('hold their batch until the last of them goes', () => {
    const bench = new Bench();
    const { chunk, slots } = bench.batch(texts(3, 100));
    chunk.release();
    for (const slot of slots.slice(1)) bench.drop(slot);
    expect([bench.memory.used, bench.kept.chunk(slots[1] as number)]).toEqual([300, null]);
    bench.check();
    bench.drop(slots[0] as number);
    expect(bench.memory.used).toBe(0);
  });

  it('are copied together when they alone hold far more than themselves, and go on from there', () => {
    const bench = new Bench();
    const batches = Array.from({ length: 30 }, () => bench.batch(texts(600, 100)));
    for (const { chunk, slots } of batches) {
      chunk.release();
      for (const slot of slots) if (slot % 100 !== 7) bench.drop(slot);
    }
    expect(bench.memory.used).toBe(30 * 60_000);
    bench.compact();
    expect(bench.memory.used).toBe(30 * 6 * 100);
    bench.check();
    // What was copied is no longer worth it, until most of that has gone.
    const [some] = batches as [(typeof batches)[0]];
    const at = bench.kept.chunk(some.slots[7] as number);
    bench.compact();
    expect(bench.kept.chunk(some.slots[7] as number)).toBe(at);
    for (const { slots } of batches.slice(1)) for (const slot of slots) bench.drop(slot);
    bench.compact();
    expect(bench.memory.used).toBe(600);
    bench.check();
    for (const slot of some.slots) bench.drop(slot);
    expect(bench.memory.used).toBe(0);
  });

  it('stay where others hold their batch, or where they are most of it', () => {
    const bench = new Bench();
    const [held, full] = [bench.batch(texts(600, 100)), bench.batch(texts(600, 100))];
    full.chunk.release();
    for (const slot of held.slots.slice(1)) bench.drop(slot);
    for (const slot of full.slots.slice(150)) bench.drop(slot);
    bench.compact();
    expect(bench.memory.used).toBe(120_000);
    held.chunk.release();
    bench.drop(full.slots[0] as number);
    bench.compact();
    expect(bench.memory.used).toBe(150 * 100);
  });

  it('are copied a bounded number of bytes at a time', () => {
    const bench = new Bench();
    const count = (4 * COMPACT_BYTES) / (10 * KIB);
    for (let n = 0; n < count; n++) {
      const { chunk, slots } = bench.batch(texts(6, 10 * KIB));
      chunk.release();
      for (const slot of slots.slice(1)) bench.drop(slot);
    }
    const before = bench.memory.used;
    bench.compact();
    const freed = before - bench.memory.used;
    expect(freed).toBeGreaterThan(5 * COMPACT_BYTES);
    expect(freed).toBeLessThan(6 * COMPACT_BYTES);
    for (let n = 0; n < 4; n++) bench.compact();
    expect(bench.memory.used).toBe(Math.ceil(count) * 10 * KIB);
    bench.check();
  });

  it('have their bytes whatever goes and is copied in whatever order, and leave nothing behind', () => {
    const step = fc.oneof(
      fc.record({ what: fc.constant('batch'), at: fc.nat(12), more: fc.nat(400) }),
      fc.record({
        what: fc.constantFrom('drop', 'drop', 'drop', 'release', 'compact', 'flush'),
        at: fc.nat(),
        more: fc.nat(8),
      }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 150 }), (steps) => {
        const bench = new Bench();
        const held: Chunk[] = [];
        for (const { what, at, more } of steps) {
          const slots = [...bench.texts.keys()];
          if (what === 'batch') held.push(bench.batch(texts(at + 1, more + 2)).chunk);
          else if (what === 'drop') for (const slot of slots.splice(at % (slots.length + 1), more)) bench.drop(slot);
          else if (what === 'release') held.splice(at % (held.length + 1), 1)[0]?.release();
          else if (what === 'compact') bench.kept.compact(bench.holding);
          else bench.holding.flush();
          bench.check();
        }
        for (const chunk of held) chunk.release();
        bench.compact();
        bench.check();
        for (const slot of [...bench.texts.keys()]) bench.drop(slot);
        expect([bench.memory.used, bench.memory.spare]).toEqual([0, bench.memory.capacity]);
      }),
    );
  });
});
