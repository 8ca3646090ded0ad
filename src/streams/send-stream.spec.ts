import fc from 'fast-check';
import { ChunkPool } from '../common/chunk';
import { STREAM_CLASS } from '../links/contract';
import { Batch, StagingBuffers } from './batch';
import {
  BATCH_BYTES_MAX,
  CONGESTION_PAUSE_MS,
  CWND_BYTES_INITIAL,
  CWND_BYTES_MIN,
  RESEND_MS_INITIAL,
  WINDOW_BYTES_MIN,
} from './limits';
import { SendStream } from './send-stream';

const WIDE = 1 << 22;

class Bench {
  readonly pool = new ChunkPool('retention', 1 << 24);
  readonly stream = new SendStream(7, STREAM_CLASS.normal, 1);
  readonly #buffers = new StagingBuffers();

  constructor() {
    this.stream.acknowledge(1, WIDE, 0);
  }

  /** Queues a batch of `count` messages that fill `bytes` together. */
  put(bytes: number, count = 1, slots: readonly number[] = []): void {
    const batch = new Batch(this.pool, this.#buffers, STREAM_CLASS.normal, BATCH_BYTES_MAX);
    const each = Math.floor(bytes / count) - 10;
    const placement = { chunk: batch.chunk, start: 0, length: 0 };
    for (let n = 0; n < count; n++)
      batch.append('a', 0, Buffer.alloc(Math.max(0, each)), 0, Math.max(0, each), slots[n] ?? -1, placement);
    batch.seal();
    this.stream.enqueue(batch);
    batch.chunk.release();
  }

  /** Sends what may be sent. @returns first sequences */
  send(now: number): number[] {
    const sent: number[] = [];
    for (let entry = this.stream.nextToSend(now); entry !== null; entry = this.stream.nextToSend(now)) {
      this.stream.markSent(entry, now);
      sent.push(entry.firstSeq);
    }
    return sent;
  }
}

describe('SendStream', () => {
  it('sends in order as far as the congestion window goes, and on as acknowledgements come', () => {
    const bench = new Bench();
    for (let n = 0; n < 12; n++) bench.put(32_000);
    const first = bench.send(0);
    expect(first).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    expect(bench.stream.inFlightBytes).toBeLessThanOrEqual(CWND_BYTES_INITIAL);
    bench.stream.acknowledge(9, WIDE, 20);
    expect(bench.send(20)).toEqual([9, 10, 11, 12]);
    bench.stream.acknowledge(13, WIDE, 40);
    expect(bench.stream.idle).toBe(true);
    expect(bench.pool.used).toBe(0);
  });

  it('is shut when the window of the receiver holds it, yet always has one batch under way', () => {
    const bench = new Bench();
    bench.stream.acknowledge(1, 0, 0);
    expect(bench.stream.window).toBe(WINDOW_BYTES_MIN);
    bench.put(60_000);
    bench.put(60_000);
    expect(bench.send(0)).toEqual([1]);
    expect(bench.stream.shut).toBe(true);
  });

  it('waits long for the first acknowledgement: nothing is known of the path', () => {
    const bench = new Bench();
    bench.put(1_000);
    bench.send(0);
    expect(bench.stream.deadline(0)).toBe(RESEND_MS_INITIAL);
    expect(bench.stream.timedOut(RESEND_MS_INITIAL - 1)).toBe(0);
  });

  it('does not feed a long queue with repeats: the time-out grows until something that was sent once is acknowledged', () => {
    const bench = new Bench();
    const ROUND_TRIP = 1_500;
    bench.put(100);
    bench.send(0);
    bench.stream.acknowledge(2, WIDE, 2);
    let now = 10;
    let repeats = 0;
    const arrivals: { at: number; next: number }[] = [];
    for (let n = 0; n < 40; n++) bench.put(8_000);
    const until = 60_000;
    while (now < until && !bench.stream.idle) {
      for (const seq of bench.send(now)) arrivals.push({ at: now + ROUND_TRIP, next: seq + 1 });
      now += 10;
      for (const { next } of arrivals.filter(({ at }) => at <= now && at > now - 10))
        bench.stream.acknowledge(Math.max(next, bench.stream.ackedSeq + 1), WIDE, now);
      if (bench.stream.deadline(now) <= now) repeats += bench.stream.timedOut(now);
    }
    expect(bench.stream.idle).toBe(true);
    expect(repeats).toBeLessThan(40 * 4);
    // The path is known by now: another batch is sent once.
    bench.put(8_000);
    bench.send(now);
    expect(bench.stream.deadline(now)).toBeGreaterThan(now + ROUND_TRIP);
  });

  it('halves its window on a congestion notice, once a round trip, pauses, and offers the frame again', () => {
    const bench = new Bench();
    bench.put(32_000);
    bench.put(32_000);
    bench.send(100);
    const before = bench.stream.cwnd;
    bench.stream.congested(100);
    bench.stream.resendRange(2, 3, 100, true);
    expect(bench.stream.cwnd).toBe(before / 2);
    bench.stream.congested(105);
    expect(bench.stream.cwnd).toBe(before / 2);
    expect(bench.send(106)).toEqual([]);
    expect(bench.stream.deadline(106)).toBeCloseTo(105 + CONGESTION_PAUSE_MS);
    expect(bench.send(105 + CONGESTION_PAUSE_MS)).toEqual([2]);
    for (let n = 0; n < 20; n++) bench.stream.congested(1_000 * (n + 1));
    expect(bench.stream.cwnd).toBe(CWND_BYTES_MIN);
  });

  it('sends a reported gap again, but not what was sent within the last round trip', () => {
    const bench = new Bench();
    for (let n = 0; n < 4; n++) bench.put(1_000, 2);
    bench.send(0);
    bench.stream.acknowledge(3, WIDE, 50);
    expect(bench.stream.resendRange(3, 5, 40, false)).toBe(0);
    expect(bench.stream.resendRange(3, 5, 60, false)).toBe(1);
    expect(bench.send(60)).toEqual([3]);
    expect(bench.stream.resendRange(3, 5, 90, false)).toBe(0);
  });

  it('sends everything under way again when an edge of its path is gone, at most once a round trip', () => {
    const bench = new Bench();
    for (let n = 0; n < 3; n++) bench.put(1_000);
    bench.send(0);
    bench.stream.acknowledge(2, WIDE, 80);
    expect(bench.stream.pathLost(100)).toBe(2);
    expect(bench.send(100)).toEqual([2, 3]);
    expect(bench.stream.pathLost(120)).toBe(0);
    expect(bench.stream.pathLost(190)).toBe(2);
  });

  it('knows the slots of tracked messages by sequence, across batches', () => {
    const bench = new Bench();
    bench.put(300, 3, [11, -1, 13]);
    bench.put(100, 1, [14]);
    expect([1, 2, 3, 4].map((seq) => bench.stream.slots.take(seq))).toEqual([11, -1, 13, 14]);
  });

  it('refuses an acknowledgement of what was never sent', () => {
    const bench = new Bench();
    bench.put(100);
    expect(bench.stream.acknowledge(3, WIDE, 0)).toBe(false);
    expect(bench.stream.acknowledge(2, WIDE, 0)).toBe(true);
  });

  it('is full above the upper mark until it is below the lower one', () => {
    const bench = new Bench();
    bench.stream.cwnd = CWND_BYTES_MIN;
    for (let n = 0; n < 10; n++) bench.put(60_000);
    expect(bench.stream.updateFull(false)).toBe(true);
    expect(bench.stream.full).toBe(true);
    bench.send(0);
    bench.stream.acknowledge(6, WIDE, 300);
    expect(bench.stream.updateFull(false)).toBe(false);
    bench.stream.discard();
    expect(bench.stream.updateFull(false)).toBe(true);
    expect(bench.pool.used).toBe(0);
  });

  it('keeps its sums right and gives all memory back, whatever happens', () => {
    const step = fc.oneof(
      fc.record({ do: fc.constant('put' as const), n: fc.integer({ min: 20, max: 60_000 }) }),
      fc.record({
        do: fc.constantFrom('send', 'ack', 'gap', 'path', 'congested', 'timeout'),
        n: fc.integer({ min: 0, max: 20 }),
      }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
        const bench = new Bench();
        const { stream } = bench;
        let now = 0;
        for (const { do: what, n } of steps) {
          now += 37;
          if (what === 'put') bench.put(n);
          else if (what === 'send') bench.send(now);
          else if (what === 'ack') stream.acknowledge(Math.min(stream.nextSeq, stream.ackedSeq + 1 + n), WIDE, now);
          else if (what === 'gap') stream.resendRange(stream.ackedSeq, stream.ackedSeq + n, now, false);
          else if (what === 'path') stream.pathLost(now);
          else if (what === 'congested') stream.congested(now);
          else stream.timedOut(now);
          const waiting = stream.entries.filter(({ sentAt }) => sentAt < 0);
          const flying = stream.entries.filter(({ sentAt }) => sentAt >= 0);
          expect(stream.unsentBytes).toBe(waiting.reduce((sum, { bytes }) => sum + bytes, 0));
          expect(stream.inFlightBytes).toBe(flying.reduce((sum, { bytes }) => sum + bytes, 0));
          expect(stream.pending).toBe(waiting.length > 0);
        }
        for (; !stream.idle; now += 10_000) {
          stream.timedOut(now);
          bench.send(now);
          stream.acknowledge(stream.nextSeq, WIDE, now + 1);
        }
        expect(bench.pool.used).toBe(0);
        expect(stream.inFlightBytes + stream.unsentBytes).toBe(0);
      }),
      { numRuns: 200 },
    );
  });
});
