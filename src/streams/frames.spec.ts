import fc from 'fast-check';
import { FairleadError } from '../common/errors';
import { ChunkPool } from '../common/chunk';
import { WireReader } from '../common/wire';
import { Batch, StagingBuffers, visitBody } from './batch';
import { OUTCOME, type Outcome, type OutcomeDetail, type Receipt } from './contract';
import { headLength, readBatchHead, readDatagramHead, writeBatchHead, type BatchHead } from './frames';
import { OutcomeCollector, readOutcomes } from './outcomes';

const u32 = fc.nat({ max: 0xffff_ffff });
const u48 = fc.maxSafeNat().map((n) => n % 2 ** 48);
const target = fc.record({ node: u32, incarnation: fc.maxSafeNat(), epoch: u32, firstSeq: u48 });
const head: fc.Arbitrary<BatchHead> = fc.record({
  cls: fc.constantFrom(0 as const, 1 as const, 2 as const),
  resent: fc.boolean(),
  hops: fc.nat({ max: 255 }),
  origin: u32,
  incarnation: fc.maxSafeNat(),
  targets: fc.array(target, { minLength: 1, maxLength: 255 }),
  count: fc.integer({ min: 1, max: 0xffff_ffff }),
  bodyCrc: u32,
});

/** Runs a decoder over garbage: it may refuse, with a typed error, and nothing else. */
function refusesOrReads(read: () => void): void {
  try {
    read();
  } catch (error) {
    expect(error).toBeInstanceOf(FairleadError);
  }
}

describe('frames of the stream layer', () => {
  it('batch heads come back as they were written, and tell their length', () => {
    fc.assert(
      fc.property(head, fc.uint8Array({ maxLength: 50 }), (value, body) => {
        const bytes = writeBatchHead(value);
        expect(readBatchHead(new WireReader(bytes))).toEqual(value);
        const frame = Buffer.concat([Buffer.alloc(3), bytes, body]);
        expect(headLength(frame, 3, frame.length)).toBe(bytes.length);
      }),
    );
  });

  it('garbage is refused by a typed error', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.nat({ max: 40 }), (garbage, count) => {
        const bytes = Buffer.from(garbage);
        refusesOrReads(() => readBatchHead(new WireReader(bytes)));
        refusesOrReads(() => readDatagramHead(new WireReader(bytes)));
        refusesOrReads(() => readOutcomes(new WireReader(bytes), () => undefined));
        refusesOrReads(() => visitBody(bytes, bytes.length, count, { name: () => undefined, entry: () => undefined }));
      }),
      { numRuns: 2_000 },
    );
  });

  it('truncated heads are refused', () => {
    fc.assert(
      fc.property(head, (value) => {
        const bytes = writeBatchHead(value);
        for (const cut of [1, 5, bytes.length - 1]) {
          expect(() => readBatchHead(new WireReader(bytes, 0, cut))).toThrow(FairleadError);
        }
      }),
    );
  });

  it('outcomes come back as they were given, whatever ranges they were sent in', () => {
    const detail = fc.option(
      fc.record({
        condition: fc.string({ minLength: 1 }),
        fields: fc.uint8Array({ minLength: 1 }).map((b) => Buffer.from(b)),
      }),
      { nil: null },
    );
    const given = fc.record({ seq: fc.nat({ max: 50 }), outcome: fc.nat({ max: 5 }), detail });
    fc.assert(
      fc.property(fc.uniqueArray(given, { selector: (g) => g.seq, maxLength: 40 }), (all) => {
        const receipt: Receipt = { origin: 1, incarnation: 2, cls: 2, epoch: 3 };
        const collector = new OutcomeCollector();
        for (const one of all) collector.add(receipt, one.seq, one.outcome as Outcome, one.detail);
        const back: [number, Outcome, OutcomeDetail | null][] = [];
        collector.flush((_origin, _incarnation, payload) =>
          readOutcomes(new WireReader(payload), (_cls, _epoch, first, count, outcome, said) => {
            for (let seq = first; seq < first + count; seq++) back.push([seq, outcome, said]);
          }),
        );
        const bySeq = (a: readonly unknown[], b: readonly unknown[]): number => (a[0] as number) - (b[0] as number);
        expect(back.sort(bySeq)).toEqual(all.map((one) => [one.seq, one.outcome, one.detail]).sort(bySeq));
      }),
    );
  });

  it('plain outcomes in order are one range', () => {
    const collector = new OutcomeCollector();
    const receipt: Receipt = { origin: 1, incarnation: 2, cls: 2, epoch: 3 };
    for (let seq = 1; seq <= 10_000; seq++) collector.add(receipt, seq, OUTCOME.accepted, null);
    const sizes: number[] = [];
    collector.flush((_origin, _incarnation, payload) => sizes.push(payload.length));
    expect(sizes).toEqual([18]);
  });
});

describe('Batch', () => {
  it('gives back what was appended, with names told once', () => {
    const message = fc.record({
      address: fc.constantFrom<string>('a', 'b.c', 'ü'),
      flags: fc.nat({ max: 7 }),
      payload: fc.uint8Array({ maxLength: 300 }).map((bytes): Buffer => Buffer.from(bytes)),
    });
    fc.assert(
      fc.property(fc.array(message, { minLength: 1, maxLength: 100 }), (messages) => {
        const pool = new ChunkPool('test', 1 << 20);
        const batch = new Batch(pool, new StagingBuffers(), 2, 65_536);
        const placement = { chunk: batch.chunk, start: 0, length: 0 };
        const placed = messages.map(({ address, flags, payload }) => {
          expect(batch.fits(address, payload.length)).toBe(true);
          batch.append(address, flags, payload, 0, payload.length, -1, placement);
          return [placement.start, placement.length];
        });
        batch.seal();
        expect(pool.used).toBe(batch.chunk.length);
        const names: string[] = [];
        const read: typeof messages = [];
        visitBody(batch.chunk.bytes, batch.chunk.length, batch.count, {
          name: (_index, name) => names.push(name),
          entry: (position, flags, index, start, end) => {
            expect([start, end - start]).toEqual(placed[position]);
            read.push({ address: names[index] as string, flags, payload: batch.chunk.bytes.subarray(start, end) });
          },
        });
        expect(read).toEqual(messages);
        expect(new Set(names).size).toBe(names.length);
        batch.chunk.release();
        expect(pool.used).toBe(0);
      }),
    );
  });
});
