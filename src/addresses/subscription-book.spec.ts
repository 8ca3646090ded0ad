import { AddressEntry } from './address-entry';
import { TestForwarder } from './parts.fixture';
import { PLAIN_CLAIM, type SubscriptionDefinition } from './queue-claim';
import type { Claimed } from './queue-homes';
import { defaultPolicy } from './rules';
import type { DurableRoute } from './subscription-book';
import { readHeading, SubscriptionBook } from './subscription-book';

const QUEUE = '$sub/c/s';

function definition(more: Partial<SubscriptionDefinition> = {}): SubscriptionDefinition {
  return { filter: 'news.#', selector: null, noLocal: false, notFrom: 0, shared: false, durable: true, ...more };
}

function setUp(): {
  book: SubscriptionBook;
  changed: string[];
  tell(queue: string, claims: readonly (readonly [owner: string, definition: SubscriptionDefinition])[]): void;
} {
  const claims = new Map<string, readonly Claimed[]>();
  const changed: string[] = [];
  const entries = new Map<string, AddressEntry>();
  const forwarder = new TestForwarder();
  const book = new SubscriptionBook({
    selfName: 'a',
    entryOf: (name) => {
      const entry = entries.get(name) ?? new AddressEntry('queue', name, defaultPolicy('queue'), forwarder);
      entries.set(name, entry);
      return entry;
    },
    claims: (queue) => claims.get(queue) ?? [],
    changed: (filter) => void changed.push(filter),
  });
  return {
    book,
    changed,
    tell: (queue, told) => {
      claims.set(
        queue,
        told.map(([owner, subscription]) => ({ owner, claim: { ...PLAIN_CLAIM, subscription } })),
      );
      book.review(queue);
    },
  };
}

function text(route: DurableRoute | null): string {
  return route?.head.toString('utf8', 2) ?? '';
}

describe('the subscriptions of the mesh', () => {
  it('route a topic to the homes of those that hold it, each once', () => {
    const { book, tell, changed } = setUp();
    expect(book.routeOf('news.sport')).toBeNull();
    tell(QUEUE, [['b', definition()]]);
    tell('$sub/c/other', [['b', definition({ filter: 'news.sport' })]]);
    tell('$sub/c/here', [['a', definition({ filter: 'news.*' })]]);
    tell('$sub/c/volatile', [['c', definition({ durable: false })]]);
    expect(changed).toEqual(['news.#', 'news.sport', 'news.*']);
    const route = book.routeOf('news.sport') as DurableRoute;
    expect(route.elsewhere.map(({ name }) => name)).toEqual(['$durable/b']);
    expect(route.here?.entry.name).toBe('$durable/a');
    expect(route.parts).toBe(2);
    expect(book.routeOf('news.x.y')?.parts).toBe(1);
    expect(book.routeOf('weather')).toBeNull();
    tell(QUEUE, []);
    expect(book.routeOf('news.x.y')).toBeNull();
  });

  it('say with a message as of when each home was known, and what it has of others', () => {
    const { book, tell } = setUp();
    tell(QUEUE, [['b', definition()]]);
    book.onClock('b', Buffer.from('46'));
    const route = book.routeOf('news.x') as DurableRoute;
    expect(text(route)).toBe('b=1a:news.x');
    expect(route.head.readUInt16BE(0)).toBe(route.head.length - 2);
    book.onClock('b', Buffer.from('nonsense'));
    expect(text(route)).toBe('b=0:news.x');
    book.onClock('b', Buffer.from('46'));
    // Another node has it by right: the route is another, and what goes to b is not for that one.
    tell('$sub/c/two', [['b', definition()]]);
    tell(QUEUE, [
      ['a', definition()],
      ['b', definition()],
    ]);
    expect(text(book.routeOf('news.x'))).toMatch(/^(b=1a!\$sub\/c\/s,a=0|a=0,b=1a!\$sub\/c\/s):news\.x$/);
  });

  it('are found by name and client, durable ones first', () => {
    const { book, tell } = setUp();
    const ref = { name: 's', client: 'c' };
    expect(book.view(ref)).toBeNull();
    tell('$sub/c/s/volatile', [['b', definition({ durable: false, shared: true })]]);
    expect(book.view(ref)).toMatchObject({ ...ref, durable: false, home: 'b' });
    tell(QUEUE, [['c', definition({ selector: 'a = 1' })]]);
    expect(book.view(ref)).toMatchObject({ ...ref, durable: true, home: 'c', selector: 'a = 1', queue: QUEUE });
    expect([...book.views()]).toHaveLength(2);
    expect(book.view({ name: 's', client: null })).toBeNull();
  });
});

describe('a heading', () => {
  it('is read by each node for itself', () => {
    const told = 'a=1,b=1a!$sub/c/s!$sub/c/t:news.x:y';
    expect(readHeading(told, 'a')).toEqual({ topic: 'news.x:y', clock: 1, without: [] });
    expect(readHeading(told, 'b')).toEqual({ topic: 'news.x:y', clock: 46, without: ['$sub/c/s', '$sub/c/t'] });
  });

  it.each(['', 'a', ':x', 'b=1:x', 'a=:x', 'a=#:x', 'a=123456789012:x', 'aa=1:x'])('says nothing: %s', (told) => {
    expect(readHeading(told, 'a')).toBeNull();
  });
});
