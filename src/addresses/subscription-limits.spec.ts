import type { QueueHost } from '../queues/contract';
import { SUBSCRIPTIONS_MAX, SUBSCRIPTIONS_OF_CLIENT_MAX } from './limits';
import { AddressCounters } from './ports';
import { subscriptionQueue } from './reserved-names';
import { checkRoom } from './subscription-limits';

const names = (client: string | null, count: number): string[] =>
  Array.from({ length: count }, (_, n) => subscriptionQueue({ name: `s${n}`, client }, true));

function refusal(stored: readonly string[], client: string | null): string | null {
  const counters = new AddressCounters();
  try {
    checkRoom({ stored } as QueueHost, subscriptionQueue({ name: 'new', client }, true), counters);
  } catch (error) {
    expect(counters.queuesRefused).toBe(1);
    expect(error).toMatchObject({ code: 'FL_SUBSCRIPTION_LIMIT', condition: 'amqp:resource-limit-exceeded' });
    return (error as Error).message;
  }
  expect(counters.queuesRefused).toBe(0);
  return null;
}

describe('durable subscriptions of a node', () => {
  it.each(['client', 'a/b', '', null])('of one client are so many: %j', (client) => {
    const almost = names(client, SUBSCRIPTIONS_OF_CLIENT_MAX - 1);
    const others = [...names('another', SUBSCRIPTIONS_OF_CLIENT_MAX), ...names('clien', 5), 'jobs', 'jobs.client'];
    expect(refusal([...almost, ...others], client)).toBeNull();
    expect(refusal([...almost, ...others, subscriptionQueue({ name: 'last', client }, true)], client)).toContain(
      `${SUBSCRIPTIONS_OF_CLIENT_MAX} of this client`,
    );
  });

  it('of all clients are so many; queues do not count', () => {
    const all = Array.from({ length: SUBSCRIPTIONS_MAX - 1 }, (_, n) =>
      subscriptionQueue({ name: 'sub', client: `c${n}` }, true),
    );
    expect(refusal([...all, 'jobs'], 'new')).toBeNull();
    expect(refusal([...all, ...names('more', 1)], 'new')).toContain(`there are ${SUBSCRIPTIONS_MAX} durable`);
  });
});
