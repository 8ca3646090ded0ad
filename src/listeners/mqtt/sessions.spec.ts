import { AmqpMap, AmqpTyped, sym } from '../../amqp/codec/values';
import { AddressError } from '../../addresses/errors';
import { redelivered } from '../../message/redelivered';
import { OUTCOME } from '../../streams/contract';
import { amqpMessage, type TestClient, TestNode } from './mqtt.fixture';

const STAYS = { clean: false, properties: { sessionExpiryInterval: 100 } };

function ofQos(qos: number, body = 'hello'): Buffer {
  return amqpMessage(body, { messageAnnotations: new AmqpMap([[sym('x-opt-mqtt-qos'), new AmqpTyped('ubyte', qos)]]) });
}

function give(node: TestNode, payload: Buffer, token: number): void {
  node.addresses.consumer.handler.deliver(token, { kind: 'topic', name: 'a' }, false, payload, 0, payload.length);
  node.turn();
}

/** As a queue gives what it has given before. */
function seen(payload: Buffer): Buffer {
  const { head, rest } = redelivered(payload, 0, payload.length, 0);
  return Buffer.concat([head, payload.subarray(rest)]);
}

function staying(node = new TestNode()): TestClient {
  return node.client().connected(STAYS);
}

describe('a session', () => {
  it('[MQTT-3.1.2-4] [MQTT-3.1.2-5] [MQTT-3.1.2-6] [MQTT-3.1.3-2] [MQTT-3.1.4-4] [MQTT-3.2.2-1] [MQTT-3.2.2-2] [MQTT-3.2.2-3] is present when there was one, unless it is to begin anew', () => {
    const node = new TestNode();
    for (const [clean, sessionPresent] of [
      [false, false],
      [false, true],
      [true, false],
    ]) {
      const client = node.client();
      client.connect({ ...STAYS, clean });
      expect(client.take()).toMatchObject([{ cmd: 'connack', reasonCode: 0, sessionPresent }]);
      client.stream.end();
    }
  });

  it.each([
    [{ clean: true }, 0],
    [{ clean: false }, 0],
    [{ clean: false, properties: { sessionExpiryInterval: 7 } }, 7_000],
    [{ clean: true, properties: { sessionExpiryInterval: 0xffffffff } }, Infinity],
  ])('of MQTT 5 stays as long as it says: %j', (connect, expiryMs) => {
    const node = new TestNode();
    node.client().connected(connect);
    expect(node.space.sessions.get('client')?.expiryMs).toBe(expiryMs);
  });

  it.each([
    [true, 0],
    [false, Infinity],
  ])('of 3.1.1 stays for ever, or not at all', (clean, expiryMs) => {
    const node = new TestNode();
    node.client(4).connected({ clean });
    expect(node.space.sessions.get('client')?.expiryMs).toBe(expiryMs);
  });

  it('has the expiry of its DISCONNECT', () => {
    const client = staying();
    client.send({ cmd: 'disconnect', reasonCode: 0, properties: { sessionExpiryInterval: 5 } });
    expect(client.node.space.sessions.get('client')?.expiryMs).toBe(5_000);
  });

  it('[MQTT-3.1.2-23] [MQTT-4.1.0-1] has its subscriptions as durable ones, which it finds again', () => {
    const client = staying();
    client.subscribe('a/+', 1, { rap: true }, { subscriptionIdentifier: 9 });
    const { node } = client;
    expect(node.addresses.consumer.spec).toMatchObject({
      address: 'a.*',
      subscription: { name: 'a/+', client: 'client', durable: true, shared: false },
    });
    client.stream.end();
    expect(node.addresses.consumer.failed).toBe(false);
    const again = node.client();
    again.connect(STAYS);
    expect(again.take()).toMatchObject([{ sessionPresent: true }]);
    expect(node.addresses.consumers).toHaveLength(2);
    expect(node.addresses.consumer.spec.subscription?.name).toBe('a/+');
    give(node, ofQos(1), 3);
    expect(again.take()).toMatchObject([{ qos: 1, properties: { subscriptionIdentifier: 9 } }]);
  });

  it('ends a durable subscription with UNSUBSCRIBE, which is answered when it has ended', () => {
    const client = staying();
    client.subscribe('a', 1);
    client.take();
    client.send({ cmd: 'unsubscribe', messageId: 8, unsubscriptions: ['a'] });
    expect(client.take()).toEqual([]);
    const [[ref, done] = [null, () => undefined]] = client.node.addresses.unsubscribed;
    expect(ref).toMatchObject({ name: 'a', client: 'client' });
    done(null);
    client.node.turn();
    expect(client.take()).toMatchObject([{ cmd: 'unsuback', granted: [0] }]);
    expect(client.node.space.sessions.get('client')?.subscriptions).toEqual([]);
  });

  it('[MQTT-3.3.1-1] [MQTT-4.3.2-3] [MQTT-4.4.0-1] [MQTT-4.6.0-1] sends again what was not acknowledged, under its packet id', () => {
    const client = staying();
    client.subscribe('a', 1);
    client.take();
    const { node } = client;
    give(node, ofQos(1, 'one'), 1);
    give(node, ofQos(1, 'two'), 2);
    give(node, ofQos(1, 'three'), 3);
    const ids = client.take().map(({ messageId }) => messageId);
    client.send({ cmd: 'puback', messageId: ids[0], reasonCode: 0 });
    client.stream.end();
    const again = node.client().connected(STAYS);
    give(node, seen(ofQos(1, 'two')), 12);
    give(node, seen(ofQos(1, 'three')), 13);
    give(node, ofQos(1, 'four'), 14);
    const came = again.take();
    expect(came.slice(0, 2)).toMatchObject([
      { messageId: ids[1], dup: true },
      { messageId: ids[2], dup: true },
    ]);
    expect(came[2]).toMatchObject({ dup: false });
    expect(ids.slice(1)).not.toContain(came[2]?.['messageId']);
    again.send({ cmd: 'puback', messageId: ids[2], reasonCode: 0 });
    expect(node.addresses.consumer.settled).toMatchObject([{ token: 13, outcome: OUTCOME.accepted }]);
  });

  it('[MQTT-4.3.3-5] [MQTT-4.3.3-6] goes on with QoS 2 where it was: what was received is not sent again', () => {
    const client = staying();
    client.subscribe('a', 2);
    client.take();
    const { node } = client;
    give(node, ofQos(2), 1);
    const [{ messageId } = { messageId: 0 }] = client.take();
    client.send({ cmd: 'pubrec', messageId, reasonCode: 0 });
    expect(client.take()).toMatchObject([{ cmd: 'pubrel', messageId }]);
    client.stream.end();
    const again = node.client();
    again.connect(STAYS);
    expect(again.take()).toMatchObject([{ cmd: 'connack' }, { cmd: 'pubrel', messageId }]);
    // The settlement was lost on the way.
    give(node, seen(ofQos(2)), 11);
    expect(again.take()).toEqual([]);
    expect(node.addresses.consumer.settled).toMatchObject([{ token: 11, outcome: OUTCOME.accepted }]);
    again.send({ cmd: 'pubcomp', messageId, reasonCode: 0 });
    give(node, ofQos(2), 12);
    expect(again.take()).toMatchObject([{ cmd: 'publish', qos: 2, dup: false }]);
  });

  it('takes no message of QoS 2 that is new for one that it has received, however alike they are', () => {
    const client = staying();
    client.subscribe('a', 2);
    client.take();
    const { node } = client;
    give(node, ofQos(2), 1);
    const [{ messageId } = { messageId: 0 }] = client.take();
    client.send({ cmd: 'pubrec', messageId, reasonCode: 0 });
    client.stream.end();
    const again = node.client();
    again.connect(STAYS);
    again.take();
    give(node, ofQos(2), 11);
    expect(again.take()).toMatchObject([{ cmd: 'publish', qos: 2, dup: false }]);
  });

  it('settles a message of QoS 2 once that it has been received is kept, and knows it until its settlement is in force', () => {
    const node = new TestNode();
    const client = node.client().connected(STAYS);
    client.subscribe('a', 2);
    client.take();
    give(node, ofQos(2), 1);
    const [{ messageId } = { messageId: 0 }] = client.take();
    client.send({ cmd: 'pubrec', messageId, reasonCode: 0 });
    expect(node.addresses.consumer.settled).toMatchObject([{ token: 1, outcome: OUTCOME.accepted, confirm: true }]);
    client.send({ cmd: 'pubcomp', messageId, reasonCode: 0 });
    client.stream.end();
    // The home died before its disk had it.
    const again = node.client().connected(STAYS);
    again.take();
    give(node, seen(ofQos(2)), 11);
    expect(again.take()).toEqual([]);
    expect(node.addresses.consumer.settled).toMatchObject([{ token: 11, outcome: OUTCOME.accepted, confirm: true }]);
    node.addresses.consumer.handler.onSettled(11, null);
    again.stream.end();
    const third = node.client().connected(STAYS);
    third.take();
    give(node, seen(ofQos(2)), 21);
    expect(third.take()).toMatchObject([{ cmd: 'publish', qos: 2, dup: false }]);
  });

  it('lets go of messages of QoS 2 in the order in which they were received, whatever their packet ids are', () => {
    const client = staying();
    client.subscribe('a', 2);
    client.take();
    const { node } = client;
    for (let token = 1; token <= 3; token++) give(node, ofQos(2, `${token}`), token);
    const ids = client.take().map(({ messageId }) => messageId);
    const order = [ids[1], ids[2], ids[0]];
    for (const messageId of order) client.send({ cmd: 'pubrec', messageId, reasonCode: 0 });
    client.stream.end();
    const again = node.client();
    again.connect(STAYS);
    expect(again.take().slice(1)).toMatchObject(order.map((messageId) => ({ cmd: 'pubrel', messageId })));
  });

  it('[MQTT-4.3.3-10] knows a message of QoS 2 that it has received', () => {
    const client = staying();
    const publish = { cmd: 'publish', topic: 'a', payload: 'x', qos: 2, dup: false, retain: false, messageId: 77 };
    client.send(publish);
    expect(client.take()).toMatchObject([{ cmd: 'pubrec', messageId: 77 }]);
    client.stream.end();
    const { node } = client;
    const again = node.client().connected(STAYS);
    again.send({ ...publish, dup: true });
    expect(again.take()).toMatchObject([{ cmd: 'pubrec', messageId: 77 }]);
    expect(node.addresses.publishers.reduce((sum, { published }) => sum + published.length, 0)).toBe(1);
    again.send({ cmd: 'pubrel', messageId: 77, reasonCode: 0 });
    expect(again.take()).toMatchObject([{ cmd: 'pubcomp', messageId: 77, reasonCode: 0 }]);
  });

  it('says that a message of QoS 2 is received when that is kept, not before', () => {
    const node = new TestNode();
    const open = node.space.openSession.bind(node.space);
    let kept: (() => void) | undefined;
    node.space.openSession = (spec, handler) =>
      open(spec, {
        ...handler,
        onRefused: () => undefined,
        onTaken: () => undefined,
        onOpened: (session) =>
          handler.onOpened({ ...session, saveState: (_state, done) => (kept = () => done?.(null)) }),
      });
    const client = node.client().connected(STAYS);
    client.send({ cmd: 'publish', topic: 'a', payload: 'x', qos: 2, dup: false, retain: false, messageId: 77 });
    expect(client.take()).toEqual([]);
    kept?.();
    node.turn();
    expect(client.take()).toMatchObject([{ cmd: 'pubrec', messageId: 77 }]);
  });

  it.each([
    ['FL_SUBSCRIPTION_AWAY' as const, 0x89],
    ['FL_SUBSCRIPTION_LIMIT' as const, 0x97],
  ])('is ended by %s with a reason when a subscription of it cannot be had', (code, reason) => {
    const client = staying();
    client.subscribe('a', 1);
    client.take();
    client.node.addresses.consumer.handler.onGone(new AddressError(code, 'its home is away'));
    client.node.turn();
    expect(client.farewell).toBe(reason);
    expect(client.node.space.sessions.get('client')?.subscriptions).toHaveLength(1);
  });
});

describe('a queue that moves, or whose way breaks', () => {
  const moved = new AddressError('FL_QUEUE_MOVED', 'attach again');

  it('costs its consumer nothing: what was not acknowledged comes again', async () => {
    const client = new TestNode().client().connected();
    client.subscribe('$queue/a', 1);
    client.take();
    const { addresses } = client.node;
    const former = addresses.consumer;
    former.deliver(5, amqpMessage('x'));
    client.node.turn();
    const [first] = client.take() as { messageId: number }[];
    former.handler.onGone(moved);
    await Promise.resolve();
    expect(addresses.consumers).toHaveLength(2);
    const { consumer } = addresses;
    consumer.deliver(7, amqpMessage('x'));
    client.node.turn();
    const [again] = client.take() as { messageId: number }[];
    client.send({ cmd: 'puback', messageId: first?.messageId ?? 0 });
    expect([consumer.settled, client.closed]).toEqual([[], false]);
    client.send({ cmd: 'puback', messageId: again?.messageId ?? 0 });
    expect(consumer.settled).toMatchObject([{ token: 7 }]);
  });

  it('ends the connection of a client that has a message of QoS 2 and has not said so', async () => {
    const client = new TestNode().client().connected();
    client.subscribe('$queue/a', 2);
    client.take();
    const { addresses } = client.node;
    addresses.consumer.deliver(5, amqpMessage('x'));
    client.node.turn();
    addresses.consumer.handler.onGone(moved);
    await Promise.resolve();
    client.node.turn();
    expect(addresses.consumers).toHaveLength(1);
    expect(client.closed).toBe(true);
  });
});

describe('a shared subscription', () => {
  it('is one of the whole mesh, whoever is in its group', () => {
    const node = new TestNode();
    for (const clientId of ['one', 'two']) node.client().connected({ clientId }).subscribe('$share/g/a/#', 1);
    const subscription = { name: 'g/a/#', client: null, durable: false, shared: true };
    expect(node.addresses.consumers.map(({ spec }) => [spec.address, spec.subscription])).toEqual([
      ['a.#', subscription],
      ['a.#', subscription],
    ]);
  });

  it.each(['$share/a', '$share//a', '$share/g/', '$share/g+/a', '$share/g'])(
    '[MQTT-4.8.2-1] [MQTT-4.8.2-2] is refused as %s',
    (filter) => {
      const client = new TestNode().client().connected();
      client.subscribe(filter, 1);
      expect(client.take()).toMatchObject([{ granted: [0x8f] }]);
    },
  );

  it('gives back what a client had open when it went', () => {
    const node = new TestNode();
    const client = node.client().connected();
    client.subscribe('$share/g/a', 1);
    client.stream.end();
    expect(node.addresses.consumer.failed).toBe(true);
  });
});
