import { OUTCOME } from '../streams/contract';
import type { HomeQueue } from './home-queue';
import {
  ENTRY_BYTES,
  REMOVALS_WAIT_MS,
  WINDOW_BYTES_FEW,
  WINDOW_BYTES_LEAST,
  WINDOW_MESSAGES,
  WINDOWS_BYTES,
} from './limits';
import { CONSUMER, Home, largeOf, messageOf } from './queues.fixture';
import { SPACE } from './spaces';

describe('a durable queue', () => {
  let home: Home;
  beforeEach(() => (home = new Home()));

  it('says accepted, and delivers, only when the message is on the disk', () => {
    const queue = home.open();
    const consumer = home.consume(queue, 10);
    const token = home.put(queue, 'a');
    home.host.flush();
    expect([home.outcomes.get(token), consumer.texts]).toEqual([undefined, []]);
    home.store.settle();
    expect([home.outcomes.get(token), consumer.texts]).toEqual([OUTCOME.accepted, ['a']]);
  });

  it('delivers in order, as far as credit goes, and the rest when there is more', () => {
    const queue = home.open();
    for (const text of ['a', 'b', 'c', 'd']) home.put(queue, text);
    home.settle();
    const consumer = home.consume(queue, 2);
    home.settle();
    expect(consumer.texts).toEqual(['a', 'b']);
    consumer.more(5);
    expect(consumer.texts).toEqual(['a', 'b', 'c', 'd']);
    expect(consumer.link.idle).toBe(true);
  });

  it('flushes removals that nobody waits for with the next put, or a little later', () => {
    const queue = home.open();
    const consumer = home.consume(queue, 10);
    for (const text of ['a', 'b', 'c']) home.put(queue, text);
    home.settle();
    consumer.settle('a', OUTCOME.accepted);
    home.host.flush();
    expect([home.store.pending, home.host.settled]).toEqual([0, false]);
    home.put(queue, 'd');
    home.host.flush();
    expect(home.store.pending).toBe(1);
    home.settle();
    expect(home.store.keys(SPACE.messages, 1)).toHaveLength(3);
    consumer.settle('b', OUTCOME.accepted);
    home.host.flush();
    home.pass(REMOVALS_WAIT_MS);
    expect([home.store.keys(SPACE.messages, 1).length, home.host.settled]).toEqual([2, true]);
    consumer.settle('c', OUTCOME.accepted, null, true);
    home.host.flush();
    expect(home.store.pending).toBe(1);
  });

  it('forgets what was accepted, on the disk too', () => {
    const queue = home.open();
    const consumer = home.consume(queue, 10);
    home.put(queue, 'a');
    home.settle();
    consumer.settle('a', OUTCOME.accepted, null, true);
    home.host.flush();
    expect(consumer.confirmed).toEqual([]);
    home.settle();
    expect(consumer.confirmed).toHaveLength(1);
    expect(home.store.keys(SPACE.messages, 1)).toEqual([]);
    expect(queue.view()).toMatchObject({ depth: 0, bytes: 0, acquired: 0, put: 1, removed: 1 });
  });

  it('puts what was released in its place again, without a count', () => {
    const queue = home.open();
    const consumer = home.consume(queue, 2);
    for (const text of ['a', 'b', 'c']) home.put(queue, text);
    home.settle();
    consumer.settle('b', OUTCOME.released);
    consumer.settle('a', OUTCOME.released);
    consumer.more(3);
    expect(consumer.texts).toEqual(['a', 'b', 'c']);
    expect(consumer.deliveries.map(({ count }) => count)).toEqual([0, 0, 0]);
  });

  it('counts failed deliveries, and keeps the count on the disk', () => {
    const queue = home.open();
    const consumer = home.consume(queue, 1);
    home.put(queue, messageOf('a', { header: { durable: true, priority: 4, firstAcquirer: true } }));
    home.settle();
    consumer.settle('a', OUTCOME.modifiedFailed);
    consumer.more(1);
    expect(consumer.deliveries[0]?.message.header).toEqual({
      durable: true,
      priority: 4,
      firstAcquirer: false,
      deliveryCount: 1,
    });
    consumer.settle('a', OUTCOME.modifiedFailed);
    home.settle();
    home.crash();
    const again = home.consume(home.open(), 1);
    home.settle();
    expect(again.deliveries[0]?.count).toBe(2);
  });

  it('gives consumers one message each in turn, and none with less credit more', () => {
    const queue = home.open();
    const [one, two, three] = [home.consume(queue, 10), home.consume(queue, 1), home.consume(queue, 10)];
    for (let at = 0; at < 7; at++) home.put(queue, `${at}`);
    home.settle();
    expect([one.texts, two.texts, three.texts]).toEqual([['0', '3', '5'], ['1'], ['2', '4', '6']]);
  });

  it('takes back what a consumer has that goes', () => {
    const queue = home.open();
    const one = home.consume(queue, 2);
    for (const text of ['a', 'b', 'c']) home.put(queue, text);
    home.settle();
    const two = home.consume(queue, 10);
    one.link.close(true);
    home.settle();
    expect(two.deliveries.map(({ text, count }) => [text, count])).toEqual([
      ['c', 0],
      ['a', 1],
      ['b', 1],
    ]);
  });

  it('finds everything again after a crash, and marks what may have been delivered', () => {
    const queue = home.open();
    const consumer = home.consume(queue, 1);
    for (const text of ['a', 'b']) home.put(queue, text);
    home.settle();
    expect(consumer.texts).toEqual(['a']);
    home.put(queue, 'lost');
    home.host.flush();
    home.crash();
    const again = home.consume(home.open(), 10);
    home.settle();
    expect(again.deliveries.map(({ text, count }) => [text, count > 0])).toEqual([
      ['a', true],
      ['b', true],
    ]);
    expect(home.host.stored).toEqual(['q']);
  });

  it('marks nothing after a crash that no consumer was there for', () => {
    home.put(home.open(), 'a');
    home.settle();
    home.crash();
    const consumer = home.consume(home.open(), 10);
    home.settle();
    expect(consumer.deliveries.map(({ count }) => count)).toEqual([0]);
  });

  it('answers puts of a failed group rejected, and they never come back', () => {
    const early = new Home({ early: true });
    const queue = early.open();
    const consumer = early.consume(queue, 10);
    early.settle();
    const token = early.put(queue, 'a');
    early.host.flush();
    early.store.fail();
    early.settle();
    expect([early.outcomes.get(token), early.conditions.get(token)]).toEqual([OUTCOME.rejected, 'amqp:internal-error']);
    expect(early.outcomes.get(early.put(queue, 'b'))).toBeUndefined();
    early.settle();
    expect(consumer.texts).toEqual(['b']);
    early.crash();
    const again = early.consume(early.open(), 10);
    early.settle();
    expect(again.texts).toEqual(['b']);
  });

  it('writes a removal again whose group failed', () => {
    const queue = home.open();
    const consumer = home.consume(queue, 10);
    home.put(queue, 'a');
    home.settle();
    consumer.settle('a', OUTCOME.accepted, null, true);
    home.host.flush();
    home.store.fail();
    expect(consumer.confirmed).toEqual([]);
    home.settle();
    expect(consumer.confirmed).toHaveLength(1);
    home.crash();
    expect(home.open().view().depth).toBe(0);
  });

  it.each([
    ['is full', 'full', true, 'amqp:resource-limit-exceeded'],
    ['has failed for want of room', 'failed', true, 'amqp:resource-limit-exceeded'],
    ['has failed', 'failed', false, 'amqp:internal-error'],
  ] as const)('refuses puts while the disk %s, says so, and takes them again by itself', (_, state, lacksRoom, why) => {
    const queue = home.open();
    home.store.setState(state, lacksRoom);
    const refused = home.put(queue, 'a');
    home.settle();
    expect(home.conditions.get(refused)).toBe(why);
    home.store.setState('ok');
    const taken = home.put(queue, 'b');
    home.settle();
    expect(home.outcomes.get(taken)).toBe(OUTCOME.accepted);
  });

  it('delivers a backlog that is larger than its window, in order, with no more than the window in memory', () => {
    const queue = home.open();
    const count = 20_000;
    for (let at = 0; at < count; at++) home.put(queue, `${at}`);
    home.settle();
    const consumer = home.consume(queue, 500);
    const texts: string[] = [];
    while (texts.length < count) {
      home.settle();
      const now = consumer.texts;
      texts.push(...now);
      for (const text of now) consumer.settle(text);
      consumer.more(now.length);
    }
    expect(texts).toEqual(Array.from({ length: count }, (_, at) => `${at}`));
    home.settle();
    expect(queue.view().depth).toBe(0);
  });
});

it.each([
  ['little', 0, WINDOW_MESSAGES * ENTRY_BYTES],
  ['as much as they may', WINDOWS_BYTES, WINDOW_BYTES_LEAST],
  ['twice as much', 2 * WINDOWS_BYTES, WINDOW_BYTES_FEW],
])('keeps a window of small messages while all windows take %s', (_what, used, most) => {
  const home = new Home({ checked: false });
  const queue = home.open();
  const { budget } = (queue as HomeQueue).core.home;
  budget.used = used;
  const message = messageOf('x');
  for (let n = 0; n < 6_000; n++) home.put(queue, message);
  home.settle();
  const bytes = home.host.windowBytes - used;
  expect(bytes).toBeGreaterThan(most * 0.8);
  expect(bytes).toBeLessThan(most * 1.3);
});

it('keeps no more than its window of a backlog of 100,000 in memory, whatever is done with it', () => {
  const home = new Home({ checked: false });
  const queue = home.open();
  const message = messageOf('x'.repeat(50));
  const inside = queue as unknown as { core: { ready: { loaded: number; beyond: Map<number, unknown> } } };
  const inMemory = (): number => inside.core.ready.loaded + inside.core.ready.beyond.size;
  let most = 0;
  for (let n = 0; n < 100_000; n++) {
    home.put(queue, message);
    if (n % 1_000 === 999) home.settle();
    most = Math.max(most, inMemory());
  }
  const tokens: number[] = [];
  let count = 0;
  const sink = { deliverLarge: () => undefined, onSettled: () => undefined, onGone: () => undefined };
  const link = queue.consume(CONSUMER, {
    ...sink,
    credit: () => 500 - tokens.length,
    deliver: (token) => tokens.push(token),
  });
  const red = queue.consume(
    { ...CONSUMER, selector: "colour = 'red'" },
    { ...sink, credit: () => 5, deliver: () => undefined },
  );
  red.pump();
  for (let turn = 0; queue.view().depth > 0 && turn < 2_000; turn++) {
    link.pump();
    for (const [at, token] of tokens.splice(0).entries()) {
      const outcome = at % 10 === 9 && turn < 100 ? OUTCOME.modifiedFailed : OUTCOME.accepted;
      if (outcome === OUTCOME.accepted) count++;
      link.settle(token, outcome, null, false);
    }
    most = Math.max(most, inMemory());
    home.settle();
  }
  expect([count, queue.view().depth]).toEqual([100_000, 0]);
  expect(most).toBeLessThan(4_096 + 1_000);
});

describe('puts of other nodes', () => {
  it('are stored once, and answered as they were', () => {
    const home = new Home();
    const queue = home.open({ maxDepth: 2 });
    const mark = queue.mark('west', 7);
    const put = (text: string, seq: number): number => home.put(queue, text, 0, mark, seq);
    const first = [put('a', 1), put('b', 2), put('c', 3)];
    home.host.flush();
    const second = [put('a', 1), put('b', 2), put('c', 3)];
    home.settle();
    const outcomes = [OUTCOME.accepted, OUTCOME.accepted, OUTCOME.rejected];
    expect(first.map((token) => home.outcomes.get(token))).toEqual(outcomes);
    expect(second.map((token) => home.outcomes.get(token))).toEqual(outcomes);
    home.crash();
    const after = home.open({ maxDepth: 5 });
    expect(after.mark('west', 7).last).toBe(3);
    const third = [1, 2, 3].map((seq) => home.put(after, 'x', 0, after.mark('west', 7), seq));
    home.settle();
    expect(third.map((token) => home.outcomes.get(token))).toEqual(outcomes);
    expect(third.map((token) => home.conditions.get(token))[2]).toBe('amqp:resource-limit-exceeded');
    expect(after.view().depth).toBe(2);
  });
});

describe('a temporary queue', () => {
  it('has a bound of its own, and gives everything back when it goes', () => {
    const home = new Home();
    const queue = home.host.openTemporary('t', { ...home.open().policy, overLimit: 'block' });
    const message = messageOf('x'.repeat(1_000_000));
    const tokens = Array.from({ length: 80 }, () => home.put(queue, message));
    const body = largeOf('x', 50_000);
    home.host.flush();
    home.putLarge(queue, body);
    home.host.flush();
    const refused = tokens.filter((token) => home.outcomes.get(token) === OUTCOME.rejected).length;
    expect([refused > 10, body.refs]).toEqual([true, 2]);
    expect(home.host.windowBytes).toBeGreaterThan(1_000_000);
    home.host.delete('t');
    expect([home.host.windowBytes, body.refs]).toEqual([0, 1]);
  });

  it('lives in memory alone', () => {
    const home = new Home();
    const queue = home.host.openTemporary('t', home.open().policy);
    const consumer = home.consume(queue, 1);
    const token = home.put(queue, 'a');
    home.put(queue, 'b');
    home.host.flush();
    expect([home.outcomes.get(token), consumer.texts]).toEqual([OUTCOME.accepted, ['a']]);
    consumer.settle('a', OUTCOME.modifiedFailed);
    consumer.more(5);
    expect(consumer.deliveries.map(({ text, count }) => [text, count])).toEqual([
      ['a', 1],
      ['b', 0],
    ]);
    home.host.delete('t');
    expect(consumer.gone).toBe('FL_QUEUE_DELETED');
    expect(home.host.find('t')).toBeNull();
  });
});
