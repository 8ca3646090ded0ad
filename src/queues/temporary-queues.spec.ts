import { OUTCOME } from '../streams/contract';
import type { Queue } from './contract';
import { Home, largeOf, PLAIN } from './queues.fixture';

describe('temporary queues together', () => {
  const MIB = 1024 * 1024;

  it('hold no more than the node has for them, until some of it has gone; those whose publishers wait are not asked', () => {
    const home = new Home();
    const open = (name: string, overLimit: 'reject' | 'block' | 'dropOldest'): Queue =>
      home.host.openTemporary(name, { ...PLAIN, overLimit });
    const queues = ['a', 'b', 'c', 'd', 'e', 'f'].map((name, n) => open(name, n % 2 === 0 ? 'reject' : 'dropOldest'));
    const waiting = open('w', 'block');
    const put = (queue: Queue | undefined): number => home.putLarge(queue as Queue, largeOf('x', 50 * MIB));
    const told = (tokens: readonly number[]): unknown => {
      home.host.flush();
      return tokens.map((token) => home.conditions.get(token) ?? home.outcomes.get(token));
    };
    const { accepted } = OUTCOME;
    const limit = 'amqp:resource-limit-exceeded';
    expect(told(queues.slice(0, 5).map(put))).toEqual([accepted, accepted, accepted, accepted, accepted]);
    expect(told([put(queues[5]), home.put(queues[5] as Queue, 'small'), put(waiting)])).toEqual([
      limit,
      accepted,
      accepted,
    ]);
    const refused = home.host.transaction();
    refused.putLarge(queues[5] as Queue, largeOf('x', 20 * MIB), 0);
    let why = '';
    refused.commit((error) => (why = error?.condition ?? 'none'));
    home.settle();
    home.settle();
    expect(why).toBe(limit);
    home.host.delete('a');
    home.host.delete('w');
    expect(told([put(queues[5])])).toEqual([accepted]);
    const consumer = home.consume(queues[5] as Queue, 5);
    home.settle();
    for (const { token } of consumer.deliveries.splice(0)) consumer.link.settle(token, accepted, null, false);
    home.host.flush();
    expect(told([put(queues[5])])).toEqual([accepted]);
  });
});
