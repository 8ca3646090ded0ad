import { Agent, request } from 'node:http';
import { connect as connectTcp } from 'node:net';
import { once } from 'node:events';
import { connectAsync } from 'mqtt';
import { create_container, message as amqp, type Receiver, type Sender } from 'rhea';
import { Histogram } from './load/histogram';
import type { Endpoint } from './load/protocol';
import { startLine, type ClientProtocol, type Relay } from './nodes';
import type { Options } from './options';

/** A message each so many ms: what is measured is the way, and no queue. */
const EVERY_MS = 10;
const WARM_UP_MS = 3_000;
/** Nothing comes for so long: what has not come is lost. */
const IDLE_MS = 10_000;
const TOPIC = 'bench';
const STAMP = /<at:([\d.]+)>/g;

/** One publisher at the first node, and one subscriber at the last. */
interface Pair {
  publish(body: string): void;
  close(): unknown;
}

interface Way {
  readonly name: string;
  /** What the nodes' listener speaks; HTTP is there anyway. */
  readonly protocol: ClientProtocol;
  open(relay: Relay, told: (text: string) => void): Promise<Pair>;
}

function ends(relay: Relay): [Endpoint, Endpoint] {
  return [relay.ingress, relay.sites.at(-1) as Endpoint];
}

async function overAmqp(relay: Relay, told: (text: string) => void): Promise<Pair> {
  const [from, to] = ends(relay);
  const connections = [from, to].map(({ host, port }) => create_container().connect({ host, port, reconnect: false }));
  const receiver = connections[1]?.open_receiver(`topic/${TOPIC}`) as Receiver;
  receiver.on('message', ({ message }) => told(String((message?.body as { content: Buffer }).content)));
  const sender = connections[0]?.open_sender(`topic/${TOPIC}`) as Sender;
  await Promise.all([once(receiver, 'receiver_open'), once(sender, 'sendable')]);
  return {
    publish: (body) => void sender.send({ body: amqp.data_section(Buffer.from(body)) }),
    close: () => connections.forEach((connection) => connection.close()),
  };
}

async function overMqtt(relay: Relay, told: (text: string) => void): Promise<Pair> {
  const [publisher, subscriber] = await Promise.all(
    ends(relay).map(({ host, port }) =>
      connectAsync(`mqtt://${host}:${port}`, { protocolVersion: 5, reconnectPeriod: 0 }),
    ),
  );
  subscriber?.on('message', (_topic, payload) => told(payload.toString()));
  await subscriber?.subscribeAsync(TOPIC, { qos: 1 });
  return {
    publish: (body) => void publisher?.publish(TOPIC, body, { qos: 1 }),
    close: () => Promise.all([publisher?.endAsync(true), subscriber?.endAsync(true)]),
  };
}

async function overStomp(relay: Relay, told: (text: string) => void): Promise<Pair> {
  const [publisher, subscriber] = await Promise.all(
    ends(relay).map(async ({ host, port }) => {
      const socket = connectTcp({ host, port, noDelay: true });
      socket.write('CONNECT\naccept-version:1.2\nhost:bench\nheart-beat:0,0\n\n\0');
      await once(socket, 'data');
      return socket;
    }),
  );
  subscriber?.write(`SUBSCRIBE\nid:1\ndestination:/topic/${TOPIC}\nreceipt:s\n\n\0`);
  if (subscriber !== undefined) await once(subscriber, 'data');
  subscriber?.on('data', (chunk) => told(chunk.toString('latin1')));
  let sent = 0;
  return {
    publish: (body) => void publisher?.write(`SEND\ndestination:/topic/${TOPIC}\nreceipt:${sent++}\n\n${body}\0`),
    close: () => [publisher, subscriber].forEach((socket) => socket?.destroy()),
  };
}

async function overHttp({ webs }: Relay, told: (text: string) => void): Promise<Pair> {
  const agent = new Agent({ keepAlive: true, maxSockets: 16 });
  const path = `/v1/addresses/topic/${TOPIC}`;
  const stream = request({ ...webs?.at(-1), path, agent: false, headers: { accept: 'text/event-stream' } });
  stream.on('error', () => undefined);
  stream.end();
  await new Promise<void>((resolve) => {
    stream.once('response', (answer) => {
      answer.on('data', (chunk: Buffer) => told(chunk.toString()));
      answer.on('error', () => undefined);
      resolve();
    });
  });
  return {
    publish: (body) => {
      const headers = { 'content-type': 'text/plain', 'content-length': body.length };
      request({ ...webs?.[0], path, agent, method: 'POST', headers }, (answer) => answer.resume()).end(body);
    },
    close: () => {
      stream.destroy();
      agent.destroy();
    },
  };
}

const WAYS: readonly Way[] = [
  { name: 'AMQP', protocol: 'amqp', open: overAmqp },
  { name: 'MQTT 5, QoS 1', protocol: 'mqtt', open: overMqtt },
  { name: 'STOMP, receipts', protocol: 'stomp', open: overStomp },
  { name: 'HTTP POST to SSE', protocol: 'amqp', open: overHttp },
];

interface Run {
  readonly histogram: Histogram;
  readonly lost: number;
}

/** Times count from the moment at which a message was meant to leave: a stall counts for all that it held up. */
async function measured(way: Way, relay: Relay, seconds: number): Promise<Run> {
  const histogram = new Histogram();
  const start = performance.now() + WARM_UP_MS;
  const end = start + seconds * 1_000;
  let sent = 0;
  let got = 0;
  let last = performance.now();
  const pair = await way.open(relay, (text) => {
    last = performance.now();
    for (const [, at] of text.matchAll(STAMP)) {
      got++;
      if (Number(at) >= start) histogram.add((last - Number(at)) * 1_000);
    }
  });
  await new Promise<void>((resolve) => {
    let due = performance.now();
    const timer = setInterval(() => {
      const now = performance.now();
      for (; due <= now && due < end; due += EVERY_MS, sent++) pair.publish(`<at:${due.toFixed(3)}>`);
      if (due < end || (got < sent && now - last < IDLE_MS)) return;
      clearInterval(timer);
      resolve();
    }, 1);
  });
  await pair.close();
  return { histogram, lost: sent - got };
}

function ms(value: number | null): string {
  return (value ?? 0).toFixed(2).padStart(8);
}

/** How long messages take from a client at the first of three nodes to one at the last, by each protocol. @returns the exit code */
export async function latency(options: Options, say: (text: string) => void): Promise<number> {
  let lost = 0;
  say(`a message each ${EVERY_MS} ms    p50 ms   p99 ms    lost`);
  for (const way of WAYS) {
    for (let n = 0; n < options.repeat; n++) {
      const relay = await startLine(3, null, [{ match: TOPIC, kind: 'topic' }], way.protocol);
      try {
        const run = await measured(way, relay, options.seconds);
        lost += run.lost;
        const [p50, p99] = [run.histogram.quantileMs(0.5), run.histogram.quantileMs(0.99)];
        say(`${way.name.padEnd(22)} ${ms(p50)} ${ms(p99)} ${String(run.lost).padStart(7)}`);
      } finally {
        await relay.stop();
      }
    }
  }
  return lost === 0 ? 0 : 1;
}
