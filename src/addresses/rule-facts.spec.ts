import { nodeIdOf } from '../links/contract';
import type { Replicas } from '../routing/contract';
import { policy, TestReplicas, TestRoutes } from './parts.fixture';
import type { AddressPorts } from './ports';
import { RuleFacts } from './rule-facts';
import { writeRule, type AddressPolicy } from './rules';

type Fact = readonly [string, string, Buffer];

function setup(own: readonly AddressPolicy[] = [], facts: readonly Fact[] = []) {
  const replicas = new TestReplicas();
  const others = new Map<number, Map<string, Buffer>>();
  const writes: string[] = [];
  let changes = 0;
  const all: Replicas = {
    set: (space, key, value) => replicas.set(space, key, value),
    delete: (space, key) => replicas.delete(space, key),
    pendingVersion: () => 1,
    version: () => 1,
    entries: (_space, origin) => others.get(origin) ?? (origin === nodeIdOf('self') ? replicas.own : new Map()),
    origins: () => [],
  };
  const ports = {
    self: nodeIdOf('self'),
    selfName: 'self',
    routes: new TestRoutes('self', 'b', 'c'),
    replicas: all,
    rules: own,
    facts,
    memory: {
      saveKnownNodes: () => undefined,
      saveFact: (origin: string, key: string, value: Buffer | null) =>
        writes.push(`${origin} ${key}${value === null ? ' gone' : ''}`),
    },
  } as unknown as AddressPorts;
  const rules = new RuleFacts(ports, () => changes++);
  const kind = (name: string): string | undefined => rules.book.find(name)?.kind;
  const replaced = (origin: string, map: Readonly<Record<string, Buffer>>): void => {
    others.set(nodeIdOf(origin), new Map(Object.entries(map)));
    rules.onReplica(nodeIdOf(origin), true, []);
  };
  return { rules, replicas, writes, kind, replaced, changes: () => changes };
}

const anycast = policy('anycast', { match: 'q.*' });

describe('rules as facts', () => {
  it('of this node are told, each change of them, and that they are all', () => {
    const { rules, replicas, kind, changes, writes } = setup([anycast, policy('multicast', { match: 'm' })]);
    expect([...replicas.own.keys()]).toEqual(['rule/q.*', 'rule/m', 'rules']);
    expect([kind('q.x'), kind('m')]).toEqual(['anycast', 'multicast']);
    replicas.changes.length = 0;
    rules.setOwn([anycast]);
    expect(replicas.changes).toEqual(['-rule/m', 'rules']);
    expect([kind('q.x'), kind('m'), changes(), writes]).toEqual(['anycast', undefined, 1, []]);
  });

  it('are told as none by a node that has none, so that those of its former life end', () => {
    expect([...setup().replicas.own.keys()]).toEqual(['rules']);
  });

  it('of others are kept, written once, and taken back when their node says so', () => {
    const { rules, writes, kind, replaced } = setup();
    const fact = writeRule(anycast);
    rules.onReplica(nodeIdOf('b'), false, [['rule/q.*', fact]]);
    rules.onReplica(nodeIdOf('b'), false, [['rule/q.*', fact]]);
    expect([kind('q.x'), writes]).toEqual(['anycast', ['b rule/q.*']]);
    // A new life that has not told its facts yet takes nothing back.
    replaced('b', {});
    expect(kind('q.x')).toBe('anycast');
    replaced('b', { rules: Buffer.from('0') });
    expect([kind('q.x'), writes]).toEqual([undefined, ['b rule/q.*', 'b rule/q.* gone', 'b rules']]);
  });

  it('are in force from what the last run kept, but for what was this node itself', () => {
    const facts: Fact[] = [
      ['b', 'rule/q.*', writeRule(anycast)],
      ['self', 'rule/old', writeRule(policy('anycast', { match: 'old' }))],
      ['c', 'other/thing', Buffer.from('x')],
      ['c', 'rule/broken', Buffer.from('garbage')],
    ];
    const { kind, rules, writes } = setup([], facts);
    expect([kind('q.x'), kind('old'), kind('broken')]).toEqual(['anycast', undefined, undefined]);
    rules.onReplica(nodeIdOf('b'), false, [['rule/q.*', null]]);
    expect([kind('q.x'), writes]).toEqual([undefined, ['b rule/q.* gone']]);
  });

  it('do not hold when they say another pattern than their key', () => {
    const { rules, kind } = setup();
    rules.onReplica(nodeIdOf('b'), false, [['rule/x', writeRule(anycast)]]);
    expect(kind('q.x')).toBeUndefined();
  });

  it('of nodes that routing does not know are left', () => {
    const { rules, writes } = setup();
    rules.onReplica(nodeIdOf('stranger'), false, [['rule/q.*', writeRule(anycast)]]);
    rules.onReplica(nodeIdOf('self'), false, [['rule/q.*', writeRule(anycast)]]);
    expect(writes).toEqual([]);
  });
});
