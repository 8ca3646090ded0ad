import { DrainRate } from './drain-rate';
import { DEAD_MS, QUEUE_BYTES_MIN, QUEUE_MS_MAX, QUEUE_RATE_MS } from './limits';

const QUEUE_BYTES = 4 * 1024 * 1024;
const STEP_MS = 10;

/** A link that sends at a rate while frames wait. @returns its time afterwards */
function send(rate: DrainRate, from: number, forMs: number, bytesPerMs: number): number {
  for (let now = from; now < from + forMs; now += STEP_MS) {
    rate.sent(bytesPerMs * STEP_MS);
    rate.drained(true, now);
  }
  return from + forMs;
}

describe('DrainRate', () => {
  it('knows nothing before it has measured', () => {
    const rate = new DrainRate(QUEUE_BYTES);
    send(rate, 0, QUEUE_RATE_MS, 300);
    expect(rate.limit).toBe(QUEUE_BYTES);
  });

  it('lets so much wait as leaves within its time', () => {
    const rate = new DrainRate(QUEUE_BYTES);
    const now = send(rate, 0, 3 * QUEUE_RATE_MS, 300);
    expect(rate.limit / (300 * QUEUE_MS_MAX)).toBeCloseTo(1, 1);
    send(rate, now, 3 * QUEUE_RATE_MS, 600);
    expect(rate.limit / (600 * QUEUE_MS_MAX)).toBeCloseTo(1, 1);
  });

  it('lets a few batches wait on the slowest link, and no more than the queue holds on a fast one', () => {
    const slow = new DrainRate(QUEUE_BYTES);
    send(slow, 0, 2 * QUEUE_RATE_MS, 1);
    expect(slow.limit).toBe(QUEUE_BYTES_MIN);
    const fast = new DrainRate(QUEUE_BYTES);
    send(fast, 0, 2 * QUEUE_RATE_MS, 100_000);
    expect(fast.limit).toBe(QUEUE_BYTES);
    const small = new DrainRate(QUEUE_BYTES_MIN / 4);
    send(small, 0, 2 * QUEUE_RATE_MS, 1);
    expect(small.limit).toBe(QUEUE_BYTES_MIN / 4);
  });

  it('says when less may wait than before, once', () => {
    const rate = new DrainRate(QUEUE_BYTES);
    rate.drained(true, 0);
    rate.sent(300 * QUEUE_RATE_MS);
    expect(rate.drained(true, QUEUE_RATE_MS)).toBe(true);
    rate.sent(300 * QUEUE_RATE_MS);
    expect(rate.drained(true, 2 * QUEUE_RATE_MS)).toBe(false);
  });

  it('forgets as soon as nothing waits', () => {
    const rate = new DrainRate(QUEUE_BYTES);
    const now = send(rate, 0, 2 * QUEUE_RATE_MS, 300);
    expect(rate.limit).toBeLessThan(QUEUE_BYTES);
    rate.drained(false, now);
    expect(rate.limit).toBe(QUEUE_BYTES);
  });

  it('takes a fast link that stood still for as long as it may for no slow one', () => {
    const rate = new DrainRate(QUEUE_BYTES);
    rate.drained(true, 0);
    send(rate, DEAD_MS, 2 * QUEUE_RATE_MS, 50_000);
    expect(rate.limit).toBe(QUEUE_BYTES);
  });
});
