import { nodeIdOf } from '../links/contract';
import type { MapStamp, OriginFacts, Replicas } from '../routing/contract';
import { policy, TestReplicas, TestRoutes } from './parts.fixture';
import type { AddressPorts, FactChange } from './ports';
import { RuleFacts } from './rule-facts';
import { writeRule, type AddressPolicy } from './rules';

function setup(own: readonly AddressPolicy[] = [], facts: readonly OriginFacts[] = []) {
  const replicas = new TestReplicas();
  const others = new Map<number, Map<string, Buffer>>();
  const writes: string[] = [];
  const versions: number[] = [];
  let version = 0;
  let changes = 0;
  const all: Replicas = {
    set: (space, key, value) => replicas.set(space, key, value),
    delete: (space, key) => replicas.delete(space, key),
    pendingVersion: () => 1,
    version: () => 1,
    stamp: () => ({ site: 'west', incarnation: 1, born: 1, version: ++version }),
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
      saveFacts: (origin: string, stamp: MapStamp, changed: readonly FactChange[]) => {
        versions.push(stamp.version);
        for (const [key, value] of changed) writes.push(`${origin} ${key}${value === null ? ' gone' : ''}`);
      },
    },
  } as unknown as AddressPorts;
  const told: string[] = [];
  const rules = new RuleFacts(
    ports,
    () => changes++,
    (origin, key, value) => void told.push(`${origin} ${key}${value === null ? ' gone' : ''}`),
  );
  const kind = (name: string): string | undefined => rules.book.find(name)?.kind;
  const replaced = (origin: string, map: Readonly<Record<string, Buffer>>): void => {
    others.set(nodeIdOf(origin), new Map(Object.entries(map)));
    rules.onReplica(nodeIdOf(origin), true, []);
  };
  return { rules, replicas, writes, versions, kind, replaced, told, changes: () => changes };
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
    const { rules, writes, versions, kind, replaced } = setup();
    const fact = writeRule(anycast);
    rules.onReplica(nodeIdOf('b'), false, [['rule/q.*', fact]]);
    rules.onReplica(nodeIdOf('b'), false, [['rule/q.*', fact]]);
    expect([kind('q.x'), writes]).toEqual(['anycast', ['b rule/q.*']]);
    // What changes nothing is a version too.
    expect(versions).toEqual([1, 2]);
    // A new life that has not told its facts yet takes nothing back.
    replaced('b', {});
    expect([kind('q.x'), versions]).toEqual(['anycast', [1, 2]]);
    replaced('b', { rules: Buffer.from('0') });
    expect([kind('q.x'), writes]).toEqual([undefined, ['b rule/q.*', 'b rule/q.* gone', 'b rules']]);
  });

  it('are in force from what the last run kept, but for what was this node itself', () => {
    const kept = (origin: string, entries: Readonly<Record<string, Buffer>>): OriginFacts => {
      return { origin, stamp: null, entries: new Map(Object.entries(entries)) };
    };
    const facts = [
      kept('b', { 'rule/q.*': writeRule(anycast) }),
      kept('self', { 'rule/old': writeRule(policy('anycast', { match: 'old' })) }),
      kept('c', { 'other/thing': Buffer.from('x'), 'rule/broken': Buffer.from('garbage') }),
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
