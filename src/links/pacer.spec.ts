import fc from 'fast-check';
import { Pacer } from './pacer';

const FRAME = 16_384;

/** A wire of a given rate and delay, driven for a while by a sender that always has more. */
function drive(
  bytesPerMs: number,
  delayMs: number,
  forMs: number,
): { readonly pacer: Pacer; readonly worst: number; readonly sent: number } {
  const pacer = new Pacer();
  const received: { at: number; frames: number }[] = [];
  let busyUntil = 0;
  let frames = 0;
  let sent = 0;
  let worst = 0;
  for (let now = 0; now < forMs; now++) {
    for (let first = received[0]; first !== undefined && first.at <= now; first = received[0]) {
      received.shift();
      pacer.onReceived(first.frames, now);
    }
    while (pacer.room() > 0) {
      pacer.onSent(FRAME, now);
      busyUntil = Math.max(busyUntil, now) + FRAME / bytesPerMs;
      received.push({ at: busyUntil + delayMs, frames: ++frames });
      sent += FRAME;
    }
    if (now > forMs / 2) worst = Math.max(worst, busyUntil - now);
  }
  return { pacer, worst, sent };
}

describe('Pacer', () => {
  it('keeps little in the way of control on a slow wire', () => {
    const { worst, sent } = drive(100, 5, 20_000);
    // 64 kB is the least: 0.66 s at 100 kB/s, and a frame that is begun.
    expect(worst).toBeLessThan(1_000);
    expect(sent).toBeGreaterThan(100 * 20_000 * 0.95);
  });

  it('fills a fast, long wire', () => {
    const { sent } = drive(50_000, 40, 4_000);
    expect(sent).toBeGreaterThan(50_000 * 4_000 * 0.7);
  });

  it('tells who was refused that there is room again, once', () => {
    const pacer = new Pacer();
    let frames = 0;
    while (pacer.room() > 0) {
      pacer.onSent(FRAME, 0);
      frames++;
    }
    expect(pacer.onReceived(frames, 10)).toBe(true);
    pacer.onSent(FRAME, 11);
    expect(pacer.onReceived(frames + 1, 12)).toBe(false);
  });

  it('counts frames modulo 2^32 and believes nothing that was never sent', () => {
    const pacer = new Pacer();
    pacer.onSent(100, 0);
    expect(pacer.onReceived(2, 1)).toBe(false);
    expect(pacer.unackedBytes).toBe(100);
    pacer.onReceived(1, 1);
    expect(pacer.unackedBytes).toBe(0);
    expect(pacer.onReceived(0xffff_ffff, 2)).toBe(false);
    expect(pacer.unackedBytes).toBe(0);
  });

  it('never has more unacknowledged than its cap and one frame, whatever the wire does', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(70_000), fc.nat(50), fc.nat(4)), { maxLength: 300 }), (steps) => {
        const pacer = new Pacer();
        let now = 0;
        let sent = 0;
        let acked = 0;
        for (const [bytes, wait, acks] of steps) {
          now += wait;
          if (pacer.room() > 0) {
            pacer.onSent(bytes, now);
            sent++;
          }
          acked = Math.min(sent, acked + acks);
          pacer.onReceived(acked, now);
          expect(pacer.unackedBytes).toBeGreaterThanOrEqual(0);
          expect(pacer.capBytes).toBeLessThanOrEqual(4 * 1024 * 1024);
        }
        pacer.onReceived(sent, now + 1);
        expect(pacer.unackedBytes).toBe(0);
      }),
    );
  });
});
