import type { AddressKind } from '../../src/addresses/contract';
import { SimConsumer, SimPublisher } from './address-clients';
import { simMesh } from './address-meshes';
import { rule, type VirtualNode } from './virtual-mesh';

const kindAt = (node: VirtualNode, address: string): AddressKind => node.running.addresses.resolve(address, null).kind;

describe('address rules', () => {
  it('of one site hold everywhere, and no longer where it takes them back', () => {
    const { node, run } = simMesh(['a-b', 'b-c'], { rules: { a: [rule('quote.*', 'anycast', { overflowAt: 5 })] } });
    expect(['a', 'b', 'c'].map((name) => kindAt(node(name), 'quote.x'))).toEqual(['anycast', 'anycast', 'anycast']);
    expect(() => node('c').running.addresses.resolve('topic/quote.x', null)).toThrow(
      "'topic/quote.x': rule 'quote.*' says anycast, which prefix 'topic' contradicts",
    );
    node('a').running.setRules([], 'topic');
    run(200);
    expect(['a', 'b', 'c'].map((name) => kindAt(node(name), 'quote.x'))).toEqual(['topic', 'topic', 'topic']);
  });

  it('that contradict each other are decided alike at every node, and both sites are named', () => {
    const rules = {
      b: [rule('alerts', 'multicast', { ack: 'any' }), rule('orders.#', 'topic')],
      a: [rule('alerts', 'multicast'), rule('orders.new', 'anycast')],
    };
    const { node } = simMesh(['b-c', 'c-a'], { rules });
    const expected = [
      "rule 'alerts': a says ack all, b says ack any; that of a holds",
      "rule 'orders.new' of a says anycast, 'orders.#' of b says topic; the more specific one, that of a, holds",
    ];
    for (const name of ['a', 'b', 'c']) {
      expect(node(name).running.conflicts()).toEqual(expected);
      expect(
        node(name)
          .running.rulesInForce()
          .map(({ rule: { match }, saidBy }) => [match, ...saidBy]),
      ).toEqual([
        ['orders.new', 'a'],
        ['alerts', 'a'],
        ['orders.#', 'b'],
      ]);
      expect([kindAt(node(name), 'orders.new'), kindAt(node(name), 'orders.old')]).toEqual(['anycast', 'topic']);
    }
    node('b').running.setRules([rule('alerts', 'multicast'), rule('orders.*', 'anycast')], 'topic');
    node('a').running.setRules([rule('alerts', 'multicast')], 'topic');
    for (const name of ['a', 'b']) expect(node(name).running.conflicts().length).toBeLessThan(2);
  });

  it('of a site that is away stay in force, also over a restart of all others', () => {
    const { node, run } = simMesh(['a-b', 'b-c'], { rules: { a: [rule('quote.*', 'anycast')] } });
    node('a').kill();
    run(500);
    // Without its disk a node learns them from its neighbours.
    node('c').kill({ loseDisk: true });
    node('c').start();
    run(2_000);
    expect(kindAt(node('c'), 'quote.x')).toBe('anycast');
    for (const name of ['b', 'c']) node(name).kill();
    run(500);
    for (const name of ['b', 'c']) node(name).start();
    expect(['b', 'c'].map((name) => kindAt(node(name), 'quote.x'))).toEqual(['anycast', 'anycast']);
    run(5_000);
    expect(['b', 'c'].map((name) => kindAt(node(name), 'quote.x'))).toEqual(['anycast', 'anycast']);
  });

  it('of a site that is away are learnt by who joins meanwhile, also from a node that has them from its disk', () => {
    const { node, run } = simMesh(['a-b', 'b-c'], { rules: { a: [rule('quote.*', 'anycast')] } });
    for (const name of ['a', 'b']) node(name).kill();
    node('c').kill({ loseDisk: true });
    run(500);
    for (const name of ['b', 'c']) node(name).start();
    expect(['b', 'c'].map((name) => kindAt(node(name), 'quote.x'))).toEqual(['anycast', 'topic']);
    run(2_000);
    expect(kindAt(node('c'), 'quote.x')).toBe('anycast');
    expect(node('c').facts.get('a')).toEqual(node('b').facts.get('a'));
    node('a').rules = [rule('other.*', 'anycast')];
    node('a').start();
    run(3_000);
    for (const name of ['b', 'c'])
      expect(['quote.x', 'other.x'].map((address) => kindAt(node(name), address))).toEqual(['topic', 'anycast']);
  });

  it('that a site no longer has when it comes back are gone, for those that were down too', () => {
    const { node, run } = simMesh(['a-b', 'b-c'], {
      rules: { a: [rule('quote.*', 'anycast'), rule('x.#', 'anycast')] },
    });
    node('a').kill();
    node('c').kill();
    run(500);
    node('a').rules = [];
    node('a').start();
    run(3_000);
    expect(kindAt(node('b'), 'quote.x')).toBe('topic');
    node('c').start();
    expect(kindAt(node('c'), 'quote.x')).toBe('anycast');
    run(3_000);
    expect(['quote.x', 'x.y'].map((name) => kindAt(node('c'), name))).toEqual(['topic', 'topic']);
    expect([...node('c').facts.values()].flatMap(({ entries }) => [...entries.keys()])).toEqual(['rules', 'rules']);
  });

  it('end the links that a change contradicts, and leave the others', () => {
    const { node, run, until } = simMesh(['a-b']);
    const consumers = ['orders.new', 'orders.*', 'other.x', '#'].map((filter) => new SimConsumer(node('b'), filter));
    const publishers = ['orders.new', 'other.x', null].map((name) => new SimPublisher(node('a'), name));
    until('credit', () => publishers.every(({ credit }) => credit > 0));
    run(200);
    publishers[0]?.send('m0');
    run(200);
    node('a').running.setRules([rule('orders.*', 'anycast')], 'topic');
    run(500);
    expect(consumers.map(({ gone }) => gone)).toEqual(['FL_ADDRESS_CHANGED', 'FL_ADDRESS_CHANGED', null, null]);
    expect(publishers.map(({ gone }) => gone)).toEqual(['FL_ADDRESS_CHANGED', null, null]);
    publishers[1]?.send('m1');
    const anycast = new SimConsumer(node('b'), 'orders.new');
    run(200);
    publishers[2]?.send('m2', node('a').running.addresses.resolve('orders.new', null));
    run(200);
    expect(consumers.map(({ got }) => got)).toEqual([['m0'], ['m0'], ['m1'], ['m0', 'm1']]);
    expect(anycast.got).toEqual(['m2']);
  });

  it('change the treatment of links that go on', () => {
    const { node, run, until } = simMesh(['a-b']);
    const slow = new SimConsumer(node('b'), 'ticks.#', { paused: true });
    run(200);
    const publisher = new SimPublisher(node('a'), 'ticks.a');
    const pour = (): void => {
      for (let turn = 0; turn < 200; turn++) {
        publisher.sendAll(() => 'x'.repeat(1_000));
        run(5);
      }
    };
    pour();
    expect(publisher.credit).toBe(0);
    slow.resume();
    until('credit', () => publisher.credit > 0);
    slow.pause();
    node('a').running.setRules([rule('ticks.#', 'topic', { slow: 'dropOldest' })], 'topic');
    run(200);
    const { sent } = publisher;
    pour();
    run(500);
    expect(publisher.credit).toBeGreaterThan(0);
    expect(publisher.sent - sent).toBeGreaterThan(4_000);
    expect(node('b').running.counters().dropped.get('dropOldest')).toBeGreaterThan(0);
  });

  it('put addresses of class high into streams of their own, and both arrive', () => {
    const { node, run, until } = simMesh(['a-b', 'b-c'], {
      shared: [rule('fast.#', 'topic', { trafficClass: 'high' })],
    });
    const consumer = new SimConsumer(node('c'), '#');
    run(200);
    const publishers = ['fast.x', 'slow.x'].map((name) => new SimPublisher(node('a'), name));
    until('credit', () => publishers.every(({ credit }) => credit > 0));
    for (const publisher of publishers) publisher.send(publisher.publisher.address?.name ?? '');
    run(200);
    expect([...consumer.got].sort()).toEqual(['fast.x', 'slow.x']);
  });
});
