import type { Client, ClientConnection, ClientReceiver, ClientSender } from '../support/clients/client';
import { CLIENT_NAMES, startClient } from '../support/clients/foreign-clients';
import { dataMessage } from '../support/clients/message';
import { Mesh } from '../support/mesh';

let mesh: Mesh;

beforeAll(async () => {
  mesh = await (await Mesh.line(['laptop', 'private', 'public'])).start();
});

describe.each(CLIENT_NAMES)('%s reconnects by itself', (name) => {
  const address = `topic/reconnect.${name}`;
  let client: Client;
  let [atFirst, atLast]: ClientConnection[] = [];
  let sender: ClientSender;
  let receiver: ClientReceiver;

  beforeAll(async () => {
    client = await startClient(name);
    atFirst = await client.connect(mesh.node('laptop').amqpPort, { reconnect: true });
    atLast = await client.connect(mesh.node('public').amqpPort, { reconnect: true });
    sender = await atFirst.openSender({ address });
    receiver = await atLast.openReceiver({ address, autoAccept: true });
  });

  afterAll(() => client.close());

  /** What is sent from now on arrives, all of it, once and in order. */
  async function allArrives(round: string): Promise<void> {
    const messages = Array.from({ length: 100 }, (_, n) => dataMessage(`${round} ${n}`));
    const outcomes = messages.map((message) => sender.send(message));
    expect((await receiver.inbox.take(100)).map(({ payload }) => payload)).toEqual(messages);
    expect(new Set((await Promise.all(outcomes)).map(({ state }) => state))).toEqual(new Set(['accepted']));
    expect(receiver.inbox.waiting).toBe(0);
  }

  /** The client was told why, if the node had time to say so. */
  async function lostAndBack(connection: ClientConnection | undefined, how: 'kill' | 'stop'): Promise<void> {
    const lost = await connection?.events.next();
    expect(lost?.kind).not.toBe('reconnected');
    expect(lost?.error?.condition).toBe(how === 'stop' ? 'amqp:connection:forced' : undefined);
    expect((await connection?.events.next())?.kind).toBe('reconnected');
  }

  it.each(['kill', 'stop'] as const)('when the node of its receiver is restarted by a %s', async (how) => {
    await allArrives(`before ${how}`);
    await mesh.node('public').restart(how);
    await lostAndBack(atLast, how);
    await receiver.reopened.next();
    // A subscription is confirmed after a bound even while the neighbour has not dialled again.
    await mesh.converged();
    await allArrives(`after ${how}`);
  });

  it.each(['kill', 'stop'] as const)('when the node of its sender is restarted by a %s', async (how) => {
    await allArrives(`before ${how} of the sender's`);
    await mesh.node('laptop').restart(how);
    await lostAndBack(atFirst, how);
    await sender.reopened.next();
    // At once: a node that has just started accepts nothing into nothing.
    await allArrives(`after ${how} of the sender's`);
  });

  it('when the node between is restarted nobody notices', async () => {
    await mesh.node('private').restart('kill');
    await allArrives('after the middle');
    expect([atFirst, atLast].map((connection) => connection?.events.waiting)).toEqual([0, 0]);
  });
});
