import { PENDING } from '../../addresses/contract';
import { AddressError } from '../../addresses/errors';
import { decodeMessage } from '../../message/decode-message';
import { OUTCOME } from '../../streams/contract';
import { ASIDE_BYTES_MAX } from './limits';
import { amqpMessage, type TestClient, TestNode } from './mqtt.fixture';

const publish = (qos: 0 | 1 | 2, more: object = {}) => ({
  cmd: 'publish',
  topic: 'a/b',
  payload: 'hello',
  qos,
  dup: false,
  retain: false,
  messageId: 5,
  ...more,
});

function publisherOf(client: TestClient) {
  return client.node.addresses.publisher;
}

function started(version: 4 | 5 = 5) {
  const client = new TestNode().client(version).connected();
  client.send(publish(0, { payload: 'first' }));
  return { client, publisher: publisherOf(client) };
}

describe('PUBLISH of a client', () => {
  it('goes to the mesh under the name that its topic has there', () => {
    const { publisher } = started();
    const [{ to, flags, payload } = { to: '', flags: 0, payload: '' }] = publisher.published;
    const message = decodeMessage(Buffer.from(payload, 'latin1'));
    expect([to, flags]).toEqual(['a.b', 1]);
    expect(message.body).toEqual({ kind: 'data', parts: [Buffer.from('first')] });
    expect([message.header?.durable, message.properties?.to]).toEqual([false, 'topic/a.b']);
  });

  it('[MQTT-2.2.1-5] [MQTT-3.3.4-1] [MQTT-3.4.2-1] [MQTT-4.3.2-4] of QoS 1 is acknowledged when the mesh has accepted it, not before', () => {
    const { client, publisher } = started();
    publisher.verdict = PENDING;
    client.send(publish(1));
    expect(client.take()).toEqual([]);
    const { flags, token } = publisher.published[1] as { flags: number; token: number };
    expect(flags).toBe(2);
    publisher.handler.onOutcome(token, OUTCOME.accepted, null);
    client.node.turn();
    expect(client.take()).toEqual([expect.objectContaining({ cmd: 'puback', messageId: 5 })]);
  });

  it('[MQTT-3.5.2-1] [MQTT-3.7.2-1] [MQTT-4.3.3-8] [MQTT-4.3.3-10] [MQTT-4.3.3-11] [MQTT-4.3.3-12] of QoS 2 is published once, received and completed', () => {
    const { client, publisher } = started();
    client.send(publish(2));
    client.send(publish(2, { dup: true }));
    expect(client.take()).toMatchObject([{ cmd: 'pubrec' }, { cmd: 'pubrec' }]);
    expect(publisher.published).toHaveLength(2);
    client.send({ cmd: 'pubrel', messageId: 5 });
    client.send({ cmd: 'pubrel', messageId: 5 });
    expect(client.take()).toMatchObject([
      { cmd: 'pubcomp', messageId: 5, reasonCode: 0 },
      { cmd: 'pubcomp', messageId: 5, reasonCode: 0x92 },
    ]);
    client.send(publish(2));
    expect(publisher.published).toHaveLength(3);
  });

  it('[MQTT-4.3.3-9] of QoS 2 that was refused is sent anew under its packet id', () => {
    const { client, publisher } = started();
    publisher.verdict = OUTCOME.rejected;
    client.send(publish(2));
    expect(client.take()).toMatchObject([{ cmd: 'pubrec', messageId: 5, reasonCode: 0x83 }]);
    publisher.verdict = OUTCOME.accepted;
    client.send(publish(2));
    expect(client.take()).toMatchObject([{ cmd: 'pubrec', messageId: 5, reasonCode: 0 }]);
  });

  it('[MQTT-3.1.2-29] is told in words why it was refused, where words are wanted', () => {
    const node = new TestNode();
    for (const [requestProblemInformation, words] of [
      [true, { reasonString: 'queue is full' }],
      [false, undefined],
    ] as const) {
      const client = node.client().connected({ properties: { requestProblemInformation } });
      client.send(publish(0));
      const publisher = publisherOf(client);
      publisher.verdict = PENDING;
      client.send(publish(1));
      const detail = { condition: 'amqp:resource-limit-exceeded', description: 'queue is full' };
      publisher.handler.onOutcome(publisher.published[1]?.token ?? 0, OUTCOME.rejected, detail);
      node.turn();
      const [answer] = client.take();
      expect(answer).toMatchObject({ cmd: 'puback', messageId: 5, reasonCode: 0x97 });
      expect(answer?.['properties']).toEqual(words);
    }
  });

  it('that is refused ends a connection of 3.1.1, which has no word for it', () => {
    const { client, publisher } = started(4);
    publisher.verdict = OUTCOME.rejected;
    client.send(publish(1));
    expect([client.closed, client.take()]).toEqual([true, []]);
  });

  it('costs its sender that message where its address is another kind', () => {
    const { client } = started();
    client.node.addresses.refusal = new AddressError('FL_ADDRESS_KIND', 'a queue');
    client.send(publish(1, { topic: 'jobs/a' }));
    client.send(publish(0, { topic: 'jobs/a' }));
    expect(client.take()).toMatchObject([
      {
        cmd: 'puback',
        reasonCode: 0x90,
        properties: { reasonString: 'a queue; a queue is $queue/NAME in MQTT, an anycast address $anycast/NAME' },
      },
    ]);
    expect([client.closed, client.node.counters.messagesRejected]).toEqual([false, 2]);
  });

  it('[MQTT-2.2.1-3] of a packet id in use ends the connection, unless it says that it comes again', () => {
    const { client, publisher } = started();
    publisher.verdict = PENDING;
    client.send(publish(1)).send(publish(1, { dup: true }));
    expect([publisher.published.length, client.closed]).toEqual([2, false]);
    client.send(publish(1));
    expect(client.farewell).toBe(0x82);
  });

  it('[MQTT-3.3.4-7] past Receive Maximum ends the connection', () => {
    const { client, publisher } = started();
    publisher.handler.onCredit(2_000);
    publisher.verdict = PENDING;
    for (let messageId = 1; messageId <= 1_024; messageId++) client.send(publish(1, { messageId }));
    expect(client.closed).toBe(false);
    client.send(publish(1, { messageId: 1_025 }));
    expect(client.farewell).toBe(0x93);
  });

  describe('without credit', () => {
    it('waits, and what comes behind it too, but for PINGREQ', () => {
      const { client, publisher } = started();
      client.node.addresses.openPublisher = () => {
        throw new Error('one publisher for each client');
      };
      const many = Array.from({ length: 150 }, (_, at) => client.bytes(publish(0, { payload: `${at}` })));
      const unsubscribe = client.bytes({ cmd: 'unsubscribe', messageId: 5, unsubscriptions: ['a'] });
      client.raw(Buffer.concat([...many, client.bytes({ cmd: 'pingreq' }), unsubscribe]));
      expect([publisher.published.length, client.stream.paused]).toEqual([100, false]);
      expect(client.take()).toMatchObject([{ cmd: 'pingresp' }]);
      client.send(publish(0, { payload: '150' }));
      publisher.handler.onCredit(60);
      client.node.turn();
      expect(publisher.published.slice(1).map(({ payload }) => Number(/\d+$/.exec(payload)?.[0]))).toEqual(
        Array.from({ length: 151 }, (_, at) => at),
      );
      expect(client.take()).toMatchObject([{ cmd: 'unsuback' }]);
      expect(client.node.budget.asideBytes).toBe(0);
    });

    it('what a client acknowledges is read all the same, also where that brings the credit [MQTT-4.9.0-3]', () => {
      const { client, publisher } = started();
      client.subscribe('b', 1);
      client.take();
      const { consumer } = client.node.addresses;
      const many = Array.from({ length: 150 }, () => client.bytes(publish(0)));
      client.raw(Buffer.concat(many));
      const before = publisher.published.length;
      expect(before).toBeLessThan(151);
      const message = amqpMessage('x');
      consumer.handler.deliver(1, { kind: 'topic', name: 'b' }, false, message, 0, message.length);
      client.node.turn();
      expect(client.take()).toMatchObject([{ cmd: 'publish', messageId: 1 }]);
      // The lane of its own subscription has room again, and so there is credit: within the reading of the acknowledgement.
      const settle = consumer.settle.bind(consumer);
      consumer.settle = (...args) => {
        settle(...args);
        publisher.handler.onCredit(1_000);
      };
      client.send({ cmd: 'puback', messageId: 1 });
      expect(consumer.settled.length).toBe(1);
      expect(publisher.published.length).toBe(151);
    });

    it('is read from no more once so much of it waits', () => {
      const { client, publisher } = started();
      const one = client.bytes(publish(0, { payload: Buffer.alloc(10_000, 'x') }));
      const count = 100 + Math.ceil(ASIDE_BYTES_MAX / one.length) + 5;
      for (let at = 1; at < count; at++) client.stream.user?.read(one);
      expect(client.stream.paused).toBe(true);
      expect(client.node.budget.asideBytes).toBeLessThanOrEqual(2 * ASIDE_BYTES_MAX);
      publisher.handler.onCredit(1_000);
      client.node.turn();
      expect([publisher.published.length, client.stream.paused]).toEqual([count, false]);
      expect([client.node.budget.asideBytes, client.node.budget.gatheredBytes]).toEqual([0, 0]);
    });

    it('waits in its connection where all clients together have no more room', () => {
      const { client, publisher } = started();
      client.node.budget.asideBytes = client.node.budget.asideBytesMax;
      const one = client.bytes(publish(0, { payload: Buffer.alloc(10_000, 'x') }));
      for (let at = 0; at < 101; at++) client.stream.user?.read(one);
      expect([client.stream.paused, client.closed]).toEqual([true, false]);
      publisher.handler.onCredit(10);
      client.node.turn();
      expect([client.stream.paused, publisher.published.length]).toEqual([false, 102]);
    });

    it('is not held against a client that this end does not read from', () => {
      const { client } = started();
      client.raw(Buffer.concat(Array.from({ length: 150 }, () => client.bytes(publish(0)))));
      client.node.pass(200_000);
      expect(client.closed).toBe(false);
    });

    it('leaves nothing behind when its client goes', () => {
      const { client } = started();
      client.raw(Buffer.concat(Array.from({ length: 150 }, () => client.bytes(publish(0)))));
      expect(client.node.budget.asideBytes).toBeGreaterThan(0);
      client.stream.end();
      expect(client.node.budget.asideBytes).toBe(0);
    });
  });

  it('[MQTT-3.3.2-12] may name its topic by an alias', () => {
    const { client, publisher } = started();
    client.send(publish(0, { topic: 'x/y', properties: { topicAlias: 3 } }));
    client.send(publish(0, { topic: '', properties: { topicAlias: 3 } }));
    client.send(publish(0, { topic: 'z', properties: { topicAlias: 3 } }));
    client.send(publish(0, { topic: '', properties: { topicAlias: 3 } }));
    expect(publisher.published.map(({ to }) => to)).toEqual(['a.b', 'x.y', 'x.y', 'z', 'z']);
  });

  it('[MQTT-3.3.2-4] takes its properties along', () => {
    const { client, publisher } = started();
    const properties = {
      payloadFormatIndicator: true,
      messageExpiryInterval: 60,
      contentType: 'text/plain',
      responseTopic: 'replies/me',
      correlationData: Buffer.from([1, 2]),
      userProperties: { b: '1', a: ['2', '3'] },
    };
    client.send(publish(1, { properties }));
    const message = decodeMessage(Buffer.from(publisher.published[1]?.payload ?? '', 'latin1'));
    expect(message.header).toMatchObject({ durable: true, ttl: 60_000 });
    expect(message.properties).toMatchObject({ contentType: 'text/plain', replyTo: 'topic/replies.me' });
    expect(message.applicationProperties?.named('b')).toBe('1');
  });

  it('is refused when it is not the text that it says it is', () => {
    const { client, publisher } = started();
    client.send(publish(1, { payload: Buffer.from([0xff]), properties: { payloadFormatIndicator: true } }));
    expect(client.take()).toMatchObject([{ cmd: 'puback', reasonCode: 0x99 }]);
    expect(publisher.published).toHaveLength(1);
  });

  it('reaches queues and other kinds by their prefix', () => {
    const { client, publisher } = started();
    client.send(publish(1, { topic: '$queue/jobs.a' }));
    const [to, payload] = [publisher.published[1]?.to, publisher.published[1]?.payload ?? ''];
    expect(to).toBe('jobs.a');
    expect(decodeMessage(Buffer.from(payload, 'latin1')).properties?.to).toBe('queue/jobs.a');
  });

  it('is read whatever pieces it comes in', () => {
    const { client, publisher } = started();
    const bytes = Buffer.concat([client.bytes(publish(1)), client.bytes(publish(1, { messageId: 6 }))]);
    for (const byte of bytes) client.raw([byte]);
    expect(publisher.published).toHaveLength(3);
    expect(client.take()).toMatchObject([{ messageId: 5 }, { messageId: 6 }]);
    expect(client.node.budget.gatheredBytes).toBe(0);
  });

  it('of many KiB goes on as it comes', () => {
    const { client, publisher } = started();
    const bytes = client.bytes(publish(2, { payload: Buffer.alloc(200_000, 1) }));
    for (let at = 0; at < bytes.length; at += 60_000) client.raw(bytes.subarray(at, at + 60_000));
    expect(publisher.parts[0]).toBe('begin a.b');
    expect(publisher.parts.at(-1)).toBe('end');
    const streamed = publisher.parts.slice(2, -1).reduce((sum, part) => sum + parseInt(part, 10), 0);
    expect(streamed).toBe(200_000);
    expect(client.take()).toMatchObject([{ cmd: 'pubrec', messageId: 5 }]);
  });

  it('of many KiB waits while the mesh holds it', () => {
    const { client, publisher } = started();
    const bytes = client.bytes(publish(1, { payload: Buffer.alloc(100_000, 1) }));
    client.raw(bytes.subarray(0, 60_000));
    publisher.handler.onHold(true);
    client.raw(bytes.subarray(60_000));
    expect([publisher.parts.at(-1) === 'end', client.stream.paused]).toEqual([false, true]);
    publisher.handler.onHold(false);
    client.node.turn();
    expect([publisher.parts.at(-1), client.stream.paused]).toEqual(['end', false]);
  });

  it('is cut off when its head is too long', () => {
    const { client } = started();
    const userProperties = Object.fromEntries(Array.from({ length: 60 }, (_, at) => [`${at}`, 'x'.repeat(1_000)]));
    client.raw(client.bytes(publish(1, { payload: Buffer.alloc(9), properties: { userProperties } })));
    expect(client.farewell).toBe(0x95);
  });
});
