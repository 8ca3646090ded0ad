import type { SubscriptionView } from '../addresses/contract';
import type { QueueView } from '../queues/contract';
import { subscriptionRows } from './subscription-rows';

function subscription(name: string, client: string | null): SubscriptionView {
  const queue = `$sub/${client ?? ''}/${name}`;
  return {
    name,
    client,
    durable: true,
    shared: false,
    filter: 'a',
    selector: null,
    noLocal: false,
    home: 'east',
    queue,
  };
}

it('tells the subscriptions of the mesh by client and name, with what those hold that live here', () => {
  const view = { name: '$sub/app/inbox', depth: 3 } as QueueView;
  const all = [
    subscription('inbox', 'zoo'),
    subscription('inbox', 'app'),
    subscription('audit', 'zoo'),
    subscription('x', null),
  ];
  const rows = subscriptionRows(all, [{ ...view, name: 'other' }, view]);
  expect(rows.map(({ name, client, here }) => [client, name, here])).toEqual([
    [null, 'x', null],
    ['app', 'inbox', { depth: 3 }],
    ['zoo', 'audit', null],
    ['zoo', 'inbox', null],
  ]);
});
