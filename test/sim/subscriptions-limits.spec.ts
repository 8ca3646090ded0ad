import { SUBSCRIPTIONS_OF_CLIENT_MAX } from '../../src/addresses/limits';
import { simMesh } from './address-meshes';
import { subscriber } from './subscriptions.fixture';
import { rule } from './virtual-mesh';

it('a client is refused more durable subscriptions than it may have, wherever it attaches, until it ends one', () => {
  const { node, until } = simMesh(['a-b'], { shared: [rule('news.#', 'topic')] });
  const home = node('b').running;
  for (let n = 0; n < SUBSCRIPTIONS_OF_CLIENT_MAX; n++) {
    const each = subscriber(node('b'), 'news.#', { name: `s${n}` });
    each.close();
  }
  until('known', () => node('a').running.addresses.findSubscription({ name: 's1', client: 'client' }) !== null);
  expect(() => subscriber(node('b'), 'news.#', { name: 'more' })).toThrow(
    `${SUBSCRIPTIONS_OF_CLIENT_MAX} of this client`,
  );
  expect(home.counters().queuesRefused).toBe(1);
  const known = subscriber(node('a'), 'news.#', { name: 's1' });
  const another = subscriber(node('b'), 'news.#', { name: 'more', owner: 'another' });
  until('those there', () => known.confirmed !== null && another.confirmed !== null);
  let ended: Error | null | undefined;
  home.addresses.unsubscribe({ name: 's0', client: 'client' }, (error) => (ended = error));
  until('ended', () => ended !== undefined);
  expect(ended).toBeNull();
  const now = subscriber(node('b'), 'news.#', { name: 'more' });
  until('room', () => now.confirmed !== null);
});
