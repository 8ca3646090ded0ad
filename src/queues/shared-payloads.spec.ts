import { AmqpMap } from '../amqp/codec/values';
import { OUTCOME } from '../streams/contract';
import type { Queue, QueuePolicy } from './contract';
import { Home, largeOf, MemoryBody, messageOf, routed, type TestConsumer } from './queues.fixture';
import { isReference } from './record';
import { ReferenceRecount } from './reference-recount';
import { SharedPayloads } from './shared-payloads';
import { QUEUE_SPACES, SPACE } from './spaces';

const SHARED = [SPACE.payloads, SPACE.holders, SPACE.bodyHolders, SPACE.segments, SPACE.garbage];

function textOf(text: string, bytes = 1_000): Buffer {
  return messageOf(text, {
    application: new AmqpMap([
      ['padding', '-'.repeat(bytes)],
      ['colour', text],
    ]),
  });
}

describe('a message of several queues', () => {
  let home: Home;
  let names: string[];
  beforeEach(() => {
    home = new Home();
    names = [];
  });

  const intake = (): Queue => home.host.intake('in', () => names.map((name) => home.host.find(name) as Queue));
  const open = (count: number, policy: Partial<QueuePolicy> = {}): Queue[] => {
    names = Array.from({ length: count }, (_, at) => `q${at}`);
    return names.map((name) => home.open(policy, name));
  };
  const put = (text: string, bytes?: number): void => void home.put(intake(), routed('t', textOf(text, bytes)), 7);
  const left = (): number[] => SHARED.map((space) => home.store.keys(space, 0).length);
  const acceptAll = (consumer: TestConsumer): void => {
    while (consumer.deliveries.length > 0) consumer.settle(consumer.deliveries[0]?.text ?? '');
    home.settle();
  };
  const problems = (): string[] => {
    const recount = new ReferenceRecount();
    for (const space of Object.values(SPACE))
      for (let queue = 0; queue < 60; queue++)
        for (const key of home.store.keys(space, queue))
          recount.add(space, key, home.store.get(space, queue, key) as Buffer);
    return [...recount.problems()];
  };

  it('takes about the room of one, and is gone with the last of them', () => {
    const queues = open(50);
    put('a', 10_240);
    home.settle();
    let bytes = 0;
    for (const space of Object.values(SPACE))
      for (let queue = 0; queue <= 51; queue++)
        for (const key of home.store.keys(space, queue)) bytes += home.store.get(space, queue, key)?.length ?? 0;
    // Each queue has a reference, and its own record of 57 bytes and name.
    expect(bytes).toBeLessThan(10_240 + 50 * 120 + 500);
    expect(queues.map((queue) => queue.view().bytes)).toEqual(queues.map(() => queues[0]?.view().bytes ?? 0));
    expect(queues[0]?.view().bytes).toBeGreaterThan(10_240);
    for (const queue of queues) {
      const consumer = home.consume(queue, 1);
      home.settle();
      expect([consumer.texts, left()[0]]).toEqual([['a'], 1]);
      acceptAll(consumer);
    }
    home.pass(100);
    expect(left()).toEqual([0, 0, 0, 0, 0]);
  });

  it('is a record of its own where it is small, or where one queue alone has it', () => {
    open(3);
    put('small', 10);
    names = ['q0'];
    put('alone');
    home.settle();
    expect(left()).toEqual([0, 0, 0, 0, 0]);
    expect(['q0', 'q1', 'q2'].map((name) => home.host.find(name)?.view().depth)).toEqual([2, 1, 1]);
  });

  it('is read from the disk after a restart, with its selector and the count of its deliveries', () => {
    const [queue] = open(3, { retryMs: 0 });
    put('red');
    put('blue');
    home.settle();
    const first = home.consume(queue as Queue, 1);
    home.settle();
    first.settle('red', OUTCOME.modifiedFailed);
    home.settle();
    first.link.close(true);
    home.settle();
    expect(
      home.host
        .find('q0')
        ?.peek(9, 0)
        .map(({ deliveryCount, bytes }) => [deliveryCount, bytes > 1_000]),
    ).toEqual([
      [1, true],
      [0, true],
    ]);
    home.crash();
    const queues = open(3);
    const one = home.consume(queues[0] as Queue, 5, { selector: "colour = 'red'" });
    const other = home.consume(queues[1] as Queue, 5);
    const own = home.consume(queues[2] as Queue, 5, { notFrom: 7 });
    home.settle();
    expect([one.deliveries.map(({ text, count }) => [text, count]), other.texts, own.texts]).toEqual([
      [['red', 1]],
      ['red', 'blue'],
      [],
    ]);
    expect(problems()).toEqual([]);
  });

  it('is one of its own when a consumer changes it, and a copy where it is dead', () => {
    const queues = open(2, { deadLetter: 'queue/dead' });
    const dead = home.open({}, 'dead');
    put('a');
    home.settle();
    const [one, other] = queues.map((queue) => home.consume(queue, 1)) as [TestConsumer, TestConsumer];
    home.settle();
    const fields = Buffer.from([0xc1, 7, 2, 0xa3, 3, 0x78, 0x2d, 0x61, 0x41]);
    one.settle('a', OUTCOME.modified, { fields });
    home.settle();
    expect([left()[0], problems()]).toEqual([1, []]);
    other.settle('a', OUTCOME.rejected);
    home.settle();
    expect([left()[0], dead.view().depth]).toEqual([0, 1]);
    one.more(1);
    home.settle();
    expect(one.deliveries[0]?.message.messageAnnotations?.named('x-a')).toBe(true);
    // Beside the message: a head, and its topic.
    expect(queues[0]?.view().bytes).toBe(14 + 3 + (home.host.find('q0')?.peek(1, 0)[0]?.bytes ?? 0));
  });

  it.each([
    ['purged', (queue: Queue) => queue.purge(() => undefined)],
    ['deleted', (queue: Queue) => home.host.delete(queue.name)],
    ['moved', (queue: Queue) => queue.move('queue/other', 9, () => undefined)],
    ['dropped', (queue: Queue) => queue.setPolicy({ ...queue.policy, maxDepth: 0, overLimit: 'dropOldest' })],
  ])('is released when it is %s, also when the group fails', (_how, act) => {
    home.open({}, 'other');
    const queues = open(2);
    put('a');
    put('b');
    home.settle();
    act(queues[0] as Queue);
    home.host.tick(home.wall);
    if (home.host.find('q0') !== null) home.consume(queues[0] as Queue, 0).link.pump();
    home.host.tick(home.wall + 20);
    home.store.fail();
    home.pass(100);
    expect([left().slice(0, 2), problems()]).toEqual([[2, 2], []]);
    const consumer = home.consume(queues[1] as Queue, 2);
    home.settle();
    acceptAll(consumer);
    home.pass(100);
    expect(left()).toEqual([0, 0, 0, 0, 0]);
  });

  it('expires in each queue by its own rule', () => {
    home.open({ ttlMs: 5_000 }, 'q0');
    names = ['q0', 'q1'];
    home.open({ ttlMs: 60_000 }, 'q1');
    put('a');
    home.settle();
    home.pass(10_000);
    expect([home.host.find('q0')?.view().expired, home.host.find('q1')?.view().depth]).toEqual([1, 1]);
    expect([left()[0], problems()]).toEqual([1, []]);
    home.pass(60_000);
    expect(left()).toEqual([0, 0, 0, 0, 0]);
  });

  it('waits for its time, and for its dead-letter address, as a reference', () => {
    const queues = open(2, { deadLetter: 'topic/dead', maxDeliveries: 2, retryMs: 1_000 });
    put('a');
    home.settle();
    const consumer = home.consume(queues[0] as Queue, 1);
    home.settle();
    consumer.settle('a', OUTCOME.modifiedFailed);
    home.settle();
    expect(home.store.get(SPACE.delayed, 1, home.store.keys(SPACE.delayed, 1)[0] ?? 0)?.length).toBe(38);
    consumer.left = 1;
    home.pass(2_000);
    consumer.settle('a', OUTCOME.modifiedFailed);
    home.settle();
    expect(home.store.get(SPACE.dead, 1, home.store.keys(SPACE.dead, 1)[0] ?? 0)?.length).toBe(25);
    expect(home.forwarded.map(({ message }) => message.body)).toEqual([{ kind: 'value', value: 'a' }]);
    home.forwarded[0]?.done(OUTCOME.accepted);
    home.settle();
    expect([left()[1], problems()]).toEqual([1, []]);
  });

  it('is as before when the transaction fails that took the last of it', () => {
    const queues = open(2);
    put('a');
    home.settle();
    const [one, other] = queues.map((queue) => home.consume(queue, 1)) as [TestConsumer, TestConsumer];
    home.settle();
    acceptAll(one);
    home.pass(100);
    const transaction = home.host.transaction();
    transaction.settle(other.link, other.deliveries[0]?.token ?? -1, OUTCOME.accepted, null);
    transaction.commit(() => undefined);
    home.host.flush();
    home.store.fail();
    home.settle();
    expect([left().slice(0, 2), problems()]).toEqual([[1, 1], []]);
    home.crash();
    const again = home.consume(home.open({}, 'q1'), 1);
    home.settle();
    expect(again.texts).toEqual(['a']);
  });

  it('closes the queues that have it when it is damaged, and stays when its count is', () => {
    const queues = open(2);
    put('a');
    home.settle();
    home.store.damage(SPACE.holders, 0, 1);
    home.crash();
    const again = home.consume(open(2)[0] as Queue, 1);
    home.settle();
    acceptAll(again);
    home.pass(100);
    expect(left()[0]).toBe(1);
    home.store.damage(SPACE.payloads, 0, 1);
    const consumer = home.consume(home.open({}, 'q1'), 1);
    home.settle();
    expect([consumer.gone, queues.length]).toEqual(['FL_QUEUE_DAMAGED', 2]);
  });

  it('is a whole record for whoever takes it elsewhere', () => {
    open(2);
    put('a');
    home.settle();
    const key = home.store.keys(SPACE.messages, 1)[0] ?? 0;
    const value = home.store.get(SPACE.messages, 1, key) as Buffer;
    const payloads = new SharedPayloads(home.store, () => undefined);
    const whole = payloads.resolve(SPACE.messages, value);
    expect([isReference(value), isReference(whole), whole.subarray(14)]).toEqual([
      true,
      false,
      routed('t', textOf('a')),
    ]);
    expect(payloads.resolve(SPACE.delayed, Buffer.concat([Buffer.alloc(14, 9), value])).subarray(14)).toEqual(whole);
    expect(QUEUE_SPACES.length).toBe(7);
  });

  it('has its parts once when it is large, until the last is gone', () => {
    const queues = open(10);
    const body = new MemoryBody(routed('t', largeOf('x', 1_000_000).bytes));
    home.putLarge(intake(), body);
    home.settle();
    expect([body.refs, left()]).toEqual([1, [0, 0, 1, 31, 0]]);
    for (const [at, queue] of queues.entries()) {
      const consumer = home.consume(queue, 1);
      home.settle();
      expect([consumer.texts, left()[3]]).toEqual([['large 1000000 of x'], 31]);
      if (at === 3) home.host.delete(queue.name);
      else acceptAll(consumer);
      expect(problems()).toEqual([]);
    }
    home.pass(100);
    expect(left()).toEqual([0, 0, 0, 0, 0]);
  });
});
