import { STAMPED_TOGETHER } from './load/payload';
import type { Endpoint, Mark } from './load/protocol';
import type { Relay } from './nodes';
import { cpuUs, residentOf } from './proc';
import type { Scenario } from './scenarios';
import { WorkerProcess } from './worker-process';

/** Before the measured window: code is compiled, credit has grown. */
const WARM_UP_MS = 1_500;
/** The same at a given rate: a few thousand messages a second take longer to have everything compiled. */
const PACED_WARM_UP_MS = 8_000;
/** Queues: journals and memory take longer to settle. */
const QUEUE_WARM_UP_MS = 3_000;

function warmUpMs({ rate, durable }: Scenario): number {
  if (durable) return QUEUE_WARM_UP_MS;
  return rate > 0 ? PACED_WARM_UP_MS : WARM_UP_MS;
}

const NOBODY: Relay = {
  ingress: { host: '127.0.0.1', port: 0 },
  sites: [],
  subjects: [],
  stop: () => Promise.resolve(),
};

/** What one process did in the measured window. */
export interface ProcessFigures {
  readonly name: string;
  /** CPU seconds per million messages delivered. */
  readonly cpuPerMillion: number;
  /** Resident memory at the begin and at the end of the window. */
  readonly rssBefore: number;
  readonly rssAfter: number;
}

/** One run of one scenario. */
export interface Figures {
  /** Delivered to receivers, a second. */
  readonly rate: number;
  readonly processes: readonly ProcessFigures[];
  /** CPU seconds per million messages of all nodes together. */
  readonly nodesCpuPerMillion: number;
  readonly p50Ms: number | null;
  readonly p99Ms: number | null;
  /** From sending to the outcome, where the sender has a window. */
  readonly outcomeP50Ms: number | null;
  readonly outcomeP99Ms: number | null;
  readonly sent: number;
  readonly received: number;
  readonly lost: number;
  /** Outcomes that were not `accepted`, messages out of order or repeated. */
  readonly wrong: number;
  /** Nodes' memory before and behind the idle connections, per connection; null without any. */
  readonly bytesPerIdle: number | null;
}

export interface Length {
  readonly seconds: number;
  /** 0: as long as `seconds` says. */
  readonly count: number;
}

/** Runs a scenario once over what stands between sender and receivers; null for nothing. */
export async function measure(scenario: Scenario, relay: Relay | null, length: Length): Promise<Figures> {
  const workers: WorkerProcess[] = [];
  const open = async (
    ...job: Parameters<typeof WorkerProcess.open>
  ): Promise<{ worker: WorkerProcess; port: number }> => {
    const opened = await WorkerProcess.open(...job);
    workers.push(opened.worker);
    return opened;
  };
  try {
    return await new Run(scenario, relay ?? NOBODY, length, open).run(relay === null);
  } finally {
    for (const worker of workers) worker.end();
  }
}

type Open = (...job: Parameters<typeof WorkerProcess.open>) => Promise<{ worker: WorkerProcess; port: number }>;

interface Marks {
  readonly sender: Mark;
  readonly receivers: readonly Mark[];
  /** Of the nodes: CPU time in µs, and resident memory. */
  readonly cpu: readonly number[];
  readonly rss: readonly number[];
}

class Run {
  #sender!: WorkerProcess;
  readonly #receivers: WorkerProcess[] = [];
  #bytesPerIdle: number | null = null;

  constructor(
    private readonly scenario: Scenario,
    private readonly relay: Relay,
    private readonly length: Length,
    private readonly open: Open,
  ) {}

  async run(direct: boolean): Promise<Figures> {
    await this.#start(direct);
    const { count, seconds } = this.length;
    if (count === 0) {
      await this.#sender.go(0);
      await wait(warmUpMs(this.scenario));
    }
    const before = await this.#marks(true);
    if (count > 0) await this.#sender.go(count);
    else await wait(seconds * 1000);
    let after = await this.#marks(false);
    const copies = this.scenario.copies ? this.scenario.receivers.reduce((sum, links) => sum + links, 0) : 1;
    if (count > 0) {
      await this.#awaitReceived(count * copies);
      after = await this.#marks(false);
    }
    const { messages: sent, wrong: refused } = await this.#sender.stop(0);
    const ends = await this.#awaitReceived(sent * copies);
    return this.#figures(before, after, sent, sent * copies, refused, ends);
  }

  async #start(direct: boolean): Promise<void> {
    const { scenario, relay } = this;
    const { address, settled, bodyBytes, rate, durable, window } = scenario;
    let at: Endpoint = relay.ingress;
    if (scenario.idle > 0) await this.#startIdle();
    // A paced sender stamps each message; one at full speed stamps several at once, of which the first is true.
    const sampleEvery = rate > 0 ? 1 : STAMPED_TOGETHER;
    for (const [site, links] of scenario.receivers.entries()) {
      if (links === 0) continue;
      const from = direct ? null : (relay.sites[site] as Endpoint);
      const job = { role: 'receiver', at: from, address, settled, durable, links, sampleEvery } as const;
      const { worker, port } = await this.open(`receiver ${site + 1}`, job);
      this.#receivers.push(worker);
      if (direct) at = { host: '127.0.0.1', port };
    }
    const job = { role: 'sender', at, address, settled, bodyBytes, durable, window, rate } as const;
    this.#sender = (await this.open('sender', job)).worker;
  }

  async #startIdle(): Promise<void> {
    const { idle } = this.scenario;
    const before = this.#nodesRss();
    await this.open('idle connections', { role: 'idle', at: this.relay.ingress, connections: idle });
    if (this.relay.subjects.length > 0) this.#bytesPerIdle = (this.#nodesRss() - before) / idle;
  }

  #nodesRss(): number {
    return this.relay.subjects.reduce((sum, { pid }) => sum + residentOf(pid).bytes, 0);
  }

  async #marks(reset: boolean): Promise<Marks> {
    const [sender, ...receivers] = await Promise.all([
      this.#sender.mark(reset),
      ...this.#receivers.map((receiver) => receiver.mark(reset)),
    ]);
    const pids = this.relay.subjects.map(({ pid }) => pid);
    return { sender, receivers, cpu: pids.map(cpuUs), rss: pids.map((pid) => residentOf(pid).bytes) };
  }

  /** Each receiver waits for its share, or for as many as all together where they share one address. */
  async #awaitReceived(messages: number): Promise<readonly Mark[]> {
    const { receivers, copies } = this.scenario;
    const links = receivers.filter((count) => count > 0);
    const all = links.reduce((sum, count) => sum + count, 0);
    const share = (at: number): number => (copies ? (messages / all) * (links[at] as number) : messages);
    return Promise.all(this.#receivers.map((receiver, at) => receiver.stop(share(at))));
  }

  #figures(
    before: Marks,
    after: Marks,
    sent: number,
    expected: number,
    refused: number,
    ends: readonly Mark[],
  ): Figures {
    const count = (marks: Marks): number => marks.receivers.reduce((sum, { messages }) => sum + messages, 0);
    const delivered = count(after) - count(before);
    const first = before.receivers[0] as Mark;
    const last = after.receivers[0] as Mark;
    const perMillion = (us: number): number => us / Math.max(1, delivered);
    const load = [
      figuresOf('sender', before.sender, after.sender, perMillion),
      ...after.receivers.map((mark, at) =>
        figuresOf(`receiver ${at + 1}`, before.receivers[at] as Mark, mark, perMillion),
      ),
    ];
    const nodes = this.relay.subjects.map(({ name }, at) => ({
      name,
      cpuPerMillion: perMillion((after.cpu[at] as number) - (before.cpu[at] as number)),
      rssBefore: before.rss[at] as number,
      rssAfter: after.rss[at] as number,
    }));
    const received = ends.reduce((sum, { messages }) => sum + messages, 0);
    return {
      rate: (delivered / (last.atUs - first.atUs)) * 1e6,
      processes: [...load, ...nodes],
      nodesCpuPerMillion: nodes.reduce((sum, { cpuPerMillion }) => sum + cpuPerMillion, 0),
      p50Ms: last.p50Ms,
      p99Ms: last.p99Ms,
      outcomeP50Ms: after.sender.p50Ms,
      outcomeP99Ms: after.sender.p99Ms,
      sent,
      received,
      lost: expected - received,
      wrong: refused + ends.reduce((sum, { wrong }) => sum + wrong, 0),
      bytesPerIdle: this.#bytesPerIdle,
    };
  }
}

function figuresOf(name: string, before: Mark, after: Mark, perMillion: (us: number) => number): ProcessFigures {
  const cpuPerMillion = perMillion(after.cpuUs - before.cpuUs);
  return { name, cpuPerMillion, rssBefore: before.rssBytes, rssAfter: after.rssBytes };
}

function wait(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
