import fc from 'fast-check';
import { IntMap } from './int-map';

describe('IntMap', () => {
  it('behaves as a Map under any history of set and take', () => {
    const step = fc.record({ key: fc.integer({ min: 0, max: 60 }), value: fc.nat(), take: fc.boolean() });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 300 }), fc.constantFrom(0, 2 ** 40), (steps, base) => {
        const model = new Map<number, number>();
        const map = new IntMap();
        for (const { key, value, take } of steps) {
          const at = base + key * 16;
          if (take) {
            expect(map.take(at)).toBe(model.get(at) ?? -1);
            model.delete(at);
          } else {
            map.set(at, value);
            model.set(at, value);
          }
          expect(map.size).toBe(model.size);
        }
        const seen: [number, number][] = [];
        map.forEachSorted((key, value) => seen.push([key, value]));
        expect(seen).toEqual([...model].sort((a, b) => a[0] - b[0]));
        expect(map.sortedKeys()).toEqual(seen.map(([key]) => key));
      }),
    );
  });
});
