import { AddressNames, temporaryName } from './address-names';
import type { KindHint } from './contract';
import { AddressError } from './errors';
import { policy } from './parts.fixture';
import { RuleBook } from './rules';

function names(): AddressNames {
  const book = new RuleBook();
  book.set('east', policy('topic', { match: 'orders.#' }));
  book.set('east', policy('multicast', { match: 'alerts' }));
  book.set('east', policy('anycast', { match: 'quote.*', overflowAt: 3 }));
  book.set('east', policy('queue', { match: 'jobs.#' }));
  return new AddressNames(book, 'multicast');
}

describe('what a client writes as an address', () => {
  it.each([
    ['a rule decides', 'orders.new', null, 'topic', 'orders.new'],
    ['a prefix that agrees with it', 'topic/orders.new', null, 'topic', 'orders.new'],
    ['the prefix of a URL', 'topic://orders.new', null, 'topic', 'orders.new'],
    ['a capability that fits it', 'alerts', 'topic', 'multicast', 'alerts'],
    ['a capability that fits it', 'quote.a', 'queue', 'anycast', 'quote.a'],
    ['a prefix without a rule', 'anycast/other', null, 'anycast', 'other'],
    ['a prefix before a capability', 'multicast/other', 'topic', 'multicast', 'other'],
    ['a capability without rule and prefix', 'other', 'topic', 'topic', 'other'],
    ['the default without any', 'other', null, 'multicast', 'other'],
    ['a prefix is no part of the name', 'anycast/topic/x', null, 'anycast', 'topic/x'],
    ['words may be empty', 'orders..', null, 'topic', 'orders..'],
    ['a rule of queues', 'jobs.a', null, 'queue', 'jobs.a'],
    ['the prefix of queues', 'queue/other', null, 'queue', 'other'],
    ['the capability of queues', 'other', 'queue', 'queue', 'other'],
    ['a temporary queue', 'fairlead.temp.q.n.1', null, 'queue', 'fairlead.temp.q.n.1'],
    ['a filter is a topic', 'orders.*', null, 'topic', 'orders.*'],
    ['a filter without a rule too', 'other.#', null, 'topic', 'other.#'],
    ['a filter with a capability', '#', 'topic', 'topic', '#'],
  ])('%s: %s', (_what, address, hint, kind, name) => {
    expect(names().resolve(address, hint as KindHint)).toMatchObject({ kind, name });
  });

  it.each([
    ['FL_ADDRESS_KIND', 'anycast/orders.new', null, "rule 'orders.#' says topic, which prefix 'anycast' contradicts"],
    ['FL_ADDRESS_KIND', 'orders.new', 'queue', "rule 'orders.#' says topic, which capability 'queue' contradicts"],
    ['FL_ADDRESS_KIND', 'topic/alerts', null, "rule 'alerts' says multicast, which prefix 'topic' contradicts"],
    ['FL_ADDRESS_KIND', 'topic/fairlead.temp.a.n.1', null, 'it is temporary and anycast'],
    ['FL_ADDRESS_NAME', 'quote.*', null, 'a filter, but anycast addresses have an exact name'],
    ['FL_ADDRESS_NAME', 'queue/x.#', null, 'a filter, but queue addresses have an exact name'],
    ['FL_ADDRESS_NAME', 'multicast/x.#', null, 'a filter, but multicast addresses have an exact name'],
    ['FL_ADDRESS_NAME', '', null, 'needs a name'],
    ['FL_ADDRESS_NAME', 'topic/', null, 'needs a name'],
    ['FL_ADDRESS_NAME', 'topic/x.a#b', null, "'a#b': * and # are words of their own"],
    ['FL_ADDRESS_NAME', 'orders.new*', null, "'new*': * and # are words of their own"],
    ['FL_ADDRESS_NAME', 'a\0b', null, 'NUL'],
    ['FL_ADDRESS_NAME', 'a'.repeat(4_097), null, 'more than 4096 bytes'],
    ['FL_ADDRESS_NAME', 'a.'.repeat(128), null, 'more than 128 words'],
    ['FL_ADDRESS_NAME', '#.a.#.a.#.a.#.a.#', null, "more than 4 '#'"],
  ])('is refused with %s: %s', (code, address, hint, text) => {
    const refused = (): AddressError => {
      try {
        names().resolve(address, hint as KindHint);
      } catch (error) {
        if (error instanceof AddressError) return error;
        throw error;
      }
      throw new Error('it was not refused');
    };
    expect(refused().code).toBe(code);
    expect(refused().message).toContain(text);
  });

  it('refuses what contradicts a rule as not allowed', () => {
    expect(() => names().resolve('anycast/orders.new', null)).toThrow(
      expect.objectContaining({ condition: 'amqp:not-allowed' }) as Error,
    );
  });

  it('resolves temporary names alike everywhere, whatever rules say', () => {
    const book = new RuleBook();
    book.set('east', policy('multicast', { match: '#' }));
    const elsewhere = new AddressNames(book, 'topic');
    const name = temporaryName('anycast', 'west-1', 'abc');
    expect(elsewhere.resolve(name, null).kind).toBe('anycast');
    expect(elsewhere.resolve(temporaryName('topic', 'west-1', 'abc'), null).kind).toBe('topic');
    expect(elsewhere.policy('anycast', name)).toEqual(policy('anycast'));
  });

  it('gives the policy of the rule, a default without one, and none for another kind', () => {
    expect(names().policy('anycast', 'quote.a')?.overflowAt).toBe(3);
    expect(names().policy('topic', 'other')).toEqual(policy('topic'));
    expect(names().policy('topic', 'quote.a')).toBeNull();
  });
});
