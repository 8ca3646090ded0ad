#!/usr/bin/env node
/**
 * `npm run bench [-- …]`: installs and builds what is missing, compiles bench/ into dist-bench/ and runs its main file.
 * Compiled, not transpiled on load: what is measured must be the JavaScript that ships.
 */
import { PrepareError, TOOLS, main, prepare, runNode } from './lib/prepare.mjs';

await main(async (args) => {
  await prepare();
  const compiled = await runNode([TOOLS.tsc, '-p', 'bench/tsconfig.json'], { quietName: 'compiling' });
  if (compiled !== 0) throw new PrepareError(`Compiling bench/ failed with exit code ${compiled}.`);
  return runNode(['dist-bench/bench/main.js', ...args]);
});
