import { connect } from 'node:net';
import type { SeededRandom } from '../../src/common/ports';
import { FairleadNode } from '../support/fairlead-node';
import { httpCall } from '../support/http-call';
import { note, randomOf, seedOf } from '../support/seed';
import { connectionsOr, MEMORY_BYTES_MAX } from './limits';
import { MemoryWatch } from './node-memory';
import { SteadyPair } from './steady-pair';

const CONNECTIONS = connectionsOr(2_000);
const AT_ONCE = 32;
const ANSWER_MS = 200;

const seed = seedOf(__filename);

const HOST = 'host: localhost\r\n';
const request = (line: string, headers: string, body = ''): string =>
  `${line} HTTP/1.1\r\n${HOST}${headers}content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
const upgrade = (protocol: string): string =>
  `GET / HTTP/1.1\r\n${HOST}upgrade: websocket\r\nconnection: upgrade\r\nsec-websocket-version: 13\r\n` +
  `sec-websocket-key: ${Buffer.alloc(16).toString('base64')}\r\nsec-websocket-protocol: ${protocol}\r\n\r\n`;

/** A frame with a mask of zeros: its payload is what it says. */
function frame(first: number, payload: string): string {
  const { length } = payload;
  const head = length < 126 ? [first, 0x80 | length] : [first, 0xfe, length >> 8, length & 0xff];
  return Buffer.from([...head, 0, 0, 0, 0]).toString('latin1') + payload;
}

const EVENT = '{"specversion":"1.0","id":"1","source":"/","type":"t","data":{"a":[1,"\\u00e9"]}}';

/** What clients say that know how to. */
const CONVERSATIONS: readonly string[] = [
  request(
    'POST /v1/addresses/topic/fuzz',
    'content-type: text/plain\r\nfairlead-priority: 4\r\nfairlead-property-a: b\r\n',
    'hello',
  ),
  request('POST /v1/addresses/queue%2Ffuzz', 'idempotency-key: "a"\r\nfairlead-ttl: 1000\r\n', 'x'.repeat(300)),
  request('POST /v1/addresses/fuzz', 'content-type: application/cloudevents+json\r\n', EVENT),
  request('POST /v1/addresses/fuzz', 'content-type: application/cloudevents-batch+json\r\n', `[${EVENT},${EVENT}]`),
  request('POST /v1/addresses/fuzz', 'content-type: application/x-ndjson\r\n', '{"a":1}\n{"b":"c"}\n'),
  request(
    'POST /v1/addresses/fuzz',
    'fairlead-body: value\r\nfairlead-annotations: {"a":{"$int":"1"}}\r\n',
    '{"$map":[[1,2]]}',
  ),
  `POST /v1/addresses/fuzz HTTP/1.1\r\n${HOST}transfer-encoding: chunked\r\nexpect: 100-continue\r\n\r\n5\r\nhello\r\n0\r\n\r\n`,
  request('GET /v1/addresses/topic/fuzz.%23?selector=a%20%3D%201', 'accept: text/event-stream\r\n'),
  request('GET /v1/addresses/topic/fuzz.%23?durable=d&client=c', 'accept: text/event-stream\r\nlast-event-id: a-1\r\n'),
  request('POST /v1/addresses/queue/fuzz/receive?wait=100ms&lock=1s', ''),
  request('DELETE /v1/addresses/queue/fuzz/deliveries/token', ''),
  request('POST /v1/addresses/topic/fuzz/request?timeout=100ms', '', 'question'),
  request('OPTIONS /v1/addresses/topic/fuzz', 'origin: http://localhost\r\naccess-control-request-method: POST\r\n'),
  upgrade('amqp') + frame(0x82, 'AMQP\0\x01\0\0') + frame(0x89, 'ping') + frame(0x88, '\x03\xe8'),
  upgrade('v12.stomp') +
    frame(0x01, 'CONNECT\naccept-version:1.2\nhost:x\n\n') +
    frame(0x80, '\0') +
    frame(0x81, `SEND\ndestination:/topic/fuzz\n\n${'y'.repeat(200)}\0`),
  upgrade('mqtt') + frame(0x82, '\x10\x0d\0\x04MQTT\x04\x02\0\x3c\0\x01a') + frame(0x82, '\x30\x06\0\x04fuzzx'),
];

/** One to four wounds, or none for what follows another conversation. */
function mutated(text: string, random: SeededRandom): Buffer {
  let bytes = Buffer.from(text, 'latin1');
  for (let wounds = random.below(4) + 1; wounds > 0; wounds--) {
    const at = random.below(bytes.length + 1);
    const length = 1 + random.below(random.chance(0.1) ? 2_000 : 8);
    const noise = Buffer.from(Array.from({ length }, () => random.below(256)));
    switch (random.below(5)) {
      case 0:
        bytes = Buffer.concat([bytes.subarray(0, at), noise, bytes.subarray(at)]);
        break;
      case 1:
        bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(Math.min(bytes.length, at + length))]);
        break;
      case 2:
        noise.copy(bytes, at);
        break;
      case 3:
        bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(random.below(bytes.length + 1))]);
        break;
      default:
        bytes = bytes.subarray(0, at);
    }
  }
  return bytes;
}

/** Says it, in pieces, and is gone a moment later. @returns whether the node was there */
function say(port: number, bytes: Buffer, random: SeededRandom): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    let reached = false;
    const timer = setTimeout(() => socket.destroy(), ANSWER_MS);
    socket.on('error', () => undefined);
    socket.on('close', () => {
      clearTimeout(timer);
      resolve(reached);
    });
    socket.on('connect', () => {
      reached = true;
      for (let at = 0; at < bytes.length;) {
        const end = random.chance(0.7) ? bytes.length : Math.min(bytes.length, at + 1 + random.below(100));
        socket.write(bytes.subarray(at, end));
        at = end;
      }
    });
    socket.resume();
  });
}

it(`${CONNECTIONS} malformed requests and WebSockets: the node lives, its memory is bounded, others notice nothing`, async () => {
  const node = await FairleadNode.start({
    document: {
      site: 'fuzz',
      listeners: [
        { protocol: 'amqp', port: 0 },
        { name: 'web', protocol: 'http', port: 0 },
      ],
      mesh: { startHold: '0ms' },
    },
  });
  const port = node.port('web');
  const pair = await SteadyPair.start(node.amqpPort, 'topic/steady');
  const memory = new MemoryWatch(node.pid);
  const random = randomOf(seed);
  let left = CONNECTIONS;
  let unreachable = 0;
  const work = async (): Promise<void> => {
    while (left-- > 0 && node.running) {
      const text = CONVERSATIONS[random.below(CONVERSATIONS.length)] as string;
      const before = random.chance(0.2) ? (CONVERSATIONS[random.below(6)] as string) : '';
      const bytes = Buffer.concat([Buffer.from(before, 'latin1'), mutated(text, random)]);
      if (!(await say(port, bytes, random))) unreachable++;
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  if (!node.running) throw new Error(`the node died of seed ${seed}\n${node.logTail()}`);
  const { sent, received } = await pair.finish();
  expect(pair.complaints).toEqual([]);
  expect(received).toEqual(Array.from({ length: sent }, (_, n) => n));
  const peak = memory.stop();
  expect(peak).toBeLessThan(MEMORY_BYTES_MAX);
  expect(unreachable).toBe(0);
  // Nothing that a client says is a failure of ours.
  expect(node.log()).not.toContain('http-request-failed');
  expect((await httpCall(port, '/v1/addresses/topic/fuzz', { body: 'x' })).status).toBe(202);
  note(`${CONNECTIONS} connections; ${sent} steady messages; ${peak >> 20} MiB`);
});
