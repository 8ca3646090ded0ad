import { SUBSCRIPTIONS } from '../../src/management/schemas';
import type { SubscriptionRow } from '../../src/management/subscription-rows';
import type { Client, ClientConnection, ClientReceiver, Outcome } from '../support/clients/client';
import { startClient } from '../support/clients/foreign-clients';
import { dataMessage } from '../support/clients/message';
import { eventually } from '../support/eventually';
import { Mesh } from '../support/mesh';
import { annotationsOf, bodyOf, put, take, takeAll } from '../support/queue-messages';

jest.setTimeout(120_000);

let mesh: Mesh;
let client: Client;
let containers = 0;

beforeAll(async () => {
  const addresses = [
    { match: 'latest.#', kind: 'topic' as const, maxDepth: 5, overLimit: 'dropOldest' as const },
    { match: 'whole.#', kind: 'topic' as const, maxDepth: 5 },
    { match: 'brief.#', kind: 'topic' as const, ttl: '300ms', deadLetter: 'queue/late' },
    { match: 'tried.#', kind: 'topic' as const, maxDeliveries: 2, deadLetter: 'queue/failed' },
  ];
  mesh = await (await Mesh.line(['east', 'west'], { document: { addresses } })).start();
  client = await startClient('rhea');
});

afterAll(() => client.close());

const at = (node: string, container?: string): Promise<ClientConnection> =>
  client.connect(mesh.node(node).amqpPort, container === undefined ? {} : { container });

/** A durable subscription that lives at east, and the way to come back to it. */
async function subscribed(address: string): Promise<(node?: string) => Promise<ClientReceiver>> {
  const container = `reader-${++containers}`;
  const open = async (node = 'east'): Promise<ClientReceiver> =>
    (await at(node, container)).openReceiver({ address, name: 'inbox', durable: true, prefetch: 0 });
  await (await open()).detach();
  return open;
}

async function send(node: string, address: string, bodies: readonly string[]): Promise<Outcome[]> {
  const connection = await at(node);
  const sender = await connection.openSender({ address });
  const outcomes: Outcome[] = [];
  for (const body of bodies) outcomes.push(await sender.send(dataMessage(body, { durable: true })));
  await connection.close();
  return outcomes;
}

async function rowOf(address: string): Promise<SubscriptionRow['here']> {
  const { body } = await mesh.node('east').http('/api/v1/subscriptions');
  const filter = address.slice('topic/'.length);
  return SUBSCRIPTIONS.parse(body).subscriptions.find((row) => row.filter === filter)?.here ?? null;
}

const EIGHT = Array.from({ length: 8 }, (_, n) => `m${n}`);
const states = (outcomes: readonly Outcome[]): string[] => outcomes.map(({ state }) => state);

it.each(['east', 'west'])('dropOldest keeps the latest of what %s publishes, and counts the others', async (node) => {
  const address = `topic/latest.${node}`;
  const open = await subscribed(address);
  expect(states(await send(node, address, EIGHT))).toEqual(EIGHT.map(() => 'accepted'));
  await eventually('all have come', async () => (await rowOf(address))?.put === 8);
  expect(await rowOf(address)).toMatchObject({ depth: 5, dropped: 3, drops: { limit: 3 } });
  const receiver = await open();
  expect((await takeAll(receiver)).map(bodyOf)).toEqual(EIGHT.slice(3));
  await receiver.close();
});

it('reject refuses what its home cannot take, to a publisher there, and says why', async () => {
  const address = 'topic/whole.here';
  const open = await subscribed(address);
  const outcomes = await send('east', address, EIGHT);
  expect(states(outcomes)).toEqual([...EIGHT.slice(3).map(() => 'accepted'), 'rejected', 'rejected', 'rejected']);
  expect(outcomes.at(-1)?.error).toMatchObject({ condition: 'amqp:resource-limit-exceeded' });
  const receiver = await open();
  expect((await takeAll(receiver)).map(bodyOf)).toEqual(EIGHT.slice(0, 5));
  await receiver.close();
});

it('reject drops what comes from elsewhere, accepted there long ago, and counts it', async () => {
  const address = 'topic/whole.there';
  const open = await subscribed(address);
  expect(states(await send('west', address, EIGHT))).toEqual(EIGHT.map(() => 'accepted'));
  await eventually('all have come', async () => (await rowOf(address))?.dropped === 3);
  expect(await rowOf(address)).toMatchObject({ depth: 5, drops: { limit: 3 } });
  const receiver = await open('west');
  expect((await takeAll(receiver)).map(bodyOf)).toEqual(EIGHT.slice(0, 5));
  await receiver.close();
});

it.each([
  ['expires', 'brief', 'late'],
  ['fails too often', 'tried', 'failed'],
])('what %s goes to the address for dead letters', async (_what, topic, dead) => {
  const address = `topic/${topic}.a`;
  const open = await subscribed(address);
  await send('west', address, ['unloved']);
  await eventually('it has come', async () => ((await rowOf(address))?.put ?? 0) > 0);
  const receiver = await open();
  if (topic === 'tried') for (let n = 0; n < 2; n++) (await take(receiver, 1))[0]?.modify({ failed: true });
  const letters = await (await at('east')).openReceiver({ address: `queue/${dead}`, autoAccept: true });
  const [letter] = await letters.inbox.take(1);
  expect(letter && bodyOf(letter)).toBe('unloved');
  expect(letter && annotationsOf(letter)['x-opt-fairlead-origin']).toContain('inbox');
  await receiver.close();
});

it('a topic that nobody else subscribes to takes what a full subscription has no room for once it has', async () => {
  const address = 'topic/whole.room';
  const open = await subscribed(address);
  await send('east', address, EIGHT);
  const receiver = await open();
  for (const delivery of await take(receiver, 5)) delivery.accept();
  await eventually('there is room', async () => (await rowOf(address))?.depth === 0);
  const connection = await at('east');
  await put(await connection.openSender({ address }), ['next']);
  expect((await take(receiver, 1)).map(bodyOf)).toEqual(['next']);
  await receiver.close();
});
