import { AmqpMap, AmqpTyped, sym, symbolMap } from '../amqp/codec/values';
import { encodeValue } from '../amqp/codec/encoder';
import { OUTCOME } from '../streams/contract';
import { ANNOTATION } from './dead-letters';
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

  it('refuses what is no message', () => {
    const queue = home.open();
    const tokens = [Buffer.alloc(0), Buffer.from('nothing'), messageOf('a', { header: { ttl: 5 } }).subarray(0, 6)].map(
      (bytes) => home.put(queue, bytes),
    );
    home.settle();
    expect(tokens.map((token) => home.conditions.get(token))).toEqual(Array(3).fill('amqp:decode-error'));
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

  it('takes a message-id once within the window, also after a crash', () => {
    const queue = home.open({ duplicateWindowMs: 60_000 });
    const message = (id: string): Buffer => messageOf('x', { properties: { messageId: id } });
    const [first, second] = [home.put(queue, message('1')), home.put(queue, message('1'))];
    home.put(queue, message('2'));
    home.settle();
    expect([home.outcomes.get(first), home.outcomes.get(second)]).toEqual([OUTCOME.accepted, OUTCOME.accepted]);
    expect(queue.view()).toMatchObject({ depth: 2, duplicates: 1 });
    home.crash();
    const again = home.open({ duplicateWindowMs: 60_000 });
    home.put(again, message('2'));
    home.settle();
    expect(again.view()).toMatchObject({ depth: 2, duplicates: 1 });
    home.wall += 60_001;
    home.put(again, message('2'));
    home.settle();
    expect(again.view().depth).toBe(3);
    expect(home.store.keys(SPACE.ids, 1)).toHaveLength(1);
  });

  it('takes a message again whose first copy was not stored', () => {
    const queue = home.open({ duplicateWindowMs: 60_000 });
    const message = messageOf('x', { properties: { messageId: '1' } });
    const [one, two] = [home.put(queue, message), home.put(queue, message)];
    home.host.flush();
    home.store.fail();
    expect([home.outcomes.get(one), home.outcomes.get(two)]).toEqual([OUTCOME.rejected, OUTCOME.rejected]);
    const three = home.put(queue, message);
    home.settle();
    expect([home.outcomes.get(three), queue.view().depth]).toEqual([OUTCOME.accepted, 1]);
  });

  it.each([
    ['maxDepth', { maxDepth: 2 }],
    ['maxBytes', { maxBytes: 2 * (messageOf('a').length + 14) }],
  ])('rejects, lets wait or drops the oldest at its %s', (_name, limit) => {
    const rejecting = home.open({ ...limit, overLimit: 'reject' }, 'r');
    const blocking = home.open({ ...limit, overLimit: 'block' }, 'b');
    const dropping = home.open({ ...limit, overLimit: 'dropOldest' }, 'd');
    const tokens = [rejecting, blocking, dropping].map((queue) => ['a', 'b', 'c'].map((text) => home.put(queue, text)));
    home.settle();
    const last = tokens.map(([, , token]) => home.outcomes.get(token ?? -1));
    expect(last).toEqual([OUTCOME.rejected, OUTCOME.accepted, OUTCOME.accepted]);
    expect([rejecting, blocking, dropping].map((queue) => queue.view().depth)).toEqual([2, 3, 2]);
    expect([rejecting.room > 0, blocking.room, dropping.view().dropped]).toEqual([true, 0, 1]);
    expect(home.events.filter((event) => event.startsWith('room'))).toEqual(['room b false']);
    const consumer = home.consume(blocking, 2);
    home.settle();
    for (const text of consumer.texts) consumer.settle(text);
    expect(home.events.filter((event) => event.startsWith('room'))).toEqual(['room b false', 'room b true']);
    const rest = home.consume(dropping, 5);
    home.settle();
    expect(rest.texts).toEqual(['b', 'c']);
  });
});

describe('dead letters', () => {
  let home: Home;
  beforeEach(() => (home = new Home()));

  const annotationsOf = (message: { messageAnnotations?: AmqpMap } | undefined): unknown[] =>
    Object.values(ANNOTATION).map((name) => message?.messageAnnotations?.named(name));

  it.each([
    ['expired', 'expired', 0],
    ['rejected', 'rejected', 1],
    ['failed too often', 'maxDeliveries', 2],
  ])('go to a queue here when they were %s, with reason, origin and count', (_what, reason, count) => {
    const dlq = home.open({}, 'dlq');
    const queue = home.open({ deadLetter: 'queue/dlq', maxDeliveries: 2 });
    home.put(queue, messageOf('a', { header: { durable: true, ttl: reason === 'expired' ? 5 : 1_000_000 } }));
    home.settle();
    if (reason === 'expired') home.pass(3_000);
    else {
      const consumer = home.consume(queue, 5);
      home.settle();
      for (let n = 0; n < count; n++) {
        consumer.settle('a', reason === 'rejected' ? OUTCOME.rejected : OUTCOME.modifiedFailed);
        home.settle();
      }
      expect(consumer.texts).toEqual([]);
    }
    expect(queue.view()).toMatchObject({ depth: 0, bytes: 0, deadLettered: 1 });
    home.crash();
    const [again] = [home.open({}, 'dlq'), home.open({ deadLetter: 'queue/dlq' })];
    const reader = home.consume(again, 5);
    home.pass(5_000);
    expect(reader.texts).toEqual(['a']);
    expect(annotationsOf(reader.deliveries[0]?.message)).toEqual([reason, 'queue/q', new AmqpTyped('uint', count)]);
    expect(reader.deliveries[0]?.message.header?.ttl).toBe(reason === 'expired' ? undefined : 1_000_000);
    expect(dlq.name).toBe('dlq');
  });

  it('are dropped and counted without an address', () => {
    const queue = home.open();
    const consumer = home.consume(queue, 1);
    home.put(queue, 'a');
    home.settle();
    consumer.settle('a', OUTCOME.rejected);
    home.settle();
    expect(queue.view()).toMatchObject({ depth: 0, dropped: 1, deadLettered: 0 });
  });

  it('move again when their group fails, once', () => {
    const dlq = home.open({}, 'dlq');
    const queue = home.open({ deadLetter: 'dlq' });
    const consumer = home.consume(queue, 1);
    home.put(queue, 'a');
    home.settle();
    consumer.settle('a', OUTCOME.rejected);
    home.host.flush();
    home.store.fail();
    home.settle();
    expect([queue.view().depth, dlq.view().depth]).toEqual([0, 1]);
    home.crash();
    expect([home.open().view().depth, home.open({}, 'dlq').view().depth]).toEqual([0, 1]);
  });

  it('wait on the disk until an address elsewhere has taken them', () => {
    const queue = home.open({ deadLetter: 'topic/dead' });
    const consumer = home.consume(queue, 1);
    home.put(queue, 'a');
    home.settle();
    consumer.settle('a', OUTCOME.rejected);
    home.settle();
    expect(home.forwarded.map(({ address }) => address)).toEqual(['topic/dead']);
    home.forwarded.pop()?.done(OUTCOME.released);
    home.settle();
    expect(queue.view().depth).toBe(1);
    home.crash();
    const again = home.open({ deadLetter: 'topic/dead' });
    home.pass(10);
    const [sent] = home.forwarded;
    expect(annotationsOf(sent?.message)).toEqual(['rejected', 'queue/q', new AmqpTyped('uint', 1)]);
    home.forwarded.pop()?.done(OUTCOME.rejected);
    home.pass(6_000);
    home.forwarded.pop()?.done(OUTCOME.accepted);
    home.settle();
    expect(again.view()).toMatchObject({ depth: 0, bytes: 0 });
    expect(home.store.keys(SPACE.dead, 1)).toEqual([]);
  });

  it('go back to where they came from when an operator says so', () => {
    const dlq = home.open({}, 'dlq');
    const queue = home.open({ deadLetter: 'queue/dlq', maxDeliveries: 1 });
    const consumer = home.consume(queue, 2);
    for (const text of ['a', 'b']) home.put(queue, text);
    home.put(dlq, 'own');
    home.settle();
    for (const text of ['a', 'b']) consumer.settle(text, OUTCOME.modifiedFailed);
    home.settle();
    let told: unknown = null;
    dlq.retryDead(100, (count, error) => (told = [count, error]));
    home.settle();
    expect(told).toEqual([2, null]);
    consumer.more(5);
    home.settle();
    expect(consumer.texts).toEqual(['a', 'b']);
    expect(dlq.view().depth).toBe(1);
  });

  it('go back past those whose origin takes none any more', () => {
    const home = new Home();
    const dlq = home.open({}, 'dlq');
    const deadOf = (text: string, origin: string): Buffer =>
      messageOf(text, { annotations: symbolMap({ [ANNOTATION.origin]: origin }) });
    for (let n = 0; n < 100; n++) home.put(dlq, deadOf('stays', 'queue/gone'));
    home.put(dlq, deadOf('other', 'queue/there'));
    home.settle();
    let told: unknown = null;
    dlq.retryDead(1_000, (count, error) => (told = [count, (error as { code?: string } | null)?.code]));
    home.settle();
    for (;;) {
      const sent = home.forwarded.splice(0);
      if (sent.length === 0) break;
      for (const { address, done } of sent) done(address === 'queue/there' ? OUTCOME.accepted : OUTCOME.rejected);
      home.settle();
    }
    expect(told).toEqual([1, 'FL_QUEUE_NOT_TAKEN']);
    expect(dlq.view().depth).toBe(100);
  });
});

describe('an operator', () => {
  it('peeks, moves and purges', () => {
    const home = new Home();
    const [queue, other] = [home.open(), home.open({}, 'other')];
    for (let n = 0; n < 3_000; n++) home.put(queue, `${n}`);
    home.put(queue, messageOf('late', { annotations: later(50_000) }));
    const consumer = home.consume(queue, 1);
    home.settle();
    const [first, second] = queue.peek(2, 0);
    expect([first?.state, second?.state, first?.priority, first?.deliveryCount]).toEqual(['acquired', 'ready', 4, 0]);
    expect(queue.peek(1, second?.id ?? 0)[0]?.id).toBe(second?.id);
    expect(queue.peek(5_000, 0)).toHaveLength(1_000);
    const told: unknown[] = [];
    queue.move('queue/other', 2_000, (count, error) => told.push(['moved', count, error]));
    home.settle();
    expect([queue.view().ready, other.view().ready]).toEqual([999, 2_000]);
    queue.purge((count, error) => told.push(['purged', count, error]));
    home.settle();
    expect(told).toEqual([
      ['moved', 2_000, null],
      ['purged', 1_000, null],
    ]);
    expect(queue.view()).toMatchObject({ depth: 1, acquired: 1, delayed: 0 });
    expect(consumer.texts).toEqual(['0']);
    const reader = home.consume(other, 3);
    home.settle();
    expect(reader.texts).toEqual(['1', '2', '3']);
  });

  it('moves to addresses elsewhere one by one, and is told what was not taken', () => {
    const home = new Home();
    const queue = home.open();
    for (const text of ['a', 'b', 'c']) home.put(queue, text);
    home.settle();
    let told: unknown = null;
    queue.move('anycast/x', 2, (count, error) => (told = [count, error?.message]));
    home.settle();
    const [one, two] = home.forwarded.splice(0);
    one?.done(OUTCOME.accepted);
    home.settle();
    expect(told).toBeNull();
    two?.done(OUTCOME.rejected);
    home.settle();
    expect(told).toEqual([1, '"anycast/x" did not take 1 messages, which stay; 1 were moved']);
    const consumer = home.consume(queue, 5);
    home.settle();
    expect(consumer.texts).toEqual(['b', 'c']);
  });

  it('is told when a queue goes that was being purged', () => {
    const home = new Home();
    const queue = home.open();
    for (let n = 0; n < 3_000; n++) home.put(queue, `${n}`);
    home.settle();
    const told: unknown[] = [];
    queue.purge((count, error) => told.push([count, error?.message]));
    home.host.tick(0);
    home.host.delete('q');
    home.settle();
    expect(told).toEqual([[1_024, 'queue q was deleted']]);
  });

  it('deletes a queue, and nothing of it is left', () => {
    const home = new Home();
    const queue = home.open({ duplicateWindowMs: 1_000 });
    const consumer = home.consume(queue, 1);
    for (let n = 0; n < 2_500; n++) home.put(queue, messageOf(`${n}`, { properties: { messageId: `${n}` } }));
    home.put(queue, messageOf('late', { annotations: later(50_000) }), 0, queue.mark('west', 1), 1);
    home.settle();
    home.host.delete('q');
    expect(consumer.gone).toBe('FL_QUEUE_DELETED');
    home.host.flush();
    home.store.step();
    home.crash();
    expect(home.host.stored).toEqual([]);
    home.settle();
    expect(home.store.records).toBe(0);
    const anew = home.open();
    home.settle();
    expect(anew.view().depth).toBe(0);
  });
});
