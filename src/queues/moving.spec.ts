import { AmqpMap, sym } from '../amqp/codec/values';
import { encodeValue } from '../amqp/codec/encoder';
import { OUTCOME } from '../streams/contract';
import { copy, detach, MOVED, POLICY, texts } from './moving.fixture';
import type { Queue } from './contract';
import { SPACE } from './spaces';
import { Home, largeOf, messageOf, type TestConsumer } from './queues.fixture';

function moved(from: Home, to: Home, name = 'q'): void {
  detach(from);
  copy(from, to).adopt(name, () => undefined);
  from.host.delete('q');
  from.settle();
  to.settle();
}

describe('a queue that moves to another host', () => {
  it('takes its messages along, in order, with all that is known of them', () => {
    const one = new Home({}, 4);
    const queue = one.open(POLICY);
    for (let n = 0; n < 30; n++) one.put(queue, messageOf(`m${n}`, { header: { priority: n % 3 === 0 ? 7 : 4 } }), n);
    const consumer = one.consume(queue, 2);
    one.settle();
    expect(consumer.texts).toEqual(['m0', 'm3']);
    consumer.settle('m0', OUTCOME.modifiedFailed, {
      fields: encodeValue(new AmqpMap([[sym('x-seen'), 'yes']])),
    });
    consumer.settle('m3', OUTCOME.released);
    consumer.link.close(false);
    one.put(queue, messageOf('late', { annotations: new AmqpMap([[sym('x-opt-delivery-delay'), 5_000]]) }));
    one.put(queue, messageOf('short', { header: { ttl: 3_000, priority: 0 } }));
    one.settle();
    const two = new Home({}, 4);
    two.wall = one.wall;
    moved(one, two);
    const there = two.open(POLICY);
    expect(there.view()).toMatchObject({ depth: 32, delayed: 1, ready: 31 });
    const gets = two.consume(there, 1_000);
    two.settle();
    const order = [0, 3, 6, 9, 12, 15, 18, 21, 24, 27];
    const rest = Array.from({ length: 30 }, (_, n) => n).filter((n) => n % 3 !== 0);
    expect(gets.texts).toEqual([...order, ...rest].map((n) => `m${n}`).concat('short'));
    expect(gets.deliveries[0]?.count).toBe(1);
    expect(gets.deliveries[0]?.message.messageAnnotations?.named('x-seen')).toBe('yes');
    // What was given back uncounted is marked, as it is where it was.
    expect(gets.deliveries[1]?.count).toBe(1);
    expect(gets.deliveries.slice(2).every(({ count }) => count === 0)).toBe(true);
    two.pass(5_000);
    expect(gets.texts.at(-1)).toBe('late');
    expect(one.host.stored).toEqual([]);
  });

  it.each(['moves', 'is merged'] as const)('says there too who must not have a message again: %s', (how) => {
    const one = new Home();
    const queue = one.open();
    one.put(queue, 'a');
    const consumer = one.consume(queue, 1, { endpoint: 7 });
    one.settle();
    consumer.settle('a', OUTCOME.modifiedHere);
    one.settle();
    const two = how === 'moves' ? new Home() : one;
    const name = how === 'moves' ? 'q' : 'other';
    const there = two.open({}, name);
    if (how === 'moves') {
      two.host.delete('q');
      two.settle();
      moved(one, two);
    } else {
      consumer.link.close(false);
      two.put(there, 'before');
      two.settle();
      one.host.moves.merge(queue, there, (error) => expect(error).toBeNull());
      one.settle();
    }
    const now = two.open({}, name);
    const again = two.consume(now, 10, { endpoint: 7 });
    two.settle();
    expect(again.texts).toEqual(how === 'moves' ? [] : ['before']);
    again.link.close(false);
    expect(texts(two, now)).toContain('a');
  });

  it('is all that its old host had on the disk', () => {
    const one = new Home();
    const before = one.store.records;
    const queue = one.open(POLICY);
    for (let n = 0; n < 10; n++) one.put(queue, `m${n}`);
    one.putLarge(queue, largeOf('a', 100_000));
    one.settle();
    moved(one, new Home());
    one.pass(1_000);
    expect(one.store.records).toBe(before);
  });

  it('takes along whole what others here have too', () => {
    const one = new Home();
    const both = [one.open({}, 'q'), one.open({}, 'other')] as const;
    const intake = one.host.intake('in', () => both);
    const texts3 = ['a', 'b', 'c'].map((letter) => letter.repeat(200));
    for (const text of texts3) one.put(intake, Buffer.concat([Buffer.from([0, 1, 0x74]), messageOf(text)]));
    one.settle();
    expect(one.store.keys(SPACE.payloads, 0)).toHaveLength(3);
    const two = new Home();
    moved(one, two);
    const there = two.open();
    const consumer = two.consume(there, 10);
    two.settle();
    expect(consumer.texts).toEqual(texts3);
    for (const text of texts3) consumer.settle(text);
    two.settle();
    expect(there.view()).toMatchObject({ state: 'open', depth: 0, bytes: 0 });
    expect(texts(one, one.open({}, 'other'))).toEqual(texts3);
  });

  it('takes large messages along, with their parts', () => {
    const one = new Home();
    const queue = one.open();
    for (const letter of 'abc') {
      one.putLarge(queue, largeOf(letter, 70_000));
      one.put(queue, letter);
    }
    one.settle();
    const two = new Home();
    two.putLarge(two.open({}, 'other'), largeOf('x', 90_000));
    two.settle();
    moved(one, two);
    expect(texts(two, two.open())).toEqual(['large 70000 of a', 'a', 'large 70000 of b', 'b', 'large 70000 of c', 'c']);
    expect(texts(two, two.open({}, 'other'))).toEqual(['large 90000 of x']);
  });

  it('answers there what was put before as it was answered then', () => {
    const one = new Home();
    const queue = one.open({ ...POLICY, maxDepth: 2 });
    const mark = queue.mark('x', 7);
    for (let seq = 1; seq <= 4; seq++) one.put(queue, messageOf(`m${seq}`), 0, mark, seq);
    one.settle();
    const two = new Home();
    moved(one, two);
    const there = two.open(POLICY);
    const again = there.mark('x', 7);
    const tokens = [1, 2, 3, 4, 5].map((seq) => two.put(there, messageOf(`m${seq}`), 0, again, seq));
    two.settle();
    const { accepted, rejected } = OUTCOME;
    expect(tokens.map((token) => two.outcomes.get(token))).toEqual([accepted, accepted, rejected, rejected, accepted]);
    expect(texts(two, there)).toEqual(['m1', 'm2', 'm5']);
  });

  it('knows there what came within the duplicate window', () => {
    const one = new Home();
    const message = (text: string): Buffer => messageOf(text, { properties: { messageId: 'same' } });
    const queue = one.open(POLICY);
    one.put(queue, message('first'));
    one.settle();
    const two = new Home();
    two.wall = one.wall;
    moved(one, two);
    two.put(two.open(POLICY), message('second'));
    two.settle();
    expect(texts(two, two.open(POLICY))).toEqual(['first']);
  });

  it('says of what a consumer held that it was delivered, and tells it', () => {
    const one = new Home();
    const queue = one.open();
    one.put(queue, 'm');
    const holder = one.consume(queue, 1);
    one.settle();
    const two = new Home();
    moved(one, two);
    expect(holder.gone).toBe('FL_QUEUE_MOVED');
    const gets = two.consume(two.open(), 1);
    two.settle();
    expect(gets.deliveries.map(({ text, count }) => [text, count])).toEqual([['m', 1]]);
  });

  it('gives nothing more to consumers while it is paused, and goes on', () => {
    const home = new Home();
    const queue = home.open();
    const consumer: TestConsumer = home.consume(queue, 10);
    home.host.moves.pause('q', true);
    home.put(queue, 'm');
    home.settle();
    expect(consumer.texts).toEqual([]);
    expect(consumer.link.idle).toBe(true);
    home.host.moves.pause('q', false);
    home.settle();
    expect(consumer.texts).toEqual(['m']);
  });

  it('is served again where it was, when nothing comes of it', () => {
    const home = new Home();
    const queue = home.open();
    home.put(queue, 'a');
    home.put(queue, 'b');
    home.settle();
    detach(home);
    expect(home.host.find('q')).toBeNull();
    expect(texts(home, home.open())).toEqual(['a', 'b']);
  });

  it('is not taken for one of its name that is made once it was deleted', () => {
    const home = new Home();
    home.open({}, 'p');
    home.open({}, 'q');
    home.settle();
    // In one turn both have left; what the first one's end brings about comes before the other one's.
    const madeAgain: Queue[] = [];
    home.host.moves.detach('p', MOVED, () => {
      home.host.delete('q');
      madeAgain.push(home.open({}, 'q'));
    });
    home.host.moves.detach('q', MOVED, () => undefined);
    home.settle();
    expect(madeAgain).toHaveLength(1);
    expect(home.host.find('q')).toBe(madeAgain[0]);
  });

  it('waits for what is on its way to the disk', () => {
    const home = new Home();
    const queue = home.open();
    home.putLarge(queue, largeOf('a', 2_000_000));
    const token = home.put(queue, 'b');
    home.host.moves.detach('q', MOVED, () => home.events.push('detached'));
    home.host.flush();
    expect(home.events).not.toContain('detached');
    home.settle();
    expect(home.events).toContain('detached');
    expect(home.outcomes.get(token)).toBe(OUTCOME.accepted);
  });

  it('comes through a disk that fails meanwhile', () => {
    const home = new Home();
    const queue = home.open();
    home.put(queue, 'a');
    home.settle();
    const consumer = home.consume(queue, 1);
    home.settle();
    consumer.settle('a');
    home.host.moves.detach('q', MOVED, () => home.events.push('detached'));
    home.host.tick(home.wall);
    home.store.fail();
    expect(home.events).not.toContain('detached');
    home.settle();
    expect(home.events).toContain('detached');
    expect(texts(home, home.open())).toEqual([]);
  });
});

describe('a queue that is being copied', () => {
  it('leaves nothing behind when it is not adopted, whether by a crash or not', () => {
    const one = new Home();
    const queue = one.open();
    for (let n = 0; n < 100; n++) one.put(queue, `m${n}`);
    one.putLarge(queue, largeOf('a', 100_000));
    one.settle();
    detach(one);
    for (const end of ['crash', 'discard']) {
      const two = new Home();
      const before = two.store.records;
      const staged = copy(one, two);
      expect(two.store.records).toBeGreaterThan(100);
      if (end === 'crash') two.crash();
      else staged.discard();
      two.pass(1_000);
      expect(two.store.records).toBe(before);
      expect(two.host.stored).toEqual([]);
    }
  });

  it('is there as a whole or not at all, whatever of the last group a crash leaves', () => {
    const one = new Home();
    const queue = one.open();
    one.put(queue, 'm');
    one.settle();
    detach(one);
    for (const untold of [0, 1]) {
      const two = new Home();
      const staged = copy(one, two);
      staged.adopt('q', () => undefined);
      two.host.moves.notes.set('taken', 'yes');
      two.host.flush();
      two.crash(untold);
      expect(two.host.stored).toEqual(untold === 1 ? ['q'] : []);
      expect(two.host.moves.notes.get('taken')).toBe(untold === 1 ? 'yes' : null);
    }
  });
});
