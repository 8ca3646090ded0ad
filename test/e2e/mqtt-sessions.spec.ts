import { MqttJsClient } from '../support/clients/mqtt-js';
import { eventually } from '../support/eventually';
import { Mesh } from '../support/mesh';

jest.setTimeout(120_000);

describe('what an MQTT client leaves, two sites apart', () => {
  let mesh: Mesh;
  const port = (site: string): number => mesh.node(site).port('mqtt');

  beforeAll(async () => {
    mesh = await Mesh.line(['west', 'middle', 'east'], { document: { listeners: [{ protocol: 'mqtt', port: 0 }] } });
    await mesh.start();
  });
  afterAll(() => mesh.stop());

  it('a session follows it, with its subscriptions and what it missed', async () => {
    const options = { clientId: 'roams', clean: false, properties: { sessionExpiryInterval: 3_600 } };
    const first = await MqttJsClient.connect(port('west'), options);
    await first.client.subscribeAsync('roam/#', { qos: 1 });
    await first.cut();
    const publisher = await MqttJsClient.connect(port('middle'));
    await publisher.client.publishAsync('roam/a', 'missed', { qos: 1 });
    const second = await MqttJsClient.connect(port('east'), options);
    expect(await second.texts(1)).toEqual(['missed']);
    expect(second.arrivals[0]?.topic).toBe('roam/a');
    const third = await MqttJsClient.connect(port('west'), options);
    await eventually('the old connection is told', () => second.farewell !== null);
    expect(second.farewell).toBe(0x8e);
    await publisher.client.publishAsync('roam/b', 'then', { qos: 1 });
    await eventually('what comes then', () => third.arrivals.some(({ text }) => text === 'then'));
    await Promise.all([publisher.end(), third.end()]);
  });

  it('a retained message, and a will', async () => {
    const publisher = await MqttJsClient.connect(port('west'), {
      clientId: 'wills',
      will: { topic: 'state/wills', payload: Buffer.from('gone'), qos: 1, retain: true },
    });
    await publisher.client.publishAsync('state/lamp', 'on', { qos: 1, retain: true });
    const late = await MqttJsClient.connect(port('east'));
    await late.client.subscribeAsync('state/#', { qos: 1 });
    expect(await late.texts(1)).toEqual(['on']);
    expect(late.arrivals[0]?.packet.retain).toBe(true);
    await publisher.cut();
    expect(await late.texts(2)).toEqual(['on', 'gone']);
    await late.end();
  });
});
