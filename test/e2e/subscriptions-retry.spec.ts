import type { MessagesAnswer } from '../../src/management/queue-rows';
import { startClient } from '../support/clients/foreign-clients';
import { fairlead } from '../support/command';
import { StompWire } from '../support/clients/stomp-wire';
import { eventually } from '../support/eventually';
import { freePort } from '../support/free-ports';
import { Mesh } from '../support/mesh';
import { put } from '../support/queue-messages';

jest.setTimeout(180_000);

type Name = 'east' | 'west';
type Bill = readonly [destination: string, body: string];

let mesh: Mesh;

beforeAll(async () => {
  const listeners = async () => [
    { name: 'stomp', protocol: 'stomp' as const, port: await freePort() },
    { name: 'amqp', protocol: 'amqp' as const, port: await freePort() },
  ];
  const addresses = [
    { match: 'bills.#', kind: 'topic' as const, maxDeliveries: 1, deadLetter: 'queue/dlq' },
    { match: 'dlq', kind: 'queue' as const, home: 'east' },
  ];
  const documents = { east: { listeners: await listeners() }, west: { listeners: await listeners() } };
  mesh = await (await Mesh.line(['east', 'west'], { document: { addresses }, documents })).start();
});

const connect = (node: Name, client?: string): Promise<StompWire> =>
  StompWire.connect(mesh.node(node).port('stomp'), '1.2', client === undefined ? {} : { 'client-id': client });

async function subscribe(node: Name, client: string): Promise<StompWire> {
  const wire = await connect(node, client);
  await wire.subscribe('s', '/topic/bills.*', { 'durable-subscription-name': 'inbox', ack: 'client-individual' });
  return wire;
}

const operate = (...args: string[]) => fairlead(...args, '--api', `http://127.0.0.1:${mesh.node('east').httpPort}`);

async function deadLetters(): Promise<number> {
  const { stdout } = await operate('queue', 'peek', 'dlq', '--json');
  return (JSON.parse(stdout) as MessagesAnswer).messages.length;
}

/** By AMQP, and without a word in the message of where it goes. */
async function publish(bills: readonly Bill[]): Promise<void> {
  const client = await startClient('rhea');
  const connection = await client.connect(mesh.node('west').amqpPort);
  for (const [destination, body] of bills)
    await put(await connection.openSender({ address: destination.slice(1) }), [body]);
  await client.close();
}

/** Takes the next message, and says to what it was sent and whether that is the body. */
async function take(wire: StompWire, answer: 'ACK' | 'NACK'): Promise<Bill> {
  const frame = await wire.next();
  await wire.answer(answer, frame);
  return [frame.headers['destination'] ?? '', String(frame.body)];
}

describe('dead letters of a durable subscription', () => {
  it.each(['east', 'west'] as const)(
    'go back to it and to no other, with the topic that they were published to (its subscriber is at %s)',
    async (node) => {
      const [mine, others] = [await subscribe(node, `mine-${node}`), await subscribe('west', `others-${node}`)];
      const live = await connect('east');
      await live.subscribe('s', '/topic/bills.*');
      const bills = ['june', 'july'].map((month): Bill => [`/topic/bills.${month}`, `bill of ${month}`]);
      await publish(bills);
      for (const bill of bills) {
        expect(await take(mine, 'NACK')).toEqual(bill);
        expect(await take(others, 'ACK')).toEqual(bill);
        expect(String((await live.next()).body)).toBe(bill[1]);
      }
      await eventually('both are dead letters', async () => (await deadLetters()) === 2);
      expect(await operate('dlq', 'retry', 'dlq')).toMatchObject({ code: 0, stdout: '2 messages sent back\n' });
      for (const bill of bills) expect(await take(mine, 'ACK')).toEqual(bill);
      expect(await deadLetters()).toBe(0);
      // What comes next is the first thing that the others see.
      const last: Bill = ['/topic/bills.august', 'the last one'];
      await publish([last]);
      for (const wire of [mine, others]) expect(await take(wire, 'ACK')).toEqual(last);
      expect(String((await live.next()).body)).toBe('the last one');
      for (const wire of [mine, others, live]) await wire.ask('DISCONNECT');
    },
  );

  it('go back to it while its client is away, and are dropped by no restart', async () => {
    const mine = await subscribe('west', 'away');
    const bill: Bill = ['/topic/bills.may', 'for later'];
    await publish([bill]);
    expect(await take(mine, 'NACK')).toEqual(bill);
    await eventually('it is a dead letter', async () => (await deadLetters()) === 1);
    await mine.ask('DISCONNECT');
    expect(await operate('dlq', 'retry', 'dlq')).toMatchObject({ code: 0, stdout: '1 message sent back\n' });
    await mesh.node('west').restart('kill');
    await mesh.converged();
    expect(await take(await subscribe('east', 'away'), 'ACK')).toEqual(bill);
  });
});
