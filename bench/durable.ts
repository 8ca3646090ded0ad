import { join } from 'node:path';
import { startArtemis } from './artemis';
import { runBacklog } from './backlog';
import { durableHeader, durableRow, ratios } from './durable-report';
import { measure, type Figures } from './measure';
import { startLine, type Relay } from './nodes';
import { OptionError, type Options } from './options';
import { save, type Result } from './report';
import { QUEUE_SCENARIOS, type Scenario } from './scenarios';

/** Queues of the scenarios: one that lives at the clients' node, and one at its neighbour. */
const RULES = [
  { match: 'here', kind: 'queue', home: 'a' },
  { match: 'away', kind: 'queue', home: 'b' },
];

/** A broker that has just started runs for so long before it is measured: what it compiles is no part of a scenario. */
const COMPILED_SECONDS = 8;

function firstOf(nodes: number): Scenario {
  return QUEUE_SCENARIOS.find((scenario) => scenario.nodes === nodes) as Scenario;
}

/** Runs of brokers that are started when they are first needed, and serve all scenarios. */
class Brokers {
  readonly #running = new Map<string, Relay>();

  constructor(
    private readonly profiles: string | null,
    private readonly say: (text: string) => void,
  ) {}

  async get(through: string, nodes: number): Promise<Relay> {
    const key = `${through} ${nodes}`;
    const running = this.#running.get(key);
    if (running !== undefined) return running;
    const started = through === 'artemis' ? await this.#artemis() : await startLine(nodes, this.profiles, RULES);
    this.#running.set(key, started);
    await measure(firstOf(nodes), started, { seconds: COMPILED_SECONDS, count: 0 });
    return started;
  }

  async #artemis(): Promise<Relay> {
    const artemis = await startArtemis();
    this.say(`artemis: journal ${artemis.journal}, synced`);
    return artemis;
  }

  async stop(): Promise<void> {
    await Promise.all([...this.#running.values()].map((relay) => relay.stop()));
  }
}

/** Durable queues, ours beside Artemis. @returns the exit code */
export async function durable(options: Options, folder: string, say: (text: string) => void): Promise<number> {
  const unknown = options.through.find((name) => name !== 'fairlead' && name !== 'artemis');
  if (unknown !== undefined) throw new OptionError(`--through ${unknown}: expected fairlead or artemis`);
  const brokers = new Brokers(options.profile ? join(folder, 'profiles', 'durable') : null, say);
  try {
    if (options.backlog > 0) {
      for (const name of options.through) await runBacklog(name, await brokers.get(name, 1), options.backlog, say);
      return 0;
    }
    return await compare(options, brokers, folder, say);
  } finally {
    await brokers.stop();
  }
}

async function compare(
  options: Options,
  brokers: Brokers,
  folder: string,
  say: (text: string) => void,
): Promise<number> {
  const results: Result[] = [];
  say(durableHeader());
  for (const scenario of options.scenarios) {
    const here = await run(scenario, options, brokers);
    results.push(...here);
    for (const result of here) say(durableRow(result));
  }
  for (const line of ratios(results)) say(line);
  say(`written to ${save(results, folder)}`);
  return results.some(({ runs }) => runs.some(({ lost, wrong }) => lost !== 0 || wrong !== 0)) ? 1 : 0;
}

/** Ours and theirs take turns, so that both saw the same machine. Artemis has no queue at a neighbour that its clients could use. */
async function run(scenario: Scenario, options: Options, brokers: Brokers): Promise<Result[]> {
  const names = options.through.filter((name) => name === 'fairlead' || scenario.nodes === 1);
  const results = names.map((name) => ({ name, runs: [] as Figures[] }));
  for (let n = 0; n < options.repeat; n++)
    for (const { name, runs } of results)
      runs.push(await measure(scenario, await brokers.get(name, scenario.nodes), options));
  return results.map(({ name, runs }) => ({ scenario: scenario.name, through: name, runs, direct: [] }));
}
