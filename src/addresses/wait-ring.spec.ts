import fc from 'fast-check';
import { Chunk } from '../common/chunk';
import { entryOf } from './parts.fixture';
import { WaitRing } from './wait-ring';

describe('wait ring', () => {
  it('is first in first out, as a list is', () => {
    const message = fc.record({ start: fc.nat(100), length: fc.nat(100), slot: fc.integer({ min: -1, max: 50 }) });
    fc.assert(
      fc.property(fc.array(fc.oneof(message, fc.constant(null)), { maxLength: 200 }), (actions) => {
        const ring = new WaitRing();
        const list: { chunk: Chunk; start: number; length: number; slot: number; name: string }[] = [];
        actions.forEach((action, n) => {
          if (action === null) {
            if (list.length === 0) return;
            const first = list.shift();
            const { held, start, length, entry, slot } = ring;
            expect([held, start, length, entry.name, slot]).toEqual([
              first?.chunk,
              first?.start,
              first?.length,
              first?.name,
              first?.slot,
            ]);
            ring.shift();
            return;
          }
          const chunk = new Chunk(Buffer.alloc(1), null, 0);
          list.push({ chunk, ...action, name: `n${n}` });
          ring.push(chunk, action.start, action.length, entryOf('topic', `n${n}`), action.slot);
        });
        expect([ring.size, ring.bytes]).toEqual([list.length, list.reduce((sum, { length }) => sum + length, 0)]);
      }),
    );
  });
});
