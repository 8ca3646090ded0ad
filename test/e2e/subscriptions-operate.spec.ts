import { SUBSCRIPTIONS } from '../../src/management/schemas';
import type { SubscriptionRow } from '../../src/management/subscription-rows';
import { startClient } from '../support/clients/foreign-clients';
import type { Client, ClientConnection } from '../support/clients/client';
import { fairlead, FairleadCommand, type CommandResult } from '../support/command';
import { eventually } from '../support/eventually';
import { Mesh } from '../support/mesh';

jest.setTimeout(180_000);

let mesh: Mesh;
let client: Client;

beforeAll(async () => {
  const addresses = [
    { match: 'jobs.#', kind: 'queue' as const },
    { match: 'alerts', kind: 'multicast' as const },
  ];
  mesh = await (await Mesh.line(['west', 'east'], { document: { addresses } })).start();
  client = await startClient('rhea');
});

afterAll(() => client.close());

type Node = 'west' | 'east';
const url = (node: Node): readonly string[] => ['--url', `amqp://127.0.0.1:${mesh.node(node).amqpPort}`];
const api = (node: Node): readonly string[] => ['--api', `http://127.0.0.1:${mesh.node(node).httpPort}`];
const receive = (node: Node, address: string, name: string, ...more: string[]): Promise<CommandResult> =>
  fairlead('receive', address, '--durable', name, ...url(node), ...more);
const send = (node: Node, address: string, ...bodies: string[]): Promise<CommandResult[]> =>
  Promise.all(bodies.map((body) => fairlead('send', address, body, '--durable', ...url(node))));

async function rows(node: Node): Promise<SubscriptionRow[]> {
  const { body } = await mesh.node(node).http('/api/v1/subscriptions');
  return SUBSCRIPTIONS.parse(body).subscriptions;
}

describe('fairlead receive --durable', () => {
  it('finds at every node what came while nobody received', async () => {
    expect(await receive('east', 'topic/news.#', 'mine', '--timeout', '50ms')).toMatchObject({ code: 0, stdout: '' });
    await send('west', 'topic/news.a', 'one');
    await send('east', 'topic/news.b', 'two');
    expect(await receive('west', 'topic/news.#', 'mine', '--count', '1')).toMatchObject({ code: 0, stdout: 'one\n' });
    expect(await receive('east', 'topic/news.#', 'mine', '--count', '1')).toMatchObject({ code: 0, stdout: 'two\n' });
    expect(await receive('east', 'topic/news.#', 'mine', '--count', '1', '--timeout', '200ms')).toMatchObject({
      code: 1,
    });
  });

  it('ends in one place when it begins in another', async () => {
    const first = new FairleadCommand(['receive', 'topic/both.#', '--durable', 'both', ...url('east')]);
    await first.attached();
    const second = new FairleadCommand([
      'receive',
      'topic/both.#',
      '--durable',
      'both',
      '--count',
      '1',
      ...url('west'),
    ]);
    await second.attached();
    expect(await first.result).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('amqp:link:stolen') as string,
    });
    await send('east', 'topic/both.a', 'for the second');
    expect(await second.result).toMatchObject({ code: 0, stdout: 'for the second\n' });
  });

  it('leaves a subscription to another topic as it is', async () => {
    await receive('east', 'topic/typed.#', 'typed', '--timeout', '50ms');
    await send('east', 'topic/typed.a', 'kept');
    const mistyped = await receive('west', 'topic/tpyed.#', 'typed', '--timeout', '50ms');
    expect(mistyped.code).toBe(1);
    expect(mistyped.stderr).toContain("subscription 'typed' is one to topic/typed.#, not to topic/tpyed.#: it stays");
    expect((await receive('west', 'topic/typed.#', 'typed', '--count', '1')).stdout).toContain('kept');
    expect(await receive('west', 'topic/typed.#', 'typed', '--unsubscribe')).toMatchObject({ code: 0 });
  });

  it('ends a subscription', async () => {
    await receive('east', 'topic/old.#', 'old', '--timeout', '50ms');
    expect(await receive('west', 'topic/other', 'old', '--unsubscribe')).toMatchObject({
      code: 1,
      stderr: "FL_SUBSCRIPTION_OTHER: subscription 'old' is one to topic/old.#, not to topic/other: it stays\n",
    });
    expect(await receive('west', 'topic/old.#', 'old', '--unsubscribe')).toMatchObject({ code: 0 });
    expect((await rows('east')).map(({ name }) => name)).not.toContain('old');
    const none = await receive('west', 'topic/old.#', 'old', '--unsubscribe');
    expect(none).toMatchObject({ code: 1, stderr: expect.stringContaining('amqp:not-found') as string });
  });

  it('does not end one that somebody receives from', async () => {
    const receiver = new FairleadCommand(['receive', 'topic/busy', '--durable', 'busy', ...url('east')]);
    await receiver.attached();
    const refused = await receive('west', 'topic/busy', 'busy', '--unsubscribe');
    expect(refused).toMatchObject({ code: 1, stderr: expect.stringContaining('amqp:resource-locked') as string });
    receiver.process.kill('SIGINT');
    expect(await receiver.result).toMatchObject({ code: 0 });
  });

  it.each([
    ['queue/jobs.a', 'FL_CLIENT_NOT_DURABLE'],
    ['jobs.a', 'amqp:not-allowed'],
    ['multicast/alerts', 'amqp:not-allowed'],
    ['topic/a..*b', 'amqp:invalid-field'],
    ['topic/$sub/a', 'amqp:not-allowed'],
  ])('refuses %s with %s', async (address, said) => {
    const refused = await receive('east', address, 'bad', '--timeout', '50ms');
    expect(refused).toMatchObject({ code: 1, stderr: expect.stringContaining(said) as string });
  });
});

describe('subscriptions of clients', () => {
  const connect = (node: Node, container: string): Promise<ClientConnection> =>
    client.connect(mesh.node(node).amqpPort, { container });

  it('are told to operators, who look into them and end them', async () => {
    const connection = await connect('east', 'app.1');
    const receiver = await connection.openReceiver({
      address: 'topic/ops.*',
      name: 'in box',
      durable: true,
      prefetch: 0,
    });
    await receiver.detach();
    await send('west', 'topic/ops.a', 'x');
    await eventually('it has come', async () => (await rows('east')).some(({ here }) => here?.depth === 1));
    const row = (await rows('east')).find(({ client: owner }) => owner === 'app.1');
    expect(row).toMatchObject({ name: 'in box', filter: 'ops.*', here: { depth: 1, consumers: 0 } });
    const queue = row?.queue ?? '';
    expect((await rows('west')).find((other) => other.queue === queue)).toMatchObject({ home: 'east', here: null });
    const table = await fairlead('queues', '--subscriptions', ...api('east'));
    expect(table.stdout).toMatch(/^in box +app\.1 +ops\.\* +durable +east +1 +0 +\d+ +0 +\$sub\//m);
    expect((await fairlead('queue', 'peek', queue, ...api('east'))).stdout).toContain('"body":"x"');
    const { body: metrics } = await mesh.node('east').http('/metrics');
    expect(String(metrics)).toMatch(/^fairlead_queue_messages\{queue="\$sub",state="ready"\} [1-9]/m);
    expect(await fairlead('queue', 'unsubscribe', queue, ...api('west'))).toMatchObject({
      code: 0,
      stdout: 'subscription in box to ops.* is ended\n',
    });
    expect((await rows('east')).map((other) => other.queue)).not.toContain(queue);
    const gone = await fairlead('queue', 'unsubscribe', queue, ...api('east'));
    expect(gone).toMatchObject({ code: 1, stderr: expect.stringMatching(/^FL_SUBSCRIPTION_NOT_FOUND: /) as string });
    await connection.close();
  });

  it('are looked into and ended however long their names are', async () => {
    const name = '☃'.repeat(170);
    await receive('east', 'topic/long', name, '--timeout', '50ms');
    const queue = (await rows('east')).find((row) => row.name === name)?.queue ?? '';
    expect(await fairlead('queue', 'purge', queue, ...api('east'))).toMatchObject({ code: 0 });
    expect(await fairlead('queue', 'unsubscribe', queue, ...api('west'))).toMatchObject({ code: 0 });
  });

  it('that are consumed are not ended, and shared ones that keep nothing end by themselves', async () => {
    const connection = await connect('east', 'app.2');
    const kept = await connection.openReceiver({ address: 'topic/kept', name: 'kept', durable: true });
    const shared = await connection.openReceiver({ address: 'topic/kept', name: 'kept|1', capabilities: ['shared'] });
    const mine = (await rows('east')).filter(({ client: owner }) => owner === 'app.2');
    expect(mine.map(({ name, durable }) => [name, durable]).sort()).toEqual([
      ['kept', false],
      ['kept', true],
    ]);
    const end = (durable: boolean) => {
      const queue = mine.find((row) => row.durable === durable)?.queue ?? '';
      return mesh.node('east').http(`/api/v1/subscriptions/${encodeURIComponent(queue)}`, 'DELETE');
    };
    expect(await end(true)).toMatchObject({ status: 409, body: { code: 'FL_SUBSCRIPTION_IN_USE' } });
    expect(await end(false)).toMatchObject({ status: 409, body: { code: 'FL_SUBSCRIPTION_NOT_DURABLE' } });
    await shared.close();
    await kept.close();
    await eventually('both are gone', async () => (await rows('east')).every(({ client: owner }) => owner !== 'app.2'));
    await connection.close();
  });

  it.each([
    ['a name that is too long', { name: 'n'.repeat(600) }, 'amqp:invalid-field', '512 bytes'],
    ['no name', { name: '|2' }, 'amqp:invalid-field', 'leaves none'],
    ['a bad selector', { name: 'bad', selector: 'a = = 1' }, 'amqp:invalid-field', 'column 5'],
    ['the kind of another', { name: 'bad', capabilities: ['queue'] }, null, ''],
  ])('with %s: %j', async (_what, more, condition, said) => {
    const connection = await connect('east', 'app.3');
    const opened = connection.openReceiver({ address: 'topic/bad', durable: true, ...more });
    if (condition === null) expect((await opened).address).toBe('topic/bad');
    else
      await expect(opened).rejects.toMatchObject({
        told: { condition, description: expect.stringContaining(said) as string },
      });
    await connection.close();
  });
});
