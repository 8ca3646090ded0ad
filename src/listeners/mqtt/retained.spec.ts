import { decodeMessage } from '../../message/decode-message';
import { PENDING } from '../../addresses/contract';
import { AddressError } from '../../addresses/errors';
import { OUTCOME } from '../../streams/contract';
import { TestNode } from './mqtt.fixture';

const publish = (topic: string, payload: string, more: object = {}) => ({
  cmd: 'publish',
  topic,
  payload,
  qos: 1,
  dup: false,
  retain: true,
  messageId: 5,
  ...more,
});

function kept(node: TestNode): string[] {
  return [...node.space.kept.keys()].sort();
}

describe('a retained message', () => {
  it('[MQTT-3.3.1-5] is published and kept, in place of the one before', () => {
    const node = new TestNode();
    const client = node.client().connected();
    client.send(publish('a/b', 'one')).send(publish('a/b', 'two'));
    expect(client.take()).toMatchObject([{ cmd: 'puback' }, { cmd: 'puback' }]);
    expect(node.addresses.publisher.published).toHaveLength(2);
    expect(kept(node)).toEqual(['a.b']);
    expect(decodeMessage(node.space.kept.get('a.b')?.payload as Buffer).body).toMatchObject({
      parts: [Buffer.from('two')],
    });
  });

  it('[MQTT-3.3.1-6] [MQTT-3.3.1-7] is forgotten with an empty one, which is published and not kept', () => {
    const node = new TestNode();
    const client = node.client().connected();
    client.send(publish('a', 'one')).send(publish('a', ''));
    expect([kept(node), node.addresses.publisher.published.length]).toEqual([[], 2]);
  });

  it('[MQTT-3.3.1-8] is none without the flag', () => {
    const node = new TestNode();
    node
      .client()
      .connected()
      .send(publish('a', 'one', { retain: false }));
    expect(kept(node)).toEqual([]);
  });

  it('is acknowledged when it is accepted and kept', () => {
    const node = new TestNode();
    let done: ((error: null) => void) | undefined;
    node.space.retain = (_topic, _bytes, _start, _end, then) => (done = then);
    const client = node.client().connected();
    client.send(publish('a', 'one'));
    expect(client.take()).toEqual([]);
    done?.(null);
    node.turn();
    expect(client.take()).toMatchObject([{ cmd: 'puback', reasonCode: 0 }]);
    const { publisher } = node.addresses;
    publisher.verdict = PENDING;
    client.send(publish('a', 'two'));
    done?.(null);
    expect(client.take()).toEqual([]);
    publisher.handler.onOutcome(publisher.published[1]?.token ?? 0, OUTCOME.rejected, null);
    node.turn();
    expect(client.take()).toMatchObject([{ cmd: 'puback', reasonCode: 0x83 }]);
  });

  it('that cannot be kept is not published either', () => {
    const node = new TestNode();
    node.space.retain = () => {
      throw new AddressError('FL_RETAINED_SIZE', 'too large');
    };
    const client = node.client().connected();
    client.send(publish('a', 'one'));
    expect(client.take()).toMatchObject([{ cmd: 'puback', reasonCode: 0x97 }]);
    expect(node.addresses.publisher.published).toEqual([]);
  });

  it('[MQTT-3.3.1-9] comes to those who subscribe later, with its flag', () => {
    const node = new TestNode();
    const client = node.client().connected();
    client
      .send(publish('a/b', 'one'))
      .send(publish('a/c', 'two', { qos: 0 }))
      .send(publish('b', 'three'));
    client.take();
    client.subscribe('a/#', 1, {}, { subscriptionIdentifier: 4 });
    expect(client.take()).toMatchObject([
      { cmd: 'suback' },
      { topic: 'a/b', qos: 1, retain: true, properties: { subscriptionIdentifier: 4 } },
      { topic: 'a/c', qos: 0, retain: true },
    ]);
  });

  it.each([
    [0, [1, 1]],
    [1, [1, 0]],
    [2, [0, 0]],
  ])(
    '[MQTT-3.3.1-9] [MQTT-3.3.1-10] [MQTT-3.3.1-11] [MQTT-3.8.4-4] comes as retain handling %s has it',
    (rh, counts) => {
      const node = new TestNode();
      const client = node.client().connected();
      client.send(publish('a', 'one'));
      client.take();
      for (const count of counts as number[]) {
        client.subscribe('a', 1, { rh });
        expect(client.take().filter(({ cmd }) => cmd === 'publish')).toHaveLength(count);
      }
    },
  );

  it('does not come to those who share', () => {
    const node = new TestNode();
    const client = node.client().connected();
    client.send(publish('a', 'one'));
    client.take();
    client.subscribe('$share/g/a', 1);
    expect(client.take()).toMatchObject([{ cmd: 'suback' }]);
  });

  it('comes as the client takes messages', () => {
    const node = new TestNode();
    const client = node.client().connected({ properties: { receiveMaximum: 2 } });
    for (const topic of ['a/1', 'a/2', 'a/3', 'a/4', 'a/5']) client.send(publish(topic, 'x'));
    client.take();
    client.subscribe('a/+', 1);
    const first = client.take().filter(({ cmd }) => cmd === 'publish');
    expect(first).toHaveLength(2);
    client.send({ cmd: 'puback', messageId: first[0]?.['messageId'], reasonCode: 0 });
    client.send({ cmd: 'puback', messageId: first[1]?.['messageId'], reasonCode: 0 });
    expect(client.take()).toHaveLength(2);
  });

  it('[MQTT-3.3.1-12] [MQTT-3.3.1-13] has its flag for those who want it as it was published, and for nobody else', () => {
    const node = new TestNode();
    const client = node.client().connected();
    client.send(publish('x', 'one'));
    const payload = Buffer.from(node.addresses.publisher.published[0]?.payload ?? '', 'latin1');
    client.take();
    for (const rap of [true, false]) {
      client.subscribe('y', 0, { rap });
      client.take();
      node.addresses.consumer.handler.deliver(-1, { kind: 'topic', name: 'y' }, true, payload, 0, payload.length);
      node.turn();
      expect(client.take()).toMatchObject([{ retain: rap }]);
    }
  });
});

describe('a will', () => {
  const will = { topic: 'will/of', payload: 'gone', qos: 1, retain: true, properties: { willDelayInterval: 3 } };

  it('[MQTT-3.1.2-7] [MQTT-3.1.2-8] [MQTT-3.1.2-15] is given to the mesh, and is published when the client goes without a word', () => {
    const node = new TestNode();
    const client = node.client().connected({ will });
    client.stream.end();
    const [told] = node.space.wills;
    expect(told).toMatchObject({ address: 'topic/will.of', durable: true, retain: true, delayMs: 3_000 });
    const message = decodeMessage(told?.payload as Buffer);
    expect(message.body).toMatchObject({ parts: [Buffer.from('gone')] });
  });

  it.each([
    [0, 0],
    [4, 1],
  ])('[MQTT-3.14.4-3] [MQTT-3.1.2-10] after DISCONNECT with reason %s: %s', (reasonCode, count) => {
    const node = new TestNode();
    const client = node.client().connected({ will });
    client.send({ cmd: 'disconnect', reasonCode });
    expect(node.space.wills).toHaveLength(count);
  });

  it('[MQTT-3.1.2-8] is published when the keep-alive is over, and when the client broke the protocol', () => {
    const node = new TestNode();
    node.client().connected({ will, keepalive: 1 });
    node.pass(2_000);
    node.client().connected({ will }).raw([0, 0]);
    expect(node.space.wills).toHaveLength(2);
  });

  it.each([
    [{ ...will, topic: 'a/#' }, 0x90],
    [{ ...will, topic: '$SYS/a' }, 0x90],
    [{ ...will, payload: Buffer.from([255]), properties: { payloadFormatIndicator: true } }, 0x99],
  ])('is refused when it cannot be published', (bad, reason) => {
    const client = new TestNode().client();
    client.connect({ will: bad });
    expect(client.farewell).toBe(reason);
  });
});
