import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { startArtemis } from './artemis';
import type { Endpoint } from './load/protocol';
import { startLine, type Relay } from './nodes';
import type { Options } from './options';
import { cpuUs } from './proc';
import { spread } from './report';

/** What one sender and one receiver do. */
interface Work {
  readonly name: string;
  readonly destination: string;
  /** Receipts outstanding at the same time; 0 for SENDs without any. */
  readonly window: number;
  /** The receiver acknowledges, as many at once. */
  readonly ackEvery: number;
}

const BODY_BYTES = 100;
const WARM_UP_MS = 4_000;
/** Without receipts: bytes that the kernel has not taken, past which the sender waits. */
const UNWRITTEN_MAX = 256 * 1024;
/** Nothing comes for so long, on a busy machine too: what has not come is lost. */
const IDLE_MS = 10_000;
/** SENDs written at once. */
const TOGETHER = 64;
/** Artemis' clients say by these what a name is; a node has rules. */
const KINDS = { topic: 'MULTICAST', queue: 'ANYCAST' } as const;

const WORKS: readonly Work[] = [
  { name: 'topic/no-receipts/100B', destination: '/topic/bench', window: 0, ackEvery: 0 },
  { name: 'topic/window-500/100B', destination: '/topic/bench', window: 500, ackEvery: 0 },
  { name: 'queue/window-500/100B', destination: '/queue/stored', window: 500, ackEvery: 50 },
];

/** Counts the frames of a command in a stream, and finds an id in the last one. */
class Frames {
  count = 0;
  #rest = '';

  constructor(
    private readonly command: string,
    private readonly each: (frame: string) => void = () => undefined,
  ) {}

  read(chunk: Buffer): void {
    const parts = (this.#rest + chunk.toString('latin1')).split('\0');
    this.#rest = parts.pop() ?? '';
    for (const part of parts) {
      const frame = part.trimStart();
      if (frame.startsWith('ERROR')) throw new Error(frame);
      if (!frame.startsWith(this.command)) continue;
      this.count++;
      this.each(frame);
    }
  }
}

async function client({ host, port }: Endpoint): Promise<Socket> {
  const socket = connect(port, host);
  await once(socket, 'connect');
  socket.setNoDelay(true);
  socket.write('CONNECT\naccept-version:1.2\nhost:bench\nlogin:bench\npasscode:bench\nheart-beat:0,0\n\n\0');
  await once(socket, 'data');
  return socket;
}

/** One sender and one receiver at their work. */
class Clients {
  readonly #kind: string;
  readonly received: Frames;
  #sent = 0;
  #receipts = 0;
  #stopped = false;

  private constructor(
    private readonly work: Work,
    private readonly sender: Socket,
    private readonly receiver: Socket,
  ) {
    this.#kind = KINDS[work.destination.startsWith('/topic') ? 'topic' : 'queue'];
    this.received = new Frames('MESSAGE', (frame) => this.#onMessage(frame));
    receiver.on('data', (chunk) => this.received.read(chunk));
    const receipts = new Frames('RECEIPT', () => void this.#receipts++);
    sender.on('data', (chunk) => {
      receipts.read(chunk);
      this.#send();
    });
    sender.on('drain', () => this.#send());
  }

  static async start(at: Endpoint, work: Work): Promise<Clients> {
    const clients = new Clients(work, await client(at), await client(at));
    await clients.#begin();
    return clients;
  }

  async #begin(): Promise<void> {
    const { destination, ackEvery } = this.work;
    const ack = ackEvery > 0 ? 'client' : 'auto';
    const headers = `id:1\ndestination:${destination}\nack:${ack}\nsubscription-type:${this.#kind}\nconsumer-window-size:-1\nreceipt:s\n`;
    const subscribed = new Promise<void>((resolve) => this.receiver.once('data', () => resolve()));
    this.receiver.write(`SUBSCRIBE\n${headers}\n\0`);
    await subscribed;
    this.#send();
  }

  #onMessage(frame: string): void {
    const { ackEvery } = this.work;
    if (ackEvery === 0 || this.received.count % ackEvery > 0) return;
    const [, id = ''] = /\nack:(\S+)/.exec(frame) ?? [];
    this.receiver.write(`ACK\nid:${id}\n\n\0`);
  }

  #send(): void {
    const { window, destination } = this.work;
    const durable = destination.startsWith('/queue') ? 'persistent:true\n' : '';
    while (!this.#stopped && this.sender.writableLength < UNWRITTEN_MAX) {
      const room = window === 0 ? TOGETHER : Math.min(TOGETHER, window - (this.#sent - this.#receipts));
      if (room <= 0) return;
      let frames = '';
      for (let n = 0; n < room; n++) {
        const receipt = window === 0 ? '' : `receipt:${this.#sent}\n`;
        frames += `SEND\ndestination:${destination}\ndestination-type:${this.#kind}\n${durable}${receipt}content-length:${BODY_BYTES}\n\n${BODY}\0`;
        this.#sent++;
      }
      this.sender.write(frames);
    }
  }

  /** @returns messages that did not come */
  async stop(): Promise<number> {
    this.#stopped = true;
    await this.#arrived();
    this.sender.destroy();
    this.receiver.destroy();
    return this.#sent - this.received.count;
  }

  /** Resolves when all that was sent has come, or nothing comes any more. */
  #arrived(): Promise<void> {
    return new Promise((resolve) => {
      const look = (): void => {
        if (this.received.count >= this.#sent) resolve();
      };
      this.receiver.setTimeout(IDLE_MS, resolve).on('data', look).on('close', resolve);
      look();
    });
  }
}

const BODY = 'x'.repeat(BODY_BYTES);

function wait(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

interface Run {
  readonly rate: number;
  readonly cpuPerMillion: number;
  readonly lost: number;
}

async function measured(relay: Relay, work: Work, seconds: number): Promise<Run> {
  const clients = await Clients.start(relay.ingress, work);
  await wait(WARM_UP_MS);
  const cpu = (): number => relay.subjects.reduce((sum, { pid }) => sum + cpuUs(pid), 0);
  const [count, used, since] = [clients.received.count, cpu(), performance.now()];
  await wait(seconds * 1_000);
  const messages = clients.received.count - count;
  const rate = (messages * 1_000) / (performance.now() - since);
  const cpuPerMillion = (cpu() - used) / messages;
  return { rate, cpuPerMillion, lost: await clients.stop() };
}

const RULES = [
  { match: 'bench', kind: 'topic' },
  { match: 'stored', kind: 'queue' },
];

/** STOMP clients at a node, and at Artemis, in turns. @returns the exit code */
export async function stomp(options: Options, say: (text: string) => void): Promise<number> {
  const relays = new Map<string, Relay>();
  let lost = 0;
  try {
    for (const name of options.through)
      relays.set(name, name === 'artemis' ? await startArtemis() : await startLine(1, null, RULES, 'stomp'));
    say('scenario                 through    k msg/s  CPU-s/M    lost');
    for (const work of WORKS) {
      const runs = new Map<string, Run[]>([...relays.keys()].map((name) => [name, []]));
      for (let n = 0; n < options.repeat; n++)
        for (const [name, relay] of relays) runs.get(name)?.push(await measured(relay, work, options.seconds));
      for (const [name, all] of runs) {
        const missing = all.reduce((sum, run) => sum + run.lost, 0);
        lost += missing;
        const rate = spread(all.map((run) => run.rate / 1_000)).median.toFixed(1);
        const cpu = spread(all.map((run) => run.cpuPerMillion)).median.toFixed(2);
        say(
          `${work.name.padEnd(24)} ${name.padEnd(9)} ${rate.padStart(8)} ${cpu.padStart(8)} ${String(missing).padStart(7)}`,
        );
      }
    }
  } finally {
    await Promise.all([...relays.values()].map((relay) => relay.stop()));
  }
  return lost === 0 ? 0 : 1;
}
