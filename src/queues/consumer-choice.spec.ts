import { AmqpMap, sym } from '../amqp/codec/values';
import { encodeValue } from '../amqp/codec/encoder';
import { OUTCOME } from '../streams/contract';
import { Home, messageOf } from './queues.fixture';

describe('a queue', () => {
  let home: Home;
  beforeEach(() => (home = new Home()));

  it('gives a message that is undeliverable here to others only', () => {
    const queue = home.open();
    const one = home.consume(queue, 10);
    home.put(queue, 'a');
    home.settle();
    one.settle('a', OUTCOME.modifiedHere);
    home.put(queue, 'b');
    home.settle();
    expect(one.texts).toEqual(['b']);
    expect(one.link.idle).toBe(true);
    const two = home.consume(queue, 10);
    home.settle();
    expect(two.texts).toEqual(['a']);
  });

  it('keeps the annotations that a consumer adds, over a crash too', () => {
    const queue = home.open();
    const consumer = home.consume(queue, 1);
    home.put(queue, messageOf('a', { annotations: new AmqpMap([[sym('x-opt-one'), 'kept']]) }));
    home.settle();
    const fields = encodeValue(
      new AmqpMap([
        [sym('x-opt-two'), 'new'],
        [sym('x-opt-three'), true],
      ]),
    );
    consumer.settle('a', OUTCOME.modifiedFailed, { fields });
    home.settle();
    home.crash();
    const again = home.consume(home.open(), 1);
    home.settle();
    const { messageAnnotations } = again.deliveries[0]?.message ?? {};
    expect(['x-opt-one', 'x-opt-two', 'x-opt-three'].map((name) => messageAnnotations?.named(name))).toEqual([
      'kept',
      'new',
      true,
    ]);
    again.settle('a');
    home.settle();
    expect(home.host.find('q')?.view().bytes).toBe(0);
  });

  it('refuses a second exclusive consumer, and lets browsers look', () => {
    const queue = home.open({ exclusive: true });
    const one = home.consume(queue, 1);
    expect(() => home.consume(queue, 1)).toThrow('exclusive');
    home.consume(queue, 1, { browse: true });
    one.link.close(false);
    home.consume(queue, 1, { exclusive: true });
    expect(() => home.consume(home.open({ exclusive: false }), 1)).toThrow('exclusive');
  });

  it('gives near consumers the preference where the rule says so', () => {
    const queue = home.open({ locality: 'prefer' });
    const far = home.consume(queue, 10, { near: false });
    const near = home.consume(queue, 2);
    for (const text of ['a', 'b', 'c']) home.put(queue, text);
    home.settle();
    expect([near.texts, far.texts]).toEqual([['a', 'b'], ['c']]);
  });

  it('does not give a consumer what its own client has published', () => {
    const queue = home.open();
    const own = home.consume(queue, 10, { notFrom: 7 });
    home.put(queue, 'mine', 7);
    home.put(queue, 'theirs', 8);
    home.settle();
    expect(own.texts).toEqual(['theirs']);
    expect(own.link.idle).toBe(true);
    const other = home.consume(queue, 10);
    home.settle();
    expect(other.texts).toEqual(['mine']);
  });

  it('keeps a message group with one consumer until that goes', () => {
    const queue = home.open();
    const one = home.consume(queue, 2);
    const two = home.consume(queue, 10);
    const put = (text: string, groupId: string): number =>
      home.put(queue, messageOf(text, { properties: { groupId } }));
    put('a1', 'a');
    put('b1', 'b');
    put('a2', 'a');
    put('a3', 'a');
    put('b2', 'b');
    home.settle();
    expect([one.texts, two.texts]).toEqual([
      ['a1', 'a2'],
      ['b1', 'b2'],
    ]);
    one.link.close(false);
    home.settle();
    expect(two.texts).toEqual(['b1', 'b2', 'a1', 'a2', 'a3']);
  });
});
