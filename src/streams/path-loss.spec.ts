import { Network } from './streams.fixture';

describe('an edge of a path that vanishes while nothing is under way', () => {
  it('sends nothing again later, when another one vanishes', () => {
    const net = new Network(['a', 'b']);
    const a = net.host('a');
    a.publish(['b'], 'x', 'one');
    net.settle();
    a.generation++;
    a.core.onTopology(true);
    a.publish(['b'], 'x', 'two');
    a.core.flush();
    const sent = net.frames.length;
    // Not on this path: the generation stays.
    a.core.onTopology(true);
    expect(net.frames.length).toBe(sent);
    expect(a.core.counters.reroutes).toBe(0);
    net.settle();
    expect(net.host('b').got).toEqual(['x:one', 'x:two']);
    expect(net.host('b').core.counters.duplicateFrames).toBe(0);
  });
});
