import fc from 'fast-check';
import { SeededRandom } from '../common/ports';
import { nodeIdOf } from '../links/contract';
import { MESSAGE_FLAG, OUTCOME } from './contract';
import { Host, Network, NORMAL, type Frame } from './streams.fixture';

describe('StreamCore', () => {
  it('delivers to several targets over a transit node, holding the batch once, and gives all memory back', () => {
    const net = new Network(['a', 'b', 'c', 'd']);
    const a = net.host('a');
    for (let n = 0; n < 1000; n++) a.publish(['b', 'd'], `t.${n % 3}`, `m${n}`);
    a.core.flush();
    expect(a.pools.retention.used).toBeLessThan(1000 * 20);
    net.settle();
    const expected = Array.from({ length: 1000 }, (_, n) => `t.${n % 3}:m${n}`);
    expect(net.host('b').got).toEqual(expected);
    expect(net.host('d').got).toEqual(expected);
    expect(net.host('c').got).toEqual([]);
    for (const host of net.nodes.values()) {
      expect(host.pools.retention.used).toBe(0);
      expect(host.pools.receive.used).toBe(0);
    }
  });

  it('neither loses, doubles nor reorders under random loss, repetition and delay', () => {
    fc.assert(
      fc.property(fc.integer(), fc.integer({ min: 1, max: 400 }), (seed, messages) => {
        const random = new SeededRandom(seed);
        const net = new Network(['a', 'b', 'c']);
        for (let n = 0; n < messages; n++) {
          net.host('a').publish(['c'], 'x', `a${n}`, n);
          if (random.chance(0.3)) net.host('a').publish(['b', 'c'], 'both', `a${n}`, messages + n);
          net.host('c').publish(['a'], 'y', `c${n}`);
          if (random.chance(0.2)) net.flush();
          if (random.chance(0.1))
            net.settle(5, () => (random.chance(0.2) ? 'lose' : random.chance(0.1) ? 'twice' : 'pass'));
        }
        net.settle(120_000, () => (random.chance(0.1) ? 'lose' : random.chance(0.1) ? 'twice' : 'pass'));
        expect(net.host('c').got.filter((got) => got.startsWith('x'))).toEqual(
          Array.from({ length: messages }, (_, n) => `x:a${n}`),
        );
        expect(net.host('a').got).toEqual(Array.from({ length: messages }, (_, n) => `y:c${n}`));
        expect(net.host('a').outcomes.length).toBe(messages + 2 * net.host('b').got.length);
        expect(net.host('a').pools.retention.used).toBe(0);
      }),
      { numRuns: 60 },
    );
  });

  it('passes outcomes back with their details', () => {
    const net = new Network(['a', 'b']);
    net.host('b').answer = OUTCOME.rejected;
    net.host('a').publish(['b'], 'q', 'one', 7);
    net.settle();
    expect(net.host('a').outcomes).toEqual([[7, OUTCOME.rejected, null]]);
  });

  it('carries large messages among small ones, whole or not at all', () => {
    const net = new Network(['a', 'b', 'c']);
    const a = net.host('a');
    const body = Buffer.alloc(3_000_000, 'large');
    const set = a.core.targetSet([nodeIdOf('c')]);
    const whole = a.core.beginLarge(set, NORMAL, 'big', MESSAGE_FLAG.tracked, 5);
    const aborted = a.core.beginLarge(set, NORMAL, 'big', 0, -1);
    for (let at = 0; at < body.length; at += 100_000) {
      a.core.appendSegment(whole, body, at, at + 100_000);
      a.core.appendSegment(aborted, body, at, at + 100_000);
      a.publish(['c'], 'small', String(at));
      net.settle(1);
    }
    a.core.endLarge(aborted, true);
    a.core.endLarge(whole, false);
    a.publish(['c'], 'big', body.subarray(0, 200_000), 6);
    net.settle();
    const c = net.host('c');
    expect(c.got.length).toBe(30);
    expect(c.larges.map((large) => large.bytes.length)).toEqual([3_000_000, 200_000]);
    expect(c.larges[0]?.bytes.equals(body)).toBe(true);
    expect(a.outcomes.map(([slot]) => slot).sort()).toEqual([5, 6]);
    expect(c.core.counters.abortedLarge).toBe(1);
  });

  it('says of a large message that had no room where it came that it was not taken, before what was sent behind it', () => {
    const net = new Network(['a', 'b']);
    const a = net.host('a');
    const b = net.host('b');
    b.isDiskFull = true;
    const body = Buffer.alloc(3_000_000, 'large');
    const large = a.core.beginLarge(a.core.targetSet([nodeIdOf('b')]), NORMAL, 'big', MESSAGE_FLAG.tracked, 5);
    a.core.appendSegment(large, body, 0, body.length);
    a.core.endLarge(large, false);
    a.publish(['b'], 'big', 'behind it', 6);
    let before: readonly string[] | null = null;
    const { onMessage } = b;
    b.onMessage = (...message) => {
      before ??= [...b.notTaken];
      onMessage.apply(b, message);
    };
    net.settle();
    expect(before).toEqual(['big']);
    expect(a.outcomes.map(([slot, outcome]) => [slot, outcome]).sort()).toEqual([
      [5, OUTCOME.undelivered],
      [6, OUTCOME.accepted],
    ]);
  });

  it('holds what is unacknowledged while the target is away, and sends it when it returns', () => {
    const net = new Network(['a', 'b']);
    const a = net.host('a');
    const b = net.host('b').self;
    a.cut.add('b');
    a.publish(['b'], 'x', 'before');
    a.core.flush();
    a.core.onUnreachable(b);
    a.publish(['b'], 'x', 'during', 1);
    net.now += 60_000;
    a.core.tick();
    a.cut.clear();
    a.core.onReachable(b);
    net.settle();
    expect(net.host('b').got).toEqual(['x:before', 'x:during']);
    expect(a.lost).toEqual([]);
  });

  it('gives up beyond the hold: counted, told on return, and the stream starts afresh', () => {
    const net = new Network(['a', 'b']);
    const a = net.host('a');
    const b = net.host('b').self;
    a.publish(['b'], 'x', 'first');
    net.settle();
    a.cut.add('b');
    a.publish(['b'], 'x', 'gone', -1);
    a.publish(['b'], 'x', 'tracked', 3);
    a.core.flush();
    a.core.onUnreachable(b);
    a.publish(['b'], 'x', 'never sent');
    net.now += 120_001;
    a.core.tick();
    expect(a.dropped).toEqual([['x', 2, 'unreachable']]);
    expect(a.lost).toEqual([[3, true, 'unreachable']]);
    expect(a.targets.get(b.id)).toBe('givenUp');
    a.cut.clear();
    a.core.onReachable(b);
    expect(a.targets.get(b.id)).toBe('usable');
    a.publish(['b'], 'x', 'again');
    net.settle();
    expect(net.host('b').got).toEqual(['x:first', 'x:again']);
    expect(net.host('b').gaps).toEqual([[a.self.id, new Map([['x', 2]])]]);
    expect(a.pools.retention.used).toBe(0);
  });

  it('gives back what a restarted target had not acknowledged, and starts with its new life', () => {
    const net = new Network(['a', 'b']);
    const a = net.host('a');
    a.cut.add('b');
    a.publish(['b'], 'x', 'old', 1);
    a.publish(['b'], 'x', 'plain');
    a.core.flush();
    net.nodes.set('b', new Host(net, 'b', 2));
    const b = net.host('b');
    b.core.onReachable(a.self);
    a.cut.clear();
    a.core.onIncarnation(b.self);
    expect(a.lost).toEqual([[1, true, 'peerRestarted']]);
    expect(a.dropped).toEqual([['x', 1, 'peerRestarted']]);
    a.publish(['b'], 'x', 'new', 2);
    net.settle();
    expect(b.got).toEqual(['x:new']);
  });

  it('slows down and sends again when a transit queue drops a frame', () => {
    const net = new Network(['a', 'b', 'c']);
    const a = net.host('a');
    for (let n = 0; n < 50; n++) a.publish(['c'], 'x', Buffer.alloc(30_000, n));
    a.core.flush();
    const frame = net.frames.shift() as Frame;
    net.host('b').core.onFrameDropped(frame.bytes);
    net.settle();
    expect(net.host('c').got.length).toBe(50);
    expect(net.host('b').core.counters.congestionDrops).toBe(1);
    expect(net.host('c').core.counters.duplicateFrames).toBe(0);
  });

  it('says when a target is full, and when it no longer is', () => {
    const net = new Network(['a', 'b']);
    const a = net.host('a');
    for (let n = 0; n < 40; n++) a.publish(['b'], 'x', Buffer.alloc(30_000));
    a.core.flush();
    expect(a.core.isFull(nodeIdOf('b'), NORMAL)).toBe(true);
    net.settle();
    expect(a.full).toEqual([true, false]);
    expect(net.host('b').got.length).toBe(40);
  });

  it('re-sends at once when an edge of the path vanished, and never for a mere cost change', () => {
    const net = new Network(['a', 'b']);
    const a = net.host('a');
    a.publish(['b'], 'x', 'one');
    a.core.flush();
    net.frames.length = 0;
    a.core.onTopology(true);
    expect(net.frames.length).toBe(0);
    a.generation++;
    a.core.onTopology(true);
    expect(net.frames.length).toBe(1);
    net.settle();
    expect(net.host('b').got).toEqual(['x:one']);
    expect(a.core.counters.reroutes).toBe(1);
  });

  it('refuses a corrupted body before anything of it is delivered', () => {
    const net = new Network(['a', 'b']);
    net.host('a').publish(['b'], 'x', 'payload');
    net.flush();
    const { bytes } = net.frames[0] as Frame;
    bytes[bytes.length - 1] = (bytes[bytes.length - 1] as number) ^ 1;
    expect(() => net.host('b').core.onBatch(bytes, 0, bytes.length)).toThrow(/checksum/);
    expect(net.host('b').got).toEqual([]);
  });
});
