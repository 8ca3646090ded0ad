import * as fc from 'fast-check';
import { DeliveryRing } from './delivery-ring';

// A bound for what hangs: on a busy machine these take many times what they take alone.
jest.setTimeout(60_000);

const RING_MAX = 256;

class Collector {
  readonly ids: number[] = [];
  constructor(private readonly ring: DeliveryRing | null = null) {}
  onDelivery(id: number): void {
    this.ids.push(id);
    this.ring?.remove(id);
  }
}

type Step =
  | { readonly do: 'send'; readonly settled: boolean; readonly handle: number; readonly times: number }
  | { readonly do: 'range'; readonly first: number; readonly count: number }
  | { readonly do: 'detach'; readonly handle: number };

const STEP: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('send' as const),
      settled: fc.boolean(),
      handle: fc.nat(3),
      times: fc.integer({ min: 1, max: 90 }),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constant('range' as const), first: fc.nat(1_500), count: fc.nat(1_500) }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('detach' as const), handle: fc.nat(3) }) },
);

describe('DeliveryRing', () => {
  it('2.6.12: settles what a range means and nothing else, in order, across the wrap of ids', () => {
    fc.assert(
      fc.property(fc.array(STEP, { maxLength: 60 }), fc.constantFrom(0, 0xffff_ffff - 500), (steps, from) => {
        const ring = new DeliveryRing(RING_MAX);
        const model = new Map<number, number>();
        let sent = 0;
        for (const step of steps) {
          if (step.do === 'send') {
            for (let n = 0; n < step.times; n++) {
              const id = (from + sent++) >>> 0;
              if (step.settled && n % 7 > 0) continue;
              ring.add(id, step.handle, sent);
              model.set(sent - 1, step.handle);
            }
          } else if (step.do === 'range') {
            const visited = new Collector(ring);
            const last = (from + step.first + step.count) >>> 0;
            ring.visit((from + step.first) >>> 0, last, visited);
            const meant = [...model.keys()].filter((at) => at >= step.first && at <= step.first + step.count);
            expect([...visited.ids].sort((a, b) => (a - b) | 0)).toEqual(meant.map((at) => (from + at) >>> 0));
            for (const at of meant) model.delete(at);
          } else {
            ring.removeLink(step.handle);
            for (const [at, handle] of model) if (handle === step.handle) model.delete(at);
          }
          expect(ring.size).toBe(model.size);
        }
        for (const [at, handle] of model) expect(ring.handle((from + at) >>> 0)).toBe(handle);
      }),
      { numRuns: 500 },
    );
  });

  it('2.7.6: walks a range of 2^31 at the cost of what is in it', () => {
    const ring = new DeliveryRing(65_536);
    for (let id = 0; id < 200_000; id++) ring.add(id, 0, id);
    ring.visit(10_000, 199_999, new Collector(ring));
    const visited = new Collector();
    for (let n = 0; n < 100_000; n++) ring.visit(10_000, 0x7fff_0000, visited);
    expect([visited.ids.length, ring.size]).toEqual([0, 10_000]);
  });
});
