#!/usr/bin/env node
/** `npm run demo [-- --once]`: installs and builds what is missing, then starts the demo with the same arguments. */
import { main, prepare, runNode } from './lib/prepare.mjs';

await main(async (args) => {
  await prepare();
  return runNode(['scripts/demo-run.mjs', ...args]);
});
