import { connectAsync } from 'mqtt';
import type { EvacuationRow } from '../../src/management/evacuation';
import type { DrainAnswer } from '../../src/management/drain.controller';
import { DRAINING, MOVE, QUEUES } from '../../src/management/schemas';
import { startClient } from '../support/clients/foreign-clients';
import { StompWire } from '../support/clients/stomp-wire';
import { fairlead, type CommandResult } from '../support/command';
import { eventually } from '../support/eventually';
import { Mesh } from '../support/mesh';

jest.setTimeout(180_000);

let mesh: Mesh;

beforeAll(async () => {
  const addresses = [{ match: 'jobs.#', kind: 'queue' as const, home: 'east' }];
  const listeners = (['amqp', 'mqtt', 'stomp'] as const).map((protocol) => ({ name: protocol, protocol, port: 0 }));
  mesh = await Mesh.line(['west', 'middle', 'east'], { document: { addresses, listeners } });
  await mesh.start();
});

const send = (at: string, address: string, body: string, ...rest: string[]): Promise<CommandResult> =>
  fairlead('send', address, body, '--url', `amqp://127.0.0.1:${mesh.node(at).amqpPort}`, ...rest);
const receive = (at: string, address: string, count: number): Promise<CommandResult> =>
  fairlead('receive', address, '--count', `${count}`, '--url', `amqp://127.0.0.1:${mesh.node(at).amqpPort}`);
const operate = (at: string, ...args: string[]): Promise<CommandResult> =>
  fairlead(...args, '--api', `http://127.0.0.1:${mesh.node(at).httpPort}`);

async function homeOf(queue: string, at: string): Promise<string | undefined> {
  const { body } = await mesh.node(at).http('/api/v1/queues');
  return QUEUES.parse(body).queues.find(({ name }) => name === queue)?.home;
}

it('moves a queue with what it holds, and whoever uses it goes on', async () => {
  for (const body of ['one', 'two', 'three']) await send('west', 'queue/jobs.a', body);
  const client = await startClient('rhea');
  const connection = await client.connect(mesh.node('middle').amqpPort);
  const receiver = await connection.openReceiver({ address: 'queue/jobs.b' });
  await send('east', 'queue/jobs.b', 'before');
  const [before] = await receiver.inbox.take(1);
  before?.accept();
  for (const queue of ['jobs.a', 'queue/jobs.b']) {
    const { code, stdout, stderr } = await operate('east', 'queue', 'rehome', queue, 'west');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(/^jobs\.[ab] moved to west: [03] messages, \d+ bytes\n$/);
  }
  for (const at of ['west', 'middle', 'east'])
    await eventually(`${at} knows`, async () => (await homeOf('jobs.a', at)) === 'west');
  await send('east', 'queue/jobs.b', 'after');
  await receiver.inbox.take(1);
  await client.close();
  expect(await receive('east', 'queue/jobs.a', 3)).toMatchObject({ code: 0, stdout: 'one\ntwo\nthree\n' });
});

it('costs no client of STOMP or MQTT its connection: what it has not acknowledged comes again', async () => {
  for (const at of ['east', 'west']) {
    const node = mesh.node(at);
    const stomp = await StompWire.connect(node.port('stomp'));
    const mqtt = await connectAsync(`mqtt://127.0.0.1:${node.port('mqtt')}`, {
      protocolVersion: 5,
      reconnectPeriod: 0,
    });
    const got: string[] = [];
    // It acknowledges nothing before the queue has moved.
    let hold = (): void => undefined;
    const held = new Promise<void>((resolve) => (hold = resolve));
    mqtt.handleMessage = ({ payload }, done) => {
      got.push(String(payload));
      void held.then(() => done());
    };
    const [forStomp, forMqtt] = [`jobs.stomp-${at}`, `jobs.mqtt-${at}`];
    await stomp.subscribe('s', `/queue/${forStomp}`, { ack: 'client-individual' });
    await mqtt.subscribeAsync(`$queue/${forMqtt}`, { qos: 1 });
    for (const queue of [forStomp, forMqtt]) await stomp.send(`/queue/${queue}`, 'one', { persistent: 'true' });
    const first = await stomp.next();
    await eventually('MQTT has it', () => got.length === 1);
    for (const queue of [forStomp, forMqtt])
      expect(await operate('east', 'queue', 'rehome', queue, 'west')).toMatchObject({ code: 0, stderr: '' });
    const again = await stomp.next();
    expect([String(first.body), String(again.body)]).toEqual(['one', 'one']);
    // An answer that is too late is for nobody.
    stomp.tell('ACK', { id: first.headers['ack'] ?? '' });
    await stomp.answer('ACK', again);
    hold();
    await eventually('MQTT has it again', () => got.length >= 2);
    for (const queue of [forStomp, forMqtt]) await stomp.send(`/queue/${queue}`, 'two', { persistent: 'true' });
    const next = await stomp.next();
    expect(String(next.body)).toBe('two');
    await stomp.answer('ACK', next);
    await eventually('MQTT has the next', () => got.at(-1) === 'two');
    expect(got).toEqual(['one', 'one', 'two']);
    expect([stomp.closed, mqtt.connected]).toEqual([false, true]);
    await stomp.disconnect();
    await mqtt.endAsync();
    await eventually('nothing is left in them', async () => {
      const { queues } = QUEUES.parse((await mesh.node('west').http('/api/v1/queues')).body);
      return [forStomp, forMqtt].every((queue) => queues.find(({ name }) => name === queue)?.here?.depth === 0);
    });
  }
});

it('says where it is when it is there already, and as JSON', async () => {
  const { code, stdout } = await operate('east', 'queue', 'rehome', 'jobs.a', 'west', '--json');
  expect(code).toBe(0);
  expect(MOVE.parse(JSON.parse(stdout))).toMatchObject({ queue: 'jobs.a', to: 'west', state: 'moved' });
});

it('says why it cannot', async () => {
  await send('west', 'queue/jobs.c', 'x');
  for (const [args, code] of [
    [['none', 'west'], 'FL_QUEUE_NOT_FOUND'],
    [['jobs.a', 'middle'], 'FL_QUEUE_ELSEWHERE'],
    [['jobs.c', 'mars'], 'FL_REHOME_NODE'],
    [['jobs.c', 'east'], 'FL_REHOME_REFUSED'],
  ] as const) {
    const result = await operate('east', 'queue', 'rehome', ...args);
    expect([result.code, result.stderr.split(':')[0]]).toEqual([1, code]);
  }
  expect(await mesh.node('east').http('/api/v1/queues/jobs.c/rehome', 'POST', { to: 'west' })).toMatchObject({
    status: 400,
  });
});

it('evacuates a node, says to whom each queue went, and ends it; or names what stays, and goes on', async () => {
  for (const queue of ['jobs.c', 'jobs.d', 'jobs.e']) await send('west', `queue/${queue}`, queue, '--durable');
  const refused = await operate('east', 'drain', '--evacuate', '--to', 'mars');
  expect(refused.code).toBe(1);
  expect(refused.stderr).toMatch(
    /^FL_EVACUATION_INCOMPLETE: .*3 of its queues could not be moved: jobs\.c: no node is named 'mars'/,
  );
  const east = mesh.node('east');
  const { code, stdout } = await operate('east', 'drain', '--evacuate', '--json');
  expect(code).toBe(0);
  const { state, queues } = DRAINING.parse(JSON.parse(stdout)) as DrainAnswer;
  expect(state).toBe('ending');
  const told = (row: EvacuationRow): string => `${row.queue} ${String(row.to)} ${row.state}`;
  expect(queues.map(told).sort()).toEqual(['jobs.c', 'jobs.d', 'jobs.e'].map((queue) => `${queue} middle moved`));
  await eventually('it has ended', () => !east.running);
  for (const queue of ['jobs.d', 'jobs.e'])
    expect(await receive('west', `queue/${queue}`, 1)).toMatchObject({ code: 0, stdout: `${queue}\n` });
  expect(await homeOf('jobs.c', 'west')).toBe('middle');
});
