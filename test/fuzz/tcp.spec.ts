import { createHash } from 'node:crypto';
import { connect } from 'node:net';
import type { SeededRandom } from '../../src/common/ports';
import { eventually } from '../support/eventually';
import { FairleadNode } from '../support/fairlead-node';
import { note, randomOf, seedOf } from '../support/seed';
import { TestServer } from '../support/tcp-services';
import { connectionsOr, MEMORY_BYTES_MAX } from './limits';
import { MemoryWatch } from './node-memory';
import { SteadyPair } from './steady-pair';

const CONNECTIONS = connectionsOr(2_000);
const AT_ONCE = 32;
const ANSWER_MS = 200;

const seed = seedOf(__filename);

const UPGRADE = 'connection: upgrade\r\nupgrade: fairlead-expose\r\n\r\n';
const asked = (line: string, headers = 'host: localhost\r\n'): string => `${line} HTTP/1.1\r\n${headers}${UPGRADE}`;
const TOKEN = '0'.repeat(32);
const REFUSED = `{"refused":"${TOKEN}","why":"not today"}\n`;

/** What is said to the port of the API by commands that expose a service, and by what only looks like one. */
const ASKED: readonly string[] = [
  asked('GET /api/v1/expose?as=fuzz'),
  asked('GET /api/v1/expose?as=fuzz') + REFUSED,
  asked('GET /api/v1/expose?as=fuzz') + `{"refused":"${TOKEN}","why":5}\n`,
  asked('GET /api/v1/expose?as=fuzz') + 'x'.repeat(10_000),
  asked('GET /api/v1/expose?as=fuzz') + '\n\n\n',
  asked('GET /api/v1/expose?as=%00%ff%F0%9F'),
  asked(`GET /api/v1/expose?as=${'n'.repeat(5_000)}`),
  asked('GET /api/v1/expose'),
  asked('GET /api/v1/expose?as=shop') + REFUSED,
  asked(`GET /api/v1/expose/${TOKEN}`),
  asked('GET /api/v1/expose/../expose?as=fuzz'),
  asked('POST /api/v1/expose?as=fuzz'),
  asked('GET //[/api/v1/expose?as=fuzz'),
  asked('GET http://[::1/api/v1/expose?as=fuzz'),
  asked('GET *'),
  asked('OPTIONS *'),
  asked('GET /api/v1/expose?as=fuzz', 'host: evil.example.com\r\n'),
  asked('GET /api/v1/expose?as=fuzz', 'host: localhost\r\norigin: http://localhost\r\n'),
  `GET /api/v1/expose?as=fuzz HTTP/1.1\r\nhost: localhost\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n`,
];

function noiseOf(random: SeededRandom, length: number): Buffer {
  return Buffer.from(Array.from({ length }, () => random.below(256)));
}

/** None to three wounds. */
function mutated(text: string, random: SeededRandom): Buffer {
  let bytes = Buffer.from(text, 'latin1');
  for (let wounds = random.below(4); wounds > 0; wounds--) {
    const at = random.below(bytes.length + 1);
    const noise = noiseOf(random, 1 + random.below(random.chance(0.1) ? 2_000 : 8));
    const until = Math.min(bytes.length, at + noise.length);
    const kind = random.below(4);
    if (kind === 0) bytes = Buffer.concat([bytes.subarray(0, at), noise, bytes.subarray(at)]);
    else if (kind === 1) bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(until)]);
    else if (kind === 2) noise.copy(bytes, at);
    else bytes = bytes.subarray(0, at);
  }
  return bytes;
}

/** Says it, in pieces, and ends or breaks off. @returns what came back, null when the node was not there */
function say(
  port: number,
  bytes: Buffer,
  random: SeededRandom,
  ending: 'end' | 'reset' | 'wait',
): Promise<Buffer | null> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
    const parts: Buffer[] = [];
    let reached = true;
    let timer: NodeJS.Timeout | undefined;
    // Whom nobody serves is reset at once, which may be seen before the connection is.
    socket.on('error', (error: NodeJS.ErrnoException) => (reached = error.code !== 'ECONNREFUSED'));
    socket.on('data', (part: Buffer) => parts.push(part));
    socket.on('end', () => socket.end());
    socket.on('close', () => {
      clearTimeout(timer);
      resolve(reached ? Buffer.concat(parts) : null);
    });
    socket.on('connect', () => {
      timer = setTimeout(() => socket.destroy(), ending === 'end' ? 30_000 : ANSWER_MS);
      for (let at = 0; at < bytes.length;) {
        const end = random.chance(0.7) ? bytes.length : Math.min(bytes.length, at + 1 + random.below(100));
        socket.write(bytes.subarray(at, end));
        at = end;
      }
      if (ending === 'end') socket.end();
      if (ending === 'reset') socket.resetAndDestroy();
    });
  });
}

it(`${CONNECTIONS} connections of garbage to a service, to nobody's, and to the door of fairlead expose: others notice nothing`, async () => {
  // Answers with what it got, as far as it can.
  const echo = await TestServer.listen((socket) => socket.pipe(socket));
  const node = await FairleadNode.start({
    document: {
      site: 'fuzz',
      listeners: [
        { protocol: 'amqp', port: 0 },
        { name: 'shop', protocol: 'tcp', port: 0, address: 'anycast/shop' },
        { name: 'nobody', protocol: 'tcp', port: 0, address: 'anycast/nobody' },
        { name: 'fuzz', protocol: 'tcp', port: 0, address: 'anycast/fuzz' },
      ],
      services: [{ address: 'anycast/shop', connect: echo.at }],
      mesh: { startHold: '0ms' },
    },
  });
  const pair = await SteadyPair.start(node.amqpPort, 'topic/steady');
  const memory = new MemoryWatch(node.pid);
  const random = randomOf(seed);
  let left = CONNECTIONS;
  let unreachable = 0;
  let echoed = 0;
  let wrong = 0;

  const callService = async (): Promise<void> => {
    const bytes = noiseOf(random, random.below(random.chance(0.1) ? 100_000 : 2_000));
    const ending = random.chance(0.5) ? 'end' : random.chance(0.5) ? 'reset' : 'wait';
    const answer = await say(node.port('shop'), bytes, random, ending);
    if (answer === null) unreachable++;
    // Where the service is shared with one that somebody exposes under its name, that one may have been called.
    else if (ending === 'end' && answer.length === bytes.length) {
      echoed++;
      if (digest(answer) !== digest(bytes)) wrong++;
    }
  };
  const callOther = async (): Promise<void> => {
    const name = random.chance(0.5) ? 'nobody' : 'fuzz';
    if ((await say(node.port(name), noiseOf(random, 50), random, 'wait')) === null) unreachable++;
  };
  const knock = async (): Promise<void> => {
    const bytes = mutated(ASKED[random.below(ASKED.length)] as string, random);
    if ((await say(node.httpPort, bytes, random, random.chance(0.2) ? 'reset' : 'wait')) === null) unreachable++;
  };
  const work = async (): Promise<void> => {
    while (left-- > 0 && node.running) {
      const what = random.below(10);
      await (what < 4 ? callService() : what < 5 ? callOther() : knock());
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  if (!node.running) throw new Error(`the node died of seed ${seed}\n${node.logTail()}`);
  const { sent, received } = await pair.finish();
  expect(pair.complaints).toEqual([]);
  expect(received).toEqual(Array.from({ length: sent }, (_, n) => n));
  const peak = memory.stop();
  expect(peak).toBeLessThan(MEMORY_BYTES_MAX);
  expect([unreachable, wrong]).toEqual([0, 0]);
  expect(echoed).toBeGreaterThan(CONNECTIONS / 20);
  await eventually('nothing is left of them', async () => {
    const { body } = await node.http('/api/v1/services');
    const { services, tunnels } = body as { services: { service: string }[]; tunnels: Record<string, number> };
    const open = Number(tunnels['incoming']) + Number(tunnels['outgoing']);
    return open === 0 && services.length === 1;
  });
  note(`${CONNECTIONS} connections; ${echoed} echoed; ${sent} steady messages; ${peak >> 20} MiB`);
  await echo.close();
});

function digest(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}
