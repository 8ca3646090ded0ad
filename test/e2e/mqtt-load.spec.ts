import { MqttJsClient } from '../support/clients/mqtt-js';
import { LoadPublisher, LoadSubscriber } from '../support/clients/mqtt-load';
import { RawMqtt } from '../support/clients/mqtt-raw';
import { eventually } from '../support/eventually';
import { FairleadNode } from '../support/fairlead-node';
import { Mesh } from '../support/mesh';
import { note } from '../support/seed';
import { residentBytes } from '../fuzz/node-memory';

/** Small here; by command as many as the issue asks for. */
const IDLE = Number(process.env['FAIRLEAD_MQTT_IDLE'] ?? 500);
const PUBLISHERS = Number(process.env['FAIRLEAD_MQTT_PUBLISHERS'] ?? 50);
const SECONDS = Number(process.env['FAIRLEAD_MQTT_SECONDS'] ?? 2);
const RATE = 10;
const SUBSCRIBERS = 10;
const IDLE_BYTES_MAX = 400 * 1024 * 1024;

const LISTENERS = [
  { protocol: 'amqp' as const, port: 0 },
  { protocol: 'mqtt' as const, port: 0 },
];

jest.setTimeout(300_000);

it(`${IDLE} idle clients take less than 400 MB, and are kept alive`, async () => {
  const document = { site: 'idle', listeners: LISTENERS, limits: { connections: IDLE + 100 } };
  const node = await FairleadNode.start({ document });
  const port = node.port('mqtt');
  const before = residentBytes(node.pid);
  const clients: RawMqtt[] = [];
  for (let from = 0; from < IDLE; from += 100) {
    const some = Array.from({ length: Math.min(100, IDLE - from) }, (_, at) =>
      RawMqtt.connect(port, `idle-${from + at}`),
    );
    clients.push(...(await Promise.all(some)));
  }
  const bytes = residentBytes(node.pid);
  note(`${IDLE} idle clients: ${bytes >> 20} MiB, ${Math.round((bytes - before) / IDLE / 102.4) / 10} KiB each`);
  expect(bytes).toBeLessThan(IDLE_BYTES_MAX);
  const seen = clients.map(({ received }) => received);
  for (const client of clients) client.send({ cmd: 'pingreq' });
  await eventually('all have their PINGRESP', () => clients.every(({ received }, at) => received > (seen[at] ?? 0)));
  expect(clients.some(({ closed }) => closed)).toBe(false);
  for (const client of clients) client.destroy();
  expect(await node.stop()).toBe(0);
});

it(`${PUBLISHERS} publishers of QoS 1 reach ${SUBSCRIBERS} subscribers two sites apart, none lost`, async () => {
  const mesh = await Mesh.line(['west', 'middle', 'east'], { document: { listeners: LISTENERS } });
  await mesh.start();
  const each = SECONDS * RATE;
  const [west, east] = [mesh.node('west').port('mqtt'), mesh.node('east').port('mqtt')];
  const subscribers = await Promise.all(
    Array.from({ length: SUBSCRIBERS }, (_, at) => LoadSubscriber.connect(east, `subscriber-${at}`, PUBLISHERS, each)),
  );
  const publishers: LoadPublisher[] = [];
  for (let from = 0; from < PUBLISHERS; from += 50) {
    const some = Array.from({ length: Math.min(50, PUBLISHERS - from) }, (_, at) =>
      LoadPublisher.connect(west, from + at),
    );
    publishers.push(...(await Promise.all(some)));
  }
  const since = performance.now();
  await new Promise<void>((done) => {
    const timer = setInterval(() => {
      const due = Math.min(each, Math.floor(((performance.now() - since) * RATE) / 1_000));
      for (const publisher of publishers) while (publisher.sent < due) publisher.publish();
      if (due < each) return;
      clearInterval(timer);
      done();
    }, 1_000 / RATE);
  });
  await eventually('all are acknowledged', () => publishers.every(({ acknowledged }) => acknowledged === each), {
    withinMs: 120_000,
  });
  await eventually('all subscribers have all', () => subscribers.every(({ count }) => count === PUBLISHERS * each), {
    withinMs: 120_000,
    otherwise: () => subscribers.map(({ count, closed }) => `${count}${closed ? ' closed' : ''}`).join(' '),
  });
  note(`${PUBLISHERS * each} messages to each in ${((performance.now() - since) / 1_000).toFixed(1)} s`);
  expect(subscribers.map(({ doubled }) => doubled)).toEqual(subscribers.map(() => 0));
  for (const client of [...publishers, ...subscribers]) client.close();
  expect(await mesh.stop()).toEqual([0, 0, 0]);
});

describe('bad neighbours', () => {
  let node: FairleadNode;
  let witness: MqttJsClient;
  const port = (): number => node.port('mqtt');

  beforeAll(async () => {
    const addresses = [{ match: 'flood.#', kind: 'topic' as const, slow: 'dropOldest' as const }];
    node = await FairleadNode.start({ document: { site: 'bad', listeners: LISTENERS, addresses } });
    witness = await MqttJsClient.connect(port());
    await witness.client.subscribeAsync('calm/#', { qos: 1 });
  });
  afterAll(() => node.stop());

  /** The others go on. */
  async function isCalm(): Promise<void> {
    const count = witness.arrivals.length;
    await witness.client.publishAsync('calm/a', 'x', { qos: 1 });
    await witness.texts(count + 1);
  }

  it('one that does not read holds up nobody else, and costs bounded memory', async () => {
    const slow = await RawMqtt.connect(port(), 'slow');
    slow.send({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic: 'flood/#', qos: 0 }] });
    await eventually('it has subscribed', () => slow.last[0] === 0x90);
    slow.socket.pause();
    const flood = await MqttJsClient.connect(port());
    const before = residentBytes(node.pid);
    const payload = Buffer.alloc(10_000, 1);
    for (let round = 0; round < 60; round++) {
      for (let at = 0; at < 100; at++) flood.client.publish('flood/a', payload, { qos: 0 });
      await flood.client.publishAsync('flood/b', payload, { qos: 1 });
    }
    await isCalm();
    // 60 MB were sent.
    expect(residentBytes(node.pid) - before).toBeLessThan(120 * 1024 * 1024);
    expect(flood.closed).toBe(false);
    slow.destroy();
    await flood.end();
  });

  it('slow-loris: what never completes a packet is bounded, and its CONNECT has its time', async () => {
    const late = await RawMqtt.dial(port());
    const drips = await Promise.all(Array.from({ length: 50 }, (_, at) => RawMqtt.connect(port(), `drip-${at}`, 1)));
    const publish = RawMqtt.bytes({ cmd: 'publish', topic: 'a', payload: Buffer.alloc(40_000), qos: 0 });
    const timer = setInterval(() => drips.forEach(({ socket }) => socket.write(publish.subarray(0, 1))), 100);
    late.socket.write(Buffer.from([0x10]));
    await eventually('they are closed by their keep-alive', () => drips.every(({ closed }) => closed));
    clearInterval(timer);
    await eventually('no CONNECT came', () => late.closed);
    await isCalm();
  });
});
