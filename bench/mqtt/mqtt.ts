import { join } from 'node:path';
import { startLine, type Relay } from '../nodes';
import type { Options } from '../options';
import { cpuUs } from '../proc';
import { spread } from '../report';
import { startAedes, startMosquitto } from './brokers';
import { BenchPublisher, BenchSubscriber, RING_SLOTS } from './clients';
import { PublishRing } from './packets';
import type { MqttWork } from './works';

const BODY_BYTES = 100;
/** A run is warm after so many messages, or this time. */
const WARM_UP_MESSAGES = 200_000;
const WARM_UP_MS = 3_000;
/** What does not come for so long is lost. */
const IDLE_MS_MAX = 10_000;
const POLL_MS = 20;
const RULES = [{ match: 'bench.#', kind: 'topic' }];

interface Run {
  readonly rate: number;
  readonly cpuPerMillion: number;
  readonly p50: number;
  readonly p99: number;
  readonly lost: number;
  readonly wrong: number;
}

function wait(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** The clients of one work, at both ends of what is measured. */
class Clients {
  readonly publishers: BenchPublisher[] = [];
  readonly subscribers: BenchSubscriber[] = [];

  constructor(private readonly work: MqttWork) {}

  async open({ ingress, sites }: Relay): Promise<void> {
    const { qos, publishers, fanOut, window } = this.work;
    const egress = sites[sites.length - 1] ?? ingress;
    for (let at = 0; at < publishers; at++) {
      const topic = `bench/${at}`;
      const ring = new PublishRing(topic, qos, BODY_BYTES, RING_SLOTS);
      for (let n = 0; n < fanOut; n++) this.subscribers.push(await BenchSubscriber.open(egress, ring, topic));
      this.publishers.push(await BenchPublisher.open(ingress, ring, window));
    }
  }

  start(): void {
    const { perSecond } = this.work;
    for (const publisher of this.publishers)
      if (perSecond > 0) publisher.startPaced(perSecond);
      else publisher.start();
  }

  received(): number {
    return this.subscribers.reduce((sum, { received }) => sum + received, 0);
  }

  /** Waits for what is under way. @returns messages that did not come */
  async stop(): Promise<number> {
    for (const publisher of this.publishers) publisher.stop();
    const due = this.publishers.reduce((sum, { sent }) => sum + sent, 0) * this.work.fanOut;
    for (let idle = 0, last = -1; idle < IDLE_MS_MAX && this.received() < due; idle += POLL_MS) {
      if (this.received() !== last) idle = 0;
      last = this.received();
      await wait(POLL_MS);
    }
    return due - this.received();
  }

  close(): void {
    for (const client of [...this.publishers, ...this.subscribers]) client.close();
  }
}

async function measured(relay: Relay, work: MqttWork, seconds: number): Promise<Run> {
  const clients = new Clients(work);
  try {
    await clients.open(relay);
    clients.start();
    const warm = performance.now() + WARM_UP_MS;
    while (clients.received() < WARM_UP_MESSAGES && performance.now() < warm) await wait(POLL_MS);
    const cpu = (): number => relay.subjects.reduce((sum, { pid }) => sum + cpuUs(pid), 0);
    for (const { latency } of clients.subscribers) latency.reset();
    const [count, used, since] = [clients.received(), cpu(), performance.now()];
    await wait(seconds * 1_000);
    const messages = clients.received() - count;
    const rate = (messages * 1_000) / (performance.now() - since);
    const cpuPerMillion = (cpu() - used) / messages;
    const quantile = (share: number): number =>
      Math.max(...clients.subscribers.map(({ latency }) => latency.quantileMs(share) ?? NaN));
    const [p50, p99] = [quantile(0.5), quantile(0.99)];
    const lost = await clients.stop();
    const wrong = clients.subscribers.reduce((sum, subscriber) => sum + subscriber.wrong, 0);
    return { rate, cpuPerMillion, p50, p99, lost, wrong };
  } finally {
    clients.close();
  }
}

function start(name: string, nodes: number, profiles: string | null): Promise<Relay> {
  if (name === 'mosquitto') return startMosquitto();
  if (name === 'aedes') return startAedes();
  return startLine(nodes, profiles, RULES, 'mqtt');
}

const COLUMNS = ['k msg/s', 'CPU-s/M', 'p50 ms', 'p99 ms', 'lost', 'wrong'];

function row(scenario: string, through: string, cells: readonly string[]): string {
  return scenario.padEnd(24) + through.padEnd(10) + cells.map((cell) => cell.padStart(9)).join('');
}

function cellsOf(runs: readonly Run[], isPaced: boolean): string[] {
  const median = (of: (run: Run) => number, digits: number): string => spread(runs.map(of)).median.toFixed(digits);
  const sum = (of: (run: Run) => number): string => String(runs.reduce((all, run) => all + of(run), 0));
  return [
    median(({ rate }) => rate / 1_000, 1),
    median(({ cpuPerMillion }) => cpuPerMillion, 2),
    // At full speed it is the window that they tell.
    isPaced ? median(({ p50 }) => p50, 2) : '-',
    isPaced ? median(({ p99 }) => p99, 2) : '-',
    sum(({ lost }) => lost),
    sum(({ wrong }) => wrong),
  ];
}

/** MQTT clients at a node, at mosquitto and at aedes, in turns. @returns the exit code */
export async function mqtt(
  works: readonly MqttWork[],
  options: Options,
  results: string,
  say: (text: string) => void,
): Promise<number> {
  let faults = 0;
  say(row('scenario', 'through', COLUMNS));
  for (const work of works) {
    const names = work.nodes > 1 ? ['fairlead'] : options.through;
    const runs = new Map<string, Run[]>(names.map((name) => [name, []]));
    for (let n = 0; n < options.repeat; n++)
      for (const name of names) {
        const profiles = options.profile ? join(results, 'profiles', `mqtt-${work.name.replace(/\//g, '-')}`) : null;
        const relay = await start(name, work.nodes, profiles);
        try {
          runs.get(name)?.push(await measured(relay, work, options.seconds));
        } finally {
          await relay.stop();
        }
      }
    for (const [name, all] of runs) {
      say(row(work.name, name, cellsOf(all, work.perSecond > 0)));
      if (name === 'fairlead') faults += all.reduce((sum, { lost, wrong }) => sum + lost + wrong, 0);
    }
  }
  return faults === 0 ? 0 : 1;
}
