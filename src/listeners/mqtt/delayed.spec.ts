import { delayedMessage, FakeLargeBody, textMessage } from '../edge/messages.fixture';
import { type TestClient, TestNode } from './mqtt.fixture';

beforeEach(() => jest.useFakeTimers());
afterEach(() => jest.useRealTimers());

const ADDRESS = { name: 'a.b', kind: 'topic' } as const;

function subscribed(qos: 0 | 1 = 0, connect: object = {}, filter = 'a/#'): TestClient {
  const client = new TestNode().client().connected(connect);
  client.subscribe(filter, qos);
  client.take();
  return client;
}

function give(client: TestClient, payload: Buffer): void {
  client.node.addresses.consumer.handler.deliver(-1, ADDRESS, false, payload, 0, payload.length);
  client.node.turn();
}

function pass(client: TestClient, ms: number): void {
  jest.advanceTimersByTime(ms);
  client.node.turn();
}

it('a plain subscriber gets a delayed message at its time, by its own topic, and others pass it', () => {
  const client = subscribed();
  give(client, delayedMessage(100, 'later'));
  give(client, textMessage('now'));
  expect(client.take()).toMatchObject([{ topic: 'a/b', payload: Buffer.from('now').toJSON() }]);
  pass(client, 99);
  expect(client.take()).toEqual([]);
  pass(client, 1);
  expect(client.take()).toMatchObject([{ cmd: 'publish', topic: 'a/b', payload: Buffer.from('later').toJSON() }]);
  expect(client.node.budget.delayedBytes).toBe(0);
});

it('a delayed message waits for a client that takes no more', () => {
  const client = subscribed(1, { properties: { receiveMaximum: 1 } });
  give(client, delayedMessage(100, 'later'));
  give(client, textMessage('now'));
  const [now] = client.take();
  pass(client, 500);
  expect(client.take()).toEqual([]);
  client.send({ cmd: 'puback', messageId: now?.['messageId'], reasonCode: 0 });
  expect(client.take()).toMatchObject([{ cmd: 'publish', qos: 1, payload: Buffer.from('later').toJSON() }]);
});

it('a large message is delayed likewise, and let go of when it is written', () => {
  const client = subscribed();
  const body = new FakeLargeBody(delayedMessage(100, 'x'.repeat(70_000)));
  client.node.addresses.consumer.handler.deliverLarge(-1, ADDRESS, false, body);
  expect([client.take(), body.claims]).toEqual([[], 2]);
  pass(client, 100);
  expect(client.take()).toMatchObject([{ cmd: 'publish', topic: 'a/b' }]);
  expect(body.claims).toBe(1);
});

it.each([
  ['UNSUBSCRIBE', { cmd: 'unsubscribe', messageId: 8, unsubscriptions: ['a/#'] }],
  ['DISCONNECT', { cmd: 'disconnect', reasonCode: 0 }],
])('what waits is gone with %s', (_what, packet) => {
  const client = subscribed();
  give(client, delayedMessage(100, 'never'));
  expect(client.node.budget.delayedBytes).toBeGreaterThan(0);
  client.send(packet);
  client.take();
  expect(client.node.budget.delayedBytes).toBe(0);
  pass(client, 500);
  expect(client.take()).toEqual([]);
});

it('what a session keeps is held back there', () => {
  const client = subscribed(1, { clean: false, properties: { sessionExpiryInterval: 60 } });
  give(client, delayedMessage(100, 'due there'));
  expect(client.take()).toMatchObject([{ cmd: 'publish', payload: Buffer.from('due there').toJSON() }]);
});
