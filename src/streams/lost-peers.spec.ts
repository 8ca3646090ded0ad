import { OUTCOME } from './contract';
import { Host, Network } from './streams.fixture';

const HOLD_MS = 120_000;

function pair(): { readonly net: Network; readonly a: Host; readonly b: Host } {
  const net = new Network(['a', 'b']);
  return { net, a: net.host('a'), b: net.host('b') };
}

/** `host` sees no way to `peer` for longer than the hold. */
function giveUp(net: Network, host: Host, peer: Host): void {
  host.core.onUnreachable(peer.self);
  net.now += HOLD_MS + 1;
  host.core.tick();
}

describe('a peer that was given up', () => {
  it('gets the outcome of what it sends before routing here says that it is back', () => {
    const { net, a, b } = pair();
    giveUp(net, b, a);
    expect(b.targets.get(a.self.id)).toBe('givenUp');
    a.publish(['b'], 'x', 'early', 4);
    net.flush();
    const frame = net.frames.shift();
    if (frame === undefined) throw new Error('no frame left a');
    net.deliver(frame);
    expect(b.targets.get(a.self.id)).toBe('usable');
    b.core.onReachable(a.self);
    net.settle();
    expect(a.outcomes).toEqual([[4, OUTCOME.accepted, null]]);
    expect(a.lost).toEqual([]);
  });

  it('learns that the outcomes on their way to it are gone, if it did not give up itself', () => {
    const { net, a, b } = pair();
    b.answer = null;
    a.publish(['b'], 'x', 'received', 1);
    net.settle();
    b.cut.add('a');
    a.cut.add('b');
    a.publish(['b'], 'x', 'under way', 2);
    net.flush();
    giveUp(net, b, a);
    b.cut.clear();
    a.cut.clear();
    b.answer = OUTCOME.accepted;
    b.core.onReachable(a.self);
    a.core.onReachable(b.self);
    net.settle();
    expect(a.lost).toEqual([[1, true, 'unreachable']]);
    expect(a.outcomes).toEqual([[2, OUTCOME.accepted, null]]);
    expect(a.givenUp).toEqual([b.self.id]);
    expect(b.got).toEqual(['x:received', 'x:under way']);
  });

  it('is told nothing of the kind when its own streams are new as well', () => {
    const { net, a, b } = pair();
    b.answer = null;
    a.publish(['b'], 'x', 'received', 1);
    net.settle();
    giveUp(net, a, b);
    giveUp(net, b, a);
    expect(a.lost).toEqual([[1, true, 'unreachable']]);
    a.core.onReachable(b.self);
    b.core.onReachable(a.self);
    b.answer = OUTCOME.accepted;
    a.publish(['b'], 'x', 'again', 2);
    net.settle();
    expect(a.lost).toEqual([[1, true, 'unreachable']]);
    expect(a.outcomes).toEqual([[2, OUTCOME.accepted, null]]);
  });
});

describe('a frame of a life that routing does not know yet', () => {
  it('is not taken, for it could not be answered; it comes again', () => {
    const { net, a, b } = pair();
    const next = new Host(net, 'a', 2);
    next.core.onReachable(b.self);
    net.nodes.set('a', next);
    b.known.set('a', 1);
    next.publish(['b'], 'x', 'soon', 3);
    net.settle(50);
    expect(b.got).toEqual([]);
    b.known.clear();
    b.core.onIncarnation(next.self);
    net.settle();
    expect(b.got).toEqual(['x:soon']);
    expect(next.outcomes).toEqual([[3, OUTCOME.accepted, null]]);
    expect(a.got).toEqual([]);
  });
});

describe('what is open when a peer begins a new life', () => {
  it('is given back and never sent', () => {
    const { net, a, b } = pair();
    a.publish(['b'], 'x', 'open');
    a.core.onIncarnation({ ...b.self, incarnation: 2 });
    net.flush();
    expect(net.frames).toEqual([]);
    expect(a.dropped).toEqual([['x', 1, 'peerRestarted']]);
    expect(a.pools.retention.used).toBe(0);
  });

  it('is given back and never sent when it is this node that begins one', () => {
    const { net, a } = pair();
    a.publish(['b'], 'x', 'open', 9);
    a.core.onOwnIncarnation();
    net.flush();
    expect(net.frames).toEqual([]);
    expect(a.lost).toEqual([[9, false, 'peerRestarted']]);
  });
});
