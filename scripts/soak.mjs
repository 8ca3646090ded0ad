#!/usr/bin/env node
/**
 * npm run soak -- --minutes 30 --seed 7: faults at random on real nodes, for so long. Ends by itself; 0 when every check held.
 */
import { main, PrepareError, prepare, runNode, TOOLS } from './lib/prepare.mjs';

const MINUTES_MAX = 24 * 60;

function parse(args) {
  const options = { minutes: 30, seed: Date.now() % 1_000_000 };
  for (let i = 0; i < args.length; i += 2) {
    const name = args[i]?.replace(/^--/, '');
    const value = Number(args[i + 1]);
    if (!(name in options) || !Number.isFinite(value) || value < 0)
      throw new PrepareError(`Unknown option ${args[i]} ${args[i + 1] ?? ''}; known: --minutes N --seed N`);
    options[name] = value;
  }
  return { minutes: Math.min(options.minutes, MINUTES_MAX), seed: Math.floor(options.seed) };
}

await main(async (args) => {
  const { minutes, seed } = parse(args);
  await prepare();
  const env = { ...process.env, FAIRLEAD_SEED: String(seed), FAIRLEAD_SOAK_MINUTES: String(minutes) };
  return runNode([TOOLS.jest, '--runInBand', '--selectProjects', 'faults', '--', 'test/faults/random-faults'], { env });
});
