import { AddressEntry } from './address-entry';
import { EXCLUDED_BYTES_MAX } from './limits';
import { TestForwarder } from './parts.fixture';
import { exceptionText } from './put-heading';
import { PLAIN_CLAIM, type QueueClaim, type SubscriptionDefinition } from './queue-claim';
import type { Claimed } from './queue-homes';
import { defaultPolicy } from './rules';
import type { DurableRoute } from './durable-route';
import { SubscriptionBook } from './subscription-book';

const QUEUE = '$sub/c/s';

function definition(more: Partial<SubscriptionDefinition> = {}): SubscriptionDefinition {
  return { filter: 'news.#', selector: null, noLocal: false, notFrom: 0, shared: false, durable: true, ...more };
}

function setUp(): {
  book: SubscriptionBook;
  changed: string[];
  tell(
    queue: string,
    claims: readonly (readonly [owner: string, definition: SubscriptionDefinition, more?: Partial<QueueClaim>])[],
  ): void;
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
    claims: (queue) => (claims.get(queue) ?? []).filter(({ claim }) => claim.movedTo === undefined),
    pointers: (queue) => (claims.get(queue) ?? []).filter(({ claim }) => claim.movedTo !== undefined),
    changed: (filter) => void changed.push(filter),
  });
  return {
    book,
    changed,
    tell: (queue, told) => {
      claims.set(
        queue,
        told.map(([owner, subscription, more]) => ({ owner, claim: { ...PLAIN_CLAIM, subscription, ...more } })),
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
    expect(book.routeOf('news.x.y')).toMatchObject({ here: null, elsewhere: [{ name: '$durable/b' }] });
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
    // What was known when it was made.
    expect(text(route)).toBe('b=1a:news.x');
    expect(text(book.routeOf('news.x'))).toBe('b=0:news.x');
    book.onClock('b', Buffer.from('46'));
    // Another node has it by right: the route is another, and what goes to b is not for that one.
    tell('$sub/c/two', [['b', definition()]]);
    tell(QUEUE, [
      ['a', definition()],
      ['b', definition()],
    ]);
    expect(text(book.routeOf('news.x'))).toMatch(/^(b=1a!0,a=0|a=0,b=1a!0):news\.x$/);
    // Only of topics that it holds.
    tell('$sub/c/three', [['b', definition({ filter: 'weather' })]]);
    expect(text(book.routeOf('weather'))).toBe('b=1a:weather');
  });

  it('go by a former home while the new one has not told of one, and by the new one alone from then on', () => {
    const { book, tell, changed } = setUp();
    const moved = ['b', definition(), { since: 5, until: 46, movedTo: 'c' }] as const;
    tell(QUEUE, [['b', definition(), { since: 5 }]]);
    expect(text(book.routeOf('news.x'))).toBe('b=5:news.x');
    changed.splice(0);
    tell(QUEUE, [moved]);
    expect(changed).toEqual(['news.#']);
    expect(text(book.routeOf('news.x'))).toBe('b=1a+5:news.x');
    expect(book.view({ name: 's', client: 'c' })?.home).toBe('c');
    tell(QUEUE, [['c', definition(), { since: 7, generation: 1 }], moved]);
    expect(text(book.routeOf('news.x'))).toBe('c=7:news.x');
    // What the former one has beside is put there, as of when this one had left.
    tell('$sub/c/two', [['b', definition(), { since: 3 }]]);
    expect(text(book.routeOf('news.x'))).toMatch(/^(b=1a,c=7|c=7,b=1a):news\.x$/);
    tell(QUEUE, [moved]);
    tell('$sub/c/two', []);
    tell(QUEUE, []);
    expect(book.routeOf('news.x')).toBeNull();
  });

  it('take no message when more of them are between two nodes than can be told', () => {
    const { book, tell } = setUp();
    const count = 1 + EXCLUDED_BYTES_MAX / exceptionText(1e12, true).length;
    for (let n = 0; n < count; n++)
      tell(`$sub/c/${n}`, [['b', definition(), { since: 1e12 + n, until: 2e12, movedTo: 'c' }]]);
    expect(book.routeOf('news.x')?.isUnsettled).toBe(true);
    tell('$sub/c/0', []);
    tell('$sub/c/1', []);
    expect(book.routeOf('news.x')?.isUnsettled).toBe(false);
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
