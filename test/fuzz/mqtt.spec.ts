import { MqttJsClient } from '../support/clients/mqtt-js';
import { RawMqtt } from '../support/clients/mqtt-raw';
import { eventually } from '../support/eventually';
import { FairleadNode } from '../support/fairlead-node';
import { note, randomOf, seedOf } from '../support/seed';
import { connectionsOr, MEMORY_BYTES_MAX } from './limits';
import { MemoryWatch } from './node-memory';

const CONNECTIONS = connectionsOr(1_500);
const AT_ONCE = 24;

const seed = seedOf(__filename);
const random = randomOf(seed);

const below = (limit: number): number => random.below(limit);
const pick = <T>(from: readonly T[]): T => from[below(from.length)] as T;

const CONNECT = { cmd: 'connect', protocolId: 'MQTT', protocolVersion: 5, clean: true, keepalive: 60 };
const PROPERTIES = {
  userProperties: { a: ['1', '2'] },
  contentType: 'x',
  responseTopic: 'r',
  messageExpiryInterval: 9,
};

/** What a client may say after its CONNECT. */
function packets(): Buffer[] {
  const packetId = 1 + below(20);
  const subscription = { topic: pick(['a', 'a/#', '+/b', '$share/g/a', '#', '$queue/q']), qos: below(3), nl: false };
  return [
    { cmd: 'publish', topic: pick(['a', 'a/b', '$queue/q']), payload: Buffer.alloc(below(300), 7), qos: 0 },
    { cmd: 'publish', topic: 'a', payload: 'x', qos: 1, messageId: packetId, properties: PROPERTIES },
    { cmd: 'publish', topic: 'a', payload: Buffer.alloc(70_000), qos: 2, messageId: packetId },
    { cmd: 'pubrel', messageId: packetId },
    { cmd: 'puback', messageId: packetId },
    { cmd: 'pubrec', messageId: packetId },
    { cmd: 'pubcomp', messageId: packetId },
    { cmd: 'subscribe', messageId: packetId, subscriptions: [{ ...subscription, rap: true, rh: 0 }] },
    { cmd: 'unsubscribe', messageId: packetId, unsubscriptions: ['a'] },
    { cmd: 'pingreq' },
  ].map((packet) => RawMqtt.bytes(packet));
}

/** A conversation in which something is wrong, mostly. */
function conversation(at: number): Buffer {
  const will = { topic: 'a', payload: Buffer.from('will'), qos: 1, retain: true };
  const connect = RawMqtt.bytes({ ...CONNECT, clientId: `f${at % 50}`, ...(below(3) === 0 && { will }) });
  const all = packets();
  const said = Buffer.concat([connect, ...Array.from({ length: 1 + below(6) }, () => pick(all))]);
  switch (below(6)) {
    case 0:
      return Buffer.from(Array.from({ length: 1 + below(200) }, () => below(256)));
    case 1:
      return said.subarray(0, 1 + below(said.length));
    case 2:
      return Buffer.concat([said.subarray(connect.length), connect]);
    default: {
      // Some bytes are others, most of them behind the CONNECT.
      const from = below(4) === 0 ? 0 : connect.length;
      for (let left = 1 + below(4); left > 0; left--) said[from + below(Math.min(80, said.length - from))] = below(256);
      return said;
    }
  }
}

async function play(port: number, bytes: Buffer): Promise<void> {
  const client = await RawMqtt.dial(port);
  for (let at = 0; at < bytes.length;) {
    const next = Math.min(bytes.length, at + 1 + below(bytes.length));
    client.socket.write(bytes.subarray(at, next));
    at = next;
  }
  await new Promise((done) => setTimeout(done, below(20)));
  client.destroy();
}

it(`${CONNECTIONS} malformed connections of MQTT: the node lives, its memory is bounded, a pair beside them notices nothing`, async () => {
  const listeners = [
    { protocol: 'amqp' as const, port: 0 },
    { protocol: 'mqtt' as const, port: 0 },
  ];
  const addresses = [{ match: 'q', kind: 'queue' as const }];
  const node = await FairleadNode.start({ document: { site: 'fuzz', listeners, addresses } });
  const port = node.port('mqtt');
  const pair = await MqttJsClient.connect(port);
  await pair.client.subscribeAsync('steady', { qos: 1 });
  const memory = new MemoryWatch(node.pid);
  let index = 0;
  const work = async (): Promise<void> => {
    while (index < CONNECTIONS) {
      const at = index++;
      await play(port, conversation(at));
      if (at % 50 === 0) await pair.client.publishAsync('steady', `${at}`, { qos: 1 });
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  const sent = Math.ceil(CONNECTIONS / 50);
  await eventually('the pair has all', () => pair.arrivals.length >= sent, { otherwise: () => node.logTail() });
  expect(new Set(pair.arrivals.map(({ text }) => text)).size).toBe(sent);
  const peak = memory.stop();
  const { body } = await node.http('/api/v1/listeners');
  note(`${CONNECTIONS} connections; ${peak >> 20} MiB`);
  expect(peak).toBeLessThan(MEMORY_BYTES_MAX);
  await eventually('only the pair is left', async () => {
    const { body: now } = await node.http('/api/v1/listeners');
    return JSON.stringify(now ?? body).includes('"connections":1');
  });
  await pair.end();
  expect(await node.stop()).toBe(0);
}, 240_000);
