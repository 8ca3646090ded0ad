import { CLIENT_NAMES } from '../support/clients/foreign-clients';
import { hasForeignMqtt } from '../support/clients/mqtt-commands';
import { hasStompPy } from '../support/clients/stomp-py-client';
import { eventually } from '../support/eventually';
import { Mesh } from '../support/mesh';
import { amqpClient } from './matrix/amqp';
import { curl, fetchClient } from './matrix/http';
import { type Arrival, endClients, type MatrixClient, type Ports, TOLD } from './matrix/matrix-client';
import { mosquitto, mqttJs, paho } from './matrix/mqtt';
import { stompit, stompPy } from './matrix/stomp';

// Many processes start one after the other.
jest.setTimeout(300_000);

const CLIENTS: readonly MatrixClient[] = [
  ...CLIENT_NAMES.map(amqpClient),
  mqttJs(5),
  mqttJs(4),
  ...(hasForeignMqtt ? [mosquitto, paho] : []),
  stompit,
  ...(hasStompPy ? [stompPy] : []),
  fetchClient,
  curl,
];

const PAIRS = CLIENTS.flatMap((from) => CLIENTS.map((to) => [from.name, to.name] as const));

/** One word of an address, one level of a topic. */
function wordOf(name: string): string {
  return name.toLowerCase().replace(/[^a-z0-9]/g, '-');
}

function bodyFrom(name: string): string {
  return `grüße ☃ from ${name}`;
}

type Told = ReadonlyMap<string, () => readonly Arrival[]>;

describe('every client to every other, two hops away, by the table of the mapping', () => {
  let mesh: Mesh;
  const portsOf = (site: string): Ports => {
    const node = mesh.node(site);
    return { amqp: node.amqpPort, mqtt: node.port('mqtt'), stomp: node.port('stomp'), web: node.port('web') };
  };

  beforeAll(async () => {
    const listeners = [
      ...(['amqp', 'mqtt', 'stomp'] as const).map((protocol) => ({ name: protocol, protocol, port: 0 })),
      { name: 'web', protocol: 'http' as const, port: 0 },
    ];
    const addresses = ['jobs.*', 'answers'].map((match) => ({ match, kind: 'queue' as const, home: 'middle' }));
    mesh = await Mesh.line(['west', 'middle', 'east'], { document: { listeners, addresses } });
    await mesh.start();
  });
  afterAll(async () => {
    await endClients();
    await mesh.stop();
  });

  async function expectArrival(told: Told, from: string, to: string): Promise<void> {
    const publisher = CLIENTS.find(({ name }) => name === from) as MatrixClient;
    const subscriber = CLIENTS.find(({ name }) => name === to) as MatrixClient;
    const all = (): readonly Arrival[] => (told.get(to) as () => readonly Arrival[])();
    const arrival = await eventually(
      `${to} has the message of ${from}`,
      () => all().find(({ body }) => body === bodyFrom(from)),
      {
        otherwise: () => JSON.stringify(all()),
      },
    );
    if (!publisher.bodyAlone && !subscriber.bodyAlone)
      expect(arrival.facts).toEqual({ ...TOLD, replyTo: subscriber.replyTo });
    expect(all().filter(({ body }) => body === bodyFrom(from))).toHaveLength(1);
  }

  describe('on topics', () => {
    const told = new Map<string, () => readonly Arrival[]>();

    beforeAll(async () => {
      for (const client of CLIENTS) told.set(client.name, await client.subscribe(portsOf('east'), 'topic/matrix.*'));
      for (const client of CLIENTS)
        await client.publish(portsOf('west'), `topic/matrix.${wordOf(client.name)}`, bodyFrom(client.name));
    });

    it.each(PAIRS)('%s to %s', (from, to) => expectArrival(told, from, to));
  });

  describe('on a queue whose home is between them', () => {
    const told = new Map<string, () => readonly Arrival[]>();

    beforeAll(async () => {
      for (const client of CLIENTS)
        told.set(client.name, await client.subscribe(portsOf('east'), `queue/jobs.${wordOf(client.name)}`));
      for (const from of CLIENTS)
        for (const to of CLIENTS)
          await from.publish(portsOf('west'), `queue/jobs.${wordOf(to.name)}`, bodyFrom(from.name));
    });

    it.each(PAIRS)('%s to %s', (from, to) => expectArrival(told, from, to));
  });
});
