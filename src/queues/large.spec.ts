import { AmqpMap, sym } from '../amqp/codec/values';
import { encodeValue } from '../amqp/codec/encoder';
import { OUTCOME } from '../streams/contract';
import { CONSUMER, Home, largeOf, type MessageParts } from './queues.fixture';
import { SPACE } from './spaces';

const MIB = 1024 * 1024;

describe('a selector', () => {
  it.each(['on the disk', 'in memory'])(
    'sees the beginning of a large message %s, and what is larger than that not',
    (where) => {
      const home = new Home({}, 2);
      const queue = where === 'in memory' ? home.host.openTemporary('q', home.open({}, 'other').policy) : home.open();
      const colour = (name: string, padding: number): MessageParts => ({
        properties: { subject: name },
        application: new AmqpMap([
          ['padding', '-'.repeat(padding)],
          ['colour', name],
        ]),
      });
      home.putLarge(queue, largeOf('a', 100_000, colour('red', 10)));
      home.putLarge(queue, largeOf('b', 100_000, colour('blue', 10)));
      home.putLarge(queue, largeOf('c', 100_000, colour('red', 40_000)));
      home.putLarge(queue, largeOf('d', 100_000, colour('red', 20_000)));
      home.settle();
      const red = home.consume(queue, 9, { selector: "colour = 'red'" });
      const browser = home.consume(queue, 9, { selector: "JMSType = 'blue'", browse: true });
      home.settle();
      expect(red.texts).toEqual(['large 100000 of a', 'large 100000 of d']);
      expect(browser.texts).toEqual(['large 100000 of b']);
    },
  );

  it('passes no large message while the store cannot be read, and closes a queue of which a part is gone', () => {
    const home = new Home({}, 2);
    const queue = home.open();
    home.putLarge(queue, largeOf('a', 100_000, { properties: { subject: 'red' } }));
    home.settle();
    home.store.setState('failed');
    const consumer = home.consume(queue, 1, { selector: "JMSType = 'red'" });
    home.settle();
    expect(consumer.texts).toEqual([]);
    home.store.setState('ok');
    home.settle();
    expect(consumer.texts).toEqual(['large 100000 of a']);
    consumer.settle('large 100000 of a', OUTCOME.released);
    home.store.delete(SPACE.segments, 0, home.store.keys(SPACE.segments, 0)[0] ?? 0);
    home.store.commit({ done: () => undefined });
    home.store.settle();
    home.consume(queue, 1, { selector: "JMSType = 'blue'" });
    home.settle();
    expect(consumer.gone).toBe('FL_QUEUE_DAMAGED');
  });
});

describe('a large message', () => {
  let home: Home;
  beforeEach(() => (home = new Home()));

  it('is stored in parts over several turns, accepted at their end, and delivered byte for byte', () => {
    const queue = home.open();
    const consumer = home.consume(queue, 10);
    const body = largeOf('x', 3 * MIB);
    const token = home.putLarge(queue, body);
    home.host.flush();
    home.host.tick(0);
    home.store.settle();
    expect([home.outcomes.get(token), consumer.texts]).toEqual([undefined, []]);
    home.settle();
    expect([home.outcomes.get(token), consumer.texts]).toEqual([OUTCOME.accepted, [`large ${3 * MIB} of x`]]);
    expect(body.refs).toBe(1);
    consumer.settle(`large ${3 * MIB} of x`);
    home.settle();
    expect([queue.view().depth, queue.view().bytes]).toEqual([0, 0]);
    expect(home.store.keys(SPACE.segments, 0)).toEqual([]);
    expect(home.store.keys(SPACE.garbage, 0)).toEqual([]);
  });

  it('keeps its place before what was put behind it', () => {
    const queue = home.open();
    const consumer = home.consume(queue, 10);
    home.put(queue, 'before');
    home.putLarge(queue, largeOf('x', 2 * MIB));
    const token = home.put(queue, 'behind');
    home.putLarge(queue, largeOf('y', MIB));
    home.put(queue, 'last');
    home.host.flush();
    home.store.settle();
    expect([home.outcomes.get(token), consumer.texts]).toEqual([OUTCOME.accepted, ['before']]);
    expect(consumer.link.idle).toBe(false);
    home.settle();
    expect(consumer.texts).toEqual(['before', `large ${2 * MIB} of x`, 'behind', `large ${MIB} of y`, 'last']);
  });

  it('leaves nothing when it is half stored at a crash', () => {
    const queue = home.open();
    home.putLarge(queue, largeOf('x', 4 * MIB));
    home.host.flush();
    for (let turns = 0; turns < 3; turns++) {
      home.host.tick(0);
      home.store.settle();
    }
    expect(home.store.keys(SPACE.segments, 0).length).toBeGreaterThan(20);
    home.crash();
    const again = home.open();
    home.settle();
    expect(home.store.keys(SPACE.segments, 0)).toEqual([]);
    expect(home.store.keys(SPACE.garbage, 0)).toEqual([]);
    expect(again.view()).toMatchObject({ depth: 0, bytes: 0 });
  });

  it('comes again after a crash, with its count and the annotations it was given', () => {
    const queue = home.open();
    const consumer = home.consume(queue, 1);
    home.putLarge(queue, largeOf('x', MIB, { header: { durable: true } }));
    home.settle();
    const fields = encodeValue(new AmqpMap([[sym('x-opt-note'), 'seen']]));
    consumer.settle(`large ${MIB} of x`, OUTCOME.modifiedFailed, { fields });
    home.settle();
    home.crash();
    const again = home.consume(home.open(), 1);
    home.settle();
    const [delivery] = again.deliveries;
    expect([delivery?.text, delivery?.count]).toEqual([`large ${MIB} of x`, 1]);
    expect(delivery?.message.header?.durable).toBe(true);
    expect(delivery?.message.messageAnnotations?.named('x-opt-note')).toBe('seen');
  });

  it('is refused when its parts cannot be written, and nothing of it is left', () => {
    const queue = home.open();
    const consumer = home.consume(queue, 5);
    const body = largeOf('x', 2 * MIB);
    const mark = queue.mark('west', 1);
    const token = home.putLarge(queue, body, mark, 1);
    home.put(queue, 'behind');
    home.host.flush();
    home.store.settle();
    home.host.tick(0);
    home.store.fail();
    home.settle();
    expect([home.outcomes.get(token), body.refs, consumer.texts]).toEqual([OUTCOME.rejected, 1, ['behind']]);
    expect(home.store.keys(SPACE.segments, 0)).toEqual([]);
    const repeated = home.putLarge(queue, body, mark, 1);
    home.settle();
    expect(home.outcomes.get(repeated)).toBe(OUTCOME.rejected);
  });

  it('moves to the dead letters with its reason, without another copy', () => {
    const dlq = home.open({}, 'dlq');
    const queue = home.open({ deadLetter: 'queue/dlq' });
    const consumer = home.consume(queue, 1);
    home.putLarge(queue, largeOf('x', MIB));
    home.settle();
    consumer.settle(`large ${MIB} of x`, OUTCOME.rejected);
    home.settle();
    const segments = home.store.keys(SPACE.segments, 0).length;
    const reader = home.consume(dlq, 1);
    home.settle();
    expect([reader.texts, segments]).toEqual([[`large ${MIB} of x`], 33]);
    expect(reader.deliveries[0]?.message.messageAnnotations?.named('x-opt-fairlead-dead-reason')).toBe('rejected');
    reader.settle(`large ${MIB} of x`);
    home.settle();
    expect([home.store.keys(SPACE.segments, 0), dlq.view().bytes]).toEqual([[], 0]);
  });

  it('goes to the dead letters without what says that its time is over', () => {
    const dlq = home.open({}, 'dlq');
    const queue = home.open({ deadLetter: 'queue/dlq' });
    home.putLarge(
      queue,
      largeOf('x', MIB, { header: { ttl: 5 }, properties: { to: 'q', absoluteExpiryTime: new Date(home.wall + 5) } }),
    );
    home.settle();
    home.pass(5_000);
    const reader = home.consume(dlq, 1);
    home.settle();
    const { header, properties } = reader.deliveries[0]?.message ?? {};
    expect([header?.ttl, properties]).toEqual([undefined, { to: 'q' }]);
  });

  it('lives in memory in a temporary queue', () => {
    const queue = home.host.openTemporary('t', home.open().policy);
    const consumer = home.consume(queue, 1);
    const body = largeOf('x', MIB);
    home.putLarge(queue, body);
    home.host.flush();
    expect([consumer.texts, body.refs]).toEqual([[`large ${MIB} of x`], 2]);
    consumer.settle(`large ${MIB} of x`, OUTCOME.modifiedFailed);
    consumer.more(1);
    home.host.flush();
    expect(consumer.deliveries[0]?.count).toBe(1);
    consumer.settle(`large ${MIB} of x`);
    home.host.flush();
    expect(body.refs).toBe(1);
  });

  it('stays readable for who reads it still when it is removed', () => {
    const queue = home.open();
    home.putLarge(queue, largeOf('x', MIB));
    home.settle();
    let kept: { read(offset: number, target: Buffer): number; release(): void } | null = null;
    const link = queue.consume(
      { ...CONSUMER, settled: true },
      {
        credit: () => 1,
        deliver: () => undefined,
        deliverLarge: (_token, body) => {
          body.retain();
          kept = body;
        },
        onSettled: () => undefined,
        onGone: () => undefined,
      },
    );
    link.pump();
    home.settle();
    expect(queue.view().depth).toBe(0);
    const part = Buffer.alloc(10);
    expect(kept!.read(MIB - 100, part)).toBe(10);
    expect(part.toString()).toBe('xxxxxxxxxx');
    kept!.release();
    home.settle();
    expect(home.store.keys(SPACE.segments, 0)).toEqual([]);
  });
});
