import type { Source } from '../../amqp/codec/types';
import { subscriptionLookedFor, subscriptionOf } from './subscription-identity';

function source(fields: Partial<Source>): Source {
  return { type: 'source', address: 'topic/a', ...fields };
}

const DURABLE = { durable: 2, expiryPolicy: 'never' } as const;

describe('the identity of a subscription', () => {
  it.each<[string, Partial<Source>]>([
    ['nothing', {}],
    ['a durable terminus that goes with its link', { durable: 2, expiryPolicy: 'link-detach' }],
    ['a durable terminus that goes with its session', { durable: 2 }],
    ['an eternal terminus that keeps nothing', { durable: 0, expiryPolicy: 'never' }],
    ['global alone', { capabilities: ['global', 'topic'] }],
  ])('a source that says %s asks for a plain one', (_what, fields) => {
    expect(subscriptionOf('link', 'client', source(fields))).toBeNull();
  });

  // Link names as Qpid JMS makes them.
  it.each<[string, Partial<Source>, object]>([
    ['news', DURABLE, { client: 'client', durable: true, shared: false }],
    ['news', { durable: 1, expiryPolicy: 'never' }, { client: 'client', durable: true, shared: false }],
    ['news', { ...DURABLE, capabilities: ['topic', 'shared'] }, { client: 'client', durable: true, shared: true }],
    ['news|2', { ...DURABLE, capabilities: ['topic', 'shared'] }, { client: 'client', durable: true, shared: true }],
    ['news|global', { ...DURABLE, capabilities: ['shared', 'global'] }, { client: null, durable: true, shared: true }],
    ['news|global2', { ...DURABLE, capabilities: ['shared', 'global'] }, { client: null, durable: true, shared: true }],
    ['news|volatile1', { capabilities: ['shared'] }, { client: 'client', durable: false, shared: true }],
    ['news|global-volatile3', { capabilities: ['shared', 'global'] }, { client: null, durable: false, shared: true }],
  ])('%s with %j', (link, fields, identity) => {
    expect(subscriptionOf(link, 'client', source(fields))).toEqual({ name: 'news', ...identity });
  });

  it.each<[string, string, string, string[]]>([
    ['no name', '|global', 'client', []],
    ['a name that is too long', 'ü'.repeat(257), 'client', []],
    ['no client that it belongs to', 'news', '', []],
    ['a client whose name is too long', 'news', 'c'.repeat(513), []],
  ])('%s is refused', (_what, link, client, capabilities) => {
    const refused = { code: 'FL_SUBSCRIPTION_NAME', condition: 'amqp:invalid-field' };
    expect(() => subscriptionOf(link, client, source({ ...DURABLE, capabilities }))).toThrow(
      expect.objectContaining(refused) as Error,
    );
    expect(() => subscriptionLookedFor(link, client, capabilities)).toThrow(expect.objectContaining(refused) as Error);
  });

  it('one of no client needs no container-id', () => {
    expect(subscriptionLookedFor('news', '', ['global'])).toEqual({ name: 'news', client: null });
  });

  it.each([
    ['news', [], { name: 'news', client: 'client' }],
    ['news|global', ['shared', 'global'], { name: 'news', client: null }],
  ])('a look-up by %s, %j', (link, desired, identity) => {
    expect(subscriptionLookedFor(link, 'client', desired)).toEqual(identity);
  });
});
