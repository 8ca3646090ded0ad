#!/usr/bin/env node
/**
 * The simulator by itself, for as many seeds as there is time for:
 *
 *   npm run sim -- --seeds 100000 --from 5000   runs seeds 5000 to 104999
 *   npm run sim -- --seed 7                     runs one seed again and tells what it did
 */
import { PrepareError, TOOLS, main, prepare, runNode } from './lib/prepare.mjs';

const OPTIONS = {
  '--seed': 'FAIRLEAD_SIM_SEED',
  '--seeds': 'FAIRLEAD_SIM_SEEDS',
  '--from': 'FAIRLEAD_SIM_FROM',
};

await main(async (args) => {
  for (let i = 0; i < args.length; i++) {
    const [flag, value = args[++i]] = args[i].split('=');
    if (!(flag in OPTIONS))
      throw new PrepareError(`Unknown option ${flag}; known, each with a number: ${Object.keys(OPTIONS).join(' ')}`);
    if (!/^\d+$/.test(value ?? '')) throw new PrepareError(`${flag} takes a number, not ${value ?? 'nothing'}`);
    process.env[OPTIONS[flag]] = value;
  }
  await prepare({ built: false });
  return runNode([TOOLS.jest, '--selectProjects', 'sim', '--maxWorkers=100%', '--testPathPatterns', 'test/sim/seeds-']);
});
