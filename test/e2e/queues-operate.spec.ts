import { MESSAGES, QUEUES } from '../../src/management/schemas';
import type { CountAnswer, MessagesAnswer, QueuesAnswer } from '../../src/management/queue-rows';
import { startClient } from '../support/clients/foreign-clients';
import { fairlead, type CommandResult } from '../support/command';
import { eventually } from '../support/eventually';
import { Mesh } from '../support/mesh';

jest.setTimeout(180_000);

let mesh: Mesh;

beforeAll(async () => {
  const addresses = [
    { match: 'jobs.#', kind: 'queue' as const, home: 'east', maxDeliveries: 1, deadLetter: 'queue/dlq' },
    { match: 'dlq', kind: 'queue' as const, home: 'east' },
  ];
  mesh = await Mesh.line(['west', 'east'], { document: { addresses } });
  await mesh.start();
});

const send = (address: string, body: string, ...rest: string[]): Promise<CommandResult> =>
  fairlead('send', address, body, '--url', `amqp://127.0.0.1:${mesh.node('west').amqpPort}`, ...rest);
const operate = (...args: string[]): Promise<CommandResult> =>
  fairlead(...args, '--api', `http://127.0.0.1:${mesh.node('east').httpPort}`);

async function queuesAt(node: string): Promise<QueuesAnswer> {
  const { body } = await mesh.node(node).http('/api/v1/queues');
  return QUEUES.parse(body);
}

async function bodiesOf(queue: string, query = ''): Promise<unknown[]> {
  const { body } = await mesh.node('east').http(`/api/v1/queues/${queue}/messages${query}`);
  return (MESSAGES.parse(body) as MessagesAnswer).messages.map(({ message }) => (message as { body: unknown }).body);
}

it('shows the queues of the mesh, and where they are', async () => {
  expect((await send('queue/jobs.a', 'x', '--count', '3', '--durable')).code).toBe(0);
  const [here] = (await queuesAt('east')).queues;
  expect(here).toMatchObject({ name: 'jobs.a', home: 'east', here: { depth: 3, ready: 3, put: 3, consumers: 0 } });
  expect((await queuesAt('west')).queues).toEqual([{ name: 'jobs.a', home: 'east', here: null, forwarding: null }]);
  const { stdout } = await operate('queues');
  expect(stdout).toMatch(/^jobs\.a +east +3 +3 +0 +0 +0 /m);
});

it('peeks without taking, page by page', async () => {
  for (const body of ['one', 'two', 'three']) await send('queue/jobs.b', body);
  expect(await bodiesOf('jobs.b')).toEqual(['one', 'two', 'three']);
  expect(await bodiesOf('jobs.b', '?count=2')).toEqual(['one', 'two']);
  const { stdout } = await operate('queue', 'peek', 'queue/jobs.b', '--json');
  const { messages } = JSON.parse(stdout) as MessagesAnswer;
  const [, second] = messages;
  expect(await bodiesOf('jobs.b', `?from=${second?.id}`)).toEqual(['two', 'three']);
  expect(await bodiesOf('jobs.b')).toHaveLength(3);
});

it('moves messages, and purges', async () => {
  for (const body of ['one', 'two', 'three']) await send('queue/jobs.c', body);
  expect(await operate('queue', 'move', 'jobs.c', 'queue/jobs.d', '--count', '2')).toMatchObject({
    code: 0,
    stdout: '2 messages moved\n',
  });
  expect(await bodiesOf('jobs.d')).toEqual(['one', 'two']);
  expect(await bodiesOf('jobs.c')).toEqual(['three']);
  expect(await operate('queue', 'purge', 'jobs.c')).toMatchObject({ code: 0, stdout: '1 message dropped\n' });
  expect(await bodiesOf('jobs.c')).toEqual([]);
});

it('sends dead letters back to where they came from', async () => {
  await send('queue/jobs.e', 'unloved');
  const client = await startClient('rhea');
  const connection = await client.connect(mesh.node('west').amqpPort);
  const receiver = await connection.openReceiver({ address: 'queue/jobs.e' });
  const [delivery] = await receiver.inbox.take(1);
  delivery?.reject();
  await eventually('the message is dead', async () => (await bodiesOf('dlq')).length === 1);
  await client.close();
  expect(await operate('dlq', 'retry', 'dlq')).toMatchObject({ code: 0, stdout: '1 message sent back\n' });
  expect(await bodiesOf('jobs.e')).toEqual(['unloved']);
  expect(await bodiesOf('dlq')).toEqual([]);
});

it('refuses what is not there, is elsewhere, or is not asked for properly', async () => {
  const east = mesh.node('east');
  await send('queue/jobs.f', 'x', '--count', '3');
  expect(await operate('queue', 'peek', 'none')).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/^FL_QUEUE_NOT_FOUND: /) as unknown,
  });
  expect(await mesh.node('west').http('/api/v1/queues/jobs.f/purge', 'POST', {})).toMatchObject({
    status: 409,
    body: { code: 'FL_QUEUE_ELSEWHERE', detail: expect.stringContaining('node east') as unknown },
  });
  for (const [path, body] of [
    ['purge', undefined],
    ['purge', { count: 1 }],
    ['move', { to: '' }],
    ['move', { to: 'queue/x', count: 0 }],
    ['move', { to: 'queue/#' }],
    ['move', { to: 'queue/$durable/east' }],
    ['move', { to: 'topic/jobs.f' }],
    ['move', { to: 'jbos.f' }],
    ['retry', { count: 'all' }],
  ] as const)
    expect(await east.http(`/api/v1/queues/jobs.f/${path}`, 'POST', body)).toMatchObject({ status: 400 });
  expect(await east.http('/api/v1/queues/jobs.f/move', 'POST', { to: 'anycast/nobody' })).toMatchObject({
    status: 409,
    body: { code: 'FL_QUEUE_NOT_TAKEN' },
  });
  expect(await east.http('/api/v1/queues/jobs.f/messages?count=0')).toMatchObject({ status: 400 });
  expect(await east.http('/api/v1/drain', 'POST', { to: 'west' })).toMatchObject({ status: 400 });
  const { body } = await east.http('/api/v1/queues/jobs.f/retry', 'POST', {});
  expect(body as CountAnswer).toEqual({ count: 0 });
  expect(await bodiesOf('jobs.f')).toHaveLength(3);
});
