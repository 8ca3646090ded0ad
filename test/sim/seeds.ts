import { runSeed, type RunReport } from './run';

/** How many seeds `npm test` runs, over all shards. */
const SEEDS = 2_000;
const SHARDS = 4;
/** Seeds of one test: a failure names its block, a long run shows how far it is. */
const BLOCK = 50;
/** With fewer seeds nothing can be said about what never occurred. */
const ENOUGH = 200;

function fromEnvironment(name: string, otherwise: number): number {
  const value = process.env[name];
  if (value === undefined) return otherwise;
  const number = Number(value);
  if (!Number.isSafeInteger(number) || number < 0) throw new Error(`${name}=${value} is no seed or count`);
  return number;
}

/** The command that runs one seed again. */
export function replayCommand(seed: number): string {
  return `npm run sim -- --seed ${seed}`;
}

function describeRun({ plan, problems, messages, deliveries, virtualMs }: RunReport): string {
  const faults = plan.faults.map(({ kind, at, forMs }) => `${kind} at ${at} for ${forMs} ms`).join(', ');
  return [
    `seed ${plan.seed}: ${plan.nodes} nodes, ${plan.shape}, ${messages} messages, ${deliveries} deliveries in ${Math.round(virtualMs)} ms`,
    `  faults: ${faults === '' ? 'none' : faults}`,
    ...problems.map((problem) => `  ${problem}`),
  ].join('\n');
}

/** Runs a seed; what it throws is a problem like any other. @returns the report, or how it failed */
function attempt(seed: number): RunReport | string {
  try {
    const report = runSeed(seed);
    return report.problems.length === 0 ? report : `${describeRun(report)}\n  again: ${replayCommand(seed)}`;
  } catch (error) {
    const what = error instanceof Error ? (error.stack ?? error.message) : String(error);
    return `seed ${seed} threw: ${what}\n  again: ${replayCommand(seed)}`;
  }
}

function add(total: Map<string, number>, counts: Readonly<Record<string, number>>): void {
  for (const [name, count] of Object.entries(counts)) total.set(name, (total.get(name) ?? 0) + count);
}

function sumOf(total: ReadonlyMap<string, number>): number {
  return [...total.values()].reduce((sum, count) => sum + count, 0);
}

function told(total: ReadonlyMap<string, number>): string {
  return [...total].map(([name, count]) => `${name} ${count}`).join(', ');
}

/** Tests of one shard of the seeds, or of the single one that `FAIRLEAD_SIM_SEED` names. */
export function describeSeeds(shard: number): void {
  const single = fromEnvironment('FAIRLEAD_SIM_SEED', -1);
  if (single >= 0) {
    describeSingle(single, shard);
    return;
  }
  const from = fromEnvironment('FAIRLEAD_SIM_FROM', 0);
  const seeds = fromEnvironment('FAIRLEAD_SIM_SEEDS', SEEDS);
  const share = Math.ceil(seeds / SHARDS);
  const first = from + shard * share;
  const end = Math.min(first + share, from + seeds);
  const seen = new Map<string, number>();
  const excused = new Map<string, number>();

  describe(`seeds ${first} to ${end - 1}`, () => {
    beforeAll(
      () => void process.stdout.write(`sim: seeds ${first} to ${end - 1}; one again: ${replayCommand(first)}\n`),
    );

    for (let block = first; block < end; block += BLOCK) {
      const last = Math.min(block + BLOCK, end) - 1;
      it(`keep every promise in runs ${block} to ${last}`, () => {
        const failures: string[] = [];
        for (let seed = block; seed <= last; seed++) {
          const result = attempt(seed);
          if (typeof result === 'string') failures.push(result);
          else {
            add(seen, { ...result.occurrences });
            add(excused, result.losses.excused);
          }
        }
        if (failures.length > 0) throw new Error(failures.join('\n\n'));
      });
    }

    it('have seen everything occur that they are about', () => {
      process.stdout.write(`sim: seeds ${first} to ${end - 1} saw ${told(seen)}; excused ${told(excused)}\n`);
      const missing = [...seen].filter(([, count]) => count === 0).map(([name]) => name);
      if (end - first < ENOUGH) return;
      expect(missing).toEqual([]);
      // A judge that excuses what nodes should have counted would go unnoticed.
      expect(sumOf(excused)).toBeLessThan(seen.get('counted') as number);
    });
  });
}

function describeSingle(seed: number, shard: number): void {
  describe(`seed ${seed}`, () => {
    it(shard === 0 ? 'keeps every promise' : 'runs in the first shard', () => {
      if (shard !== 0) return;
      process.stdout.write(`sim: seed ${seed}\n`);
      const report = runSeed(seed);
      process.stdout.write(
        `${describeRun(report)}\n  ${JSON.stringify({ ...report.occurrences, excused: report.losses.excused })}\n`,
      );
      expect(report.problems).toEqual([]);
    });
  });
}
