import { OUTCOME } from '../../src/streams/contract';
import { SimConsumer, SimPublisher } from './address-clients';
import { numbered, simMesh } from './address-meshes';
import { rule } from './virtual-mesh';

const shared = [rule('quote.#', 'anycast')];

describe('anycast', () => {
  it('goes to the nearest site by cost, not by hops', () => {
    const { node, run, until } = simMesh(['a-b:10', 'b-c:10', 'a-d:50'], { shared });
    const near = new SimConsumer(node('c'), 'quote.x');
    const far = new SimConsumer(node('d'), 'quote.x');
    run(100);
    const publisher = new SimPublisher(node('a'), 'quote.x');
    until('credit', () => publisher.credit >= 10);
    for (const text of numbered(10)) publisher.send(text);
    until('outcomes', () => publisher.outcomes.size === 10);
    expect(near.got).toEqual(numbered(10));
    expect(far.got).toEqual([]);
  });

  it('shares among equally near sites, also one message at a time', () => {
    const { node, run, until } = simMesh(['a-b', 'a-c', 'a-d'], { shared });
    const consumers = ['b', 'c', 'd'].map((name) => new SimConsumer(node(name), 'quote.x'));
    run(100);
    const publisher = new SimPublisher(node('a'), 'quote.x');
    for (let n = 0; n < 9; n++) {
      until('credit', () => publisher.credit > 0);
      publisher.send(`m${n}`);
      until('outcome', () => publisher.outcomes.size === n + 1);
    }
    expect(consumers.map(({ got }) => got.length)).toEqual([3, 3, 3]);
  });

  it('shares among consumers of one node in turn, and by their credit', () => {
    const { node, run, until } = simMesh(['a-b'], { shared });
    const [one, two, three] = [Infinity, Infinity, 1].map(
      (credit) => new SimConsumer(node('b'), 'quote.x', { credit }),
    );
    run(100);
    const publisher = new SimPublisher(node('a'), 'quote.x');
    until('credit', () => publisher.credit >= 11);
    for (const text of numbered(11)) publisher.send(text);
    until('outcomes', () => publisher.outcomes.size === 11);
    expect([one?.got.length, two?.got.length, three?.got.length]).toEqual([5, 5, 1]);
  });

  it('passes each outcome back with its fields', () => {
    const { node, run, until } = simMesh(['a-b', 'b-c'], { shared });
    const consumer = new SimConsumer(node('c'), 'quote.x');
    run(100);
    const publisher = new SimPublisher(node('a'), 'quote.x');
    until('credit', () => publisher.credit > 8);
    const error = { condition: 'app:no', description: 'not today', fields: Buffer.from([0xc1, 1, 0]) };
    const annotations = { fields: Buffer.from([0xc1, 1, 0]) };
    const said = [
      [OUTCOME.rejected, error],
      [OUTCOME.rejected, null],
      [OUTCOME.released, null],
      [OUTCOME.modified, annotations],
      [OUTCOME.modifiedFailed, null],
      [OUTCOME.modifiedHere, annotations],
      [OUTCOME.modifiedFailedHere, null],
      [OUTCOME.accepted, null],
    ] as const;
    said.forEach(([outcome, detail], n) => {
      consumer.outcome = outcome;
      consumer.detail = detail;
      publisher.send(`m${n}`);
      until('outcome', () => publisher.outcomes.has(n));
    });
    expect(publisher.results).toEqual(said.map(([outcome]) => outcome));
    expect(said.map((_, n) => publisher.details.get(n) ?? null)).toEqual(said.map(([, detail]) => detail));
  });

  it('gives no credit without a consumer, and some when one appears anywhere', () => {
    const { node, run, until } = simMesh(['a-b', 'b-c'], { shared });
    const publisher = new SimPublisher(node('a'), 'quote.x');
    run(2_000);
    expect(publisher.credit).toBe(0);
    const consumer = new SimConsumer(node('c'), 'quote.x');
    until('credit', () => publisher.credit > 0);
    publisher.sendAll((n) => `m${n}`);
    consumer.close();
    until('everything is answered', () => publisher.outcomes.size === publisher.sent);
    run(200);
    // What it was given before the consumer went it may still use: it comes back.
    publisher.sendAll((n) => `m${n}`);
    run(2_000);
    expect(publisher.credit).toBe(0);
    expect(new Set(publisher.results)).toEqual(new Set([OUTCOME.released]));
    expect(consumer.got).toEqual([]);
  });

  it('is released through the anonymous relay without a consumer, which holds up no other address', () => {
    const { node, run, until } = simMesh(['a-b'], { shared });
    const consumer = new SimConsumer(node('b'), 'quote.here');
    run(100);
    const publisher = new SimPublisher(node('a'), null);
    until('credit', () => publisher.credit > 0);
    const nowhere = node('a').running.addresses.resolve('quote.nowhere', null);
    for (let n = 0; n < 100; n++) {
      until('credit', () => publisher.credit > 0);
      publisher.send('lost', nowhere);
    }
    expect(new Set(publisher.results)).toEqual(new Set([OUTCOME.released]));
    until('credit again', () => publisher.credit > 0);
    publisher.send('found', node('a').running.addresses.resolve('quote.here', null));
    until('outcome', () => publisher.outcomes.get(100) === OUTCOME.accepted);
    expect(consumer.got).toEqual(['found']);
  });

  it('hands what waits to others when a consumer closes, and fails only what it had taken', () => {
    const { node, run, until } = simMesh(['a-b', 'a-c:50'], { shared });
    const first = new SimConsumer(node('b'), 'quote.x', { credit: 2 });
    const far = new SimConsumer(node('c'), 'quote.x');
    first.holding = true;
    run(100);
    const publisher = new SimPublisher(node('a'), 'quote.x');
    until('credit', () => publisher.credit >= 6);
    for (const text of numbered(6)) publisher.send(text);
    until('first has two and four wait', () => first.got.length === 2 && first.waiting === 4);
    const second = new SimConsumer(node('b'), 'quote.x', { credit: 1 });
    second.give(0);
    run(50);
    expect(second.got).toEqual(['m2']);
    first.close();
    run(50);
    expect(second.waiting).toBe(3);
    second.close();
    until('outcomes', () => publisher.outcomes.size === 6);
    expect(far.got).toEqual(['m3', 'm4', 'm5']);
    const { accepted, modifiedFailed } = OUTCOME;
    expect(publisher.results).toEqual([modifiedFailed, modifiedFailed, accepted, accepted, accepted, accepted]);
  });

  it('hands what waits here to another site when the last consumer here closes', () => {
    const { node, run, until } = simMesh(['a-b'], { shared });
    const here = new SimConsumer(node('a'), 'quote.x', { paused: true });
    const there = new SimConsumer(node('b'), 'quote.x');
    run(100);
    const publisher = new SimPublisher(node('a'), 'quote.x');
    until('credit', () => publisher.credit >= 3);
    for (const text of numbered(3)) publisher.send(text);
    expect(here.waiting).toBe(3);
    here.close();
    until('outcomes', () => publisher.outcomes.size === 3);
    expect(there.got).toEqual(numbered(3));
    expect(publisher.results).toEqual([OUTCOME.accepted, OUTCOME.accepted, OUTCOME.accepted]);
  });

  it('tells delivery-failed of what a restarted site had, and sends the rest elsewhere', () => {
    const { node, run, until, mesh, wire } = simMesh(['a-b', 'a-c:50'], { shared });
    const lost = new SimConsumer(node('b'), 'quote.x');
    lost.holding = true;
    const other = new SimConsumer(node('c'), 'quote.x');
    run(100);
    const publisher = new SimPublisher(node('a'), 'quote.x');
    until('credit', () => publisher.credit >= 2);
    publisher.send('taken');
    until('taken', () => lost.got.length === 1);
    mesh.cut(wire('a', 'b'));
    node('b').kill();
    run(500);
    publisher.send('next');
    node('b').start();
    mesh.heal(wire('a', 'b'));
    until('outcomes', () => publisher.outcomes.size === 2);
    expect(publisher.results).toEqual([OUTCOME.modifiedFailed, OUTCOME.accepted]);
    expect(other.got).toEqual(['next']);
  });

  it('waits for its only site while that is out of reach, for no longer than the hold', () => {
    const limits = { partitionHoldMs: 5_000 };
    const { node, run, until, mesh, wire } = simMesh(['a-b'], { shared, limits });
    const consumer = new SimConsumer(node('b'), 'quote.x');
    run(100);
    const publisher = new SimPublisher(node('a'), 'quote.x', { settled: true });
    until('credit', () => publisher.credit >= 3);
    mesh.cut(wire('a', 'b'));
    run(2_000);
    publisher.send('short');
    run(1_000);
    const credit = publisher.credit;
    mesh.heal(wire('a', 'b'));
    until('it arrives after the heal', () => consumer.got.length === 1);
    until('credit again, and the outcome', () => publisher.credit > credit && publisher.outcomes.size === 1);
    mesh.cut(wire('a', 'b'));
    run(2_000);
    publisher.send('long');
    run(10_000);
    expect(publisher.outcomes.get(1)).toBe(OUTCOME.released);
    expect(node('a').running.counters().dropped.get('unreachable') ?? 0).toBe(0);
    mesh.heal(wire('a', 'b'));
    run(5_000);
    expect(consumer.got).toEqual(['short']);
  });

  it('carries a large message with its outcome', () => {
    const { node, run, until } = simMesh(['a-b', 'b-c'], { shared });
    const consumer = new SimConsumer(node('c'), 'quote.x');
    run(100);
    const publisher = new SimPublisher(node('a'), 'quote.x');
    until('credit', () => publisher.credit > 0);
    const text = 'z'.repeat(2_500_000);
    publisher.sendLarge(text);
    consumer.outcome = OUTCOME.rejected;
    until('outcome', () => publisher.outcomes.size === 1);
    expect(consumer.got[0] === text).toBe(true);
    expect(publisher.results).toEqual([OUTCOME.rejected]);
  });

  it('keeps memory flat at a stuck service, however many send to it, and others flow (F12, F38)', () => {
    const ingresses = numbered(8, 'i');
    const { node, run, until } = simMesh(
      ingresses.map((name) => `${name}-s`),
      { shared },
    );
    const service = node('s');
    const stuck = ['quote.x', 'news'].map((address) => new SimConsumer(service, address, { paused: true }));
    const quick = new SimConsumer(service, 'quick');
    run(200);
    const senders = ingresses.flatMap((name) =>
      Array.from({ length: 4 }, () =>
        ['quote.x', 'news'].map((address) => new SimPublisher(node(name), address)),
      ).flat(),
    );
    const other = new SimPublisher(node('i0'), 'quick');
    const used = (): number => service.running.pools().find(({ name }) => name === 'receive')?.used ?? 0;
    let most = 0;
    for (let turn = 0; turn < 200; turn++) {
      for (const sender of senders) sender.sendAll(() => 'x'.repeat(5_000));
      other.sendAll((n) => `m${n}`, 20);
      run(10);
      most = Math.max(most, used());
    }
    const waiting = senders.reduce((sum, { sent }) => sum + sent, 0);
    // A window each, and no more: their addresses hold them up, while there is plenty of memory.
    expect(waiting * 5_000).toBeGreaterThan(6 * 1024 * 1024);
    expect(most).toBeLessThan(6 * 1024 * 1024);
    expect(senders.map(({ credit }) => credit)).toEqual(senders.map(() => 0));
    expect(other.sent).toBeGreaterThan(2_000);
    until('quick has all of its own', () => quick.got.length === other.sent);
    for (const consumer of stuck) consumer.resume();
    until('all has arrived', () => {
      for (const consumer of stuck) consumer.give(0);
      return stuck.reduce((sum, { got }) => sum + got.length, 0) === waiting;
    });
    until('credit again', () => senders.every(({ credit }) => credit > 0));
    expect([...service.running.counters().dropped.keys()]).toEqual([]);
  });

  it.each(['anycast', 'multicast'] as const)(
    'lets %s publishers go on in little memory while a few messages wait long for their outcome',
    (kind) => {
      const poolBytes = 2 * 1024 * 1024;
      const { node, run, until } = simMesh(['a-b'], {
        shared: [rule('slow.x', kind, { ackTimeoutMs: 600_000 })],
        limits: { ingressPoolBytes: poolBytes, retentionPoolBytes: poolBytes },
      });
      const consumer = new SimConsumer(node('b'), 'slow.x');
      consumer.holds = (text) => text.startsWith('held');
      run(200);
      const publishers = numbered(4).map(() => new SimPublisher(node('a'), 'slow.x'));
      const retention = (): number =>
        node('a')
          .running.pools()
          .find(({ name }) => name === 'retention')?.used ?? 0;
      let most = 0;
      until('100,000 are sent', () => {
        for (const publisher of publishers)
          publisher.sendAll((n) => (n % 100 === 7 ? 'held' : 'soon').padEnd(100, '.'));
        most = Math.max(most, retention());
        return publishers.reduce((sum, { sent }) => sum + sent, 0) > 100_000;
      });
      expect(most).toBeLessThanOrEqual(poolBytes);
      expect(consumer.held.length).toBeGreaterThan(900);
      consumer.settleHeld();
      consumer.holds = () => false;
      until('all have their outcome', () => publishers.every(({ outcomes, sent }) => outcomes.size === sent));
      until('nothing is held', () => retention() === 0);
    },
  );

  it('holds publishers of a stuck service up, and of no other', () => {
    const { node, run, until } = simMesh(['a-b'], { shared });
    const stuck = new SimConsumer(node('b'), 'quote.stuck', { paused: true });
    const quick = new SimConsumer(node('b'), 'quote.quick');
    run(100);
    const publishers = Array.from({ length: 3 }, () => new SimPublisher(node('a'), 'quote.stuck'));
    const other = new SimPublisher(node('a'), 'quote.quick');
    for (let turn = 0; turn < 100; turn++) {
      for (const publisher of [...publishers, other]) publisher.sendAll(() => 'x'.repeat(2_000));
      run(10);
    }
    expect(publishers.map(({ credit }) => credit)).toEqual([0, 0, 0]);
    expect(other.outcomes.size).toBeGreaterThan(1_000);
    expect(quick.got.length).toBeGreaterThan(1_000);
    stuck.resume();
    until('all is taken', () => publishers.every(({ outcomes, sent }) => outcomes.size === sent));
    until('credit again', () => publishers.every(({ credit }) => credit > 0));
  });
});
