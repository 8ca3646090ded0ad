import fc from 'fast-check';
import { FairQueue, LengthIndex, type QueuedFrame } from './fair-queue';

const HEAD = Buffer.alloc(1);

function queue(limit = 1 << 20): { readonly fair: FairQueue; readonly lengths: LengthIndex } {
  const lengths = new LengthIndex(limit);
  return { fair: new FairQueue(lengths), lengths };
}

function drain(fair: FairQueue, frames = Infinity): QueuedFrame[] {
  const out: QueuedFrame[] = [];
  for (let frame = fair.shift(); frame !== null; frame = out.length < frames ? fair.shift() : null) out.push(frame);
  return out;
}

describe('FairQueue', () => {
  it('gives every stream the same share of the bytes, whatever the size of its frames', () => {
    const { fair } = queue();
    for (let n = 0; n < 400; n++) fair.push(1, HEAD, null, 1_000, 1);
    for (let n = 0; n < 8; n++) fair.push(2, HEAD, null, 50_000, 2);
    for (let n = 0; n < 40; n++) fair.push(3, HEAD, null, 10_000, 3);
    const share = new Map<number, number>();
    let left = 600_000;
    for (let frame = fair.shift(); frame !== null && left > 0; frame = fair.shift()) {
      share.set(frame.origin, (share.get(frame.origin) ?? 0) + frame.bytes);
      left -= frame.bytes;
    }
    for (const bytes of share.values()) expect(Math.abs(bytes - 200_000)).toBeLessThan(60_000);
  });

  it('finds the longest stream, and takes its newest frame back', () => {
    const { fair, lengths } = queue(100_000);
    for (let n = 0; n < 10; n++) fair.push(1, Buffer.from([n]), null, 1_000, 1);
    fair.push(2, HEAD, null, 3_000, 2);
    const longest = lengths.longest();
    expect(longest?.key).toBe(1);
    expect(longest === null ? null : fair.dropNewest(longest).head[0]).toBe(9);
    expect(lengths.bytes).toBe(12_000);
  });

  it('keeps the order of each stream and counts right, whatever comes and goes', () => {
    const step = fc.oneof(
      fc.record({ do: fc.constant('push' as const), key: fc.nat(5), bytes: fc.integer({ min: 1, max: 40_000 }) }),
      fc.record({ do: fc.constantFrom('shift' as const, 'drop' as const), key: fc.nat(5), bytes: fc.constant(0) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 300 }), (steps) => {
        const { fair, lengths } = queue();
        const model = new Map<number, { id: number; bytes: number }[]>();
        let id = 0;
        for (const { do: what, key, bytes } of steps) {
          if (what === 'push') {
            const list = model.get(key) ?? [];
            list.push({ id: ++id, bytes });
            model.set(key, list);
            const head = Buffer.alloc(4);
            head.writeUInt32BE(id);
            fair.push(key, head, null, bytes, key);
          } else if (what === 'shift') {
            const frame = fair.shift();
            if (frame === null) expect([...model.values()].every((list) => list.length === 0)).toBe(true);
            else expect(frame.head.readUInt32BE(0)).toBe(model.get(frame.origin)?.shift()?.id);
          } else if (lengths.bytes > 0) {
            const longest = lengths.longest();
            if (longest === null) throw new Error('bytes without a stream');
            expect(fair.dropNewest(longest).head.readUInt32BE(0)).toBe(model.get(longest.key)?.pop()?.id);
          }
          const all = [...model.values()].flat();
          expect(lengths.bytes).toBe(all.reduce((sum, one) => sum + one.bytes, 0));
          expect(fair.empty).toBe(all.length === 0);
        }
        expect(drain(fair).length).toBe([...model.values()].flat().length);
      }),
    );
  });
});
