import { AmqpMap, sym } from '../amqp/codec/values';
import type { Queue } from './contract';
import { copy, detach, POLICY, texts } from './moving.fixture';
import { Home, largeOf, messageOf } from './queues.fixture';
import { SPACE } from './spaces';

describe('queues that become one', () => {
  function merged(crashAfter = Infinity): string[] {
    const one = new Home({}, 4);
    const [loser, winner] = [one.open({}, 'loser'), one.open({}, 'q')];
    for (let n = 0; n < 20; n++) {
      one.put(winner, `w${n}`);
      one.put(loser, `l${n}`);
    }
    one.put(loser, messageOf('late', { annotations: new AmqpMap([[sym('x-opt-delivery-delay'), 5_000]]) }));
    one.putLarge(loser, largeOf('a', 70_000));
    one.settle();
    let over = false;
    one.host.moves.merge(loser, winner, (error) => (over = error === null));
    for (let step = 0; !over; step++) {
      one.host.tick(one.wall);
      if (step === crashAfter) {
        one.crash(step % 2);
        const again = one.open({}, 'q');
        one.host.moves.merge(one.open({}, 'loser'), again, (error) => (over = error === null));
      }
      one.store.step(1);
    }
    expect(one.open({}, 'loser').view().depth).toBe(0);
    one.host.delete('loser');
    one.pass(6_000);
    return texts(one, one.open({}, 'q'));
  }

  it('share nothing any more that they had in common with others', () => {
    const one = new Home();
    const [loser, other, winner] = ['loser', 'other', 'q'].map((name) => one.open({}, name)) as [Queue, Queue, Queue];
    const intake = one.host.intake('in', () => [loser, other]);
    const topic = Buffer.from('t');
    const head = Buffer.from([0, topic.length, ...topic]);
    const text = 'x'.repeat(200);
    const late = new AmqpMap([[sym('x-opt-delivery-delay'), 1_000]]);
    for (const message of [messageOf(text), messageOf(text, { annotations: late })])
      one.put(intake, Buffer.concat([head, message]));
    one.settle();
    const over: (Error | null)[] = [];
    one.host.moves.merge(loser, winner, (error) => over.push(error));
    one.settle();
    expect(over).toEqual([null]);
    one.pass(2_000);
    for (const queue of [other, winner]) {
      const consumer = one.consume(queue, 10);
      one.settle();
      expect(consumer.texts).toEqual([text, text]);
      for (let n = 0; n < 2; n++) consumer.settle(text);
    }
    one.pass(1_000);
    expect([...one.store.keys(SPACE.payloads, 0), ...one.store.keys(SPACE.holders, 0)]).toEqual([]);
  });

  it('hold what both had, in order, whenever a crash comes', () => {
    const all = [
      ...Array.from({ length: 20 }, (_, n) => `w${n}`),
      ...Array.from({ length: 20 }, (_, n) => `l${n}`),
      'large 70000 of a',
      'late',
    ];
    for (const crash of [Infinity, 0, 1, 2, 3]) expect(merged(crash)).toEqual(all);
  });

  const withId = (id: string): Buffer => messageOf(id, { properties: { messageId: id } });

  /** A loser that has `l` and `both`, and has let `gone` go, and a winner that has `w` and `both`, on the way to be one. */
  function joining(): { readonly one: Home; readonly two: Home; readonly into: Queue } {
    const [one, two] = [new Home({}, 4), new Home({}, 4)];
    const from = one.open(POLICY);
    const into = two.open(POLICY);
    one.put(from, withId('gone'));
    one.settle();
    const consumer = one.consume(from, 1);
    one.settle();
    consumer.settle('gone');
    for (const id of ['l', 'both']) one.put(from, withId(id));
    for (const id of ['w', 'both']) two.put(into, withId(id));
    for (const each of [one, two]) each.settle();
    detach(one);
    const staged = copy(one, two);
    two.host.moves.mergeMarks(staged, into);
    staged.adopt('loser', () => undefined);
    return { one, two, into };
  }

  it.each(['at once', 'after a group has failed', 'after a crash'])('know each id that either has seen, %s', (when) => {
    const { two, into: before } = joining();
    two.host.flush();
    if (when === 'after a group has failed') two.store.fail();
    two.settle();
    if (when === 'after a crash') two.crash();
    const into = when === 'after a crash' ? two.open(POLICY) : before;
    let over = false;
    two.host.moves.merge(two.open(POLICY, 'loser'), into, (error) => (over = error === null));
    for (let turn = 0; !over && turn < 50; turn++) {
      two.host.tick(two.wall);
      two.settle();
    }
    for (const id of ['gone', 'l', 'both', 'w', 'new']) two.put(into, withId(id));
    two.settle();
    // What both have taken under one id is one message.
    expect(texts(two, into)).toEqual(['w', 'both', 'l', 'new']);
  });
});
