import { OUTCOME } from './contract';
import { KeptSegments } from './kept-segments';
import { Network } from './streams.fixture';

const PART_BYTES = 100_000;

function filled(length: number): Buffer {
  return Buffer.from(Array.from({ length }, (_, at) => (at * 31) % 251));
}

describe('what is kept of a large message', () => {
  it('is all of it, whatever was sent and acknowledged meanwhile, until it is let go', () => {
    const net = new Network(['a', 'b']);
    const a = net.host('a');
    const { core } = a;
    const body = filled(3 * PART_BYTES);
    const kept = new KeptSegments();
    const id = core.beginLarge(core.targetSet([net.host('b').self.id]), 2, 'x', 4, 7);
    for (let at = 0; at < body.length; at += PART_BYTES) {
      core.appendSegment(id, body, at, at + PART_BYTES, kept);
      a.publish(['b'], 'y', 'between');
    }
    core.endLarge(id, false);
    net.settle();
    expect(a.outcomes).toEqual([[7, OUTCOME.accepted, null]]);
    expect([kept.length, kept.segments]).toEqual([body.length, 12]);
    const read = Buffer.alloc(body.length);
    for (let at = 0; at < body.length;) at += kept.read(at, read.subarray(at, at + 41_000));
    expect(read.equals(body)).toBe(true);
    expect(kept.read(body.length, read)).toBe(0);
    kept.retain();
    kept.release();
    expect(a.pools.retention.used).toBeGreaterThan(body.length);
    kept.release();
    expect(a.pools.retention.used).toBe(0);
  });

  it('is nothing of what goes nowhere', () => {
    const net = new Network(['a', 'b']);
    const { core } = net.host('a');
    const kept = new KeptSegments();
    core.appendSegment(99, filled(10), 0, 10, kept);
    expect([kept.length, kept.segments]).toEqual([0, 0]);
  });
});
