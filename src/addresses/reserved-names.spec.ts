import { nodeIdOf } from '../links/contract';
import { parseAddress } from './names';
import {
  intakeHome,
  intakeName,
  isReserved,
  isSubscriptionQueue,
  subscriptionOfQueue,
  subscriptionQueue,
} from './reserved-names';

describe('the queue of a subscription', () => {
  const texts = ['s', '', '%', 'a.b', '*', '#', 'x/y', 'volatile', 'ü ☃', 'a!b:c,d=e', '\ud800'];

  it('is one word of an address, and says whose it is', () => {
    const seen = new Set<string>();
    for (const name of texts)
      for (const client of [null, ...texts])
        for (const durable of [true, false]) {
          const queue = subscriptionQueue({ name, client }, durable);
          expect(parseAddress(queue)).toEqual({ kind: null, name: queue, wild: false });
          expect(queue).toMatch(/^\$sub\/[^.*#!:,=]*$/);
          const wellFormed = (text: string): string => Buffer.from(text).toString();
          expect(subscriptionOfQueue(queue)).toEqual({
            name: wellFormed(name),
            client: client === null ? null : wellFormed(client),
            durable,
          });
          expect(seen.has(queue)).toBe(false);
          seen.add(queue);
        }
  });

  it('is known by its name', () => {
    expect(subscriptionOfQueue('jobs')).toBeNull();
    expect(subscriptionOfQueue('$sub/x')).toBeNull();
    expect(subscriptionOfQueue('$sub/%zz/s')).toMatchObject({ client: '%zz' });
    expect(['$sub/c/s', '$durable/b', 'jobs', '$other'].map(isReserved)).toEqual([true, true, false, false]);
    expect(['$sub/c/s', '$durable/b'].map(isSubscriptionQueue)).toEqual([true, false]);
  });
});

it('an intake is at its node', () => {
  expect(intakeHome(intakeName('b'))).toBe(nodeIdOf('b'));
  expect(intakeHome('jobs')).toBeUndefined();
});
