import { Agent, request } from 'node:http';
import type { Endpoint } from './load/protocol';
import { startLine } from './nodes';
import type { Options } from './options';

/** HTTP at one node: POSTs on connections that are kept, batches, and the fan-out of server-sent events. */
const CONNECTIONS = 16;
const BODY = JSON.stringify({ body: 'x'.repeat(89) });
const BATCH_ITEMS = 500;
const BATCH = Array.from({ length: BATCH_ITEMS }, () => BODY).join('\n');
const SUBSCRIBERS = 50;

const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS });

function post({ host, port }: Endpoint, address: string, type: string, body: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': type, 'content-length': Buffer.byteLength(body) };
    const sent = request({ host, port, agent, method: 'POST', path: `/v1/addresses/${address}`, headers }, (answer) => {
      answer.resume();
      answer.on('end', () =>
        answer.statusCode === 202 ? resolve() : reject(new Error(`status ${answer.statusCode}`)),
      );
    });
    sent.on('error', reject);
    sent.end(body);
  });
}

/** How often something is done in a second, by so many at once. */
async function rateOf(seconds: number, atOnce: number, work: () => Promise<void>): Promise<number> {
  const start = performance.now();
  const end = start + seconds * 1_000;
  let done = 0;
  const worker = async (): Promise<void> => {
    for (; performance.now() < end; done++) await work();
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
  return done / ((performance.now() - start) / 1_000);
}

/** Counts the events of one subscriber. */
function subscribe({ host, port }: Endpoint, address: string, count: () => void): Promise<() => void> {
  return new Promise((resolve, reject) => {
    const headers = { accept: 'text/event-stream' };
    const sent = request({ host, port, agent: false, path: `/v1/addresses/${address}`, headers }, (answer) => {
      answer.on('data', (chunk: Buffer) => {
        for (let at = chunk.indexOf('data:'); at >= 0; at = chunk.indexOf('data:', at + 5)) count();
      });
      answer.on('error', () => undefined);
      resolve(() => sent.destroy());
    });
    sent.on('error', reject);
    sent.end();
  });
}

/** HTTP at one node. @returns the exit code */
export async function http(options: Options, say: (text: string) => void): Promise<number> {
  const relay = await startLine(1, null);
  const web = relay.webs?.[0] as Endpoint;
  const { seconds } = options;
  const tell = (what: string, rate: number): void =>
    say(`${what.padEnd(44)} ${Math.round(rate).toLocaleString('en')} /s`);
  try {
    const one = (): Promise<void> => post(web, 'topic/bench', 'application/json', BODY);
    const batch = (address: string) => (): Promise<void> => post(web, address, 'application/x-ndjson', BATCH);
    await rateOf(seconds, CONNECTIONS, one);
    tell(`POST of 100 B, ${CONNECTIONS} connections`, await rateOf(seconds, CONNECTIONS, one));
    tell(
      `messages of 100 B in batches of ${BATCH_ITEMS}`,
      BATCH_ITEMS * (await rateOf(seconds, 4, batch('topic/bench'))),
    );
    let events = 0;
    const ends = await Promise.all(
      Array.from({ length: SUBSCRIBERS }, () => subscribe(web, 'topic/fan', () => void events++)),
    );
    const start = performance.now();
    const published = BATCH_ITEMS * (await rateOf(seconds, 1, batch('topic/fan')));
    tell(`events of 100 B at ${SUBSCRIBERS} subscribers`, events / ((performance.now() - start) / 1_000));
    tell('  published meanwhile', published);
    for (const end of ends) end();
    return 0;
  } finally {
    agent.destroy();
    await relay.stop();
  }
}
