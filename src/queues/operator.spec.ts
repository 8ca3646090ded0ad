import { AmqpMap, sym } from '../amqp/codec/values';
import { OUTCOME } from '../streams/contract';
import { Home, messageOf } from './queues.fixture';

const later = (ms: number): AmqpMap => new AmqpMap([[sym('x-opt-delivery-delay'), ms]]);

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
