import { encodeValue } from '../amqp/codec/encoder';
import { AmqpMap, sym } from '../amqp/codec/values';
import { OUTCOME } from '../streams/contract';
import type { Queue } from './contract';
import { ANNOTATION } from './dead-letters';
import { copy, detach } from './moving.fixture';
import { Home, largeOf, MemoryBody, messageOf, routed, type TestConsumer } from './queues.fixture';
import { ITEM } from './queue-export';
import { isReference, messageStart, RECORD_HEAD, topicOf, writeHead } from './record';
import { SPACE } from './spaces';

const TEXT = new AmqpMap([['padding', '-'.repeat(300)]]);
const SIZES = ['small', 'shared', 'large'] as const;
const OTHER = 'grüße.\u{1F30D}';

describe('the topic of a message', () => {
  let home: Home;
  beforeEach(() => (home = new Home()));

  const intake = (count = 2): Queue =>
    home.host.intake('in', () => Array.from({ length: count }, (_, at) => home.host.find(`q${at}`) as Queue));
  const open = (): Queue[] => [home.open({}, 'q0'), home.open({}, 'q1')];
  const put = (size: (typeof SIZES)[number], topic: string): void => {
    if (size === 'large')
      home.putLarge(intake(), new MemoryBody(routed(`only a route reads this:${topic}`, largeOf('x', 200_000).bytes)));
    else
      home.put(
        intake(),
        routed(`only a route reads this:${topic}`, messageOf(size, size === 'shared' ? { application: TEXT } : {})),
      );
    home.settle();
  };
  const told = (consumer: TestConsumer): unknown[] => consumer.deliveries.map(({ topic }) => topic);

  it.each(SIZES)('is told with each delivery, also after a restart and a second time: %s', (size) => {
    open();
    put(size, 'a.b');
    put(size, OTHER);
    put(size, 'a.b');
    const first = home.consume(home.open({}, 'q0'), 10);
    home.pass(10);
    expect(told(first)).toEqual(['a.b', OTHER, 'a.b']);
    home.crash();
    const [one, two] = open().map((queue) => home.consume(queue, 10)) as [TestConsumer, TestConsumer];
    home.pass(10);
    expect([told(one), told(two)]).toEqual([
      ['a.b', OTHER, 'a.b'],
      ['a.b', OTHER, 'a.b'],
    ]);
    expect(one.deliveries.map(({ count }) => count)).toEqual([1, 1, 1]);
    const fields = encodeValue(new AmqpMap([[sym('x-seen'), 'yes']]));
    const { text } = one.deliveries[0] as { text: string };
    one.settle(text, OUTCOME.modifiedFailed, { fields });
    home.pass(10);
    expect(one.deliveries.at(-1)?.topic).toBe('a.b');
    expect(one.deliveries.at(-1)?.message.messageAnnotations?.named('x-seen')).toBe('yes');
  });

  it.each(SIZES)('goes along when the queue moves, and when it goes into another: %s', (size) => {
    open();
    put(size, 'a.b');
    home.pass(10);
    detach(home, 'q0');
    const there = new Home();
    there.wall = home.wall;
    copy(home, there, 'q0').adopt('q', () => undefined);
    there.settle();
    const into = there.open({}, 'into');
    let failed: Error | null = new Error('it did not end');
    there.host.moves.merge(there.open({}, 'q'), into, (error) => (failed = error));
    there.pass(100);
    expect(failed).toBeNull();
    const consumer = there.consume(into, 10);
    there.pass(10);
    expect(told(consumer)).toEqual(['a.b']);
  });

  it('is of a kind of its own on the way, so that a node that knows of none refuses it', () => {
    open();
    put('small', 'a.b');
    detach(home, 'q0');
    expect(home.host.moves.items('q0').next(10_000)?.[0]).toBe(ITEM.topical);
  });

  it.each(SIZES)('of a queue in memory, and of what waits for its time: %s', (size) => {
    const queue = home.host.openTemporary('q0', home.open({}, 'q1').policy);
    put(size, 'a.b');
    const later = new AmqpMap([[sym('x-opt-delivery-delay'), 1_000]]);
    const annotations = { annotations: later };
    if (size === 'large')
      home.putLarge(intake(), new MemoryBody(routed('later', largeOf('x', 90_000, annotations).bytes)));
    else home.put(intake(), routed('later', messageOf('later', annotations)));
    const consumers = [queue, home.open({}, 'q1')].map((one) => home.consume(one, 10));
    home.pass(2_000);
    expect(consumers.map(told)).toEqual([
      ['a.b', 'later'],
      ['a.b', 'later'],
    ]);
  });

  it.each(['small', 'shared'] as const)('is an annotation of a dead letter: %s', (size) => {
    const dead = home.open({}, 'dead');
    home.open({ deadLetter: 'queue/dead' }, 'q0');
    home.open({ deadLetter: 'topic/elsewhere' }, 'q1');
    put(size, 'a.b');
    for (const name of ['q0', 'q1']) {
      const consumer = home.consume(home.host.find(name) as Queue, 1);
      home.settle();
      consumer.settle(size, OUTCOME.rejected);
      home.settle();
    }
    const reader = home.consume(dead, 1);
    home.pass(10);
    expect(reader.deliveries[0]?.message.messageAnnotations?.named(ANNOTATION.topic)).toBe('a.b');
    expect(home.forwarded[0]?.message.messageAnnotations?.named(ANNOTATION.topic)).toBe('a.b');
  });

  it('is nothing in records of a former version, and costs the others nothing', () => {
    const queue = home.open();
    home.put(queue, 'plain');
    home.settle();
    const consumer = home.consume(queue, 1);
    home.settle();
    expect(told(consumer)).toEqual([null]);
    const record = Buffer.concat([Buffer.alloc(RECORD_HEAD), messageOf('old')]);
    writeHead(record, 0, 0, 0, 0);
    expect([topicOf(record), messageStart(record), isReference(record)]).toEqual([null, RECORD_HEAD, false]);
    expect(home.store.keys(SPACE.payloads, 0)).toEqual([]);
  });
});
