import { AmqpMap, AmqpTyped, sym } from '../../amqp/codec/values';
import { decodeMessage } from '../../message/decode-message';
import { OUTCOME } from '../../streams/contract';
import { amqpMessage, TestNode } from './mqtt.fixture';

function ofQos(qos: number, body = 'hello'): Buffer {
  return amqpMessage(body, { messageAnnotations: new AmqpMap([[sym('x-opt-mqtt-qos'), new AmqpTyped('ubyte', qos)]]) });
}

function subscribed(qos: 0 | 1 | 2, connect: object = {}) {
  const node = new TestNode();
  const client = node.client().connected(connect);
  client.subscribe('a', qos);
  client.takeBytes();
  const { consumer } = node.addresses;
  const give = (payload: Buffer, token = -1): void => {
    consumer.handler.deliver(token, { kind: 'topic', name: 'a' }, false, payload, 0, payload.length);
    node.turn();
  };
  return { node, client, consumer, give };
}

const connect = (flags: number, ...rest: number[]) => {
  const body = [0, 4, ...Buffer.from('MQTT'), 5, flags, 0, 60, 0, ...rest];
  return [0x10, body.length, ...body];
};

describe('CONNECT, as its flags say', () => {
  it.each([
    ['[MQTT-3.1.3-3] without a client id', 2, []],
    ['[MQTT-3.1.2-9] with a will that is not there', 0x06, [0, 0]],
    ['[MQTT-3.1.2-17] with a user name that is not there', 0x82, [0, 0]],
    ['[MQTT-3.1.2-16] with a user name that it does not announce', 0x02, [0, 0, 0, 1, 0x61]],
    ['[MQTT-3.1.2-19] with a password that is not there', 0x42, [0, 0]],
    ['[MQTT-3.1.2-18] with a password that it does not announce', 0x82, [0, 0, 0, 0, 0, 1, 0x61]],
    ['[MQTT-3.1.3-1] with its fields in another order', 0x86, [0, 0, 0, 1, 0x61, 0, 0]],
    ['[MQTT-3.1.3-11] with a topic of the will that is no UTF-8', 0x06, [0, 0, 0, 0, 1, 0xff, 0, 0]],
    ['[MQTT-3.1.3-12] with a user name that is no UTF-8', 0x82, [0, 0, 0, 1, 0xff]],
  ])('%s is malformed', (_what, flags, rest) => {
    expect(new TestNode().client().raw(connect(flags, ...rest)).farewell).toBe(0x81);
  });

  it('[MQTT-3.1.4-6] [MQTT-3.2.0-2] is all that is read when it is refused', () => {
    const node = new TestNode();
    const client = node.client();
    const bad = client.bytes({ cmd: 'connect', protocolId: 'MQTT', protocolVersion: 5, clientId: 'x'.repeat(600) });
    client.raw(Buffer.concat([bad, Buffer.from([0xc0, 0]), bad]));
    expect(client.take()).toMatchObject([{ cmd: 'connack', reasonCode: 0x85, sessionPresent: false }]);
  });

  it('[MQTT-3.1.2-28] is told where answers may go when it asks, and not otherwise', () => {
    const node = new TestNode();
    const asked = node.client().connect({ properties: { requestResponseInformation: true } });
    const other = node.client().connect({ clientId: 'other' });
    const informationOf = ([answer]: Record<string, unknown>[]): unknown =>
      (answer?.['properties'] as { responseInformation?: string }).responseInformation;
    expect(informationOf(asked.take())).toMatch(/^replies\/\S+$/);
    expect(informationOf(other.take())).toBeUndefined();
  });

  it('[MQTT-3.1.2-14] [MQTT-3.1.3-10] may have a will that is not retained, with user properties in order', () => {
    const node = new TestNode();
    const properties = { userProperties: { b: '1', a: '2' } };
    const client = node.client().connected({ will: { topic: 'w', payload: 'x', qos: 0, retain: false, properties } });
    client.stream.end();
    expect(node.space.wills).toMatchObject([{ retain: false, durable: false }]);
    const message = decodeMessage(node.space.wills[0]?.payload as Buffer);
    expect([...(message.applicationProperties ?? [])]).toEqual([
      ['b', '1'],
      ['a', '2'],
    ]);
  });
});

describe('a PUBLISH to a client', () => {
  it('[MQTT-2.2.1-2] [MQTT-2.2.2-1] [MQTT-4.3.1-1] of QoS 0 has no packet id, and no properties are zero bytes of them', () => {
    const { client, give } = subscribed(0);
    give(ofQos(2, 'x'));
    expect([...client.takeBytes()]).toEqual([0x30, 5, 0, 1, 0x61, 0, 0x78]);
  });

  it.each([
    [1, 0x32],
    [2, 0x34],
  ] as const)('[MQTT-4.3.2-2] [MQTT-4.3.3-2] of QoS %s is no duplicate at first', (qos, first) => {
    const { client, give } = subscribed(qos);
    give(ofQos(2, 'x'));
    expect([...client.takeBytes()]).toEqual([first, 7, 0, 1, 0x61, 0, 1, 0, 0x78]);
  });

  it('[MQTT-3.3.1-3] is no duplicate because its publisher sent one', () => {
    const { node, client, give } = subscribed(1);
    client.send({ cmd: 'publish', topic: 'a', payload: 'x', qos: 1, dup: true, retain: false, messageId: 3 });
    give(Buffer.from(node.addresses.publisher.published[0]?.payload ?? '', 'latin1'));
    expect(client.take()).toMatchObject([{ cmd: 'puback' }, { cmd: 'publish', dup: false }]);
  });

  it('[MQTT-3.1.2-27] names its topic where the client takes no alias', () => {
    const { client, give } = subscribed(0);
    give(ofQos(0));
    give(ofQos(0));
    expect(client.take()).toMatchObject([{ topic: 'a' }, { topic: 'a' }]);
  });

  it('[MQTT-3.3.4-2] [MQTT-3.3.4-5] comes once for each subscription that it is for, as that one says', () => {
    const { node, client } = subscribed(0);
    client.subscribe('#', 2, {}, { subscriptionIdentifier: 2 });
    client.takeBytes();
    const payload = ofQos(1);
    for (const { handler } of node.addresses.consumers)
      handler.deliver(-1, { kind: 'topic', name: 'a' }, true, payload, 0, payload.length);
    node.turn();
    expect(client.take()).toMatchObject([{ qos: 0 }, { qos: 1, properties: { subscriptionIdentifier: 2 } }]);
  });

  it('[MQTT-3.3.4-10] holds up nothing else while the client acknowledges none', () => {
    const { client, give } = subscribed(1, { properties: { receiveMaximum: 1 } });
    give(ofQos(1));
    client.takeBytes();
    client.send({ cmd: 'pingreq' });
    client.send({ cmd: 'publish', topic: 'b', payload: 'x', qos: 1, dup: false, retain: false, messageId: 3 });
    expect(client.take()).toMatchObject([{ cmd: 'pingresp' }, { cmd: 'puback' }]);
  });

  it('[MQTT-3.10.4-3] [MQTT-4.3.3-13] is completed after its subscription has ended', () => {
    const { client, consumer, give } = subscribed(2);
    give(ofQos(2), 5);
    const [{ messageId } = { messageId: 0 }] = client.take();
    client.send({ cmd: 'unsubscribe', messageId: 9, unsubscriptions: ['a'] });
    client.send({ cmd: 'pubrec', messageId, reasonCode: 0 });
    expect(client.take()).toMatchObject([{ cmd: 'unsuback' }, { cmd: 'pubrel', messageId, reasonCode: 0 }]);
    expect(consumer.settled.filter(({ outcome }) => outcome !== OUTCOME.accepted)).toEqual([]);
  });
});

describe('words about a reason', () => {
  it('[MQTT-3.4.2-2] [MQTT-3.5.2-2] are left out where the packet would be too large', () => {
    const client = new TestNode().client().connected({ properties: { maximumPacketSize: 60 } });
    client.send({ cmd: 'publish', topic: 'a', payload: 'x', qos: 0, dup: false, retain: false });
    const { publisher } = client.node.addresses;
    publisher.verdict = -1;
    for (const qos of [1, 2]) {
      client.send({ cmd: 'publish', topic: 'a', payload: 'x', qos, dup: false, retain: false, messageId: qos });
      const { token = 0 } = publisher.published.at(-1) ?? {};
      publisher.handler.onOutcome(token, OUTCOME.rejected, { description: 'a long story '.repeat(10) });
      client.node.turn();
      expect(client.takeBytes().length).toBe(5);
    }
  });

  it('[MQTT-3.14.2-3] are left out of a DISCONNECT that would be too large', () => {
    const client = new TestNode().client().connected({ properties: { maximumPacketSize: 20 } });
    client.raw([0xf0, 0]);
    expect([...client.takeBytes()].slice(0, 3)).toEqual([0xe0, 2, 0x82]);
  });

  it('[MQTT-3.14.4-1] are the last thing that is sent', () => {
    const { client, consumer } = subscribed(0);
    client.raw([0xf0, 0]);
    expect([client.closed, consumer.handler.ready()]).toEqual([true, false]);
  });
});

it('[MQTT-3.3.2-7] aliases of a connection are not those of the next', () => {
  const node = new TestNode();
  const publish = { cmd: 'publish', payload: 'x', qos: 0, dup: false, retain: false, properties: { topicAlias: 1 } };
  node
    .client()
    .connected()
    .send({ ...publish, topic: 'a' });
  const next = node.client().connected({ clientId: 'next' });
  next.send({ ...publish, topic: '' });
  expect(next.farewell).toBe(0x82);
});
