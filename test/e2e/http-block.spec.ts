import { connect, type Socket } from 'node:net';
import WebSocket from 'ws';
import { residentBytes } from '../fuzz/node-memory';
import { EventSource } from '../support/event-source';
import { eventually } from '../support/eventually';
import { FairleadNode } from '../support/fairlead-node';
import { httpCall } from '../support/http-call';

const BODY = 'x'.repeat(10_000);
const BATCH = Array.from({ length: 100 }, () => JSON.stringify(BODY)).join('\n');
const MEMORY_BYTES_MAX = 300 * 1024 * 1024;

type Slow = 'block' | 'dropOldest' | 'dropNewest' | 'spill';

let node: FairleadNode;
let port: number;

beforeAll(async () => {
  const topic = (slow: Slow) => ({ match: `${slow}.#`, kind: 'topic' as const, slow, blockFor: '3s' });
  node = await FairleadNode.start({
    document: {
      site: 'slow',
      listeners: [
        { protocol: 'amqp', port: 0 },
        { name: 'stomp', protocol: 'stomp', port: 0 },
        { name: 'web', protocol: 'http', port: 0 },
      ],
      addresses: (['block', 'dropOldest', 'dropNewest', 'spill'] as const).map(topic),
    },
  });
  port = node.port('web');
});

/** A subscriber that reads nothing but that it is one. */
interface Deaf {
  /** Whether the node has ended its connection, or said that it has ended the subscription: seen when it reads again. */
  endedWhenRead(): Promise<boolean>;
  destroy(): void;
}

async function deafEvents(topic: string): Promise<Deaf> {
  const socket: Socket = connect(port, '127.0.0.1');
  socket.on('error', () => undefined);
  socket.write(`GET /v1/addresses/topic/${topic} HTTP/1.1\r\nhost: localhost\r\naccept: text/event-stream\r\n\r\n`);
  await new Promise((resolve) => socket.once('data', resolve));
  socket.pause();
  return {
    endedWhenRead: async () => {
      let last = '';
      const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
      socket.on('data', (part: Buffer) => (last = (last + part.toString('latin1')).slice(-2_000)));
      socket.resume();
      await Promise.race([closed, eventually('its end', () => last.includes('FL_CONSUMER_SLOW'))]);
      return true;
    },
    destroy: () => socket.destroy(),
  };
}

async function deafWebSocket(topic: string): Promise<Deaf> {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/`, 'v12.stomp');
  let text = '';
  const hear = (data: Buffer): void => void (text = (text + data.toString()).slice(-2_000));
  socket.on('message', hear);
  socket.on('error', () => undefined);
  await new Promise((resolve) => socket.once('open', resolve));
  socket.send('CONNECT\naccept-version:1.2\nhost:x\n\n\0');
  socket.send(`SUBSCRIBE\nid:1\ndestination:/topic/${topic}\nreceipt:r\n\n\0`);
  await eventually('it is subscribed', () => text.includes('RECEIPT\n'));
  socket.pause();
  return {
    endedWhenRead: async () => {
      const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
      socket.resume();
      await closed;
      return true;
    },
    destroy: () => socket.terminate(),
  };
}

describe.each([
  ['an event stream', deafEvents],
  ['a WebSocket', deafWebSocket],
] as const)('%s that is not read', (_what, open) => {
  it.each(['dropOldest', 'dropNewest', 'spill'])('holds nobody up under %s', async (slow) => {
    const deaf = await open(`${slow}.a`);
    const other = await new EventSource(port, `/v1/addresses/topic/${slow}.a`).ready();
    for (let sent = 0; sent < 20; sent++) await publish(`${slow}.a`, 100);
    await eventually('the other one goes on', () => other.events.length > 0);
    expect(residentBytes(node.pid)).toBeLessThan(MEMORY_BYTES_MAX);
    deaf.destroy();
    other.close();
  });

  it('holds its publishers up under block, nobody else, and is ended behind `blockFor`', async () => {
    const deaf = await open('block.a');
    const others = await new EventSource(port, '/v1/addresses/topic/block.b').ready();
    let published = 0;
    const flood = (async () => {
      for (; published < 40; published++) await publish('block.a', 100);
    })();
    await eventually('what is for others goes on meanwhile', async () => {
      await publish('block.b', 1);
      return others.events.length >= 5;
    });
    // It ends when the one that is not read has been ended.
    await flood;
    expect(published).toBe(40);
    expect(await deaf.endedWhenRead()).toBe(true);
    expect(residentBytes(node.pid)).toBeLessThan(MEMORY_BYTES_MAX);
    expect(node.log()).toContain('"event":"consumer-slow","address":"block.a"');
    deaf.destroy();
    others.close();
  });
});

/** So many messages of 10 kB in one batch. */
async function publish(topic: string, count: number): Promise<void> {
  const body = count === 100 ? BATCH : JSON.stringify(BODY);
  const headers = { 'content-type': 'application/x-ndjson' };
  const { json } = await httpCall(port, `/v1/addresses/topic/${topic}`, { body, headers });
  expect(json).toMatchObject({ accepted: count });
}
