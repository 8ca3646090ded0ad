import { delayedMessage, FakeLargeBody, textMessage } from '../edge/messages.fixture';
import { FakePeer } from './stomp.fixture';

beforeEach(() => jest.useFakeTimers());
afterEach(() => jest.useRealTimers());

function subscribed(headers: Readonly<Record<string, string>> = {}): FakePeer {
  const peer = FakePeer.connected();
  peer.say('SUBSCRIBE', { id: 's', destination: '/topic/a', ...headers });
  return peer;
}

const bodies = (peer: FakePeer): string[] => peer.take().map(({ body }) => body);

it('a plain subscriber of a topic gets a delayed message at its time, and others pass it', () => {
  const peer = subscribed();
  const { consumer } = peer.addresses;
  consumer.deliver(-1, delayedMessage(100, 'later'));
  consumer.deliver(-1, textMessage('now'));
  expect(bodies(peer)).toEqual(['now']);
  jest.advanceTimersByTime(99);
  expect(bodies(peer)).toEqual([]);
  const pumps = consumer.pumps;
  jest.advanceTimersByTime(1);
  expect(peer.take()).toMatchObject([{ command: 'MESSAGE', headers: { destination: '/topic/a' }, body: 'later' }]);
  expect(consumer.pumps).toBe(pumps + 1);
  expect(peer.budget.delayedBytes).toBe(0);
});

it('a delayed message waits for a client that has as many unacknowledged as it takes', () => {
  const peer = subscribed({ ack: 'client-individual', 'prefetch-count': '1' });
  peer.addresses.consumer.deliver(-1, delayedMessage(100, 'later'));
  peer.addresses.consumer.deliver(-1, textMessage('now'));
  const [now] = peer.take();
  jest.advanceTimersByTime(500);
  expect(bodies(peer)).toEqual([]);
  peer.say('ACK', { id: now?.headers['ack'] ?? '' });
  expect(bodies(peer)).toEqual(['later']);
});

it('a large message is delayed likewise, and let go of when it is written', () => {
  const peer = subscribed();
  const body = new FakeLargeBody(delayedMessage(100, 'x'.repeat(70_000)));
  peer.addresses.consumer.handler.deliverLarge(-1, { name: 'a', kind: 'topic' }, true, body);
  expect([bodies(peer), body.claims]).toEqual([[], 2]);
  jest.advanceTimersByTime(100);
  expect(bodies(peer)).toEqual(['x'.repeat(70_000)]);
  expect(body.claims).toBe(1);
});

it('what waits is gone with its subscription', () => {
  const peer = subscribed();
  peer.addresses.consumer.deliver(-1, delayedMessage(100, 'never'));
  expect(peer.budget.delayedBytes).toBeGreaterThan(0);
  peer.say('UNSUBSCRIBE', { id: 's' });
  expect(peer.budget.delayedBytes).toBe(0);
  jest.advanceTimersByTime(500);
  expect(bodies(peer)).toEqual([]);
});

it.each([
  ['a queue', { destination: '/queue/a' }],
  ['a durable subscription', { 'durable-subscription-name': 'inbox' }],
])('%s holds messages back itself', (_what, headers) => {
  const peer = subscribed(headers);
  peer.addresses.consumer.deliver(-1, delayedMessage(100, 'due there'));
  expect(bodies(peer)).toEqual(['due there']);
});

it('a selector of a plain subscriber selects large messages too', () => {
  const peer = subscribed({ selector: 'n > 1' });
  const { handler } = peer.addresses.consumer;
  const large = (n: number): FakeLargeBody => new FakeLargeBody(textMessage(`${n}`.repeat(70_000), n));
  for (const n of [1, 2]) handler.deliverLarge(-1, { name: 'a', kind: 'topic' }, true, large(n));
  expect(bodies(peer)).toEqual(['2'.repeat(70_000)]);
});
