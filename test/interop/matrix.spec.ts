import { hasProton } from '../support/clients/foreign-clients';
import { hasForeignMqtt } from '../support/clients/mqtt-commands';
import { hasStompPy } from '../support/clients/stomp-py-client';
import { eventually } from '../support/eventually';
import { Mesh } from '../support/mesh';
import { javaMissing } from './java-project';
import { proton, rheaTcp, rheaWebSocket } from './matrix/amqp';
import { curl, fetchClient } from './matrix/http';
import { qpidJms } from './matrix/jms';
import {
  type Arrival,
  endClients,
  EVENT,
  FACTS,
  type MatrixClient,
  type Ports,
  type What,
} from './matrix/matrix-client';
import { mosquitto, mqttJs4, mqttJs5, mqttJsWebSocket, paho } from './matrix/mqtt';
import { stompit, stompitWebSocket, stompPy } from './matrix/stomp';

// Many processes start one after the other, and Maven may have to fetch what the one in Java needs.
jest.setTimeout(300_000);

const noJava = javaMissing();
if (noJava !== null && process.env['CI'] === 'true') throw new Error(noJava);
if (noJava !== null) console.warn(`SKIPPED: Qpid JMS; ${noJava}`);

const CLIENTS: readonly MatrixClient[] = [
  rheaTcp,
  ...(hasProton ? [proton] : []),
  ...(noJava === null ? [qpidJms] : []),
  mqttJs5,
  mqttJs4,
  ...(hasForeignMqtt ? [mosquitto, paho] : []),
  stompit,
  ...(hasStompPy ? [stompPy] : []),
  fetchClient,
  curl,
  rheaWebSocket,
  mqttJsWebSocket,
  stompitWebSocket,
];

const PAIRS = CLIENTS.flatMap((from) => CLIENTS.map((to) => [from.name, to.name] as const));

/** One word of an address, one level of a topic. */
function wordOf(name: string): string {
  return name.toLowerCase().replace(/[^a-z0-9]/g, '-');
}

function bodyFrom(name: string, what: What): string {
  return `grüße ☃ from ${name}: ${what}`;
}

/** What is told of a message, where both clients can say and tell all of it. */
const TOLD: Readonly<Record<What, object>> = {
  properties: { region: FACTS.region, count: `int ${FACTS.count}`, event: {} },
  event: { region: undefined, count: undefined, event: EVENT },
};

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

  async function expectArrival(told: Told, from: string, to: string, what: What): Promise<void> {
    const publisher = CLIENTS.find(({ name }) => name === from) as MatrixClient;
    const subscriber = CLIENTS.find(({ name }) => name === to) as MatrixClient;
    const body = bodyFrom(from, what);
    const all = (): readonly Arrival[] => (told.get(to) as () => readonly Arrival[])();
    const arrival = await eventually(`${to} has the message of ${from}`, () => all().find((one) => one.body === body), {
      otherwise: () => JSON.stringify(all()),
    });
    if (!publisher.bodyAlone && !subscriber.bodyAlone) {
      const { lifetimeMs, ...facts } = { ...arrival.facts };
      const { correlationId, priority } = FACTS;
      const contentType = publisher.contentTypes && subscriber.contentTypes ? FACTS.contentType : undefined;
      const { replyTo } = subscriber;
      expect(facts).toEqual({ contentType, correlationId, replyTo, priority, durable: true, ...TOLD[what] });
      // What is left is told in seconds by some, and a slow machine takes some of them.
      expect(lifetimeMs).toBeLessThanOrEqual(FACTS.lifetimeMs);
      expect(lifetimeMs).toBeGreaterThan(FACTS.lifetimeMs / 2);
    }
    expect(all().filter((one) => one.body === body)).toHaveLength(1);
  }

  describe('on topics', () => {
    const told = new Map<string, () => readonly Arrival[]>();

    beforeAll(async () => {
      for (const client of CLIENTS) told.set(client.name, await client.subscribe(portsOf('east'), 'topic/matrix.*'));
      for (const client of CLIENTS)
        for (const what of ['properties', 'event'] as const)
          await client.publish(
            portsOf('west'),
            `topic/matrix.${wordOf(client.name)}`,
            bodyFrom(client.name, what),
            what,
          );
    });

    it.each(PAIRS)('%s to %s', (from, to) => expectArrival(told, from, to, 'properties'));
    it.each(PAIRS)('an event in binary mode: %s to %s', (from, to) => expectArrival(told, from, to, 'event'));
  });

  describe('on a queue whose home is between them', () => {
    const told = new Map<string, () => readonly Arrival[]>();

    beforeAll(async () => {
      for (const client of CLIENTS)
        told.set(client.name, await client.subscribe(portsOf('east'), `queue/jobs.${wordOf(client.name)}`));
      for (const from of CLIENTS)
        for (const to of CLIENTS)
          await from.publish(
            portsOf('west'),
            `queue/jobs.${wordOf(to.name)}`,
            bodyFrom(from.name, 'properties'),
            'properties',
          );
    });

    it.each(PAIRS)('%s to %s', (from, to) => expectArrival(told, from, to, 'properties'));
  });
});
