import type { Client, ClientConnection, ClientName } from '../support/clients/client';
import { RCV } from '../support/clients/client';
import { CLIENT_NAMES, startClient } from '../support/clients/foreign-clients';
import { eventually } from '../support/eventually';
import { Mesh } from '../support/mesh';
import { bodyOf, deliveryCountOf, put, take, takeAll } from '../support/queue-messages';

const HOME = 'east';
const NODES = [HOME, 'west'] as const;

let mesh: Mesh;
const clients = new Map<ClientName, Client>();

beforeAll(async () => {
  const addresses = [{ match: 'jobs.#', kind: 'queue', home: HOME }] as const;
  mesh = await (await Mesh.line(NODES, { document: { addresses: [...addresses] } })).start();
  for (const name of CLIENT_NAMES) clients.set(name, await startClient(name));
});

afterAll(() => Promise.all([...clients.values()].map((client) => client.close())));

const CASES = CLIENT_NAMES.flatMap((name) => NODES.map((node) => [name, node] as const));

describe.each(CASES)('%s, at %s, a queue at east whose node ends and comes back', (name, node) => {
  const at = (): Promise<ClientConnection> => (clients.get(name) as Client).connect(mesh.node(node).amqpPort);

  async function restart(how: 'stop' | 'kill'): Promise<void> {
    await mesh.node(HOME).restart(how);
    await mesh.converged();
  }

  it.each(['stop', 'kill'] as const)(
    '%s: what was settled stays so, what was held comes again and is marked',
    async (how) => {
      const address = `jobs.${name}.${node}.${how}`;
      const before = await at();
      await put(await before.openSender({ address }), ['settled', 'held', 'waiting']);
      const consumer = await before.openReceiver({ address, prefetch: 0, rcv: RCV.second });
      const [settled, held] = await take(consumer, 2);
      expect([settled, held].map((delivery) => delivery && bodyOf(delivery))).toEqual(['settled', 'held']);
      settled?.accept();
      // In mode second the node says so when the message is gone from the disk.
      await settled?.settledByNode;
      await restart(how);
      await before.close();

      const after = await at();
      const receiver = await after.openReceiver({ address, prefetch: 0 });
      const deliveries = await take(receiver, 2);
      expect(deliveries.map(bodyOf)).toEqual(['held', 'waiting']);
      expect(deliveries.map(deliveryCountOf)[0]).toBeGreaterThanOrEqual(1);
      for (const delivery of deliveries) delivery.accept();
      await eventually('the queue is empty', async () => (await takeAll(receiver)).length === 0);
      await after.close();
    },
  );

  it('what a link has said that it cannot take stays away from it, until it is closed', async () => {
    const address = `jobs.${name}.${node}.endpoint`;
    const container = `${name}-${node}-picky`;
    const again = (): Promise<ClientConnection> =>
      (clients.get(name) as Client).connect(mesh.node(node).amqpPort, { container });
    const link = { address, name: 'picky', prefetch: 0, rcv: RCV.second };
    const before = await again();
    await put(await before.openSender({ address }), ['bitter', 'sweet']);
    const [bitter] = await take(await before.openReceiver(link), 1);
    bitter?.modify({ undeliverable: true });
    await bitter?.settledByNode;
    await restart('kill');
    await before.close();

    const after = await again();
    const picky = await after.openReceiver(link);
    const [sweet] = await take(picky, 1);
    expect(sweet && bodyOf(sweet)).toBe('sweet');
    sweet?.accept();
    await sweet?.settledByNode;
    expect(await takeAll(picky)).toEqual([]);
    await picky.close();
    const [now] = await take(await after.openReceiver(link), 1);
    expect(now && bodyOf(now)).toBe('bitter');
    now?.accept();
    await after.close();
  });

  it('a client that dies without a word leaves what it held to others, marked', async () => {
    const address = `jobs.${name}.${node}.dies`;
    const other = await at();
    await put(await other.openSender({ address }), ['held']);
    const dying = await startClient(name);
    const connection = await dying.connect(mesh.node(node).amqpPort);
    await take(await connection.openReceiver({ address, prefetch: 0 }), 1);
    await dying.kill();
    const [again] = await take(await other.openReceiver({ address, prefetch: 0 }), 1);
    expect(again && [bodyOf(again), deliveryCountOf(again)]).toEqual(['held', 1]);
    again?.accept();
    await other.close();
  });
});
