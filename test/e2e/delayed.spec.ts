import { MqttJsClient } from '../support/clients/mqtt-js';
import { StompWire } from '../support/clients/stomp-wire';
import { EventSource } from '../support/event-source';
import { eventually } from '../support/eventually';
import { httpCall } from '../support/http-call';
import { Mesh } from '../support/mesh';

const DELAY_MS = 2_000;

let mesh: Mesh;

beforeAll(async () => {
  const listeners = [
    { protocol: 'mqtt' as const, port: 0 },
    { protocol: 'stomp' as const, port: 0 },
    { name: 'web', protocol: 'http' as const, port: 0 },
  ];
  mesh = await Mesh.line(['east', 'west'], { document: { listeners } });
  await mesh.start();
});
afterAll(() => mesh.stop());

const port = (site: string, listener: string): number => mesh.node(site).port(listener);

/** The entry that sets annotations. */
function annotated(annotations: string | null): Record<string, string> {
  return annotations === null ? {} : { 'fairlead-annotations': annotations };
}

/** By each protocol that has headers or properties. */
const PUBLISH: readonly [string, (topic: string, body: string, annotations: string | null) => Promise<void>][] = [
  [
    'HTTP',
    async (topic, body, annotations) => {
      const headers = { 'content-type': 'text/plain', ...annotated(annotations) };
      const path = `/v1/addresses/topic/${topic}`;
      expect((await httpCall(port('east', 'web'), path, { headers, body })).status).toBe(202);
    },
  ],
  [
    'MQTT',
    async (topic, body, annotations) => {
      const publisher = await MqttJsClient.connect(port('east', 'mqtt'));
      const properties = { properties: { userProperties: annotated(annotations) } };
      await publisher.client.publishAsync(topic, body, { qos: 1, ...(annotations !== null && properties) });
      await publisher.end();
    },
  ],
  [
    'STOMP',
    async (topic, body, annotations) => {
      const wire = await StompWire.connect(port('east', 'stomp'));
      const more = annotated(annotations?.replaceAll(':', '\\c') ?? null);
      wire.tell('SEND', { destination: `/topic/${topic}`, 'content-type': 'text/plain', receipt: 'r', ...more }, body);
      await eventually('the receipt', () => wire.frames.some(({ command }) => command === 'RECEIPT'));
      wire.destroy();
    },
  ],
];

it.each(PUBLISH)(
  'a message that %s publishes with a time comes then to plain subscribers of all protocols at another site, and others pass it',
  async (by, publish) => {
    const topic = `later-${by}`;
    const mqtt = await MqttJsClient.connect(port('west', 'mqtt'));
    await mqtt.client.subscribeAsync(topic, { qos: 1 });
    const stomp = await StompWire.connect(port('west', 'stomp'));
    stomp.tell('SUBSCRIBE', { id: 's', destination: `/topic/${topic}`, receipt: 'subscribed' });
    await eventually('the receipt', () => stomp.frames.some(({ command }) => command === 'RECEIPT'));
    const events = await new EventSource(port('west', 'web'), `/v1/addresses/topic/${topic}`).ready();
    const seen = (): unknown[][] => [
      mqtt.arrivals.map(({ text }) => text),
      stomp.frames.filter(({ command }) => command === 'MESSAGE').map(({ body }) => String(body)),
      events.data.map(({ data }) => data),
    ];
    const at = Date.now() + DELAY_MS;
    await publish(topic, 'later', JSON.stringify({ 'x-opt-delivery-time': at }));
    await publish(topic, 'now', null);
    const arrived = (count: number) => (): boolean => seen().every((texts) => texts.length >= count);
    const otherwise = (): string => JSON.stringify(seen());
    await eventually('the one with a time', () => seen().some((texts) => texts.length > 1), { otherwise });
    expect(Date.now()).toBeGreaterThanOrEqual(at);
    await eventually('it is with all', arrived(2), { otherwise });
    expect(seen()).toEqual([
      ['now', 'later'],
      ['now', 'later'],
      ['now', 'later'],
    ]);
    events.close();
    stomp.destroy();
    await mqtt.end();
  },
);
