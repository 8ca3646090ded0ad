#!/usr/bin/env node
/**
 * npm run soak -- --minutes 30 --seed 7: faults at random on real nodes, for so long. Ends by itself; 0 when every check held.
 * npm run soak -- --row F12 --seed 7: one kind of fault at its full length, where `npm test` has it shorter; --row all for each.
 */
import { main, PrepareError, prepare, runNode, say, TOOLS } from './lib/prepare.mjs';

const MINUTES_MAX = 24 * 60;

/** Where a row's tests are; their titles name it, and `lengthOf` in test/faults/row-length.ts has its full length. */
const SPEC_OF_ROW = {
  F2: 'subscriptions',
  F4: 'nodes',
  F5: 'links',
  F7: 'links',
  F12: 'slow',
  F18: 'node-power',
  F33: 'queue-crashes',
  F34: 'storm',
  QUEUES: 'many-queues',
  BACKLOG: 'many-queues',
};
const ROWS = Object.keys(SPEC_OF_ROW);

function numberOf(flag, text) {
  const value = Number(text);
  if (text === undefined || !Number.isFinite(value) || value < 0)
    throw new PrepareError(`${flag} takes a number, not ${text}`);
  return value;
}

function rowOf(flag, text = 'nothing') {
  if (text === 'all' || ROWS.includes(text)) return text;
  throw new PrepareError(`${flag} takes ${ROWS.join(', ')} or all, not ${text}`);
}

const READERS = { '--minutes': numberOf, '--seed': numberOf, '--row': rowOf };

function parse(args) {
  const given = {};
  for (let i = 0; i < args.length; i += 2) {
    const read = READERS[args[i]];
    if (!read) throw new PrepareError(`Unknown option ${args[i]}; known: --minutes N --row ROW --seed N`);
    given[args[i]] = read(args[i], args[i + 1]);
  }
  const { '--minutes': minutes, '--row': row, '--seed': seed = Date.now() % 1_000_000 } = given;
  if (minutes !== undefined && row !== undefined)
    throw new PrepareError('--minutes is for faults at random, a --row has its own length');
  return { minutes: Math.min(minutes ?? 30, MINUTES_MAX), row, seed: Math.floor(seed) };
}

/** What jest runs, and the environment that tells it for how long. */
function plan({ minutes, row }) {
  if (row === undefined)
    return { specs: ['random-faults'], filter: [], env: { FAIRLEAD_SOAK_MINUTES: String(minutes) } };
  const rows = row === 'all' ? ROWS : [row];
  return {
    specs: [...new Set(rows.map((each) => SPEC_OF_ROW[each]))],
    filter: ['--testNamePattern', `\\b(${rows.join('|')})\\b`],
    env: { FAIRLEAD_SOAK_ROW: row },
  };
}

await main(async (args) => {
  const options = parse(args);
  const { specs, filter, env } = plan(options);
  const { row, minutes, seed } = options;
  say(`again: npm run soak -- ${row === undefined ? `--minutes ${minutes}` : `--row ${row}`} --seed ${seed}`);
  await prepare();
  const files = specs.map((spec) => `test/faults/${spec}.spec.ts`);
  return runNode([TOOLS.jest, '--runInBand', '--forceExit', '--selectProjects', 'faults', ...filter, '--', ...files], {
    env: { ...process.env, FAIRLEAD_SEED: String(seed), ...env },
  });
});
