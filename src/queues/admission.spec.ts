import { OUTCOME } from '../streams/contract';
import { QUEUE_NAME_BYTES_MAX, QUEUES_MAX } from './limits';
import { Home, messageOf, PLAIN } from './queues.fixture';
import { SPACE } from './spaces';

describe('a queue', () => {
  let home: Home;
  beforeEach(() => (home = new Home()));

  it('refuses what is no message', () => {
    const queue = home.open();
    const tokens = [Buffer.alloc(0), Buffer.from('nothing'), messageOf('a', { header: { ttl: 5 } }).subarray(0, 6)].map(
      (bytes) => home.put(queue, bytes),
    );
    home.settle();
    expect(tokens.map((token) => home.conditions.get(token))).toEqual(Array(3).fill('amqp:decode-error'));
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

  it('says of a message that is larger than all that it may hold that it will never be taken', () => {
    const queue = home.open({ maxBytes: 100, overLimit: 'reject' });
    const tokens = ['x'.repeat(200), 'a'].map((text) => home.put(queue, text));
    home.settle();
    expect(tokens.map((token) => home.outcomes.get(token))).toEqual([OUTCOME.rejected, OUTCOME.accepted]);
    expect(home.conditions.get(tokens[0] ?? -1)).toBe('amqp:link:message-size-exceeded');
  });

  it('is not made where there are as many as may be, or its name is too long; both are counted', () => {
    for (let n = 0; n < QUEUES_MAX; n++) home.open({}, `q${n}`);
    home.settle();
    const refused = { code: 'FL_QUEUE_LIMIT', condition: 'amqp:resource-limit-exceeded' };
    expect(() => home.open({}, 'more')).toThrow(expect.objectContaining(refused) as Error);
    expect(() => home.host.openTemporary('temporary', PLAIN)).toThrow(expect.objectContaining(refused) as Error);
    expect(home.open({}, 'q1').view().depth).toBe(0);
    home.host.delete('q0');
    home.pass(1_000);
    expect(() => home.open({}, 'x'.repeat(QUEUE_NAME_BYTES_MAX + 1))).toThrow(
      `more than ${QUEUE_NAME_BYTES_MAX} bytes`,
    );
    expect(home.open({}, 'more').view().depth).toBe(0);
    expect(home.host.refused).toBe(3);
  });
});
