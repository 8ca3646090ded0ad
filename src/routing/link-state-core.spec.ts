import { DEAD_MS, HELLO_MS } from '../links/limits';
import { nodeIdOf } from '../links/contract';
import { VirtualNet, type Cable, type VirtualNode } from './virtual-net.fixture';

function ring(net: VirtualNet, names: string): Cable[] {
  const all = [...names];
  return all.map((name, n) => net.cable(name, all[(n + 1) % all.length] as string));
}

function netOf(names: string): VirtualNet {
  const net = new VirtualNet();
  for (const name of names) net.node(name);
  return net;
}

const at = (net: VirtualNet, name: string): VirtualNode => net.nodes.get(name) as VirtualNode;
const generation = (node: VirtualNode, to: string): number => node.core.routes.pathGeneration(nodeIdOf(to), 2);

describe('LinkStateCore', () => {
  it.each(['abc', 'acb', 'bac', 'bca', 'cab', 'cba'])('joins a line of three that starts in the order %s', (order) => {
    const net = new VirtualNet();
    net.cable('a', 'b', { cost: 3 });
    net.cable('b', 'c', { cost: 4 });
    for (const name of order) {
      net.node(name);
      net.run(700);
    }
    net.until(() => net.converged, 2_000);
    expect(net.walk('a', 'c')).toEqual(['a', 'b', 'c']);
    expect(net.walk('c', 'a')).toEqual(['c', 'b', 'a']);
    expect(at(net, 'a').cost('c')).toBe(7);
    expect(at(net, 'c').said.filter((line) => line === '+a')).toHaveLength(1);
  });

  it('advertises an edge only while both ends are synchronised', () => {
    const net = netOf('ab');
    const cable = net.cable('a', 'b');
    cable.tamper = (bytes, to) => (to === 'b' && bytes[0] === 2 ? null : bytes);
    net.run(1_000);
    expect([at(net, 'a'), at(net, 'b')].map(({ core }) => core.links()[0]?.state)).toEqual([
      'synchronising',
      'synchronising',
    ]);
    expect(at(net, 'a').reach).toBe('');
    cable.tamper = (bytes) => bytes;
    cable.reset();
    net.until(() => net.converged, 1_000);
  });

  it('does not use an edge that one end alone advertises', () => {
    const net = netOf('abc');
    net.cable('a', 'b');
    const cable = net.cable('b', 'c');
    // c never hears that b is synchronised, so c does not advertise; b does.
    cable.tamper = (bytes, to) => (to === 'c' && bytes[0] === 5 ? null : bytes);
    net.run(1_200);
    const states = at(net, 'b')
      .core.links()
      .map(({ state }) => state);
    expect(states).toEqual(['up', 'up']);
    expect(at(net, 'b').core.routes.view(nodeIdOf('c'))?.reachable).toBe(false);
    expect(at(net, 'a').reach).toBe('b');
  });

  it('reroutes a ring at once when a link is reset, and within the dead interval when it is silent', () => {
    const net = netOf('abcd');
    const [ab, , cd] = ring(net, 'abcd') as [Cable, Cable, Cable, Cable];
    net.until(() => net.converged);
    net.run(3_000);
    expect(net.walk('a', 'b')).toEqual(['a', 'b']);
    const before = generation(at(net, 'a'), 'b');
    ab.unplug();
    net.run(0);
    expect(at(net, 'a').via('b')).toBe('d');
    expect(generation(at(net, 'a'), 'b')).not.toBe(before);
    ab.plugged = true;
    ab.dial();
    net.until(() => at(net, 'a').via('b') === 'b');
    net.run(3_000);
    cd.dark = true;
    const took = net.until(() => at(net, 'c').via('d') === 'b' && at(net, 'd').via('c') === 'a', DEAD_MS + 1_000);
    expect(took).toBeGreaterThan(DEAD_MS - HELLO_MS - 10);
    expect(took).toBeLessThan(DEAD_MS + 100);
    expect(cd.conditions).toContain('fairlead:dead');
    expect(at(net, 'a').core.counters).toMatchObject({ linksLost: 1, protocolErrors: 0 });
  });

  it('keeps a neighbour up while one of two parallel links is', () => {
    const net = netOf('abc');
    const [one, two] = [net.cable('a', 'b', { name: 'one' }), net.cable('a', 'b', { name: 'two' })];
    net.cable('b', 'c');
    net.until(() => net.converged);
    net.run(2_000);
    const a = at(net, 'a');
    const used = a.core.routes.nextHop(nodeIdOf('c'), a.id, 2);
    for (let n = 0; n < 10; n++) {
      net.run(300);
      expect(a.core.routes.nextHop(nodeIdOf('c'), a.id, 2)).toBe(used);
    }
    const [mine, other] = used === one.linkAt('a') ? [one, two] : [two, one];
    other.unplug();
    const before = generation(a, 'c');
    net.run(100);
    expect(generation(a, 'c')).toBe(before);
    other.plugged = true;
    other.dial();
    net.run(3_000);
    mine.unplug();
    net.run(0);
    expect(a.core.routes.nextHop(nodeIdOf('c'), a.id, 2)).toBe(other.linkAt('a'));
    expect(a.said.filter((line) => line.startsWith('-'))).toEqual([]);
  });

  it('spreads streams over equal ways and keeps each on one', () => {
    const net = netOf('abcdefz');
    for (const middle of 'bcdef') for (const end of 'az') net.cable(end, middle);
    net.until(() => net.converged);
    const a = at(net, 'a');
    const ways = (): (string | undefined)[] =>
      Array.from({ length: 200 }, (_, n) => a.peers.get(a.core.routes.nextHop(nodeIdOf('z'), n * 7_919, 2)));
    const first = ways();
    expect(new Set(first).size).toBe(5);
    net.run(5_000);
    expect(ways()).toEqual(first);
  });

  it('gives the index of a lost link to another one only once routes are new', () => {
    const net = netOf('abc');
    const ab = net.cable('a', 'b');
    net.cable('b', 'c');
    net.until(() => net.converged);
    const index = ab.linkAt('a');
    ab.unplug();
    const ac = net.cable('a', 'c');
    expect(ac.linkAt('a')).not.toBe(index);
    net.run(1_000);
    expect(net.cable('a', 'b', { name: 'again' }).linkAt('a')).toBe(index);
  });
});
