import { SUBSCRIPTIONS } from '../../src/management/schemas';
import type { SubscriptionRow } from '../../src/management/subscription-rows';
import type { Client, ClientConnection, ClientReceiver, ReceiverOptions } from '../support/clients/client';
import { CLIENT_NAMES, startClient } from '../support/clients/foreign-clients';
import { eventually } from '../support/eventually';
import { Mesh } from '../support/mesh';
import { bodyOf, deliveryCountOf, put, take, takeAll } from '../support/queue-messages';

jest.setTimeout(180_000);

const NAMES = ['laptop', 'private', 'public'] as const;
type Name = (typeof NAMES)[number];

let mesh: Mesh;

beforeAll(async () => {
  mesh = await (await Mesh.line(NAMES, { document: { addresses: [{ match: 'news.#', kind: 'topic' }] } })).start();
});

const numbered = (what: string, count: number): string[] => Array.from({ length: count }, (_, n) => `${what} ${n}`);

async function subscriptionsAt(node: Name): Promise<SubscriptionRow[]> {
  const { body } = await mesh.node(node).http('/api/v1/subscriptions');
  return SUBSCRIPTIONS.parse(body).subscriptions;
}

describe.each(CLIENT_NAMES)('a durable subscription of %s', (name) => {
  let client: Client;
  let scenes = 0;
  let container = '';
  let address = '';

  beforeAll(async () => {
    client = await startClient(name);
  });

  afterAll(() => client.close());

  beforeEach(() => {
    container = `reader-${name}-${++scenes}`;
    address = `topic/news.${name}.${scenes}`;
  });

  const at = (node: Name, as = container): Promise<ClientConnection> =>
    client.connect(mesh.node(node).amqpPort, { container: as });
  const inboxOf = (connection: ClientConnection, more: ReceiverOptions = {}): Promise<ClientReceiver> =>
    connection.openReceiver({ address, name: 'inbox', durable: true, prefetch: 0, ...more });

  /** Makes the subscription at a node, and leaves it. */
  async function leaveAt(node: Name, more: ReceiverOptions = {}): Promise<void> {
    const connection = await at(node);
    await (await inboxOf(connection, more)).detach();
    await connection.close();
  }

  async function publish(node: Name, bodies: readonly string[], to = address): Promise<void> {
    const connection = await at(node, `writer-${name}`);
    await put(await connection.openSender({ address: to }), bodies);
    await connection.close();
  }

  async function expectNext(receiver: ClientReceiver, bodies: readonly string[]): Promise<void> {
    const deliveries = await take(receiver, bodies.length);
    expect(deliveries.map(bodyOf)).toEqual(bodies);
    for (const delivery of deliveries) delivery.accept();
  }

  it.each([
    ['home', 'laptop', 'laptop'],
    ['home', 'laptop', 'public'],
    ['publisher', 'public', 'public'],
  ] as const)('gives what was missed while the %s was killed: %s, published at %s', async (_what, killed, from) => {
    await leaveAt('laptop');
    const bodies = numbered('missed', 20);
    await publish(from, bodies);
    await mesh.node(killed).restart('kill');
    await mesh.converged();
    const receiver = await inboxOf(await at('laptop'));
    await expectNext(receiver, bodies);
    await receiver.close();
  });

  it("takes what is published while its home is down: accepted is on the disk of the publisher's node", async () => {
    await leaveAt('laptop');
    await mesh.node('laptop').kill();
    const bodies = numbered('kept', 20);
    await publish('public', bodies);
    await mesh.node('public').restart('kill');
    await mesh.node('laptop').start();
    await mesh.converged();
    const receiver = await inboxOf(await at('laptop'));
    await expectNext(receiver, bodies);
    await receiver.close();
  });

  it('follows its client to another site and back', async () => {
    await leaveAt('laptop');
    const bodies = numbered('roaming', 9);
    await publish('private', bodies.slice(0, 3));
    const away = await at('public');
    const there = await inboxOf(away);
    await expectNext(there, bodies.slice(0, 3));
    await publish('laptop', bodies.slice(3, 6));
    await expectNext(there, bodies.slice(3, 6));
    await away.close();
    await publish('public', bodies.slice(6));
    const back = await inboxOf(await at('laptop'));
    await expectNext(back, bodies.slice(6));
    expect(await takeAll(back)).toEqual([]);
    await back.close();
  });

  it.each(['laptop', 'public'] as const)('is taken over by its client that comes back at %s', async (node) => {
    const first = await inboxOf(await at('laptop'));
    await publish('private', ['a', 'b', 'c']);
    const [a, b] = await take(first, 2);
    a?.accept();
    const second = await inboxOf(await at(node));
    expect(await first.closed).toMatchObject({ condition: 'amqp:link:stolen' });
    const again = await take(second, 2);
    expect(again.map(bodyOf)).toEqual(['b', 'c']);
    expect([b && bodyOf(b), again.map(deliveryCountOf)[1]]).toEqual(['b', 0]);
    for (const delivery of again) delivery.accept();
    await second.close();
  });

  it.each(['laptop', 'public'] as const)(
    'gives again, marked, what its client had when it died at %s',
    async (node) => {
      await leaveAt('laptop');
      await publish('private', ['a', 'b', 'c']);
      const dying = await startClient(name);
      const connection = await dying.connect(mesh.node(node).amqpPort, { container });
      const [a] = await take(await inboxOf(connection), 2);
      a?.accept();
      await eventually('a is settled', async () => {
        const row = (await subscriptionsAt('laptop')).find(({ client: owner }) => owner === container);
        return row?.here?.removed === 1;
      });
      await dying.kill();
      const receiver = await inboxOf(await at('laptop'));
      const again = await take(receiver, 2);
      expect(again.map((delivery) => [bodyOf(delivery), deliveryCountOf(delivery)])).toEqual([
        ['b', 1],
        ['c', 0],
      ]);
      for (const delivery of again) delivery.accept();
      await receiver.close();
    },
  );

  it('ends when its link is closed, at whatever node', async () => {
    await leaveAt('laptop');
    await publish('private', ['gone']);
    expect((await subscriptionsAt('laptop')).find(({ client: owner }) => owner === container)).toMatchObject({
      name: 'inbox',
      durable: true,
      shared: false,
      filter: address.slice('topic/'.length),
      home: 'laptop',
      here: { depth: 1, consumers: 0 },
    });
    const connection = await at('public');
    await (await inboxOf(connection)).close();
    expect((await subscriptionsAt('public')).map(({ client: owner }) => owner)).not.toContain(container);
    const anew = await inboxOf(connection);
    expect(await takeAll(anew)).toEqual([]);
    await anew.close();
  });

  it('takes what its filter and its selector match, and nothing of its own client', async () => {
    const filter = `topic/news.${name}.${scenes}.*`;
    const more = { address: filter, selector: "region = 'eu'", noLocal: true };
    await leaveAt('laptop', more);
    const write = async (as: string, to: string, region: string): Promise<void> => {
      const connection = await at('private', as);
      const body = `${to.slice(address.length)} ${region} ${as === container ? 'own' : 'other'}`;
      await put(await connection.openSender({ address: to }), [body], { application_properties: { region } });
      await connection.close();
    };
    for (const as of [container, 'somebody'])
      for (const to of [`${address}.a`, `${address}.a.b`, `${address}.b`])
        for (const region of ['eu', 'us']) await write(as, to, region);
    const receiver = await inboxOf(await at('public'), more);
    await expectNext(receiver, ['.a eu other', '.b eu other']);
    expect(await takeAll(receiver)).toEqual([]);
    await receiver.close();
  });

  it('is shared by several at several nodes, each message for one, and ends with the last that closes', async () => {
    const shared = { capabilities: ['shared', 'global', 'topic'], name: `team-${name}|1` };
    const here = await inboxOf(await at('laptop'), shared);
    const there = await inboxOf(await at('public', 'another'), { ...shared, name: `team-${name}|2` });
    const bodies = numbered('job', 10);
    await publish('private', bodies);
    const taken = [...(await take(here, 5)), ...(await take(there, 5))];
    expect(taken.map(bodyOf).sort()).toEqual(bodies);
    for (const delivery of taken) delivery.accept();
    await here.close();
    await publish('private', ['for who stays']);
    await expectNext(there, ['for who stays']);
    await there.close();
    expect((await subscriptionsAt('laptop')).map((row) => row.name)).not.toContain(`team-${name}`);
  });
});
