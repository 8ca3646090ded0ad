import { Chunk } from '../common/chunk';
import { nodeIdOf } from '../links/contract';
import { LinkCostError } from '../links/errors';
import { SPACE } from './contract';
import { VirtualNet, type Cable, type VirtualNode } from './virtual-net.fixture';

/** a - b - c and a - d - c; the way by d costs more. */
function diamond(): { net: VirtualNet; ab: Cable; bc: Cable; ad: Cable; dc: Cable } {
  const net = new VirtualNet();
  for (const name of 'abcd') net.node(name);
  const ab = net.cable('a', 'b');
  const bc = net.cable('b', 'c');
  const ad = net.cable('a', 'd', { cost: 2 });
  const dc = net.cable('d', 'c', { cost: 2 });
  net.until(() => net.converged);
  net.run(3_000);
  return { net, ab, bc, ad, dc };
}

const at = (net: VirtualNet, name: string): VirtualNode => net.nodes.get(name) as VirtualNode;
const generation = (node: VirtualNode, to: string): number => node.core.routes.pathGeneration(nodeIdOf(to), 2);

describe('LinkStateCore, changes on purpose', () => {
  it('floods a cost and moves traffic without a new path generation', () => {
    const { net, bc } = diamond();
    const a = at(net, 'a');
    const before = generation(a, 'c');
    expect(a.via('c')).toBe('b');
    at(net, 'b').core.setCost(bc.linkAt('b'), 9);
    expect(net.until(() => a.via('c') === 'd')).toBeLessThan(20);
    expect(generation(a, 'c')).toBe(before);
    expect(a.cost('c')).toBe(4);
    expect(at(net, 'c').via('a')).toBe('d');
    expect(at(net, 'c').core.links()).toContainEqual(expect.objectContaining({ name: 'b-c', cost: 9, state: 'up' }));
    expect(a.core.counters.linksLost + a.core.counters.reroutes).toBe(0);
    expect(bc.conditions).toEqual([]);
  });

  it('leaves a cost to the side that dialled', () => {
    const { net, bc } = diamond();
    expect(() => at(net, 'c').core.setCost(bc.linkAt('c'), 2)).toThrow(LinkCostError);
    expect(() => at(net, 'b').core.setCost(bc.linkAt('b'), 0)).toThrow(LinkCostError);
  });

  it('routes around a draining node before its links close, and loses nothing that waits', () => {
    const { net } = diamond();
    const [a, b, c] = ['a', 'b', 'c'].map((name) => at(net, name)) as [VirtualNode, VirtualNode, VirtualNode];
    b.core.drain();
    net.until(() => a.via('c') === 'd' && c.via('a') === 'd', 600);
    expect(a.via('b')).toBe('b');
    expect(a.core.links().map(({ state }) => state)).toEqual(['up', 'up']);
    expect(b.core.drained).toBe(true);
    const before = [generation(a, 'c'), generation(c, 'a')];
    for (const { link } of b.core.links()) {
      for (let n = 0; n < 50; n++) b.core.enqueue(link, 2, Buffer.from([17, n]), null, 1, b.id);
      b.core.removeLink(link);
    }
    expect(b.core.drained).toBe(false);
    const closed = net.until(() => b.core.links().length === 0, 1_500);
    expect(closed).toBeLessThan(100);
    expect([a.routed.length, c.routed.length]).toEqual([50, 50]);
    expect([generation(a, 'c'), generation(c, 'a')]).toEqual(before);
    expect(a.core.counters.linksLost + b.core.counters.linksLost + c.core.counters.linksLost).toBe(0);
  });

  it('refuses links while it drains', () => {
    const { net } = diamond();
    at(net, 'b').core.drain();
    const cable = net.cable('d', 'b');
    expect(cable.refusals).toEqual(['FL_LINK_DRAINING']);
  });

  it('withdraws a link that is removed at once, at both ends', () => {
    const { net, ab } = diamond();
    const [a, b] = [at(net, 'a'), at(net, 'b')];
    ab.plugged = false;
    a.core.removeLink(ab.linkAt('a'));
    net.run(1);
    expect([a.via('b'), b.via('a')]).toEqual(['d', 'c']);
    net.until(() => a.core.links().length === 1 && b.core.links().length === 1, 1_000);
    expect(ab.conditions).toEqual(['amqp:connection:forced']);
  });

  it('does not wait for ever for the goodbye of a neighbour that hangs', () => {
    const { net, ab } = diamond();
    ab.tamper = (bytes) => (bytes[0] === 6 ? null : bytes);
    at(net, 'a').core.removeLink(ab.linkAt('a'));
    ab.plugged = false;
    expect(net.until(() => ab.ends === null, 2_000)).toBeLessThan(1_100);
  });

  it('damps a link that flaps', () => {
    const { net, ab } = diamond();
    const before = at(net, 'c').core.counters.spfRuns;
    ab.redialMs = 100;
    for (let n = 0; n < 100; n++) {
      net.run(200);
      ab.reset();
    }
    expect(at(net, 'c').core.counters.spfRuns - before).toBeLessThan(20);
    expect(at(net, 'a').via('b')).toBe('d');
    net.run(5_000);
    expect(at(net, 'a').via('b')).toBe('b');
  });

  it('tells of frames for a link that is gone, and lets go of bodies', () => {
    const { net, ab } = diamond();
    const a = at(net, 'a');
    const link = ab.linkAt('a');
    const body = new Chunk(Buffer.alloc(10), null, 0);
    body.fill(10);
    a.core.enqueue(link, 2, Buffer.from('waits'), body, 1, a.id);
    expect(body.refs).toBe(2);
    ab.unplug();
    expect(body.refs).toBe(1);
    a.core.enqueue(link, 2, Buffer.from('late'), body, 1, a.id);
    expect(body.refs).toBe(1);
    expect(a.dropped.map(String)).toEqual(['late']);
    expect(a.core.counters.droppedFrames).toBe(1);
  });

  it('says the version that a change will have before it is flooded', () => {
    const { net } = diamond();
    const { replicas } = at(net, 'a').core;
    replicas.set(SPACE.interest, 'x', Buffer.from('1'));
    const version = replicas.pendingVersion(SPACE.interest);
    expect(replicas.version(SPACE.interest, nodeIdOf('a'))).toBe(version - 1);
    net.until(() => at(net, 'c').core.replicas.version(SPACE.interest, nodeIdOf('a')) === version, 20);
  });
});
