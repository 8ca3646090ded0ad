import type { Queue } from '../queues/contract';
import { encodeMessage } from '../message/encode-message';
import { textBody } from '../message/message';
import { AddressCounters } from './ports';
import { publisherTag } from './publisher-tag';
import type { QueueClaim, SubscriptionDefinition } from './queue-claim';
import { SubscriptionRouting } from './subscription-routing';

const MESSAGE = encodeMessage({ header: { priority: 7 }, body: textBody('x') });

/** Made at that time of its home's clock. */
function claim(since: number, more: Partial<SubscriptionDefinition> = {}): QueueClaim {
  const subscription = {
    filter: 'news.#',
    selector: null,
    noLocal: false,
    notFrom: 0,
    shared: false,
    durable: true,
    ...more,
  };
  return { generation: 0, since, subscription };
}

function queue(name: string, isFull = false): Queue {
  return { name, isFull: () => isFull } as unknown as Queue;
}

function setUp(): {
  routing: SubscriptionRouting;
  counters: AddressCounters;
  route(text: string, tag?: number): string[];
} {
  const counters = new AddressCounters();
  const routing = new SubscriptionRouting('a', counters);
  return {
    routing,
    counters,
    route: (text, tag = 0) => routing.route(text, MESSAGE, 0, MESSAGE.length, tag).map(({ name }) => name),
  };
}

describe('what is put to the subscriptions of a node', () => {
  it('goes to those that hold its topic, were there, and want it', () => {
    const { routing, route } = setUp();
    routing.add(queue('all'), claim(5));
    routing.add(queue('late'), claim(9, { filter: 'news.x' }));
    routing.add(queue('high'), claim(5, { selector: 'JMSPriority > 5' }));
    routing.add(queue('low'), claim(5, { selector: 'JMSPriority < 5' }));
    routing.add(queue('others'), claim(5, { noLocal: true, notFrom: publisherTag('me') }));
    expect(route('a=9:news.x').sort()).toEqual(['all', 'high', 'late', 'others']);
    expect(route('a=8:news.x').sort()).toEqual(['all', 'high', 'others']);
    expect(route('a=8:news.x', publisherTag('me')).sort()).toEqual(['all', 'high']);
    expect(route('a=8!high!all:news.x')).toEqual(['others']);
    routing.remove('all');
    expect(route('a=8:news.x').sort()).toEqual(['high', 'others']);
  });

  it('is counted when nobody is there any more', () => {
    const { routing, route, counters } = setUp();
    routing.add(queue('all'), claim(5));
    expect([route('a=4:news.x'), route('b=9:news.x'), route('a=9:weather'), route('nonsense')]).toEqual([
      [],
      [],
      [],
      [],
    ]);
    expect(counters.dropped.get('noSubscriber')).toBe(4);
  });

  it('is refused by name where it must not go only to the others', () => {
    const { routing } = setUp();
    const ask = (): string | null => routing.full('a=9:news.x', MESSAGE, 0, MESSAGE.length, 0);
    routing.add(queue('s'), claim(5));
    expect(ask()).toBeNull();
    routing.add(queue('s', true), claim(5));
    expect(ask()).toBe('s');
    routing.add(queue('s', true), claim(5, { selector: 'JMSPriority < 5' }));
    expect(ask()).toBeNull();
  });
});
