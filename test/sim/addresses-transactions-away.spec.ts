import type { AddressRule } from '../../src/mesh/contract';
import { OUTCOME } from '../../src/streams/contract';
import { SimConsumer, SimPublisher } from './address-clients';
import { numbered, simMesh } from './address-meshes';
import { subscriber, topicPublisher } from './subscriptions.fixture';
import { Work } from './transactions.fixture';
import { rule, type VirtualNode } from './virtual-mesh';

describe('a transaction with messages for queues of other nodes', () => {
  function scene(custody: 'home' | 'ingress' = 'home') {
    const rules = [
      rule('far.#', 'queue', { home: 'b', custody }),
      rule('near.#', 'queue', { home: 'a' }),
      rule('full.#', 'queue', { home: 'a', maxDepth: 1 }),
    ];
    const mesh = simMesh(['a-b', 'b-c'], { shared: rules, limits: { startHoldMs: 500 } });
    const { node, until } = mesh;
    const publisher = new SimPublisher(node('a'), 'far.x');
    until('credit', () => publisher.credit >= 8);
    const work = new Work(node('a'));
    return { ...mesh, publisher, work };
  }

  function near(node: VirtualNode, texts: readonly string[], until: (what: string, done: () => boolean) => void) {
    const input = new SimPublisher(node, 'near.x');
    until('credit', () => input.credit >= texts.length);
    for (const text of texts) input.send(text);
    const consumer = new SimConsumer(node, 'near.x');
    consumer.holding = true;
    until('deliveries', () => consumer.got.length === texts.length);
    return consumer;
  }

  it.each(['home', 'ingress'] as const)('takes effect as a whole, in order: custody %s', (custody) => {
    const { node, run, until, publisher, work } = scene(custody);
    const consumer = near(node('a'), ['in'], until);
    const results = new SimConsumer(node('c'), 'far.x');
    for (const text of numbered(3)) publisher.sendWithin(work.transaction, text);
    publisher.sendLarge('x'.repeat(200_000), undefined, work.transaction);
    publisher.sendWithin(work.transaction, 'last');
    consumer.settleHeldWithin(work.transaction);
    run(500);
    expect([results.got, work.result]).toEqual([[], undefined]);
    work.commit();
    until('committed', () => work.result === null);
    until('all', () => results.got.length === 5);
    run(2_000);
    expect(results.got.map((text) => text.slice(0, 5))).toEqual(['m0', 'm1', 'm2', 'xxxxx', 'last']);
    expect(node('a').running.queues.find('near.x')?.view().depth).toBe(0);
  });

  it('is committed while the home is away, and forwarded when it is back, over a restart of either', () => {
    const { node, run, until, publisher, work, mesh, wire } = scene();
    mesh.cut(wire('a', 'b'));
    run(3_000);
    publisher.sendWithin(work.transaction, 'm0');
    publisher.sendLarge('y'.repeat(200_000), undefined, work.transaction);
    work.commit();
    until('committed', () => work.result === null);
    node('a').kill();
    run(100);
    node('a').start();
    node('b').kill();
    run(3_000);
    node('b').start();
    mesh.heal(wire('a', 'b'));
    const results = new SimConsumer(node('c'), 'far.x');
    until('all', () => results.got.length === 2);
    run(2_000);
    expect(results.got.map((text) => text.slice(0, 2))).toEqual(['m0', 'yy']);
  });

  it.each(['rolled back', 'refused', 'killed before its commit', 'killed before its commit is on the disk', 'failed'])(
    'leaves nothing anywhere when it is %s',
    (how) => {
      const { node, run, until, publisher, work } = scene();
      const consumer = near(node('a'), ['in'], until);
      publisher.sendWithin(work.transaction, 'never');
      publisher.sendLarge('never'.repeat(50_000), undefined, work.transaction);
      consumer.settleHeldWithin(work.transaction);
      if (how === 'refused') {
        const full = new SimPublisher(node('a'), 'full.x');
        until('credit', () => full.credit > 0);
        for (const text of numbered(2)) full.sendWithin(work.transaction, text);
      }
      if (how === 'rolled back') work.transaction.rollback();
      else if (how !== 'killed before its commit') work.commit();
      if (how.startsWith('killed')) {
        node('a').kill();
        run(500);
        node('a').start();
      }
      if (how === 'failed') {
        run(1);
        node('a').breakDisk('failed');
        run(500);
        node('a').mendDisk();
      }
      if (how === 'refused' || how === 'failed') {
        until('answered', () => work.result !== undefined);
        expect(work.result?.code).toBe('FL_QUEUE_TRANSACTION');
      }
      if (node('a').life === 1) consumer.close();
      const results = new SimConsumer(node('c'), 'far.x');
      const again = new SimConsumer(node('a'), 'near.x');
      until('again', () => again.got.length === 1);
      run(3_000);
      expect([results.got, again.got]).toEqual([[], ['in']]);
      const depths = node('a')
        .running.queues.views()
        .map(({ depth }) => depth);
      expect(depths.every((depth) => depth === 0)).toBe(true);
    },
  );

  it('is in order with what its publisher sends outside of it, whichever way that goes', () => {
    const { node, run, until, publisher, mesh, wire } = scene();
    const results = new SimConsumer(node('c'), 'far.x');
    let sent = 0;
    for (let round = 0; round < 40; round++) {
      until('credit', () => publisher.credit >= 4);
      const { transaction } = new Work(node('a'));
      publisher.send(`m${sent++}`);
      publisher.sendWithin(transaction, `m${sent++}`);
      transaction.commit(() => undefined);
      publisher.send(`m${sent++}`);
      if (round % 10 === 3) publisher.sendLarge(`m${sent++}`);
      run(round % 7);
      if (round % 13 === 5) {
        mesh.cut(wire('a', 'b'));
        run(200);
        mesh.heal(wire('a', 'b'));
      }
      if (round % 17 === 11) {
        node('b').kill();
        run(300);
        node('b').start();
      }
    }
    const first = (): string[] => results.got.filter((_text, n) => !results.redelivered.has(n));
    until('all', () => first().length >= sent);
    run(3_000);
    expect(first()).toEqual(numbered(sent));
    expect(new Set(publisher.results.filter((outcome) => outcome !== OUTCOME.accepted))).toEqual(new Set());
  });

  it('is refused as a whole when the disk of its node is full', () => {
    const { node, run, until, publisher, work } = scene();
    publisher.sendWithin(work.transaction, 'never');
    node('a').breakDisk('full');
    work.commit();
    until('answered', () => work.result !== undefined);
    expect(work.result?.condition).toBe('amqp:resource-limit-exceeded');
    node('a').mendDisk();
    const results = new SimConsumer(node('c'), 'far.x');
    run(3_000);
    expect(results.got).toEqual([]);
  });
});

describe('a transaction with messages to topics that subscriptions hold', () => {
  function scene(limits: Partial<AddressRule> = {}) {
    const rules = [rule('news.#', 'topic', limits), rule('near.#', 'queue', { home: 'a' })];
    const mesh = simMesh(['a-b', 'b-c'], { shared: rules, limits: { startHoldMs: 500 } });
    const { node, until } = mesh;
    const subscribe = (name: string, at: string): SimConsumer =>
      subscriber(node(at), 'news.#', { name, owner: name, paused: true });
    const kept = ['a', 'b', 'c'].map((home) => subscribe(home, home));
    until('confirmed', () => kept.every(({ confirmed }) => confirmed !== null));
    kept.forEach((consumer) => consumer.close());
    const publisher = topicPublisher(node('a'), 'news.x');
    until('credit', () => publisher.credit >= 8);
    /** What each subscription has, told by a consumer at `a`. */
    const all = (): string[][] => {
      const consumers = ['a', 'b', 'c'].map((name) => subscriber(node('a'), 'news.#', { name, owner: name }));
      until('attached', () => consumers.every(({ confirmed }) => confirmed !== null));
      mesh.run(2_000);
      return consumers.map(({ got }) => got.map((text) => text.slice(0, 5)));
    };
    return { ...mesh, publisher, work: new Work(node('a')), all };
  }

  it('puts them into all of these, wherever they live, in order, or told later when a home is away', () => {
    const { publisher, work, until, run, node, mesh, wire, all } = scene();
    const heard = new SimConsumer(node('c'), 'news.x');
    until('confirmed', () => heard.confirmed !== null);
    publisher.sendWithin(work.transaction, 'm0');
    publisher.sendLarge('x'.repeat(200_000), undefined, work.transaction);
    publisher.sendWithin(work.transaction, 'm1');
    run(500);
    expect(heard.got).toEqual([]);
    mesh.cut(wire('b', 'c'));
    run(2_000);
    work.commit();
    until('committed', () => work.result === null);
    publisher.send('after');
    run(500);
    node('a').kill();
    run(100);
    node('a').start();
    mesh.heal(wire('b', 'c'));
    run(3_000);
    const wanted = ['m0', 'xxxxx', 'm1', 'after'];
    expect(all()).toEqual([wanted, wanted, wanted]);
  });

  it.each(['rolled back', 'killed before its commit is on the disk', 'failed', 'refused by one of them'])(
    'leaves nothing in any when it is %s',
    (how) => {
      const { publisher, work, run, node, until, all } = scene(
        how.startsWith('refused') ? { maxDepth: 2, overLimit: 'reject' } : {},
      );
      for (const text of numbered(3)) publisher.sendWithin(work.transaction, text);
      publisher.sendLarge('x'.repeat(200_000), undefined, work.transaction);
      if (how === 'rolled back') work.transaction.rollback();
      else work.commit();
      if (how.startsWith('killed')) {
        node('a').kill();
        run(500);
        node('a').start();
      } else if (how === 'failed') {
        run(1);
        node('a').breakDisk('failed');
        run(500);
        node('a').mendDisk();
      }
      if (how === 'failed' || how.startsWith('refused')) {
        until('answered', () => work.result !== undefined);
        expect(work.result?.code).toBe('FL_QUEUE_TRANSACTION');
      }
      run(3_000);
      expect(all()).toEqual([[], [], []]);
    },
  );
});
