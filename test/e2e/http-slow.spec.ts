import { connect, type Socket } from 'node:net';
import rhea from 'rhea';
import WebSocket from 'ws';
import { residentBytes } from '../fuzz/node-memory';
import { EventSource } from '../support/event-source';
import { eventually, within } from '../support/eventually';
import { FairleadNode } from '../support/fairlead-node';
import { httpCall } from '../support/http-call';

const MESSAGES = 4_000;
const BODY = Buffer.alloc(10_000, 'x');
const MEMORY_BYTES_MAX = 300 * 1024 * 1024;

let node: FairleadNode;
let port: number;

beforeAll(async () => {
  node = await FairleadNode.start({
    document: {
      site: 'slow',
      listeners: [
        { protocol: 'amqp', port: 0 },
        { name: 'web', protocol: 'http', port: 0 },
      ],
      addresses: [{ match: 'ticks.#', kind: 'topic', slow: 'dropOldest' }],
    },
  });
  port = node.port('web');
});

/** Asks for an event stream, and reads nothing of it but that it is open. */
async function deafStream(path: string): Promise<Socket> {
  const socket = connect(port, '127.0.0.1');
  socket.write(`GET ${path} HTTP/1.1\r\nhost: localhost\r\naccept: text/event-stream\r\n\r\n`);
  await new Promise((resolve) => socket.once('data', resolve));
  socket.pause();
  return socket;
}

/** 40 MB in all: more than sockets hold. */
async function publishAll(address: string): Promise<void> {
  const batch = Array.from({ length: 100 }, () => JSON.stringify(BODY.toString())).join('\n');
  for (let sent = 0; sent < MESSAGES; sent += 100) {
    const headers = { 'content-type': 'application/x-ndjson' };
    const { json } = await httpCall(port, `/v1/addresses/${address}`, { body: batch, headers });
    expect(json).toMatchObject({ accepted: 100 });
  }
}

it('an event stream that is not read holds nobody up, and little memory', async () => {
  const deaf = await deafStream('/v1/addresses/topic/ticks.%23');
  const other = await new EventSource(port, '/v1/addresses/topic/ticks.a').ready();
  await publishAll('topic/ticks.a');
  await eventually('the other one has the last', () => other.events.length > 0);
  expect(residentBytes(node.pid)).toBeLessThan(MEMORY_BYTES_MAX);
  const after = await httpCall(port, '/v1/addresses/topic/ticks.a', {
    body: '"last"',
    headers: { 'content-type': 'application/json' },
  });
  expect(after.status).toBe(202);
  await eventually('and what follows', () => other.data.at(-1)?.data === 'last');
  deaf.destroy();
  other.close();
});

it('a WebSocket that is not read holds nobody up, and little memory', async () => {
  const sockets: WebSocket[] = [];
  class Watched extends WebSocket {
    constructor(url: string, protocols: string[]) {
      super(url, protocols);
      sockets.push(this);
    }
  }
  const container = rhea.create_container();
  const dial = container.websocket_connect(Watched as never);
  const details = dial(`ws://127.0.0.1:${port}/`, ['amqp'], {} as never);
  const connection = container.connect({ connection_details: details, reconnect: false } as never);
  connection.on('disconnected', () => undefined);
  const receiver = connection.open_receiver({ source: 'topic/ticks.b', credit_window: 10_000 } as never);
  await new Promise((resolve) => receiver.once('receiver_open', resolve));
  sockets[0]?.pause();
  const other = await new EventSource(port, '/v1/addresses/topic/ticks.b').ready();
  await publishAll('topic/ticks.b');
  expect(residentBytes(node.pid)).toBeLessThan(MEMORY_BYTES_MAX);
  await httpCall(port, '/v1/addresses/topic/ticks.b', {
    body: '"last"',
    headers: { 'content-type': 'application/json' },
  });
  await eventually('the other one goes on', () => other.data.at(-1)?.data === 'last');
  sockets[0]?.terminate();
  other.close();
});

it('a client that sends its request byte by byte holds nobody up, and is cut', async () => {
  const slow = connect(port, '127.0.0.1');
  let answer = '';
  slow.on('data', (chunk) => (answer += chunk.toString()));
  const ended = new Promise((resolve) => slow.once('close', resolve));
  const text = `GET / HTTP/1.1\r\nhost: localhost\r\nx: ${'y'.repeat(1_000)}`;
  let at = 0;
  const timer = setInterval(() => slow.write(text.charAt(at++)), 100);
  slow.on('error', () => undefined);
  expect((await httpCall(port, '/v1/openapi.json')).status).toBe(200);
  await within('it is cut', ended, 30_000);
  clearInterval(timer);
  expect(answer).toMatch(/^HTTP\/1\.1 408 .*FL_HTTP_SLOW/s);
});

it('a node that shuts down ends what it serves, and exits in time', async () => {
  const stream = await new EventSource(port, '/v1/addresses/topic/ticks.%23').ready();
  const durable = await new EventSource(port, '/v1/addresses/topic/ticks.%23?durable=d&client=c').ready();
  const waiting = httpCall(port, '/v1/addresses/queue/jobs/receive?wait=60s', { method: 'POST' });
  await eventually('all are there', async () => {
    const { body } = await node.http('/api/v1/listeners');
    const { listeners } = body as { listeners: { name: string; connections: number }[] };
    return listeners.some(({ name, connections }) => name === 'web' && connections >= 3);
  });
  expect(await node.stop()).toBe(0);
  const answer = await waiting;
  expect([answer.status, answer.json]).toEqual([503, expect.objectContaining({ code: 'FL_HTTP_DRAINING' })]);
  stream.close();
  durable.close();
  await node.start();
});
