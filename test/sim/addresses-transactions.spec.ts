import type { AddressRef } from '../../src/addresses/contract';
import { OUTCOME } from '../../src/streams/contract';
import { SimConsumer, SimPublisher } from './address-clients';
import { numbered, simMesh } from './address-meshes';
import { encodeText } from './queue-messages';
import { Work } from './transactions.fixture';
import { rule, type VirtualNode } from './virtual-mesh';

const shared = [
  rule('jobs.#', 'queue', { home: 'b' }),
  rule('full.#', 'queue', { home: 'b', maxDepth: 1 }),
  rule('call.#', 'anycast'),
  rule('all.#', 'multicast'),
  rule('news.#', 'topic'),
];

describe('a transaction at the home of its queues', () => {
  function scene(texts: readonly string[] = []) {
    const mesh = simMesh(['a-b', 'b-c'], { shared });
    const { node, until } = mesh;
    const input = new SimPublisher(node('b'), 'jobs.in');
    const output = new SimPublisher(node('b'), 'jobs.out');
    until('credit', () => input.credit >= texts.length && output.credit >= 3);
    for (const text of texts) input.send(text);
    until('accepted', () => input.outcomes.size === texts.length);
    const depth = (name: string): number => node('b').running.queues.find(name)?.view().depth ?? 0;
    return { ...mesh, input, output, depth, work: new Work(node('b')) };
  }

  function holding(node: VirtualNode, address: string): SimConsumer {
    const consumer = new SimConsumer(node, address);
    consumer.holding = true;
    return consumer;
  }

  it('puts and settles at once, when it is committed', () => {
    const { node, run, until, output, depth, work } = scene(['m0', 'm1']);
    const consumer = holding(node('b'), 'jobs.in');
    const results = new SimConsumer(node('c'), 'jobs.out');
    until('both', () => consumer.got.length === 2);
    consumer.settleHeldWithin(work.transaction);
    output.sendWithin(work.transaction, 'm0');
    output.sendWithin(work.transaction, 'm1');
    expect(output.results).toEqual([OUTCOME.accepted, OUTCOME.accepted]);
    run(500);
    expect([results.got, depth('jobs.in'), work.result]).toEqual([[], 2, undefined]);
    work.commit();
    until('committed', () => work.result === null);
    expect(depth('jobs.in')).toBe(0);
    until('results', () => results.got.length === 2);
    expect(results.got).toEqual(['m0', 'm1']);
  });

  it('is nothing when it is rolled back; what it had settled counts as a failed try', () => {
    const { node, run, until, output, work } = scene(['m0']);
    const consumer = holding(node('b'), 'jobs.in');
    const results = new SimConsumer(node('b'), 'jobs.out');
    until('it', () => consumer.got.length === 1);
    consumer.settleHeldWithin(work.transaction);
    output.sendWithin(work.transaction, 'never');
    consumer.close();
    work.transaction.rollback();
    const again = new SimConsumer(node('b'), 'jobs.in');
    until('again', () => again.got.length === 1);
    expect(again.redelivered.get(0)).toBe(1);
    run(500);
    expect(results.got).toEqual([]);
  });

  it.each(['jobs.out', 'news.x'])('takes no large message to %s that is complete only after its end', (address) => {
    const { node, run, until, depth, work } = scene();
    const { publisher } = new SimPublisher(node('b'), address);
    const heard = new SimConsumer(node('b'), address);
    until('confirmed', () => heard.confirmed !== null);
    const message = encodeText('x'.repeat(200_000));
    for (const end of [() => work.transaction.rollback(), () => work.commit()]) {
      work.transaction.begin(publisher, publisher.address as AddressRef, 0, 0);
      publisher.part(message, 0, 100_000);
      end();
      publisher.part(message, 100_000, message.length);
      expect(publisher.end()).toBe(OUTCOME.rejected);
    }
    run(500);
    expect([heard.got, depth('jobs.out')]).toEqual([[], 0]);
  });

  it.each(['before it is committed', 'before its commit is on the disk'])('is nothing after a crash %s', (when) => {
    const { node, run, until, output, work } = scene(['m0']);
    const consumer = holding(node('b'), 'jobs.in');
    until('it', () => consumer.got.length === 1);
    consumer.settleHeldWithin(work.transaction);
    output.sendWithin(work.transaction, 'never');
    if (when !== 'before it is committed') work.commit();
    node('b').kill();
    run(500);
    node('b').start();
    expect(work.result).toBeUndefined();
    const again = new SimConsumer(node('b'), 'jobs.in');
    const results = new SimConsumer(node('b'), 'jobs.out');
    until('again', () => again.got.length === 1);
    run(500);
    expect(results.got).toEqual([]);
  });

  it('holds over a crash once it is committed', () => {
    const { node, run, until, output, work } = scene(['m0']);
    const consumer = holding(node('b'), 'jobs.in');
    until('it', () => consumer.got.length === 1);
    consumer.settleHeldWithin(work.transaction);
    output.sendWithin(work.transaction, 'result');
    work.commit();
    until('committed', () => work.result === null);
    node('b').kill();
    run(500);
    node('b').start();
    const again = new SimConsumer(node('b'), 'jobs.in');
    const results = new SimConsumer(node('b'), 'jobs.out');
    until('result', () => results.got.length === 1);
    run(500);
    expect([again.got, results.got]).toEqual([[], ['result']]);
  });

  it('is nothing where a part of it cannot be', () => {
    const { node, run, until, output, depth, work } = scene();
    const full = new SimPublisher(node('b'), 'full.x');
    until('credit', () => full.credit > 0);
    for (const text of numbered(2)) full.sendWithin(work.transaction, text);
    output.sendWithin(work.transaction, 'never');
    work.commit();
    until('answered', () => work.result !== undefined);
    expect(work.result?.condition).toBe('amqp:resource-limit-exceeded');
    run(500);
    expect([depth('full.x'), depth('jobs.out')]).toEqual([0, 0]);
  });

  it('takes large messages', () => {
    const { node, until, output, work } = scene();
    const results = new SimConsumer(node('b'), 'jobs.out');
    const large = 'x'.repeat(200_000);
    output.sendLarge(large, undefined, work.transaction);
    expect(output.results).toEqual([OUTCOME.accepted]);
    work.commit();
    until('it', () => results.got.length === 1);
    expect(results.got[0]).toBe(large);
  });

  it('tells topics of what was committed, and of nothing else', () => {
    const { node, run, until, work } = scene();
    const news = new SimPublisher(node('b'), 'news.x');
    const heard = new SimConsumer(node('c'), 'news.x');
    until('credit', () => news.credit > 0 && heard.confirmed !== null);
    const other = new Work(node('b'));
    news.sendWithin(other.transaction, 'never');
    news.sendWithin(work.transaction, 'm0');
    run(500);
    expect(heard.got).toEqual([]);
    other.transaction.rollback();
    work.commit();
    until('m0', () => heard.got.length > 0);
    run(500);
    expect(heard.got).toEqual(['m0']);
  });

  it('tells topics of large messages as well', () => {
    const { node, until, work } = scene();
    const news = new SimPublisher(node('b'), 'news.x');
    const heard = [node('b'), node('c')].map((each) => new SimConsumer(each, 'news.x'));
    until('credit', () => news.credit > 0 && heard.every(({ confirmed }) => confirmed !== null));
    news.sendLarge('x'.repeat(200_000), undefined, work.transaction);
    news.sendWithin(work.transaction, 'after');
    work.commit();
    until('both', () => heard.every(({ got }) => got.length === 2));
    expect(heard.map(({ got }) => got.map(({ length }) => length))).toEqual([
      [200_000, 5],
      [200_000, 5],
    ]);
  });

  it('gives credit back for what it keeps', () => {
    const { until, run, output, work } = scene();
    for (let n = 0; n < 200; n++) {
      until('credit', () => output.credit > 0);
      output.sendWithin(work.transaction, `m${n}`);
    }
    work.commit();
    until('committed', () => work.result === null);
    run(100);
    expect(output.credit).toBeGreaterThan(0);
  });
});

describe('what cannot be part of a transaction is refused', () => {
  it.each([
    ['call.x', 'FL_TRANSACTION_KIND'],
    ['all.x', 'FL_TRANSACTION_KIND'],
  ])('a message from a to %s: %s', (address, code) => {
    const { node, until, run } = simMesh(['a-b'], { shared });
    const consumer = new SimConsumer(node('b'), address);
    const publisher = new SimPublisher(node('a'), address);
    until('credit', () => publisher.credit > 0);
    const { transaction } = new Work(node('a'));
    expect(() => publisher.sendWithin(transaction, 'm0')).toThrow(expect.objectContaining({ code }) as Error);
    expect(() => publisher.sendLarge('m0', undefined, transaction)).toThrow(expect.objectContaining({ code }) as Error);
    transaction.rollback();
    run(500);
    expect(consumer.got).toEqual([]);
  });

  it('an outcome of a queue that lives at another node', () => {
    const { node, until } = simMesh(['a-b'], { shared });
    const publisher = new SimPublisher(node('b'), 'jobs.x');
    const consumer = new SimConsumer(node('a'), 'jobs.x');
    consumer.holding = true;
    until('credit', () => publisher.credit > 0);
    publisher.send('m0');
    until('it', () => consumer.got.length === 1);
    const { transaction } = new Work(node('a'));
    expect(() => consumer.settleHeldWithin(transaction)).toThrow(
      expect.objectContaining({ code: 'FL_TRANSACTION_REMOTE' }) as Error,
    );
  });

  it('what transactions keep together is bounded', () => {
    const { node, until } = simMesh(['a-b'], { shared });
    const news = new SimPublisher(node('a'), 'news.x');
    until('credit', () => news.credit > 0);
    const works: Work[] = [];
    const text = 'x'.repeat(1024 * 1024);
    const fill = (): void => {
      for (let n = 0; n < 100; n++) {
        const work = new Work(node('a'));
        works.push(work);
        news.sendWithin(work.transaction, text);
      }
    };
    expect(fill).toThrow(expect.objectContaining({ code: 'FL_ADDRESS_LIMIT' }) as Error);
    expect(works.length).toBe(65);
    for (const { transaction } of works) transaction.rollback();
    news.sendWithin(new Work(node('a')).transaction, text);
  });
});
