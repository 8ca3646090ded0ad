import type { Queue } from '../queues/contract';
import { encodeMessage } from '../message/encode-message';
import { textBody } from '../message/message';
import { AddressCounters } from './ports';
import { publisherTag } from './publisher-tag';
import type { SubscriptionDefinition } from './queue-claim';
import { SubscriptionRouting } from './subscription-routing';

const MESSAGE = encodeMessage({ header: { priority: 7 }, body: textBody('x') });

function definition(more: Partial<SubscriptionDefinition> = {}): SubscriptionDefinition {
  return { filter: 'news.#', selector: null, noLocal: false, notFrom: 0, shared: false, durable: true, ...more };
}

function queue(name: string): Queue {
  return { name } as unknown as Queue;
}

function setUp(): {
  routing: SubscriptionRouting;
  counters: AddressCounters;
  route(text: string, tag?: number): string[];
} {
  const counters = new AddressCounters();
  const routing = new SubscriptionRouting('a', counters, (name) => queue(`late ${name}`));
  return {
    routing,
    counters,
    route: (text, tag = 0) => routing.route(text, MESSAGE, 0, MESSAGE.length, tag).map(({ name }) => name),
  };
}

describe('what is put to the subscriptions of a node', () => {
  it('goes to those that hold its topic, were there, and want it', () => {
    const { routing, route } = setUp();
    routing.add('all', queue('all'), definition(), [[5, 0]]);
    routing.add('late', queue('late'), definition({ filter: 'news.x' }), [[9, 0]]);
    routing.add('high', queue('high'), definition({ selector: 'JMSPriority > 5' }), [[5, 0]]);
    routing.add('low', queue('low'), definition({ selector: 'JMSPriority < 5' }), [[5, 0]]);
    routing.add('others', queue('others'), definition({ noLocal: true, notFrom: publisherTag('me') }), [[5, 0]]);
    expect(route('a=9:news.x').sort()).toEqual(['all', 'high', 'late', 'others']);
    expect(route('a=8:news.x').sort()).toEqual(['all', 'high', 'others']);
    expect(route('a=8:news.x', publisherTag('me')).sort()).toEqual(['all', 'high']);
    expect(route('a=8!5:news.x')).toEqual([]);
    expect(route('a=9!5:news.x')).toEqual(['late']);
    routing.remove('all');
    expect(route('a=8:news.x').sort()).toEqual(['high', 'others']);
  });

  it('is counted when nobody is there any more', () => {
    const { routing, route, counters } = setUp();
    routing.add('all', queue('all'), definition(), [[5, 0]]);
    expect([route('a=4:news.x'), route('b=9:news.x'), route('a=9:weather'), route('nonsense')]).toEqual([
      [],
      [],
      [],
      [],
    ]);
    expect(counters.dropped.get('noSubscriber')).toBe(4);
  });

  it('is put aside for one that has moved away, when it was meant for this node, and comes to one that is back', () => {
    const { routing, route } = setUp();
    const stints = [
      [5, 8],
      [12, 0],
    ] as const;
    routing.add('s', null, definition(), [[5, 8]]);
    expect([route('a=4:news.x'), route('a=7:news.x'), route('a=8:news.x')]).toEqual([[], ['late s'], []]);
    routing.add('s', queue('s'), definition(), stints);
    expect(['4', '7', '9', 'c'].map((clock) => route(`a=${clock}:news.x`))).toEqual([[], ['s'], [], ['s']]);
  });

  it('is put aside for one that has moved away when who put it did not know where to, and not when it was put there', () => {
    const { routing, route } = setUp();
    routing.add('s', null, definition(), [[5, 8]]);
    routing.add('t', null, definition(), [[6, 8]]);
    expect([route('a=9+5:news.x'), route('a=9+6:news.x'), route('a=7!5:news.x')]).toEqual([
      ['late s'],
      ['late t'],
      ['late t'],
    ]);
  });
});
