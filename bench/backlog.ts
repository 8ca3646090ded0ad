import { monotonicUs, STAMPED_TOGETHER } from './load/payload';
import { measure } from './measure';
import type { Relay } from './nodes';
import { residentOf } from './proc';
import { QUEUE_SCENARIOS, type Scenario } from './scenarios';
import { WorkerProcess } from './worker-process';

const POLL_MS = 250;
const FLOW_SECONDS = 8;

/** The greatest memory of a relay's processes while something goes on. */
class Memory {
  #greatest = 0;
  #greatestAnonymous = 0;
  readonly #timer: NodeJS.Timeout;

  constructor(private readonly relay: Relay) {
    this.#timer = setInterval(() => this.#look(), POLL_MS);
    this.#look();
  }

  #look(): void {
    const now = this.relay.subjects.map(({ pid }) => residentOf(pid));
    const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
    this.#greatest = Math.max(this.#greatest, sum(now.map(({ bytes }) => bytes)));
    this.#greatestAnonymous = Math.max(this.#greatestAnonymous, sum(now.map(({ anonymousBytes }) => anonymousBytes)));
  }

  end(): string {
    clearInterval(this.#timer);
    this.#look();
    const mib = (bytes: number): string => (bytes / 2 ** 20).toFixed(0);
    return `memory up to ${mib(this.#greatestAnonymous)} MiB, ${mib(this.#greatest)} MiB with pages of files`;
  }
}

/** Fills a queue and drains it; tells memory and rates, beside the rate of a queue that stays empty. */
export async function runBacklog(
  through: string,
  relay: Relay,
  messages: number,
  say: (text: string) => void,
): Promise<void> {
  const scenario = QUEUE_SCENARIOS[0] as Scenario;
  const flow = await measure(scenario, relay, { seconds: FLOW_SECONDS, count: 0 });
  say(`${through}: ${rate(flow.rate)} through an empty queue`);
  const put = await phase(relay, () => fill(scenario, relay, messages));
  say(`${through}: ${messages} put, ${rate(messages / put.seconds)}, ${put.memory}`);
  const drained = await phase(relay, () => drain(scenario, relay, messages));
  const ratio = (messages / drained.seconds / flow.rate).toFixed(2);
  say(`${through}: drained with ${rate(messages / drained.seconds)}, ${ratio} of an empty queue's, ${drained.memory}`);
}

function rate(perSecond: number): string {
  return `${(perSecond / 1000).toFixed(1)} k msg/s`;
}

async function phase(relay: Relay, body: () => Promise<void>): Promise<{ seconds: number; memory: string }> {
  const memory = new Memory(relay);
  const from = monotonicUs();
  await body();
  return { seconds: (monotonicUs() - from) / 1e6, memory: memory.end() };
}

async function fill(scenario: Scenario, { ingress }: Relay, messages: number): Promise<void> {
  const { address, bodyBytes, window } = scenario;
  const job = {
    role: 'sender',
    at: ingress,
    address,
    settled: false,
    durable: true,
    bodyBytes,
    window,
    rate: 0,
  } as const;
  const { worker } = await WorkerProcess.open('sender', job);
  try {
    await worker.go(messages);
    await until(async () => (await worker.mark(false)).messages >= messages);
    const { wrong } = await worker.stop(0);
    if (wrong > 0) throw new Error(`${wrong} of ${messages} messages were not accepted`);
  } finally {
    worker.end();
  }
}

async function drain({ address }: Scenario, { ingress }: Relay, messages: number): Promise<void> {
  const sampleEvery = STAMPED_TOGETHER;
  const job = { role: 'receiver', at: ingress, address, settled: false, durable: true, links: 1, sampleEvery } as const;
  const { worker } = await WorkerProcess.open('receiver', job);
  try {
    const { messages: got, wrong } = await worker.stop(messages);
    if (got !== messages || wrong > 0) throw new Error(`${got} of ${messages} messages came, ${wrong} out of turn`);
  } finally {
    worker.end();
  }
}

async function until(done: () => Promise<boolean>): Promise<void> {
  while (!(await done())) await new Promise((resolve) => setTimeout(resolve, POLL_MS));
}
