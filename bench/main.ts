import { join } from 'node:path';
import { durable } from './durable';
import { http } from './http';
import { latency } from './latency';
import { measure, type Figures } from './measure';
import { mqtt } from './mqtt/mqtt';
import { MQTT_WORKS } from './mqtt/works';
import { startLine, type Relay } from './nodes';
import { OptionError, readOptions, USAGE, type Options, type Peer } from './options';
import { details, header, row, save, type Result } from './report';
import { stomp } from './stomp';
import { tcp } from './tcp/tcp';
import { TCP_WORKS } from './tcp/works';
import { baselineOf, QUEUE_SCENARIOS, SCENARIOS, type Scenario } from './scenarios';

const RESULTS = join(__dirname, '..', '..', 'bench', 'results');

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

/** A router that is there already; its sites are all the place where receivers connect. */
function relayOf({ ingress, egress, name, pids }: Peer, { receivers }: Scenario): Relay {
  return {
    ingress,
    sites: receivers.map(() => egress),
    subjects: pids.map((pid) => ({ name: `${name} ${pid}`, pid })),
    stop: () => Promise.resolve(),
  };
}

/** What a scenario runs through, by name: our nodes and every peer, or nothing. */
function ways(scenario: Scenario, options: Options): readonly (readonly [string, () => Promise<Relay | null>])[] {
  if (scenario.nodes === 0) return [['direct', () => Promise.resolve(null)]];
  const profiles = options.profile ? join(RESULTS, 'profiles', scenario.name.replace(/\//g, '-')) : null;
  return [
    ['fairlead', () => startLine(scenario.nodes, profiles)],
    ...options.peers.map((peer) => [peer.name, () => Promise.resolve(relayOf(peer, scenario))] as const),
  ];
}

async function once(scenario: Scenario, start: () => Promise<Relay | null>, options: Options): Promise<Figures> {
  const relay = await start();
  try {
    return await measure(scenario, relay, options);
  } finally {
    await relay?.stop();
  }
}

/** Each run stands right behind a direct one, so that both saw the same machine. */
async function run(scenario: Scenario, options: Options): Promise<Result[]> {
  const paired = scenario.nodes > 0;
  const direct: number[] = [];
  const through = ways(scenario, options).map(([name, start]) => ({ name, start, runs: [] as Figures[] }));
  for (let n = 0; n < options.repeat; n++) {
    if (paired) direct.push((await once(baselineOf(scenario), () => Promise.resolve(null), options)).rate);
    for (const way of through) way.runs.push(await once(scenario, way.start, options));
  }
  return through.map(({ name, runs }) => ({ scenario: scenario.name, through: name, runs, direct }));
}

async function main(): Promise<number> {
  const options = readOptions(process.argv.slice(2));
  if (options === 'help' || options === 'list') {
    const all = [...SCENARIOS, ...QUEUE_SCENARIOS, ...MQTT_WORKS, ...TCP_WORKS];
    say(options === 'help' ? USAGE : all.map(({ name }) => name).join('\n'));
    return 0;
  }
  if (options.stomp) return stomp(options, say);
  if (options.http) return http(options, say);
  if (options.latency) return latency(options, say);
  if (options.mqttWorks !== null) return mqtt(options.mqttWorks, options, RESULTS, say);
  if (options.tcpWorks !== null) return tcp(options.tcpWorks, options, RESULTS, say);
  if (options.durable) return durable(options, RESULTS, say);
  const results: Result[] = [];
  say(header());
  for (const scenario of options.scenarios) {
    for (const result of await run(scenario, options)) {
      results.push(result);
      say(row(result));
      if (scenario.nodes > 0) for (const text of details(result)) say(text);
    }
  }
  say(`written to ${save(results, RESULTS)}`);
  return results.some(({ runs }) => runs.some(({ lost, wrong }) => lost !== 0 || wrong !== 0)) ? 1 : 0;
}

main().then(
  (code) => (process.exitCode = code),
  (error: unknown) => {
    process.stderr.write(
      error instanceof OptionError ? `${error.message}\n\n${USAGE}\n` : `${(error as Error).stack}\n`,
    );
    process.exitCode = 1;
  },
);
