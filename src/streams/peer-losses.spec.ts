import { nodeIdOf } from '../links/contract';
import { MESSAGE_FLAG } from './contract';
import { GAP_ADDRESSES_MAX } from './limits';
import { Network, NORMAL, type Host } from './streams.fixture';

function parted(): { readonly net: Network; readonly a: Host; readonly b: Host } {
  const net = new Network(['a', 'b', 'c']);
  const a = net.host('a');
  a.cut.add('b');
  return { net, a, b: net.host('b') };
}

/** `a` gives `b` up. */
function giveUp(net: Network, a: Host, b: Host): void {
  a.core.onUnreachable(b.self);
  net.now += 120_001;
  a.core.tick();
}

describe('what is given up with a peer', () => {
  it('is counted by address where nobody waits for it, and told by slot where somebody does', () => {
    const { net, a, b } = parted();
    a.publish(['b'], 'x', 'sent');
    a.publish(['b'], 'y', 'tracked', 4);
    a.core.flush();
    a.publish(['b'], 'x', 'also');
    giveUp(net, a, b);
    expect(a.dropped).toEqual([['x', 2, 'unreachable']]);
    expect(a.lost).toEqual([[4, true, 'unreachable']]);
    expect(a.pools.retention.used).toBe(0);
  });

  it('tells apart what never left: another site may be tried', () => {
    const { net, a, b } = parted();
    a.core.onUnreachable(b.self);
    a.publish(['b'], 'y', 'waits', 7);
    net.now += 120_001;
    a.core.tick();
    expect(a.lost).toEqual([[7, false, 'unreachable']]);
  });

  it('is not taken from the other targets of the same batch', () => {
    const { net, a, b } = parted();
    a.publish(['b', 'c'], 'x', 'both');
    a.core.flush();
    giveUp(net, a, b);
    expect(a.dropped).toEqual([['x', 1, 'unreachable']]);
    a.cut.clear();
    net.settle();
    expect(net.host('c').got).toEqual(['x:both']);
    expect(a.pools.retention.used).toBe(0);
  });

  it('counts a large message once, whether its end was sent or not', () => {
    const { net, a, b } = parted();
    const set = a.core.targetSet([nodeIdOf('b')]);
    const part = Buffer.alloc(40_000);
    const open = a.core.beginLarge(set, NORMAL, 'open', 0, -1);
    a.core.appendSegment(open, part, 0, part.length);
    const whole = a.core.beginLarge(set, NORMAL, 'whole', 0, -1);
    a.core.appendSegment(whole, part, 0, part.length);
    a.core.endLarge(whole, false);
    const tracked = a.core.beginLarge(set, NORMAL, 'tracked', MESSAGE_FLAG.tracked, 9);
    a.core.appendSegment(tracked, part, 0, part.length);
    giveUp(net, a, b);
    expect(a.dropped.sort()).toEqual([
      ['open', 1, 'unreachable'],
      ['whole', 1, 'unreachable'],
    ]);
    expect(a.lost).toEqual([[9, false, 'unreachable']]);
    a.core.endLarge(open, false);
    a.core.endLarge(tracked, false);
    a.core.flush();
    expect(a.pools.retention.used).toBe(0);
  });

  it('is told to the peer by address up to a bound, the rest together', () => {
    const { net, a, b } = parted();
    const more = 5;
    for (let n = 0; n < GAP_ADDRESSES_MAX + more; n++) a.publish(['b'], `t${n}`, 'lost');
    giveUp(net, a, b);
    a.cut.clear();
    a.core.onReachable(b.self);
    net.settle();
    const told = new Map(b.gaps.flatMap(([, missed]) => [...missed]));
    expect(told.size).toBe(GAP_ADDRESSES_MAX + 1);
    expect(told.get('*')).toBe(more);
  });

  it('includes what is sent to it afterwards, at once', () => {
    const { net, a, b } = parted();
    giveUp(net, a, b);
    a.publish(['b'], 'x', 'late');
    a.publish(['b'], 'x', 'tracked', 3);
    a.core.flush();
    expect(a.dropped).toEqual([['x', 1, 'unreachable']]);
    expect(a.lost).toEqual([[3, false, 'unreachable']]);
  });
});
