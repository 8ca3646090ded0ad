import { AmqpMap, AmqpTyped, sym } from '../../amqp/codec/values';
import { OUTCOME } from '../../streams/contract';
import { amqpMessage, type TestClient, TestNode } from './mqtt.fixture';

function subscribed(qos: 0 | 1 | 2, connect: object = {}, properties: object = {}, filter = 'a/#') {
  const client = new TestNode().client().connected(connect);
  client.subscribe(filter, qos, {}, properties);
  expect(client.take()).toMatchObject([{ cmd: 'suback', messageId: 7, granted: [qos] }]);
  return { client, consumer: client.node.addresses.consumer };
}

/** As MQTT published it. */
function ofQos(qos: number, body = 'hello'): Buffer {
  const messageAnnotations = new AmqpMap([[sym('x-opt-mqtt-qos'), new AmqpTyped('ubyte', qos)]]);
  return amqpMessage(body, { messageAnnotations });
}

function give(client: TestClient, payload: Buffer, name = 'a.b', token = -1): void {
  const { handler } = client.node.addresses.consumer;
  handler.deliver(token, { kind: 'topic', name }, false, payload, 0, payload.length);
  client.node.turn();
}

describe('a message to a client', () => {
  it.each([
    [0, 0, 0],
    [0, 2, 0],
    [1, 0, 0],
    [1, 1, 1],
    [1, 2, 1],
    [2, 1, 1],
    [2, 2, 2],
  ])('[MQTT-3.8.4-8] published with QoS %s and subscribed with %s is sent with %s', (published, asked, sent) => {
    const { client } = subscribed(asked as 0 | 1 | 2);
    give(client, ofQos(published));
    expect(client.take()).toMatchObject([{ cmd: 'publish', topic: 'a/b', qos: sent, dup: false, retain: false }]);
  });

  it('of another protocol has the QoS of the subscription', () => {
    const { client } = subscribed(1);
    give(client, amqpMessage('x'));
    expect(client.take()).toMatchObject([{ qos: 1 }]);
  });

  it('[MQTT-3.3.4-3] bears the Subscription Identifier', () => {
    const { client } = subscribed(0, {}, { subscriptionIdentifier: 4_711 });
    give(client, ofQos(0));
    expect(client.take()).toMatchObject([{ properties: { subscriptionIdentifier: 4_711 } }]);
  });

  it('[MQTT-2.2.1-4] [MQTT-4.3.2-1] [MQTT-4.3.2-5] [MQTT-4.4.0-2] [MQTT-4.8.2-6] of QoS 1 keeps its packet id until PUBACK, which settles it', () => {
    const { client, consumer } = subscribed(1);
    give(client, ofQos(1), 'a.b', 40);
    give(client, ofQos(1), 'a.b', 41);
    const [one, two] = client.take().map(({ messageId }) => messageId as number);
    expect(one).not.toBe(two);
    client.send({ cmd: 'puback', messageId: two, reasonCode: 0 });
    client.send({ cmd: 'puback', messageId: one, reasonCode: 0x83 });
    expect(consumer.settled).toMatchObject([
      { token: 41, outcome: OUTCOME.accepted },
      { token: 40, outcome: OUTCOME.rejected },
    ]);
  });

  it('[MQTT-3.6.1-1] [MQTT-4.3.3-1] [MQTT-4.3.3-3] [MQTT-4.3.3-4] of QoS 2 is settled by PUBREC and keeps its packet id until PUBCOMP, and until that is in force', () => {
    const { client, consumer } = subscribed(2, { properties: { receiveMaximum: 1 } });
    give(client, ofQos(2), 'a.b', 40);
    const [{ messageId } = { messageId: 0 }] = client.take();
    client.send({ cmd: 'pubrec', messageId, reasonCode: 0 });
    client.send({ cmd: 'pubrec', messageId, reasonCode: 0 });
    expect(client.take()).toMatchObject([
      { cmd: 'pubrel', messageId },
      { cmd: 'pubrel', messageId },
    ]);
    expect(consumer.settled).toMatchObject([{ token: 40, outcome: OUTCOME.accepted }]);
    expect(consumer.handler.ready()).toBe(false);
    client.send({ cmd: 'pubcomp', messageId, reasonCode: 0 });
    expect(consumer.handler.ready()).toBe(false);
    consumer.handler.onSettled(40, null);
    expect(consumer.handler.ready()).toBe(true);
  });

  it('[MQTT-3.6.2-1] an unknown packet id in a PUBREC is told so', () => {
    const { client } = subscribed(2);
    client.send({ cmd: 'pubrec', messageId: 9, reasonCode: 0 });
    expect(client.take()).toMatchObject([{ cmd: 'pubrel', messageId: 9, reasonCode: 0x92 }]);
  });

  it('[MQTT-3.3.4-9] [MQTT-4.9.0-1] [MQTT-4.9.0-2] waits when Receive Maximum is reached, and goes on at the next PUBACK', () => {
    const { client, consumer } = subscribed(1, { properties: { receiveMaximum: 2 } });
    give(client, ofQos(1));
    expect([consumer.handler.ready(), consumer.handler.credit()]).toEqual([true, 1]);
    give(client, ofQos(1));
    expect([consumer.handler.ready(), consumer.handler.credit()]).toEqual([false, 0]);
    const before = consumer.pumps;
    const [first] = client.take();
    client.send({ cmd: 'puback', messageId: first?.['messageId'], reasonCode: 0 });
    expect([consumer.pumps, consumer.handler.credit()]).toEqual([before + 1, 1]);
  });

  it('[MQTT-4.9.0-3] goes on with QoS 0 meanwhile', () => {
    const { client } = subscribed(1, { properties: { receiveMaximum: 1 } });
    const [ofOne] = client.node.addresses.consumers;
    give(client, ofQos(1));
    client.subscribe('b', 0);
    expect([ofOne?.handler.ready(), client.node.addresses.consumer.handler.ready()]).toEqual([false, true]);
  });

  it('waits while the client does not read', () => {
    const { client, consumer } = subscribed(0);
    client.stream.unwrittenBytes = 300_000;
    expect(consumer.handler.ready()).toBe(false);
    client.stream.unwrittenBytes = 0;
    client.stream.user?.written();
    client.node.turn();
    expect([consumer.pumps, consumer.handler.ready()]).toEqual([2, true]);
  });

  it('[MQTT-3.1.2-24] [MQTT-3.1.2-25] that is larger than the client takes counts as sent', () => {
    const { client, consumer } = subscribed(1, { properties: { maximumPacketSize: 100 } });
    give(client, ofQos(1, 'x'.repeat(100)), 'a.b', 40);
    give(client, ofQos(1, 'small'), 'a.b', 41);
    expect(client.take()).toHaveLength(1);
    expect(consumer.settled).toMatchObject([{ token: 40 }]);
  });

  it('[MQTT-3.1.2-26] [MQTT-3.3.2-11] names topics by aliases as far as the client takes some', () => {
    const { client } = subscribed(0, { properties: { topicAliasMaximum: 2 } });
    for (const name of ['a.b', 'a.c', 'a.d', 'a.b', 'a.d']) give(client, ofQos(0), name);
    expect(
      client.take().map(({ topic, properties }) => [topic, (properties as { topicAlias?: number })?.topicAlias]),
    ).toEqual([
      ['a/b', 1],
      ['a/c', 2],
      ['a/d', undefined],
      ['', 1],
      ['a/d', undefined],
    ]);
  });

  it('[MQTT-4.7.2-1] whose topic begins with $ is not for a filter that begins with a wildcard', () => {
    const { client } = subscribed(1, {}, {}, '#');
    give(client, ofQos(1), '$hidden.a');
    give(client, ofQos(1), 'a');
    expect(client.take()).toMatchObject([{ topic: 'a' }]);
  });

  it('[MQTT-4.7.3-4] has the words that its name stands for', () => {
    const { client } = subscribed(0);
    give(client, ofQos(0), 'a.b%2Ec..d%25');
    expect(client.take()).toMatchObject([{ topic: 'a/b.c//d%' }]);
  });

  it('[MQTT-3.3.2-6] [MQTT-3.3.2-17] [MQTT-3.3.2-20] has the properties of its publisher', () => {
    const { client } = subscribed(0);
    const payload = amqpMessage('x', {
      header: { ttl: 5_000 },
      properties: { contentType: 'text/plain', replyTo: 'topic/r.e', correlationId: Buffer.from([7]) },
      applicationProperties: new AmqpMap([['k', 'v']]),
    });
    give(client, payload);
    expect(client.take()).toMatchObject([
      {
        properties: {
          messageExpiryInterval: 5,
          contentType: 'text/plain',
          responseTopic: 'r/e',
          userProperties: { k: 'v' },
        },
      },
    ]);
  });
});

describe('SUBSCRIBE', () => {
  it('[MQTT-2.2.1-6] [MQTT-3.8.4-1] [MQTT-3.8.4-2] is answered when the mesh knows of it, not before', () => {
    const client = new TestNode().client().connected();
    client.node.addresses.onOpen = () => undefined;
    client.subscribe('a', 1);
    expect(client.take()).toEqual([]);
    client.node.addresses.consumer.handler.onConfirmed([]);
    client.node.turn();
    expect(client.take()).toMatchObject([{ cmd: 'suback', messageId: 7, granted: [1] }]);
  });

  it('[MQTT-3.8.4-5] [MQTT-3.8.4-6] [MQTT-3.8.4-7] [MQTT-3.9.3-1] [MQTT-3.9.3-2] [MQTT-4.7.1-1] [MQTT-4.7.1-2] has one reason for each filter, in order', () => {
    const client = new TestNode().client().connected();
    const filters = ['a', 'a/#/b', 'b', 'x#'];
    const subscriptions = filters.map((topic) => ({ topic, qos: 1, nl: false, rap: false, rh: 0 }));
    client.send({ cmd: 'subscribe', messageId: 7, subscriptions });
    expect(client.take()).toMatchObject([{ granted: [1, 0x8f, 1, 0x8f] }]);
    expect(client.node.addresses.consumers.map(({ address }) => address.name)).toEqual(['a', 'b']);
  });

  it('has one word for all refusals in 3.1.1', () => {
    const client = new TestNode().client(4).connected();
    client.subscribe('a#', 1);
    expect(client.take()).toMatchObject([{ granted: [0x80] }]);
    expect(client.closed).toBe(false);
    // The words are in the log.
    expect([...client.node.errors.counts]).toEqual([['FL_MQTT_FILTER', 1]]);
  });

  it('[MQTT-3.8.4-3] of the same filter changes it and loses nothing', () => {
    const { client } = subscribed(0);
    client.subscribe('a/#', 2, {}, { subscriptionIdentifier: 3 });
    expect(client.take()).toMatchObject([{ granted: [2] }]);
    expect(client.node.addresses.consumers).toHaveLength(1);
    give(client, ofQos(2));
    expect(client.take()).toMatchObject([{ qos: 2, properties: { subscriptionIdentifier: 3 } }]);
  });

  it('[MQTT-3.8.3-3] with No Local asks for nothing of its own', () => {
    const client = new TestNode().client().connected();
    client.subscribe('a', 0, { nl: true });
    expect(client.node.addresses.consumer.spec).toMatchObject({ client: 'client', queue: { noLocal: true } });
  });

  it('consumes queues by their prefix', () => {
    const { client, consumer } = subscribed(1, {}, {}, '$queue/jobs.a');
    expect(consumer.address).toEqual({ kind: 'queue', name: 'jobs.a' });
    consumer.deliver(3, ofQos(1));
    client.node.turn();
    expect(client.take()).toMatchObject([{ topic: '$queue/jobs.a', qos: 1 }]);
  });

  it('has a bound', () => {
    const client = new TestNode().client().connected();
    const subscriptions = Array.from({ length: 1_002 }, (_, at) => ({
      topic: `t${at}`,
      qos: 0,
      nl: false,
      rap: false,
      rh: 0,
    }));
    client.send({ cmd: 'subscribe', messageId: 7, subscriptions });
    const [{ granted } = { granted: [] }] = client.take();
    expect((granted as number[]).filter((reason) => reason === 0x97)).toHaveLength(2);
    expect(client.node.budget.links).toBe(1_000);
    client.send({ cmd: 'disconnect', reasonCode: 0 });
    expect(client.node.budget.links).toBe(0);
  });

  it('ends with the connection', () => {
    const { client, consumer } = subscribed(1);
    client.stream.end();
    expect([consumer.failed, client.node.budget.links]).toEqual([true, 0]);
  });
});

describe('UNSUBSCRIBE', () => {
  it('[MQTT-3.10.4-1] [MQTT-3.10.4-2] [MQTT-3.10.4-4] [MQTT-3.10.4-5] [MQTT-3.10.4-6] [MQTT-3.11.3-1] [MQTT-3.11.3-2] ends what there is, and says of what there was none', () => {
    const { client, consumer } = subscribed(1);
    client.send({ cmd: 'unsubscribe', messageId: 8, unsubscriptions: ['a/#', 'b'] });
    expect(client.take()).toMatchObject([{ cmd: 'unsuback', messageId: 8, granted: [0, 0x11] }]);
    expect(consumer.failed).toBe(false);
  });

  it('is answered without reasons in 3.1.1', () => {
    const client = new TestNode().client(4).connected();
    client.send({ cmd: 'unsubscribe', messageId: 8, unsubscriptions: ['a'] });
    expect([...client.takeBytes()]).toEqual([0xb0, 2, 0, 8]);
  });
});
