import type { Client, ClientConnection, ClientName, Delivery, Outcome } from '../support/clients/client';
import { CLIENT_NAMES, startClient } from '../support/clients/foreign-clients';
import { dataMessage } from '../support/clients/message';
import { eventually } from '../support/eventually';
import { Mesh } from '../support/mesh';
import { annotationsOf, bodyOf, put, take, takeAll } from '../support/queue-messages';

const HOME = 'east';
const NODES = [HOME, 'west'] as const;

let mesh: Mesh;
const clients = new Map<ClientName, Client>();

beforeAll(async () => {
  const queue = { kind: 'queue', home: HOME } as const;
  const addresses = [
    { match: 'tried.#', ...queue, maxDeliveries: 2, deadLetter: 'queue/dead' },
    { match: 'dead', ...queue },
    { match: 'once.#', ...queue, duplicateWindow: '10m' },
    { match: 'full.#', ...queue, maxDepth: 2, overLimit: 'reject' },
    { match: 'heavy.#', ...queue, maxBytes: '2KiB', overLimit: 'reject' },
    { match: 'patient.#', ...queue, maxDepth: 3, overLimit: 'block' },
    { match: 'newest.#', ...queue, maxDepth: 2, overLimit: 'dropOldest' },
    { match: 'brief.#', ...queue, ttl: '50ms', deadLetter: 'queue/dead' },
    { match: 'jobs.#', ...queue },
  ] as const;
  mesh = await (await Mesh.line(NODES, { document: { addresses: [...addresses] } })).start();
  for (const name of CLIENT_NAMES) clients.set(name, await startClient(name));
});

afterAll(() => Promise.all([...clients.values()].map((client) => client.close())));

const CASES = CLIENT_NAMES.flatMap((name) => NODES.map((node) => [name, node] as const));

describe.each(CASES)('%s, at %s, a queue at east', (name, node) => {
  let connection: ClientConnection;

  beforeAll(async () => {
    connection = await (clients.get(name) as Client).connect(mesh.node(node).amqpPort);
  });

  afterAll(() => connection.close());

  async function queueOf(kind: string) {
    const address = `${kind}.${name}.${node}`;
    const sender = await connection.openSender({ address });
    const consumer = await connection.openReceiver({ address, prefetch: 0 });
    return { address, sender, consumer };
  }

  const bodies = (deliveries: readonly Delivery[]): string[] => deliveries.map(bodyOf);
  const acceptAll = (deliveries: readonly Delivery[]): void => deliveries.forEach((delivery) => delivery.accept());
  const states = (outcomes: readonly Outcome[]): string[] => outcomes.map(({ state }) => state);

  /** The next dead letter: it says why, where it comes from and how often it was delivered. */
  async function deadLetter(body: string, address: string, reason: string, count: number): Promise<void> {
    const dead = await connection.openReceiver({ address: 'queue/dead', prefetch: 0 });
    const [letter] = (await take(dead, 1)) as [Delivery];
    letter.accept();
    await dead.close();
    expect(bodyOf(letter)).toBe(body);
    expect(annotationsOf(letter)).toMatchObject({
      'x-opt-fairlead-origin': `queue/${address}`,
      'x-opt-fairlead-dead-reason': reason,
      'x-opt-fairlead-delivery-count': count,
    });
  }

  it('makes dead letters of what was tried too often, with the reason and where it comes from', async () => {
    const { address, sender, consumer } = await queueOf('tried.often');
    await put(sender, ['poison']);
    for (let attempt = 0; attempt < 2; attempt++) (await take(consumer, 1))[0]?.modify({ failed: true });
    await deadLetter('poison', address, 'maxDeliveries', 2);
    expect(await takeAll(consumer)).toEqual([]);
  });

  it('makes dead letters of what is rejected', async () => {
    const { address, sender, consumer } = await queueOf('tried.rejected');
    await put(sender, ['bad']);
    (await take(consumer, 1))[0]?.reject({ condition: 'test:bad', description: 'too bad' });
    await deadLetter('bad', address, 'rejected', 1);
  });

  it('makes dead letters of what the rule lets expire', async () => {
    const { address, sender } = await queueOf('brief.expired');
    await put(sender, ['late']);
    await deadLetter('late', address, 'expired', 0);
  });

  it.each([
    ['its ttl', () => ({ ttl: 1 })],
    ['its time of expiry', () => ({ absolute_expiry_time: new Date(Date.now() - 60_000) })],
  ])('makes a dead letter of a message that is over by %s', async (_what, header) => {
    const { address, sender } = await queueOf('tried.over');
    await put(sender, ['over'], header());
    await deadLetter('over', address, 'expired', 0);
  });

  it('keeps one of what is sent twice under one message-id, and accepts both', async () => {
    const { sender, consumer } = await queueOf('once');
    for (const id of ['1', '2', '1', '3', '2']) await put(sender, [id], { message_id: id });
    await put(sender, ['without an id', 'without an id']);
    const deliveries = await takeAll(consumer);
    expect(bodies(deliveries)).toEqual(['1', '2', '3', 'without an id', 'without an id']);
    acceptAll(deliveries);
  });

  it('rejects what is too much', async () => {
    const { sender, consumer } = await queueOf('full');
    const outcomes = [];
    for (const body of ['a', 'b', 'c']) outcomes.push(await sender.send(dataMessage(body, { durable: true })));
    expect(states(outcomes)).toEqual(['accepted', 'accepted', 'rejected']);
    expect(outcomes[2]?.error).toMatchObject({ condition: 'amqp:resource-limit-exceeded' });
    const deliveries = await takeAll(consumer);
    expect(bodies(deliveries)).toEqual(['a', 'b']);
    acceptAll(deliveries);
  });

  it('rejects what is too large in all', async () => {
    const { sender, consumer } = await queueOf('heavy');
    const outcomes = [];
    for (const body of ['a', 'b', 'c'])
      outcomes.push(await sender.send(dataMessage(body.repeat(900), { durable: true })));
    expect(states(outcomes)).toEqual(['accepted', 'accepted', 'rejected']);
    expect(outcomes[2]?.error).toMatchObject({ condition: 'amqp:resource-limit-exceeded' });
    acceptAll(await takeAll(consumer));
    expect((await sender.send(dataMessage('room again'))).state).toBe('accepted');
    acceptAll(await take(consumer, 1));
  });

  it('lets senders wait for room where the rule says so, and loses nothing', async () => {
    const { sender, consumer } = await queueOf('patient');
    const all = Array.from({ length: 200 }, (_, n) => `${n}`);
    let accepted = 0;
    const sent = all.map((body) =>
      sender.send(dataMessage(body, { durable: true })).then(({ state }) => (accepted++, state)),
    );
    // What had credit before the queue was full is put nevertheless.
    await eventually('the sender has no credit', () => Promise.resolve(accepted >= 3 && sender.credit === 0));
    const before = accepted;
    expect(before).toBeLessThan(all.length);
    const got: string[] = [];
    consumer.flow(all.length);
    while (got.length < all.length) {
      const next = await consumer.inbox.next();
      got.push(bodyOf(next));
      next.accept();
    }
    expect(new Set(await Promise.all(sent))).toEqual(new Set(['accepted']));
    expect(got).toEqual(all);
  });

  it('drops the oldest where the rule says so', async () => {
    const { sender, consumer } = await queueOf('newest');
    for (const body of ['a', 'b', 'c']) await put(sender, [body]);
    const deliveries = await takeAll(consumer);
    expect(bodies(deliveries)).toEqual(['b', 'c']);
    acceptAll(deliveries);
  });

  it('keeps what is to be delivered later until then', async () => {
    const { sender, consumer } = await queueOf('jobs.delayed');
    const at = Date.now() + 400;
    await put(sender, ['later'], { message_annotations: { 'x-opt-delivery-time': at } });
    await put(sender, ['now']);
    consumer.flow(2);
    const deliveries: Delivery[] = [];
    while (!bodies(deliveries).includes('later')) deliveries.push(await consumer.inbox.next());
    expect(Date.now()).toBeGreaterThanOrEqual(at);
    while (deliveries.length < 2) deliveries.push(await consumer.inbox.next());
    expect(bodies(deliveries).sort()).toEqual(['later', 'now']);
    acceptAll(deliveries);
  });

  it('delivers at once what should have been delivered in the past', async () => {
    const { sender, consumer } = await queueOf('jobs.past');
    for (const at of [0, -1, Date.now() - 86_400_000])
      await put(sender, [`${at}`], { message_annotations: { 'x-opt-delivery-time': at } });
    const deliveries = await takeAll(consumer);
    expect(deliveries).toHaveLength(3);
    acceptAll(deliveries);
  });

  it('rejects what should be delivered absurdly late', async () => {
    const { sender } = await queueOf('jobs.absurd');
    const outcome = await sender.send(
      dataMessage('never', { durable: true, message_annotations: { 'x-opt-delivery-time': Number.MAX_SAFE_INTEGER } }),
    );
    expect(outcome).toMatchObject({ state: 'rejected', error: { condition: 'amqp:invalid-field' } });
  });

  it('sticks messages of one group to one consumer, and moves them when it leaves', async () => {
    const { address, sender, consumer } = await queueOf('jobs.groups');
    const other = await connection.openReceiver({ address, prefetch: 0 });
    for (const receiver of [consumer, other]) receiver.flow(10);
    for (const group of ['x', 'y', 'x', 'y', 'x']) await put(sender, [group], { group_id: group });
    const groups = [await consumer.inbox.next(), await other.inbox.next()].map(bodyOf);
    expect(groups.sort()).toEqual(['x', 'y']);
    const [ofX, ofY] = consumer.inbox.count === 3 ? [consumer, other] : [other, consumer];
    expect([await ofX.inbox.take(2), await ofY.inbox.take(1)].map(bodies)).toEqual([['x', 'x'], ['y']]);
    await ofX.close();
    expect(bodies(await ofY.inbox.take(3))).toEqual(['x', 'x', 'x']);
    await ofY.close();
  });
});
