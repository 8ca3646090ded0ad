import { AmqpMap, sym } from '../amqp/codec/values';
import { OUTCOME } from '../streams/contract';
import { DELAY_MS_MAX } from './limits';
import { Home, messageOf } from './queues.fixture';
import { SPACE } from './spaces';

const later = (ms: number): AmqpMap => new AmqpMap([[sym('x-opt-delivery-delay'), ms]]);
const at = (ms: number): AmqpMap => new AmqpMap([[sym('x-opt-delivery-time'), ms]]);

describe('a queue', () => {
  let home: Home;
  beforeEach(() => (home = new Home()));

  it('delivers what has a higher priority first, and in order within one', () => {
    const queue = home.open();
    for (const [text, priority] of [
      ['a', 4],
      ['b', 9],
      ['c', 0],
      ['d', 9],
      ['e', 20],
    ] as const)
      home.put(queue, messageOf(text, { header: { priority } }));
    home.settle();
    const consumer = home.consume(queue, 10);
    home.settle();
    expect(consumer.texts).toEqual(['b', 'd', 'e', 'a', 'c']);
  });

  it.each([
    ['ttl', { header: { ttl: 1_000 } }, null],
    ['absolute-expiry-time', { properties: { absoluteExpiryTime: new Date(1_700_000_001_000) } }, null],
    ['the rule', {}, 1_000],
    ['the shorter one', { header: { ttl: 1_000 } }, 60_000],
  ])('drops what expires by %s, and counts it', (_name, parts, ttlMs) => {
    const queue = home.open({ ttlMs });
    home.put(queue, messageOf('a', parts));
    home.settle();
    home.pass(999);
    expect(queue.view()).toMatchObject({ depth: 1, expired: 0 });
    home.pass(2_000);
    expect(queue.view()).toMatchObject({ depth: 0, bytes: 0, expired: 1 });
    expect(home.store.keys(SPACE.messages, 1)).toEqual([]);
  });

  it('does not deliver what has expired', () => {
    const queue = home.open();
    home.put(queue, messageOf('a', { header: { ttl: 5 } }));
    home.put(queue, 'b');
    home.settle();
    home.wall += 6;
    const consumer = home.consume(queue, 5);
    home.settle();
    expect(consumer.texts).toEqual(['b']);
  });

  it('finds expired messages deep in a backlog', () => {
    const queue = home.open();
    for (let n = 0; n < 9_000; n++) home.put(queue, n % 3 === 0 ? messageOf('x', { header: { ttl: 10 } }) : 'y');
    home.settle();
    home.pass(10_000);
    expect(queue.view()).toMatchObject({ depth: 6_000, expired: 3_000 });
  });

  it.each(['delay', 'time'])('delivers later what has a delivery %s', (kind) => {
    const queue = home.open();
    const consumer = home.consume(queue, 10);
    const annotations = kind === 'delay' ? later(5_000) : at(home.wall + 5_000);
    const token = home.put(queue, messageOf('late', { annotations }));
    home.put(queue, 'now');
    home.settle();
    expect(home.outcomes.get(token)).toBe(OUTCOME.accepted);
    expect([consumer.texts, queue.view().delayed]).toEqual([['now'], 1]);
    home.pass(4_000);
    expect(consumer.texts).toEqual(['now']);
    home.pass(1_100);
    expect(consumer.texts).toEqual(['now', 'late']);
    expect(queue.view()).toMatchObject({ delayed: 0, depth: 2 });
  });

  it('keeps what is delayed over a crash, also when it is due by then', () => {
    const queue = home.open();
    for (let n = 0; n < 500; n++) home.put(queue, messageOf(`${n}`, { annotations: later(5_000 + (n % 7)) }));
    home.settle();
    home.crash();
    home.wall += 60_000;
    const again = home.open();
    const consumer = home.consume(again, 1_000);
    home.pass(1_000);
    expect(consumer.deliveries).toHaveLength(500);
    expect(again.view()).toMatchObject({ depth: 500, delayed: 0 });
    expect(home.store.keys(SPACE.delayed, 1)).toEqual([]);
  });

  it('takes a delivery time that is past as now, and refuses one that is absurdly far', () => {
    const queue = home.open();
    const consumer = home.consume(queue, 10);
    home.put(queue, messageOf('past', { annotations: at(5) }));
    const far = home.put(queue, messageOf('far', { annotations: later(DELAY_MS_MAX + 1) }));
    home.settle();
    expect(consumer.texts).toEqual(['past']);
    expect([home.outcomes.get(far), home.conditions.get(far)]).toEqual([OUTCOME.rejected, 'amqp:invalid-field']);
  });

  it('waits with a failed delivery for as long as the rule says', () => {
    const queue = home.open({ retryMs: 5_000 });
    const consumer = home.consume(queue, 10);
    home.put(queue, 'a');
    home.put(queue, 'b');
    home.settle();
    consumer.settle('a', OUTCOME.modifiedFailed);
    home.settle();
    expect(queue.view().delayed).toBe(1);
    home.pass(5_100);
    expect(consumer.deliveries.map(({ text, count }) => [text, count])).toEqual([
      ['b', 0],
      ['a', 1],
    ]);
  });
});
