import type { ClientConnection, ClientName, Delivery } from '../support/clients/client';
import { CLIENT_NAMES, startClient } from '../support/clients/foreign-clients';
import { RCV, type Client, type ReceiverOptions } from '../support/clients/client';
import { dataMessage } from '../support/clients/message';
import { Mesh } from '../support/mesh';
import { annotationsOf, bodyOf, deliveryCountOf, put, take, takeAll } from '../support/queue-messages';

const HOME = 'east';
const NODES = [HOME, 'west'] as const;
type NodeName = (typeof NODES)[number];

let mesh: Mesh;
const clients = new Map<ClientName, Client>();

beforeAll(async () => {
  const addresses = [
    { match: 'jobs.#', kind: 'queue', home: HOME },
    { match: 'news.#', kind: 'topic' },
  ] as const;
  mesh = await (await Mesh.line(NODES, { document: { addresses: [...addresses] } })).start();
  for (const name of CLIENT_NAMES) clients.set(name, await startClient(name));
});

afterAll(() => Promise.all([...clients.values()].map((client) => client.close())));

const CASES = CLIENT_NAMES.flatMap((name) => NODES.map((node) => [name, node] as const));

describe.each(CASES)('%s, a consumer at %s of a queue at east', (name, node) => {
  const open: ClientConnection[] = [];

  /** A connection of its own: a container of its own. */
  async function at(where: NodeName): Promise<ClientConnection> {
    const connection = await (clients.get(name) as Client).connect(mesh.node(where).amqpPort);
    open.push(connection);
    return connection;
  }

  afterEach(() => Promise.all(open.splice(0).map((connection) => connection.close())));

  let queues = 0;
  /** A queue with these messages, and a consumer of it that gets no credit by itself. */
  async function queueOf(bodies: readonly string[], more: ReceiverOptions = {}, header: object = {}) {
    const address = `jobs.${name}.${node}.${++queues}`;
    await put(await (await at('west')).openSender({ address }), bodies, header);
    const receiver = (options: ReceiverOptions = {}) =>
      at(node).then((connection) => connection.openReceiver({ address, prefetch: 0, ...options }));
    return { address, receiver, consumer: await receiver(more) };
  }

  const bodies = (deliveries: readonly Delivery[]): string[] => deliveries.map(bodyOf);

  it('gets messages in their order, and those that it accepts are gone', async () => {
    const { consumer, receiver } = await queueOf(['a', 'b', 'c']);
    const deliveries = await takeAll(consumer);
    expect(bodies(deliveries)).toEqual(['a', 'b', 'c']);
    expect(deliveries.map(deliveryCountOf)).toEqual([0, 0, 0]);
    for (const delivery of deliveries) delivery.accept();
    await consumer.close();
    expect(await takeAll(await receiver())).toEqual([]);
  });

  it('released ones go back to their place and count as no attempt', async () => {
    const { consumer, receiver } = await queueOf(['a', 'b', 'c', 'd']);
    const [a, b, c, d] = (await takeAll(consumer)) as [Delivery, Delivery, Delivery, Delivery];
    a.accept();
    c.release();
    b.release();
    const again = await take(consumer, 2);
    expect(bodies(again).sort()).toEqual(['b', 'c']);
    expect(again.map(deliveryCountOf)).toEqual([0, 0]);
    d.release();
    for (const delivery of again) delivery.release();
    // All are back before another one looks: they stand in their old order.
    await consumer.close();
    const last = await take(await receiver(), 3);
    expect(bodies(last)).toEqual(['b', 'c', 'd']);
    for (const delivery of last) delivery.accept();
  });

  it('modified ones count as attempts where they have failed, and keep the annotations that they were given', async () => {
    const { consumer } = await queueOf(['a']);
    const tries = [];
    for (const how of [{ failed: true, annotations: { 'x-opt-why': 'later' } }, {}, { failed: true }]) {
      const [a] = (await take(consumer, 1)) as [Delivery];
      tries.push([deliveryCountOf(a), annotationsOf(a)['x-opt-why']]);
      a.modify(how);
    }
    const [last] = (await take(consumer, 1)) as [Delivery];
    tries.push([deliveryCountOf(last), annotationsOf(last)['x-opt-why']]);
    last.accept();
    expect(tries).toEqual([
      [0, undefined],
      [1, 'later'],
      [1, 'later'],
      [2, 'later'],
    ]);
  });

  it('modified as undeliverable here they go to another consumer', async () => {
    const { consumer, receiver } = await queueOf(['a']);
    const [a] = (await takeAll(consumer)) as [Delivery];
    a.modify({ undeliverable: true });
    const [again] = await take(await receiver(), 1);
    expect(bodyOf(again as Delivery)).toBe('a');
    expect(await takeAll(consumer)).toEqual([]);
    again?.accept();
  });

  it('rejected ones are gone where no dead-letter address is set', async () => {
    const { consumer } = await queueOf(['a', 'b']);
    const [a, b] = (await takeAll(consumer)) as [Delivery, Delivery];
    a.reject({ condition: 'test:bad', description: 'too bad' });
    b.accept();
    expect(await takeAll(consumer)).toEqual([]);
  });

  it('a consumer that closes gives back what it has not settled; nothing is counted', async () => {
    const { consumer, receiver } = await queueOf(['a', 'b']);
    await take(consumer, 2);
    await consumer.close();
    const again = await take(await receiver(), 2);
    expect([bodies(again), again.map(deliveryCountOf)]).toEqual([
      ['a', 'b'],
      [0, 0],
    ]);
    for (const delivery of again) delivery.accept();
  });

  it('a browser sees all and takes nothing', async () => {
    const { consumer, receiver } = await queueOf(['a', 'b', 'c'], { browse: true });
    const seen = await takeAll(consumer);
    expect(bodies(seen)).toEqual(['a', 'b', 'c']);
    expect(await takeAll(consumer)).toEqual([]);
    const taken = await takeAll(await receiver());
    expect(bodies(taken)).toEqual(['a', 'b', 'c']);
    for (const delivery of taken) delivery.accept();
  });

  it('a selector takes what it selects, and leaves the rest in its order', async () => {
    const { consumer, receiver, address } = await queueOf(['low'], { selector: "level > 3 AND kind = 'x'" });
    const sender = await (await at('west')).openSender({ address });
    for (const [level, kind] of [
      [5, 'x'],
      [1, 'x'],
      [7, 'y'],
      [4, 'x'],
    ] as const)
      await put(sender, [`${level}${kind}`], { application_properties: { level, kind } });
    const selected = await takeAll(consumer);
    expect(bodies(selected)).toEqual(['5x', '4x']);
    for (const delivery of selected) delivery.accept();
    const rest = await takeAll(await receiver());
    expect(bodies(rest)).toEqual(['low', '1x', '7y']);
    for (const delivery of rest) delivery.accept();
  });

  it('a browser with a selector by JMS names sees what it selects', async () => {
    const { receiver } = await queueOf(['a'], {}, { priority: 7, subject: 'kind', correlation_id: 'c-1' });
    const selectors = ["JMSPriority = 7 AND JMSType = 'kind'", "JMSCorrelationID = 'c-1'", 'JMSPriority < 7'];
    const seen = [];
    for (const selector of selectors)
      seen.push((await takeAll(await receiver({ selector, browse: true }))).map(bodyOf));
    expect(seen).toEqual([['a'], ['a'], []]);
  });

  it('a selector that is none refuses the link with its column', async () => {
    const refused = queueOf([], { selector: 'a = = 1' });
    await expect(refused).rejects.toMatchObject({ told: { condition: 'amqp:invalid-field' } });
    await expect(refused).rejects.toThrow('column 5');
  });

  it('no-local leaves what its own container has sent', async () => {
    const { address } = await queueOf(['from another']);
    const own = await at(node);
    await put(await own.openSender({ address }), ['own']);
    const local = await takeAll(await own.openReceiver({ address, prefetch: 0, noLocal: true }));
    expect(bodies(local)).toEqual(['from another']);
    for (const delivery of local) delivery.accept();
    const rest = await takeAll(await own.openReceiver({ address, prefetch: 0 }));
    expect(bodies(rest)).toEqual(['own']);
    for (const delivery of rest) delivery.accept();
  });

  it('an exclusive consumer is the only one', async () => {
    const { consumer, receiver } = await queueOf(['a'], { capabilities: ['queue', 'exclusive'] });
    // From another node the refusal comes when the home has been asked.
    const refused = receiver().then(({ closed }) => closed);
    const told = await refused.catch(({ told: error }: { told: unknown }) => error);
    expect(told).toMatchObject({ condition: 'amqp:resource-locked' });
    const [a] = await takeAll(consumer);
    a?.accept();
    await consumer.close();
    expect(await takeAll(await receiver())).toEqual([]);
  });

  it('an exclusive consumer that has closed may come again at once, at whichever node', async () => {
    const exclusive = { capabilities: ['queue', 'exclusive'] };
    const { consumer, address } = await queueOf(['a', 'b'], exclusive);
    const connections = { [HOME]: await at(HOME), west: await at('west') };
    let current = consumer;
    for (let round = 0; round < 10; round++) {
      expect(bodies(await take(current, 2))).toEqual(['a', 'b']);
      await current.close();
      const next = connections[NODES[round % 2] as NodeName];
      current = await next.openReceiver({ address, prefetch: 0, ...exclusive });
    }
    for (const delivery of await take(current, 2)) delivery.accept();
  });

  it('in mode second the node settles when the message is gone for good', async () => {
    const { consumer, receiver } = await queueOf(['a', 'b'], { rcv: RCV.second });
    const deliveries = await takeAll(consumer);
    for (const delivery of deliveries) delivery.accept();
    await Promise.all(deliveries.map(({ settledByNode }) => settledByNode));
    await consumer.close();
    expect(await takeAll(await receiver())).toEqual([]);
  });

  it('two consumers share by their credit', async () => {
    const numbered = Array.from({ length: 40 }, (_, n) => `${n}`);
    const { consumer: first, receiver, address } = await queueOf([]);
    const second = await receiver();
    for (const consumer of [first, second]) consumer.flow(20);
    await put(await (await at('west')).openSender({ address }), numbered);
    const halves = [await first.inbox.take(20), await second.inbox.take(20)];
    const taken = halves.flat().map(bodyOf);
    expect(taken.sort((a, b) => Number(a) - Number(b))).toEqual(numbered);
    for (const delivery of halves.flat()) delivery.accept();
  });

  it('gets what is urgent first', async () => {
    const { consumer, address } = await queueOf(['4']);
    const sender = await (await at('west')).openSender({ address });
    for (const priority of [0, 9, 5, 3, 8, 1, 7, 2, 6, 9]) await put(sender, [`${priority}`], { priority });
    const deliveries = await takeAll(consumer);
    expect(bodies(deliveries).join('')).toBe('99876543210');
    for (const delivery of deliveries) delivery.accept();
  });

  it('does not get what has expired', async () => {
    const { consumer, address } = await queueOf([]);
    const sender = await (await at('west')).openSender({ address });
    await put(sender, ['brief'], { ttl: 1 });
    await sender.send(dataMessage('past', { durable: true, absolute_expiry_time: new Date(1_000) }));
    await put(sender, ['lasting'], { ttl: 3_600_000 });
    const deliveries = await takeAll(consumer);
    expect(bodies(deliveries)).toEqual(['lasting']);
    for (const delivery of deliveries) delivery.accept();
  });

  it('by the capability queue is refused where a rule says topic, and the other way round', async () => {
    const connection = await at(node);
    for (const [address, capability] of [
      ['news.local', 'queue'],
      ['jobs.local', 'topic'],
    ] as const)
      await expect(connection.openReceiver({ address, capabilities: [capability] })).rejects.toMatchObject({
        told: { condition: 'amqp:not-allowed', description: expect.stringContaining('rule') as string },
      });
  });

  it('of a name that is too long is refused', async () => {
    const connection = await at(node);
    const address = `queue/${'x'.repeat(5_000)}`;
    await expect(connection.openReceiver({ address })).rejects.toMatchObject({
      told: { condition: 'amqp:invalid-field' },
    });
    await expect(connection.openSender({ address })).rejects.toMatchObject({
      told: { condition: 'amqp:invalid-field' },
    });
  });
});
