import { OUTCOME } from '../streams/contract';
import { Home, largeOf, messageOf } from './queues.fixture';
import { SPACE } from './spaces';

describe('a transaction', () => {
  let home: Home;
  beforeEach(() => (home = new Home()));

  it('does everything together once it is on the disk', () => {
    const [one, two] = [home.open({}, 'one'), home.open({}, 'two')];
    const consumer = home.consume(one, 5);
    home.put(one, 'a');
    home.settle();
    const transaction = home.host.transaction();
    const message = messageOf('b');
    transaction.put(two, message, 0, message.length, 0);
    transaction.settle(consumer.link, consumer.deliveries[0]?.token ?? -1, OUTCOME.accepted, null);
    home.settle();
    expect([one.view().depth, two.view().depth]).toEqual([1, 0]);
    let told: unknown = undefined;
    transaction.commit((error) => (told = error));
    home.host.flush();
    expect(told).toBeUndefined();
    home.settle();
    expect(told).toBeNull();
    home.crash();
    expect([home.open({}, 'one').view().depth, home.open({}, 'two').view().depth]).toEqual([0, 1]);
  });

  it.each([OUTCOME.accepted, OUTCOME.rejected])('is undone when its group fails (outcome %p)', (outcome) => {
    const [one, two, dlq] = [home.open({ deadLetter: 'dlq' }, 'one'), home.open({}, 'two'), home.open({}, 'dlq')];
    const consumer = home.consume(one, 1);
    home.put(one, 'a');
    home.settle();
    const transaction = home.host.transaction();
    const message = messageOf('b');
    transaction.put(two, message, 0, message.length, 0);
    transaction.settle(consumer.link, consumer.deliveries[0]?.token ?? -1, outcome, null);
    let told: { code?: string } | null = null;
    transaction.commit((error) => (told = error));
    home.host.flush();
    home.store.fail();
    home.settle();
    expect((told as { code?: string } | null)?.code).toBe('FL_QUEUE_TRANSACTION');
    expect([one.view().depth, two.view().depth, dlq.view().depth]).toEqual([1, 0, 0]);
    consumer.deliveries.length = 0;
    consumer.more(1);
    home.settle();
    expect(consumer.deliveries.map(({ text, count }) => [text, count > 0])).toEqual([['a', true]]);
    home.crash();
    expect([home.open({}, 'one').view().depth, home.open({}, 'two').view().depth]).toEqual([1, 0]);
  });

  it('gives back what was settled in it when it is rolled back', () => {
    const queue = home.open();
    const consumer = home.consume(queue, 1);
    home.put(queue, 'a');
    home.settle();
    const transaction = home.host.transaction();
    transaction.settle(consumer.link, consumer.deliveries.pop()?.token ?? -1, OUTCOME.accepted, null);
    transaction.rollback();
    consumer.more(1);
    expect(consumer.deliveries.map(({ text, count }) => [text, count])).toEqual([['a', 1]]);
    consumer.settle('a');
    home.settle();
    expect(queue.view().depth).toBe(0);
  });

  it('does nothing when one put would be refused', () => {
    const queue = home.open({ maxDepth: 1 });
    const transaction = home.host.transaction();
    for (const text of ['a', 'b']) {
      const message = messageOf(text);
      transaction.put(queue, message, 0, message.length, 0);
    }
    let told: { condition?: string } | null = null;
    transaction.commit((error) => (told = error));
    expect(told).toBeNull();
    home.settle();
    expect((told as { condition?: string } | null)?.condition).toBe('amqp:resource-limit-exceeded');
    expect(queue.view().depth).toBe(0);
  });

  it('waits with its commit until its large messages are stored, and puts all in their order', () => {
    const queue = home.open();
    const consumer = home.consume(queue, 5);
    const transaction = home.host.transaction();
    const [small, body] = [messageOf('small'), largeOf('x', 2_000_000)];
    transaction.put(queue, small, 0, small.length, 0);
    transaction.putLarge(queue, body, 0);
    transaction.put(queue, small, 0, small.length, 0);
    const told: unknown[] = [];
    transaction.commit(
      (error) => told.push(error),
      () => told.push('within'),
    );
    home.host.flush();
    home.store.settle();
    expect([told, consumer.texts]).toEqual([[], []]);
    home.settle();
    expect(told).toEqual(['within', null]);
    expect(consumer.texts).toEqual(['small', 'large 2000000 of x', 'small']);
    expect(body.refs).toBe(1);
  });

  it.each(['rolled back', 'failed', 'half stored at a crash'])(
    'leaves nothing of a large message when it is %s',
    (how) => {
      const queue = home.open();
      const transaction = home.host.transaction();
      const body = largeOf('x', 2_000_000);
      transaction.putLarge(queue, body, 0);
      let told: unknown = undefined;
      if (how === 'failed') transaction.commit((error) => (told = error?.code));
      home.host.flush();
      home.host.tick(0);
      home.store.settle();
      if (how === 'rolled back') transaction.rollback();
      else if (how === 'failed') home.store.setState('full');
      else {
        home.crash();
        home.open();
      }
      home.settle();
      if (how === 'failed') expect(told).toBe('FL_QUEUE_TRANSACTION');
      home.store.setState('ok');
      home.settle();
      expect([home.store.keys(SPACE.segments, 0), home.store.keys(SPACE.garbage, 0)]).toEqual([[], []]);
      if (how !== 'half stored at a crash') expect(body.refs).toBe(1);
      expect(home.host.find('q')?.view().depth).toBe(0);
    },
  );

  it('takes from a queue in memory only once the disk has the rest', () => {
    const queue = home.open();
    const temporary = home.host.openTemporary('t', queue.policy);
    const consumer = home.consume(temporary, 1);
    home.put(temporary, 'a');
    home.settle();
    const commit = (): void => {
      const transaction = home.host.transaction();
      const message = messageOf('b');
      transaction.put(queue, message, 0, message.length, 0);
      transaction.settle(consumer.link, consumer.deliveries.pop()?.token ?? -1, OUTCOME.accepted, null);
      transaction.commit(() => undefined);
      home.host.flush();
    };
    commit();
    home.store.fail();
    home.settle();
    consumer.more(1);
    expect(consumer.deliveries.map(({ text, count }) => [text, count])).toEqual([['a', 1]]);
    commit();
    home.settle();
    expect([temporary.view().depth, queue.view().depth]).toEqual([0, 1]);
  });

  it('outlives the consumer whose deliveries it has', () => {
    const queue = home.open();
    const consumer = home.consume(queue, 1);
    home.put(queue, 'a');
    home.settle();
    const transaction = home.host.transaction();
    transaction.settle(consumer.link, consumer.deliveries[0]?.token ?? -1, OUTCOME.accepted, null);
    consumer.link.close(true);
    transaction.commit(() => undefined);
    home.settle();
    expect(queue.view()).toMatchObject({ depth: 0, acquired: 0 });
  });
});

describe('a host', () => {
  it('closes a queue whose records are damaged, and no other', () => {
    const home = new Home();
    const [queue, other] = [home.open(), home.open({}, 'other')];
    for (let n = 0; n < 6_000; n++) home.put(queue, `${n}`);
    home.put(other, 'fine');
    home.settle();
    home.store.damage(3, 1, home.store.keys(3, 1)[5_000] ?? 0);
    const [consumer, unharmed] = [home.consume(queue, 10_000), home.consume(other, 1)];
    home.settle();
    expect([consumer.gone, unharmed.texts]).toEqual(['FL_QUEUE_DAMAGED', ['fine']]);
    expect([queue.view().state, queue.room]).toEqual(['damaged', 0]);
    expect(home.events).toContain('damaged q FL_QUEUE_DAMAGED');
    const token = home.put(queue, 'x');
    home.settle();
    expect(home.conditions.get(token)).toBe('amqp:internal-error');
    expect(() => home.consume(queue, 1)).toThrow('damaged');
    expect(() => home.open()).toThrow('damaged');
    home.store.damage(2, 2, 0);
    home.crash();
    expect(() => home.open({}, 'other')).toThrow('damaged');
    expect(home.host.views()).toMatchObject([{ name: 'other', state: 'damaged', depth: 0 }]);
    expect(home.open().view().depth).toBe(6_000);
  });

  it('marks nothing after a clean stop but what consumers had', () => {
    const home = new Home();
    const queue = home.open();
    home.consume(queue, 1);
    for (const text of ['a', 'b']) home.put(queue, text);
    home.settle();
    let told: unknown = undefined;
    home.host.stop((error) => (told = error));
    home.settle();
    expect(told).toBeNull();
    home.crash();
    const again = home.consume(home.open(), 5);
    home.settle();
    expect(again.deliveries.map(({ text, count }) => [text, count])).toEqual([
      ['a', 1],
      ['b', 0],
    ]);
  });

  it('takes no more credit than the disk keeps up with', () => {
    const home = new Home();
    const queue = home.open();
    const message = messageOf('x'.repeat(1_000_000));
    for (let n = 0; n < 20; n++) home.put(queue, message);
    home.host.flush();
    expect([queue.room, home.events]).toEqual([0, ['made q', 'room q false']]);
    home.settle();
    expect(queue.room).toBeGreaterThan(0);
  });
});
