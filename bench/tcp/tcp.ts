import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import type { Relay } from '../nodes';
import { OptionError, type Options } from '../options';
import { cpuUs } from '../proc';
import { spread } from '../report';
import { answers, BenchService, dial, type BulkEnd } from './ends';
import { hasRouter, noRelay, startNodes, startProxies, startRouters } from './relays';
import { Requests } from './requests';
import type { TcpWork } from './works';

const WARM_UP_MS = 2_000;
/** Nothing comes for so long: what has not come is lost. */
const IDLE_MS_MAX = 10_000;
const POLL_MS = 20;

interface Run {
  readonly bytesPerSecond: number;
  /** CPU time of all that stands between the ends. */
  readonly usPerGigabyte: number;
  readonly usPerRequest: number;
  readonly p50: number;
  readonly p99: number;
  readonly lost: number;
}

function sum<T>(items: readonly T[], of: (item: T) => number): number {
  return items.reduce((all, item) => all + of(item), 0);
}

/** The connections of a run, with both ends of each. */
class Connections {
  readonly requests = new Requests();
  readonly #callers: BulkEnd[] = [];
  #services: readonly BulkEnd[] = [];

  constructor(private readonly work: TcpWork) {}

  async open({ ingress }: Relay, service: BenchService): Promise<void> {
    const { name, load, connections } = this.work;
    service.echoes = true;
    await answers(ingress, name);
    service.echoes = load === 'requests';
    service.ends = [];
    while (this.#callers.length < connections) this.#callers.push(await dial(ingress));
    for (let waited = 0; service.ends.length < connections; waited += POLL_MS)
      if (waited > IDLE_MS_MAX) throw new Error(`${name}: ${service.ends.length} of ${connections} connections came`);
      else await wait(POLL_MS);
    this.#services = service.ends;
  }

  start(): void {
    const { load } = this.work;
    if (load === 'requests') this.requests.start(this.#callers);
    if (load === 'up' || load === 'both') for (const end of this.#callers) end.flood();
    if (load === 'down' || load === 'both') for (const end of this.#services) end.flood();
  }

  received(): number {
    return sum([...this.#callers, ...this.#services], (end) => end.received);
  }

  /** Waits for what is under way. @returns bytes that did not come */
  async stop(): Promise<number> {
    this.requests.stop();
    const ends = [...this.#callers, ...this.#services];
    if (this.work.load === 'requests') await this.#arrived(() => this.requests.isIdle);
    for (const end of ends) end.finish();
    await this.#arrived(() => ends.every(({ isClosed }) => isClosed));
    return sum(ends, (end) => end.sent) - this.received();
  }

  /** Resolves when it is done, or nothing comes any more. */
  async #arrived(isDone: () => boolean): Promise<void> {
    for (let idle = 0, last = -1; idle < IDLE_MS_MAX && !isDone(); idle += POLL_MS) {
      if (this.received() !== last) idle = 0;
      last = this.received();
      await wait(POLL_MS);
    }
  }

  close(): void {
    this.requests.stop();
    for (const { socket } of this.#callers) socket.destroy();
  }
}

async function measured(work: TcpWork, relay: Relay, service: BenchService, seconds: number): Promise<Run> {
  const connections = new Connections(work);
  const { requests } = connections;
  try {
    await connections.open(relay, service);
    connections.start();
    await wait(WARM_UP_MS);
    requests.latency.reset();
    const cpu = (): number => sum(relay.subjects, ({ pid }) => cpuUs(pid));
    const [bytesBefore, sentBefore, cpuBefore, since] = [
      connections.received(),
      requests.sent,
      cpu(),
      performance.now(),
    ];
    await wait(seconds * 1_000);
    const bytes = connections.received() - bytesBefore;
    const used = cpu() - cpuBefore;
    const bytesPerSecond = (bytes * 1_000) / (performance.now() - since);
    const [usPerGigabyte, usPerRequest] = [used / (bytes / 1e9), used / (requests.sent - sentBefore)];
    const [p50, p99] = [0.5, 0.99].map((share) => requests.latency.quantileMs(share) ?? NaN) as [number, number];
    const lost = await connections.stop();
    return { bytesPerSecond, usPerGigabyte, usPerRequest, p50, p99, lost };
  } finally {
    connections.close();
  }
}

type Way = (work: TcpWork, target: number, profiles: string | null) => Promise<Relay>;

const WAYS: Readonly<Record<string, Way>> = {
  direct: (_work, target) => noRelay(target),
  proxy: ({ hops }, target) => startProxies(hops, target),
  fairlead: ({ hops }, target, profiles) => startNodes(hops, target, profiles),
  skrouterd: ({ hops }, target) => startRouters(hops, target),
};

/** @throws OptionError */
function waysOf(names: readonly string[], say: (text: string) => void): (readonly [string, Way])[] {
  return names.flatMap((name) => {
    const way = WAYS[name];
    if (way === undefined)
      throw new OptionError(`--through ${name}: expected ${Object.keys(WAYS).join(', ')} for a TCP service`);
    if (name !== 'skrouterd' || hasRouter()) return [[name, way] as const];
    say('SKIPPED skrouterd: no such program in the path (Debian has none; skupper-router builds it)');
    return [];
  });
}

const COLUMNS = ['MB/s', 'CPU-s/GB', 'CPU-s/M', 'p50 ms', 'p99 ms', 'lost B'];

function row(scenario: string, through: string, cells: readonly string[]): string {
  return scenario.padEnd(20) + through.padEnd(10) + cells.map((cell) => cell.padStart(10)).join('');
}

function cellsOf({ load }: TcpWork, runs: readonly Run[]): string[] {
  const median = (of: (run: Run) => number, digits: number): string => spread(runs.map(of)).median.toFixed(digits);
  const lost = String(sum(runs, (run) => run.lost));
  if (load !== 'requests')
    return [
      median(({ bytesPerSecond }) => bytesPerSecond / 1e6, 0),
      median(({ usPerGigabyte }) => usPerGigabyte / 1e6, 2),
      ...['-', '-', '-'],
      lost,
    ];
  return [
    '-',
    '-',
    median(({ usPerRequest }) => usPerRequest, 0),
    median(({ p50 }) => p50, 2),
    median(({ p99 }) => p99, 2),
    lost,
  ];
}

/** A TCP service through nodes, through plain proxies and through skrouterd, in turns. @returns the exit code */
export async function tcp(
  works: readonly TcpWork[],
  options: Options,
  results: string,
  say: (text: string) => void,
): Promise<number> {
  const ways = waysOf(options.through, say);
  const service = await BenchService.listen();
  let lost = 0;
  try {
    say(row('scenario', 'through', COLUMNS));
    for (const work of works) {
      // Nothing in between is the same at any distance.
      const taken = ways.filter(([name]) => name !== 'direct' || work.hops === 1);
      const runs = new Map<string, Run[]>(taken.map(([name]) => [name, []]));
      const profiles = options.profile ? join(results, 'profiles', `tcp-${work.name.replace(/\//g, '-')}`) : null;
      for (let n = 0; n < options.repeat; n++)
        for (const [name, start] of taken) {
          const relay = await start(work, service.port, profiles);
          try {
            runs.get(name)?.push(await measured(work, relay, service, options.seconds));
          } finally {
            await relay.stop();
          }
        }
      for (const [name, all] of runs) {
        say(row(work.name, name, cellsOf(work, all)));
        if (name === 'fairlead') lost += sum(all, (run) => run.lost);
      }
    }
  } finally {
    service.close();
  }
  return lost === 0 ? 0 : 1;
}
