import { nodeIdOf } from '../links/contract';
import { SPACE, type OriginFacts } from './contract';
import { VirtualNet, type VirtualNode } from './virtual-net.fixture';

const LIFE = 65_536;

function line(names: string): VirtualNet {
  const net = new VirtualNet();
  const all = [...names];
  for (const name of all) net.node(name, 100 * LIFE);
  for (let n = 1; n < all.length; n++) net.cable(all[n - 1] as string, all[n] as string);
  net.until(() => net.converged);
  net.run(1_000);
  return net;
}

const at = (net: VirtualNet, name: string): VirtualNode => net.nodes.get(name) as VirtualNode;
const kept = (origin: string, stamp: OriginFacts['stamp'], ...keys: string[]): OriginFacts => {
  return { origin, stamp, entries: new Map(keys.map((key) => [key, Buffer.from('home')])) };
};
const incarnations = (net: VirtualNet, of: string): number[] =>
  [...net.nodes.values()].map(({ core }) => core.routes.view(nodeIdOf(of))?.incarnation ?? 0);

describe('LinkStateCore, lives and names', () => {
  it('tells of a restart with a higher incarnation once, before the node is reachable again', () => {
    const net = line('abc');
    const { said } = at(net, 'a');
    said.length = 0;
    net.node('c', 101 * LIFE);
    net.until(() => net.converged && said.length >= 3);
    expect(said).toEqual(['-c', `~c ${100 * LIFE}>${101 * LIFE}`, '+c']);
    expect(at(net, 'c').said).toEqual(['+b', '+a'].sort().reverse());
  });

  it('lifts a node that comes back with a lower incarnation above its former life', () => {
    const net = line('abc');
    at(net, 'c').core.replicas.set(SPACE.interest, 'old', Buffer.from('1'));
    net.run(100);
    const c = net.node('c', 7 * LIFE);
    c.core.replicas.set(SPACE.interest, 'new', Buffer.from('2'));
    net.until(
      () => net.converged && incarnations(net, 'c').every((incarnation) => incarnation === c.core.self.incarnation),
    );
    expect(c.core.self.incarnation).toBeGreaterThan(100 * LIFE);
    expect(c.said).toContain(`!${c.core.self.incarnation}`);
    expect(c.core.counters.advances).toBe(1);
    expect([...at(net, 'a').core.replicas.entries(SPACE.interest, c.id).keys()]).toEqual(['new']);
    net.run(10_000);
    expect(c.said).not.toContain('withdrawn');
    expect(c.core.counters.advances).toBe(1);
  });

  it('lifts a node whose former life is told only by a far one', () => {
    const net = line('abcd');
    net.kill('b');
    net.run(5_000);
    const d = at(net, 'd');
    net.kill('a');
    const a = net.node('a', 3 * LIFE);
    net.node('b', 101 * LIFE);
    net.until(() => net.converged && d.core.routes.view(a.id)?.incarnation === a.core.self.incarnation);
    expect(a.core.self.incarnation).toBeGreaterThan(100 * LIFE);
  });

  it('refuses a neighbour that bears its own name, and itself', () => {
    const net = line('ab');
    net.node('twin', 101 * LIFE, {}, 'a');
    const twin = net.cable('twin', 'a');
    const self = net.cable('a', 'a');
    net.run(2_000);
    expect(new Set(twin.refusals)).toEqual(new Set(['FL_LINK_DUPLICATE_NAME']));
    expect(new Set(self.refusals)).toEqual(new Set(['FL_LINK_SELF']));
    expect(at(net, 'a').said).not.toContain('withdrawn');
  });

  it('makes the process that started later withdraw when two of one name live, and the other goes on (F23)', () => {
    const net = line('abc');
    const a = at(net, 'a');
    const twin = net.node('twin', 101 * LIFE, {}, 'a');
    const cable = net.cable('twin', 'c');
    net.until(() => twin.said.includes('withdrawn'));
    expect(twin.said.filter((line) => line === 'withdrawn')).toHaveLength(1);
    expect(a.said).not.toContain('withdrawn');
    expect(twin.core.links()).toEqual([]);
    expect(cable.conditions).toContain('fairlead:duplicate-node');
    cable.unplug();
    net.until(() => a.reach === 'b c' && at(net, 'c').reach === 'a b');
    net.run(10_000);
    expect(incarnations(net, 'a').slice(0, 3)).toEqual([0, 0, 0].map(() => a.core.self.incarnation));
    expect(net.walk('c', 'a')).toEqual(['c', 'b', 'a']);
  });

  it('keeps the facts of the last run until their origin tells newer ones', () => {
    const net = new VirtualNet();
    const told: string[] = [];
    const facts = [kept('b', null, 'queue/x', 'queue/y'), kept('a', null, 'queue/z')];
    const a = net.node('a', LIFE, {
      facts,
      replicas: {
        onReplica: (space, _origin, version, replaced, changes) =>
          told.push(`${space} ${version} ${replaced} ${changes.map(([key]) => key).join()}`),
      },
    });
    const keys = (): string[] => [...a.core.replicas.entries(SPACE.facts, nodeIdOf('b')).keys()];
    expect(keys()).toEqual(['queue/x', 'queue/y']);
    expect(a.core.routes.view(nodeIdOf('b'))).toMatchObject({ name: 'b', reachable: false });
    const b = net.node('b');
    net.cable('a', 'b');
    net.until(() => net.converged);
    expect([...b.core.replicas.entries(SPACE.facts, a.id).keys()]).toEqual(['queue/z']);
    expect(keys()).toEqual(['queue/x', 'queue/y']);
    b.core.replicas.set(SPACE.facts, 'queue/y', Buffer.from('new'));
    net.run(100);
    expect(keys()).toEqual(['queue/y']);
    expect(told).toEqual([`${SPACE.facts} 1 true queue/y`]);
  });

  it('tells facts of the last run on while their origin is away, as what it said, and takes what it says when it is back', () => {
    const net = new VirtualNet();
    const stamp = { site: 'west', incarnation: 100 * LIFE, born: 100 * LIFE, version: 3 };
    const told: string[] = [];
    const routing = {
      onReachable: () => undefined,
      onUnreachable: () => undefined,
      onIncarnation: () => told.push('life'),
      onTopology: () => undefined,
    };
    const a = net.node('a', LIFE, { facts: [kept('b', stamp, 'queue/x')], routing });
    expect(told).toEqual([]);
    const c = net.node('c');
    net.cable('a', 'c');
    net.until(() => net.converged);
    const b = nodeIdOf('b');
    const known = (): string[][] => [a, c].map(({ core }) => [...core.replicas.entries(SPACE.facts, b).keys()]);
    expect(known()).toEqual([['queue/x'], ['queue/x']]);
    expect(c.core.replicas.stamp(SPACE.facts, b)).toEqual(stamp);
    expect(c.core.routes.view(b)).toMatchObject({ name: 'b', site: 'west', reachable: false });
    // Its disk is lost and its clock is behind: what is kept of it lifts it above its former life.
    const back = net.node('b', 7 * LIFE);
    back.core.replicas.set(SPACE.facts, 'queue/y', Buffer.from('new'));
    net.cable('b', 'c');
    net.until(() => net.converged && incarnations(net, 'b').every((life) => life > 100 * LIFE));
    net.run(100);
    expect(known()).toEqual([['queue/y'], ['queue/y']]);
    expect(a.core.routes.view(b)).toMatchObject({ site: 'b', reachable: true });
    for (const { core } of net.nodes.values()) expect(core.counters.protocolErrors).toBe(0);
  });

  it('tells the facts of a former life on, until the new one has told its own', () => {
    const net = line('abc');
    at(net, 'c').core.replicas.set(SPACE.facts, 'queue/x', Buffer.from('1'));
    net.run(100);
    const c = net.node('c', 200 * LIFE);
    net.until(() => net.converged);
    const d = net.node('d');
    net.cable('d', 'a');
    net.until(() => net.converged);
    const known = (): string[] => [...d.core.replicas.entries(SPACE.facts, c.id).keys()];
    expect(known()).toEqual(['queue/x']);
    c.core.replicas.set(SPACE.facts, 'queue/y', Buffer.from('1'));
    net.run(100);
    expect(known()).toEqual(['queue/y']);
    for (const { core } of net.nodes.values()) expect(core.counters.protocolErrors).toBe(0);
  });

  it('forgets after an hour who is gone and left no facts', () => {
    const net = line('abc');
    const a = at(net, 'a');
    at(net, 'c').core.replicas.set(SPACE.interest, 'x', Buffer.from('1'));
    net.run(100);
    net.kill('c');
    net.run(3_500_000);
    expect(a.core.routes.view(nodeIdOf('c'))?.name).toBe('c');
    net.run(200_000);
    expect(a.core.routes.view(nodeIdOf('c'))).toBeUndefined();
    expect([...a.core.replicas.origins(SPACE.interest)]).toEqual([]);
    net.node('c', 1 * LIFE);
    net.until(() => net.converged);
  });

  it.each([
    ['half an hour', 2_000_000],
    ['two hours', 7_200_000],
  ])('lifts a node that comes back with a lower incarnation after %s, too', (_text, ms) => {
    const net = line('abc');
    const [a, former] = [at(net, 'a'), at(net, 'c')];
    former.core.replicas.set(SPACE.facts, 'queue/x', Buffer.from('1'));
    net.run(100);
    net.node('c', 200 * LIFE);
    net.until(() => net.converged);
    net.kill('c');
    net.run(ms);
    const c = net.node('c', 150 * LIFE);
    net.until(() => net.converged && a.core.routes.view(c.id)?.incarnation === c.core.self.incarnation);
    expect([...a.core.replicas.entries(SPACE.facts, c.id).keys()]).toEqual(['queue/x']);
  });
});
