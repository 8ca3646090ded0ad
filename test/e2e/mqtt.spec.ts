import { describeForeignMqtt, ForeignSubscriber, publishWith } from '../support/clients/mqtt-commands';
import { MqttJsClient } from '../support/clients/mqtt-js';
import { fairlead, FairleadCommand } from '../support/command';
import { eventually } from '../support/eventually';
import { Mesh } from '../support/mesh';

/** Three sites in a line: messages pass one that has no client. */
const SITES = ['west', 'middle', 'east'];

describe('MQTT two sites apart', () => {
  let mesh: Mesh;
  const port = (site: string): number => mesh.node(site).port('mqtt');

  beforeAll(async () => {
    const listeners = [
      { protocol: 'amqp' as const, port: 0 },
      { protocol: 'mqtt' as const, port: 0 },
    ];
    mesh = await Mesh.line(SITES, {
      document: { listeners, addresses: [{ match: 'jobs.*', kind: 'queue', home: 'east' }] },
    });
    await mesh.start();
  });
  afterAll(() => mesh.stop());

  describe.each([
    [4, 4],
    [5, 5],
    [4, 5],
    [5, 4],
  ] as const)('from version %s to version %s', (from, to) => {
    it.each([0, 1, 2] as const)(
      '[MQTT-4.5.0-1] [MQTT-4.6.0-5] [MQTT-4.6.0-6] carries messages of QoS %s in order',
      async (qos) => {
        const topic = `order/${from}/${to}/${qos}`;
        const subscriber = await MqttJsClient.connect(port('east'), { protocolVersion: to });
        await subscriber.client.subscribeAsync(`order/${from}/${to}/+`, { qos });
        const publisher = await MqttJsClient.connect(port('west'), { protocolVersion: from });
        const sent = Array.from({ length: 300 }, (_, at) => `${at}`);
        await Promise.all(sent.map((text) => publisher.client.publishAsync(topic, text, { qos })));
        expect(await subscriber.texts(sent.length)).toEqual(sent);
        expect(new Set(subscriber.arrivals.map(({ packet }) => packet.qos))).toEqual(new Set([qos]));
        expect(subscriber.arrivals.every(({ topic: came }) => came === topic)).toBe(true);
        await Promise.all([publisher.end(), subscriber.end()]);
      },
    );
  });

  it('[MQTT-3.3.2-15] [MQTT-3.3.2-16] [MQTT-3.3.2-18] takes the properties of MQTT 5 along', async () => {
    const subscriber = await MqttJsClient.connect(port('east'));
    await subscriber.client.subscribeAsync('props/#', { qos: 1, properties: { subscriptionIdentifier: 77 } });
    const publisher = await MqttJsClient.connect(port('west'));
    const properties = {
      payloadFormatIndicator: true,
      messageExpiryInterval: 100,
      contentType: 'text/plain; charset=utf-8',
      responseTopic: 'replies/one',
      correlationData: Buffer.from([0, 1, 255]),
      userProperties: { two: ['1', '2'], one: 'ü' },
    };
    await publisher.client.publishAsync('props/a', 'ä', { qos: 1, properties });
    await subscriber.texts(1);
    const { messageExpiryInterval, ...told } = subscriber.arrivals[0]?.packet.properties ?? {};
    const { messageExpiryInterval: asked, ...same } = properties;
    expect(messageExpiryInterval).toBeLessThanOrEqual(asked);
    expect(JSON.parse(JSON.stringify(told))).toEqual(
      JSON.parse(JSON.stringify({ ...same, subscriptionIdentifier: 77 })),
    );
    await Promise.all([publisher.end(), subscriber.end()]);
  });

  it('publishes to a queue of the mesh and consumes from it: PUBACK settles', async () => {
    const first = await MqttJsClient.connect(port('west'));
    await first.client.publishAsync('$queue/jobs.a', 'one', { qos: 1 });
    await first.client.publishAsync('$queue/jobs.a', 'two', { qos: 2 });
    await first.client.subscribeAsync('$queue/jobs.a', { qos: 1 });
    expect(await first.texts(2)).toEqual(['one', 'two']);
    expect(first.arrivals[0]?.topic).toBe('$queue/jobs.a');
    const { amqpPort } = mesh.node('east');
    await eventually('the queue is empty', async () => {
      const { body } = await mesh.node('east').http('/api/v1/queues');
      return (body as { queues: { name: string; here: { depth: number } | null }[] }).queues.some(
        ({ name, here }) => name === 'jobs.a' && here?.depth === 0,
      );
    });
    await first.client.unsubscribeAsync('$queue/jobs.a');
    const sent = await fairlead('send', 'queue/jobs.a', 'from AMQP', '--url', `amqp://127.0.0.1:${amqpPort}`);
    expect(sent.code).toBe(0);
    await first.client.subscribeAsync('$queue/jobs.a', { qos: 1 });
    expect((await first.texts(3))[2]).toBe('from AMQP');
    await first.end();
  });

  it('meets AMQP on topics, with words that MQTT alone can have', async () => {
    const url = `amqp://127.0.0.1:${mesh.node('east').amqpPort}`;
    const receiver = new FairleadCommand(['receive', 'topic/plant.#', '--count', '1', '--json', '--url', url]);
    await receiver.attached();
    const client = await MqttJsClient.connect(port('west'));
    await client.client.subscribeAsync('plant/#');
    await client.client.publishAsync('plant/v1.2/*x', 'dots and stars', { qos: 1 });
    const { stdout } = await receiver.result;
    expect(stdout).toContain('topic/plant.v1%2E2.%2Ax');
    await client.texts(1);
    await fairlead('send', 'topic/plant.a', 'from AMQP', '--url', url);
    expect(await client.texts(2)).toEqual(['dots and stars', 'from AMQP']);
    expect(client.arrivals.map(({ topic }) => topic)).toEqual(['plant/v1.2/*x', 'plant/a']);
    await client.end();
  });

  it('[MQTT-3.3.2-3] [MQTT-4.8.2-3] shares a subscription among clients of all sites', async () => {
    const members = await Promise.all(
      ['east', 'middle', 'east'].map(async (site) => {
        const member = await MqttJsClient.connect(port(site));
        await member.client.subscribeAsync('$share/crew/shared/#', { qos: 1 });
        return member;
      }),
    );
    const plain = await MqttJsClient.connect(port('east'));
    await plain.client.subscribeAsync('shared/#', { qos: 1 });
    const publisher = await MqttJsClient.connect(port('west'));
    const sent = Array.from({ length: 300 }, (_, at) => `${at}`);
    await Promise.all(sent.map((text) => publisher.client.publishAsync(`shared/${text}`, text, { qos: 1 })));
    expect(await plain.texts(sent.length)).toEqual(sent);
    const got = await eventually('each message once', () => {
      const all = members.flatMap(({ arrivals }) => arrivals);
      return all.length >= sent.length && all;
    });
    expect(got.map(({ text }) => Number(text)).sort((a, b) => a - b)).toEqual(sent.map(Number));
    expect(got.every(({ topic, text }) => topic === `shared/${text}`)).toBe(true);
    expect(members.every(({ arrivals }) => arrivals.length > 0)).toBe(true);
    await Promise.all([...members, plain, publisher].map((client) => client.end()));
  });

  it('carries a message of many MiB', async () => {
    const subscriber = await MqttJsClient.connect(port('east'));
    await subscriber.client.subscribeAsync('large/#', { qos: 2 });
    const publisher = await MqttJsClient.connect(port('west'));
    const payload = Buffer.alloc(5_000_000, 'large ');
    await publisher.client.publishAsync('large/one', payload, { qos: 2, properties: { contentType: 'x/y' } });
    await publisher.client.publishAsync('large/two', 'small', { qos: 1 });
    await subscriber.texts(2);
    const one = subscriber.arrivals.find(({ topic }) => topic === 'large/one');
    expect(one?.packet.payload.length).toBe(payload.length);
    expect(payload.equals(one?.packet.payload as Buffer)).toBe(true);
    expect(one?.packet.properties?.contentType).toBe('x/y');
    await Promise.all([publisher.end(), subscriber.end()]);
  });

  describeForeignMqtt('clients of others', () => {
    describe.each([4, 5] as const)('version %s', (version) => {
      it.each([
        ['mosquitto', 'paho', 0],
        ['mosquitto', 'paho', 2],
        ['paho', 'mosquitto', 1],
        ['paho', 'mosquitto', 2],
      ] as const)('%s publishes and %s subscribes with QoS %s', async (from, to, qos) => {
        const topic = `foreign/${from}/${version}/${qos}`;
        const subscriber = await ForeignSubscriber.start(to, { port: port('east'), topic: 'foreign/#', qos, version });
        await publishWith(from, { port: port('west'), topic, qos, version }, 'hello there');
        await subscriber.saw(`${topic} ${qos} hello there`);
        await subscriber.end();
      });
    });
  });
});
