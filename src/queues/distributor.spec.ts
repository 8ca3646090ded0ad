import { OUTCOME } from '../streams/contract';
import type { Queue } from './contract';
import { Home, largeOf, MemoryBody, messageOf, routed } from './queues.fixture';
import { SPACE } from './spaces';

describe('an intake', () => {
  let home: Home;
  /** Which queues want a topic. */
  let wanted: Record<string, readonly string[]>;
  const asked: string[] = [];
  beforeEach(() => {
    home = new Home();
    wanted = {};
    asked.length = 0;
  });

  const intake = (): Queue =>
    home.host.intake('$durable/here', (topic, payload, start, end) => {
      asked.push(`${topic} ${payload.subarray(start, end).includes('text') ? 'text' : '?'}`);
      return (wanted[topic] ?? []).map((name) => home.host.find(name) as Queue);
    });
  const depths = (...names: string[]): number[] => names.map((name) => home.host.find(name)?.view().depth ?? -1);

  it('puts a message into every queue that the route names, and answers once', () => {
    for (const name of ['one', 'two', 'three']) home.open({}, name);
    wanted = { 'a/b': ['one', 'three'] };
    const token = home.put(intake(), routed('a/b', messageOf('text')), 7);
    home.host.flush();
    expect([home.outcomes.get(token), home.store.pending]).toEqual([undefined, 1]);
    const consumers = ['one', 'three'].map((name) => home.consume(home.open({}, name), 1));
    expect(consumers.map(({ texts }) => texts)).toEqual([[], []]);
    home.settle();
    expect(home.outcomes.get(token)).toBe(OUTCOME.accepted);
    expect(consumers.map(({ texts }) => texts)).toEqual([['text'], ['text']]);
    expect([depths('one', 'two', 'three'), asked]).toEqual([[1, 0, 1], ['a/b text']]);
  });

  it('accepts what nobody wants, with the mark of its put', () => {
    home.open({}, 'one');
    const queue = intake();
    const mark = queue.mark('west', 5);
    const [own, remote] = [
      home.put(queue, routed('a', messageOf('text'))),
      home.put(queue, routed('a', messageOf('text')), 0, mark, 3),
    ];
    home.settle();
    expect([home.outcomes.get(own), home.outcomes.get(remote)]).toEqual([OUTCOME.accepted, OUTCOME.accepted]);
    home.crash();
    expect(intake().mark('west', 5).last).toBe(3);
  });

  it('answers a repeated put as before, also after a restart', () => {
    home.open({}, 'one');
    wanted = { a: ['one'] };
    const put = (queue: Queue): number => home.put(queue, routed('a', messageOf('text')), 0, queue.mark('west', 5), 1);
    const first = put(intake());
    const again = put(intake());
    home.settle();
    expect([first, again].map((token) => home.outcomes.get(token))).toEqual([OUTCOME.accepted, OUTCOME.accepted]);
    home.crash();
    home.open({}, 'one');
    const late = put(intake());
    home.settle();
    expect([home.outcomes.get(late), depths('one')]).toEqual([OUTCOME.accepted, [1]]);
  });

  it('stores in all queues or in none, and remembers what it refused', () => {
    for (const name of ['one', 'two']) home.open({}, name);
    wanted = { a: ['one', 'two'] };
    const queue = intake();
    const mark = queue.mark('west', 5);
    const [own, remote] = [
      home.put(queue, routed('a', messageOf('text'))),
      home.put(queue, routed('a', messageOf('text')), 0, mark, 1),
    ];
    home.host.flush();
    home.store.fail();
    const repeated = home.put(queue, routed('a', messageOf('text')), 0, mark, 1);
    home.settle();
    expect([own, remote, repeated].map((token) => home.outcomes.get(token))).toEqual([
      OUTCOME.rejected,
      OUTCOME.rejected,
      OUTCOME.rejected,
    ]);
    expect(depths('one', 'two')).toEqual([0, 0]);
    home.crash();
    for (const name of ['one', 'two']) home.open({}, name);
    const late = home.put(intake(), routed('a', messageOf('text')), 0, intake().mark('west', 5), 1);
    home.settle();
    expect([home.outcomes.get(late), depths('one', 'two')]).toEqual([OUTCOME.rejected, [0, 0]]);
  });

  it('refuses as a whole what one queue refuses, where the publisher is here; of another node it is dropped for that queue', () => {
    home.open({}, 'one');
    home.open({ maxDepth: 1, overLimit: 'reject' }, 'full');
    wanted = { a: ['one', 'full'] };
    const queue = intake();
    home.put(queue, routed('a', messageOf('text')));
    const own = home.put(queue, routed('a', messageOf('text')));
    const remote = home.put(queue, routed('a', messageOf('text')), 0, queue.mark('west', 5), 1);
    home.settle();
    expect([home.outcomes.get(own), home.conditions.get(own)]).toEqual([
      OUTCOME.rejected,
      'amqp:resource-limit-exceeded',
    ]);
    expect([home.outcomes.get(remote), depths('one', 'full')]).toEqual([OUTCOME.accepted, [2, 1]]);
    expect(home.host.find('full')?.view()).toMatchObject({ dropped: 1, drops: { limit: 1 } });
  });

  it('refuses what does not say its topic, and everything while the disk takes nothing', () => {
    const queue = intake();
    const malformed = [Buffer.alloc(1), Buffer.from([0, 9, 1]), routed('topic', Buffer.alloc(0))];
    const tokens = malformed.map((bytes) => home.put(queue, bytes));
    home.store.setState('full');
    const full = home.put(queue, routed('a', messageOf('text')));
    home.settle();
    expect(tokens.map((token) => home.conditions.get(token))).toEqual(malformed.map(() => 'amqp:decode-error'));
    expect(home.conditions.get(full)).toBe('amqp:resource-limit-exceeded');
  });

  it('is no queue that could be listed or consumed, in this life or the next', () => {
    home.open({}, 'one');
    const queue = intake();
    home.settle();
    expect([home.host.stored, home.host.views().map(({ name }) => name)]).toEqual([['one'], ['one']]);
    expect(() => home.consume(queue, 1)).toThrow('is an intake');
    expect([home.host.find('$durable/here'), home.open({}, '$durable/here')]).toEqual([queue, queue]);
    home.crash();
    expect(home.host.stored).toEqual(['one']);
    expect(home.open({}, 'other').name).toBe('other');
    intake();
    home.settle();
    expect(home.store.keys(SPACE.intakes, 0)).toEqual([2]);
    expect(home.store.keys(SPACE.directory, 0)).toEqual([1, 3]);
  });

  describe('with a large message', () => {
    const large = (topic: string, letter: string, bytes: number): MemoryBody =>
      new MemoryBody(routed(topic, largeOf(letter, bytes).bytes));

    it('keeps its place in every queue, and is one of them in the end', () => {
      for (const name of ['one', 'two']) home.open({}, name);
      wanted = { a: ['one', 'two'], b: ['two'] };
      const queue = intake();
      const mark = queue.mark('west', 5);
      const body = large('a', 'x', 2_000_000);
      const token = home.putLarge(queue, body, mark, 1);
      const behind = home.put(queue, routed('a', messageOf('behind')), 0, mark, 2);
      const other = home.put(queue, routed('b', messageOf('other')), 0, mark, 3);
      const consumers = ['one', 'two'].map((name) => home.consume(home.open({}, name), 9));
      home.host.flush();
      home.store.settle();
      const again = home.putLarge(queue, body, mark, 1);
      expect([token, again, behind, other].map((put) => home.outcomes.get(put))).toEqual([
        undefined,
        undefined,
        OUTCOME.accepted,
        OUTCOME.accepted,
      ]);
      home.settle();
      expect([home.outcomes.get(token), home.outcomes.get(again), body.refs]).toEqual([undefined, OUTCOME.accepted, 1]);
      expect(consumers.map(({ texts }) => texts)).toEqual([
        ['large 2000000 of x', 'behind'],
        ['large 2000000 of x', 'behind', 'other'],
      ]);
      for (const consumer of consumers) for (const text of [...consumer.texts]) consumer.settle(text);
      home.settle();
      expect([SPACE.segments, SPACE.garbage].map((space) => home.store.keys(space, 0))).toEqual([[], []]);
    });

    it('is in all queues or in none after a failure or a crash', () => {
      for (const name of ['one', 'two']) home.open({}, name);
      wanted = { a: ['one', 'two'] };
      const token = home.putLarge(intake(), large('a', 'x', 2_000_000));
      home.host.flush();
      home.host.tick(0);
      home.store.fail();
      home.settle();
      expect([home.outcomes.get(token), depths('one', 'two')]).toEqual([OUTCOME.rejected, [0, 0]]);
      expect(home.store.keys(SPACE.segments, 0)).toEqual([]);
      const mark = intake().mark('west', 5);
      home.putLarge(intake(), large('a', 'x', 2_000_000), mark, 1);
      home.host.flush();
      home.host.tick(0);
      home.store.settle();
      home.crash();
      for (const name of ['one', 'two']) home.open({}, name);
      const again = home.putLarge(intake(), large('a', 'x', 2_000_000), intake().mark('west', 5), 1);
      home.settle();
      expect([home.outcomes.get(again), depths('one', 'two')]).toEqual([OUTCOME.accepted, [1, 1]]);
    });

    it('outlives a queue that is deleted meanwhile, and leaves nothing there', () => {
      for (const name of ['one', 'two']) home.open({}, name);
      wanted = { a: ['one', 'two'] };
      home.putLarge(intake(), large('a', 'x', 2_000_000));
      home.host.flush();
      home.host.delete('one');
      home.settle();
      expect(depths('two')).toEqual([1]);
      const consumer = home.consume(home.open({}, 'two'), 1);
      home.settle();
      consumer.settle('large 2000000 of x');
      home.settle();
      expect([SPACE.segments, SPACE.garbage].map((space) => home.store.keys(space, 0))).toEqual([[], []]);
    });
  });

  describe('in a transaction', () => {
    it('puts a message into all queues with all else, and the message once', () => {
      const queues = ['one', 'two', 'three'].map((name) => home.open({}, name));
      wanted = { a: ['one', 'two', 'three'] };
      const transaction = home.host.transaction();
      const small = routed('a', messageOf('text'.repeat(100)));
      transaction.put(intake(), small, 0, small.length, 0);
      const body = new MemoryBody(routed('a', largeOf('x', 1_000_000).bytes));
      transaction.putLarge(intake(), body, 0);
      const told: unknown[] = [];
      transaction.commit((error) => told.push(error));
      home.settle();
      expect([told, body.refs, depths('one', 'two', 'three')]).toEqual([[null], 1, [2, 2, 2]]);
      expect([SPACE.payloads, SPACE.segments, SPACE.garbage].map((space) => home.store.keys(space, 0).length)).toEqual([
        1, 31, 0,
      ]);
      for (const queue of queues) {
        const consumer = home.consume(queue, 2);
        home.settle();
        expect(consumer.texts).toEqual(['text'.repeat(100), 'large 1000000 of x']);
        for (const text of consumer.texts) consumer.settle(text);
        home.settle();
      }
      home.pass(100);
      expect([SPACE.payloads, SPACE.holders, SPACE.segments].map((space) => home.store.keys(space, 0))).toEqual([
        [],
        [],
        [],
      ]);
    });

    it('does nothing when one of the queues would refuse one of its messages, or its group fails', () => {
      home.open({}, 'one');
      home.open({ maxDepth: 2, overLimit: 'reject' }, 'two');
      wanted = { a: ['one', 'two'], b: ['one'] };
      const unit = (topics: readonly string[], large: boolean): { told: string | null | undefined } => {
        const transaction = home.host.transaction();
        const result: { told: string | null | undefined } = { told: undefined };
        for (const topic of topics) {
          const message = routed(topic, messageOf('text'.repeat(100)));
          transaction.put(intake(), message, 0, message.length, 0);
        }
        if (large) transaction.putLarge(intake(), new MemoryBody(routed('a', largeOf('x', 100_000).bytes)), 0);
        transaction.commit((error) => (result.told = error?.message ?? null));
        return result;
      };
      const refused = unit(['a', 'b', 'a', 'a'], false);
      home.settle();
      expect(refused.told).toContain('two: the queue is as full');
      const failed = unit(['a', 'b'], true);
      home.host.flush();
      home.host.tick(home.wall);
      home.store.fail();
      home.settle();
      expect(typeof failed.told).toBe('string');
      expect(depths('one', 'two')).toEqual([0, 0]);
      expect(
        [SPACE.payloads, SPACE.holders, SPACE.segments, SPACE.bodyHolders].map((s) => home.store.keys(s, 0)),
      ).toEqual([[], [], [], []]);
      const malformed = home.host.transaction();
      malformed.put(intake(), Buffer.from([0, 9]), 0, 2, 0);
      let told = '';
      malformed.commit((error) => (told = error?.message ?? ''));
      home.settle();
      expect(told).toContain('no AMQP message');
    });

    it('puts a large message into a queue in memory too, and nowhere when nobody wants it', () => {
      home.host.openTemporary('memory', home.open({}, 'one').policy);
      wanted = { a: ['memory'] };
      for (const topic of ['a', 'nobody']) {
        const transaction = home.host.transaction();
        transaction.putLarge(intake(), new MemoryBody(routed(topic, largeOf('x', 100_000).bytes)), 0);
        transaction.commit(() => undefined);
        home.settle();
      }
      const consumer = home.consume(home.host.find('memory') as Queue, 2);
      home.settle();
      expect(consumer.texts).toEqual(['large 100000 of x']);
      for (const text of consumer.texts) consumer.settle(text);
      home.pass(100);
      expect([SPACE.segments, SPACE.garbage].map((space) => home.store.keys(space, 0))).toEqual([[], []]);
    });
  });
});

describe('a consumer that takes over', () => {
  it('ends the others, which have failed, and is ended by the next', () => {
    const home = new Home();
    const queue = home.open();
    home.put(queue, 'a');
    home.settle();
    const older = home.consume(queue, 1, { exclusive: 'takeOver' });
    home.settle();
    const browser = home.consume(queue, 0, { browse: true });
    const newer = home.consume(queue, 1, { exclusive: 'takeOver', client: 'newer' });
    home.settle();
    expect([older.gone, newer.deliveries.map(({ text, count }) => [text, count])]).toEqual([
      'FL_QUEUE_STOLEN',
      [['a', 1]],
    ]);
    expect([browser.gone, queue.view().consumers]).toEqual([null, 2]);
    expect(() => home.consume(queue, 1)).toThrow('exclusive');
    home.consume(queue, 0, { exclusive: 'takeOver' });
    expect(newer.gone).toBe('FL_QUEUE_STOLEN');
  });
});
