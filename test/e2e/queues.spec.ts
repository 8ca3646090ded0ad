import { message } from 'rhea';
import type { Client, ClientConnection } from '../support/clients/client';
import { CLIENT_NAMES, startClient } from '../support/clients/foreign-clients';
import { dataMessage } from '../support/clients/message';
import { Mesh } from '../support/mesh';

const NAMES = ['laptop', 'private', 'public'] as const;
const MESSAGES = 10;

let mesh: Mesh;

beforeAll(async () => {
  const addresses = [{ match: 'jobs.#', kind: 'queue' as const, home: 'private' }];
  mesh = await (await Mesh.line(NAMES, { document: { addresses } })).start();
});

describe.each(CLIENT_NAMES)('%s', (name) => {
  let client: Client;

  beforeAll(async () => {
    client = await startClient(name);
  });

  afterAll(() => client.close());

  const at = (node: (typeof NAMES)[number]): Promise<ClientConnection> => client.connect(mesh.node(node).amqpPort);
  const numbered = (): Buffer[] =>
    Array.from({ length: MESSAGES }, (_, n) => dataMessage(`job ${n}`, { durable: true }));
  const bodyOf = (payload: Buffer): string =>
    String((message.decode(payload) as unknown as { body: { content: Buffer } }).body.content);

  async function sendTo(node: (typeof NAMES)[number], address: string): Promise<void> {
    const connection = await at(node);
    const sender = await connection.openSender({ address });
    const outcomes = await Promise.all(numbered().map((payload) => sender.send(payload)));
    expect(new Set(outcomes.map(({ state }) => state))).toEqual(new Set(['accepted']));
    await connection.close();
  }

  async function takeAll(node: (typeof NAMES)[number], address: string): Promise<void> {
    const connection = await at(node);
    const receiver = await connection.openReceiver({ address });
    const deliveries = await receiver.inbox.take(MESSAGES);
    expect(deliveries.map(({ payload }) => bodyOf(payload))).toEqual(numbered().map(bodyOf));
    for (const delivery of deliveries) delivery.accept();
    await connection.close();
  }

  it.each(NAMES)('gets at %s what was put into a queue of another node that was killed since', async (node) => {
    const address = `queue/jobs.${name}.${node}`;
    await sendTo('laptop', address);
    await mesh.node('private').restart('kill');
    await mesh.converged();
    await takeAll(node, address);
  });

  it('gets what was put into a queue of its own node that was killed since', async () => {
    const address = `queue/own.${name}`;
    await sendTo('laptop', address);
    await mesh.node('laptop').restart('kill');
    await mesh.converged();
    await takeAll('laptop', address);
  });

  it('gets no more than its credit over two hops, and drains it', async () => {
    const address = `queue/jobs.${name}.credit`;
    await sendTo('laptop', address);
    const connection = await at('public');
    const receiver = await connection.openReceiver({ address, prefetch: 0 });
    receiver.flow(4);
    const first = await receiver.inbox.take(4);
    for (const delivery of first) delivery.accept();
    receiver.flow(MESSAGES);
    await receiver.drain();
    for (const delivery of await receiver.inbox.take(MESSAGES - 4)) delivery.accept();
    receiver.flow(1);
    await receiver.drain();
    expect(receiver.inbox.waiting).toBe(0);
    await connection.close();
  });
});
