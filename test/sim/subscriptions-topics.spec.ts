import { OUTCOME } from '../../src/streams/contract';
import type { SimConsumer } from './address-clients';
import { simMesh } from './address-meshes';
import { subscriber, topicPublisher, type SubscriberOptions } from './subscriptions.fixture';
import { rule } from './virtual-mesh';

const shared = [rule('news.#', 'topic')];
const LARGE = 'large'.padEnd(100_000, '.');

describe('the topic that a message was published to', () => {
  it.each<[what: string, options: SubscriberOptions]>([
    ['a durable subscription', {}],
    ['one that is shared', { shared: true }],
    ['one that is shared and keeps nothing', { shared: true, durable: false }],
  ])('is told to subscribers of %s, wherever they are', (_what, options) => {
    for (const at of ['a', 'b', 'c']) {
      const sim = simMesh(['a-b', 'b-c'], { shared });
      const { node, until } = sim;
      const made = subscriber(node('a'), 'news.#', options);
      until('confirmed', () => made.confirmed !== null);
      let consumer: SimConsumer = made;
      if (at !== 'a') {
        consumer = subscriber(node(at), 'news.#', options);
        until('confirmed', () => consumer.confirmed !== null);
        made.close();
        sim.run(500);
      }
      consumer.pause();
      const publishers = ['news.sport', 'news', 'news.arts.grüße'].map((topic) => topicPublisher(node('c'), topic));
      until('credit', () => publishers.every(({ credit }) => credit > 0));
      for (const publisher of publishers) publisher.send(publisher === publishers[1] ? 'b' : 'a');
      publishers[0]?.sendLarge(LARGE);
      sim.run(1_000);
      consumer.resume();
      until('all', () => consumer.got.length === 4);
      expect([...consumer.from].sort()).toEqual(
        ['topic/news', 'topic/news.arts.grüße', 'topic/news.sport', 'topic/news.sport'].sort(),
      );
      expect(consumer.from[consumer.got.indexOf(LARGE)]).toBe('topic/news.sport');
      expect(consumer.from[consumer.got.indexOf('b')]).toBe('topic/news');
    }
  });

  it('stays with what was missed when the home restarts, when the subscription moves, and when it is given back', () => {
    const sim = simMesh(['a-b', 'b-c'], { shared });
    const { node, until, run } = sim;
    const made = subscriber(node('b'), 'news.*');
    until('confirmed', () => made.confirmed !== null);
    made.close();
    const publisher = topicPublisher(node('a'), 'news.sport');
    until('credit', () => publisher.credit > 2);
    publisher.send('one');
    publisher.send('two');
    until('accepted', () => publisher.outcomes.size === 2);
    run(500);
    node('b').kill();
    run(1_000);
    node('b').start();
    run(5_000);
    const again = subscriber(node('c'), 'news.*');
    again.outcome = OUTCOME.modifiedFailed;
    until('one', () => again.got.length >= 2);
    again.close();
    run(500);
    const to = node('b').running.relocation;
    until('moved', () => to.rehome('$sub/client/sub', 'a').state === 'moved');
    const last = subscriber(node('c'), 'news.*');
    until('both', () => last.got.length === 2);
    expect([last.got, last.from]).toEqual([
      ['one', 'two'],
      ['topic/news.sport', 'topic/news.sport'],
    ]);
    expect(last.redelivered.size).toBe(2);
  });
});
