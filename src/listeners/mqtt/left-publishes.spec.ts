import { PENDING } from '../../addresses/contract';
import { AddressError } from '../../addresses/errors';
import { OUTCOME } from '../../streams/contract';
import { type TestClient, TestNode } from './mqtt.fixture';

const STAYS = { clean: false, properties: { sessionExpiryInterval: 100 } };
const PUBLISH = { cmd: 'publish', topic: 'a', payload: 'x', qos: 2, dup: false, retain: false, messageId: 5 };
const AGAIN = { ...PUBLISH, dup: true };
const REJECTED = { condition: 'amqp:not-allowed', description: 'no' };

/** A client that has published with QoS 2 and has gone before the mesh's answer. */
function left(more: object = PUBLISH) {
  const node = new TestNode();
  const client = node.client().connected(STAYS);
  client.send({ ...PUBLISH, qos: 0 });
  const { publisher } = node.addresses;
  publisher.verdict = PENDING;
  client.send(more);
  client.stream.end();
  const answer = (outcome: typeof OUTCOME.accepted | typeof OUTCOME.rejected): void => {
    const { token } = publisher.published[1] as { token: number };
    publisher.handler.onOutcome(token, outcome, outcome === OUTCOME.accepted ? null : REJECTED);
    node.turn();
  };
  return { node, publisher, answer };
}

function back(node: TestNode, more: object = STAYS): TestClient {
  return node.client().connected(more);
}

/** All that was published, by whatever connection. */
function published(node: TestNode): number {
  return node.addresses.publishers.reduce((sum, { published: { length } }) => sum + length, 0) - 1;
}

describe('a message of QoS 2 whose client went before the answer [MQTT-4.3.3-10]', () => {
  it('is answered when the mesh answers, to a client that is back before, and is not published again', () => {
    const { node, publisher, answer } = left();
    expect(publisher.closed).toBe(false);
    const client = back(node);
    client.send(AGAIN);
    expect([client.take(), published(node)]).toEqual([[], 1]);
    answer(OUTCOME.accepted);
    expect(client.take()).toMatchObject([{ cmd: 'pubrec', messageId: 5 }]);
    expect(publisher.closed).toBe(true);
    client.send({ cmd: 'pubrel', messageId: 5, reasonCode: 0 });
    expect(client.take()).toMatchObject([{ cmd: 'pubcomp', messageId: 5 }]);
    expect(published(node)).toBe(1);
  });

  it('is known to a client that is back later', () => {
    const { node, publisher, answer } = left();
    answer(OUTCOME.accepted);
    expect(publisher.closed).toBe(true);
    const client = back(node);
    client.send(AGAIN);
    expect([client.take(), published(node)]).toMatchObject([[{ cmd: 'pubrec', messageId: 5 }], 1]);
  });

  it('passes from one connection to the next', () => {
    const { node, answer } = left();
    back(node).stream.end();
    const second = back(node);
    second.send(AGAIN);
    second.stream.end();
    answer(OUTCOME.accepted);
    const client = back(node);
    client.send(AGAIN);
    expect([client.take(), published(node)]).toMatchObject([[{ cmd: 'pubrec', messageId: 5 }], 1]);
  });

  it('is published again where it was not accepted', () => {
    const { node, answer } = left();
    answer(OUTCOME.rejected);
    const client = back(node);
    client.send(AGAIN);
    expect([client.take(), published(node)]).toMatchObject([[{ cmd: 'pubrec', messageId: 5 }], 2]);
  });

  it('is refused where the client waits for that', () => {
    const { node, answer } = left();
    const client = back(node);
    client.send(AGAIN);
    answer(OUTCOME.rejected);
    expect(client.take()).toMatchObject([{ cmd: 'pubrec', messageId: 5, reasonCode: expect.any(Number) as number }]);
    client.send(PUBLISH);
    expect(published(node)).toBe(2);
  });

  it('is nothing to a session that begins anew', () => {
    const { node, publisher, answer } = left();
    const client = back(node, { ...STAYS, clean: true });
    client.send(PUBLISH);
    expect([client.take(), published(node)]).toMatchObject([[{ cmd: 'pubrec', messageId: 5 }], 2]);
    client.send({ cmd: 'pubrel', messageId: 5, reasonCode: 0 });
    client.take();
    client.stream.end();
    answer(OUTCOME.accepted);
    expect(publisher.closed).toBe(true);
    const last = back(node);
    last.send(PUBLISH);
    expect(published(node)).toBe(3);
  });

  it('is published again where nobody knows what has become of it', () => {
    const { node, publisher } = left();
    const client = back(node);
    client.send(AGAIN);
    publisher.handler.onGone(new AddressError('FL_ADDRESS_KIND', 'its rule has changed'));
    node.turn();
    expect(client.closed).toBe(true);
    const next = back(node);
    next.send(AGAIN);
    expect([next.take(), published(node)]).toMatchObject([[{ cmd: 'pubrec', messageId: 5 }], 2]);
  });

  it('is nothing when not all of it had come', () => {
    const { node, publisher } = left();
    const client = back(node);
    const large = client.bytes({ ...PUBLISH, messageId: 6, payload: Buffer.alloc(100_000) });
    client.raw(large.subarray(0, 80_000));
    expect(node.addresses.publishers.length).toBe(2);
    client.stream.end();
    const { parts } = node.addresses.publishers[1] as { parts: string[] };
    expect(parts.at(-1)).toBe('abort');
    expect(publisher.closed).toBe(false);
  });

  it('does not keep the publisher of a session that ends with its connection', () => {
    const node = new TestNode();
    const client = node.client().connected();
    client.send({ ...PUBLISH, qos: 0 });
    node.addresses.publisher.verdict = PENDING;
    client.send(PUBLISH);
    client.stream.end();
    expect(node.addresses.publisher.closed).toBe(true);
  });
});
