import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import * as addresses from '../../src/addresses/limits';
import { ENGINE_LIMITS } from '../../src/amqp/constants';
import * as config from '../../src/config/limits';
import * as edge from '../../src/listeners/edge/limits';
import * as listeners from '../../src/listeners/amqp/limits';
import * as stomp from '../../src/listeners/stomp/limits';

import * as mqtt from '../../src/listeners/mqtt/limits';
import * as http from '../../src/listeners/http/limits';
import * as tcp from '../../src/listeners/tcp/limits';
import * as links from '../../src/links/limits';
import * as queues from '../../src/queues/limits';
import * as routing from '../../src/routing/limits';
import * as runtime from '../../src/runtime/limits';
import * as selectors from '../../src/selectors/limits';
import * as sessions from '../../src/sessions/limits';
import * as store from '../../src/store/limits';
import * as streams from '../../src/streams/limits';
import * as tunnels from '../../src/tunnels/limits';

const PAGE = readFileSync(join(resolve(__dirname, '../..'), 'docs/reference/limits.md'), 'utf8');

const FILES: [file: string, constants: Readonly<Record<string, number>>][] = [
  ['src/amqp/constants.ts', ENGINE_LIMITS],
  ['src/links/limits.ts', { ...links }],
  ['src/routing/limits.ts', { ...routing }],
  ['src/streams/limits.ts', { ...streams }],
  ['src/addresses/limits.ts', { ...addresses }],
  ['src/tunnels/limits.ts', { ...tunnels }],
  ['src/queues/limits.ts', { ...queues }],
  ['src/sessions/limits.ts', { ...sessions }],
  ['src/listeners/edge/limits.ts', { ...edge }],
  ['src/listeners/amqp/limits.ts', { ...listeners }],
  ['src/listeners/stomp/limits.ts', { ...stomp }],

  ['src/listeners/mqtt/limits.ts', { ...mqtt }],
  ['src/listeners/http/limits.ts', { ...http }],
  ['src/listeners/tcp/limits.ts', { ...tcp }],
  ['src/selectors/limits.ts', { ...selectors }],
  ['src/store/limits.ts', { ...store }],
  ['src/config/limits.ts', { ...config }],
  ['src/runtime/limits.ts', { ...runtime }],
];

const UNITS: Readonly<Record<string, number>> = { '': 1, KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3 };

/** What the page says in the section of a file. */
function rowsOf(file: string): Record<string, number> {
  const [, rest = ''] = PAGE.split(`### \`${file}\`\n`);
  const [section = ''] = rest.split('\n#');
  const rows = [...section.matchAll(/^\| `(\w+)` +\| ([\d.]+)([KMG]iB)? +\|/gm)];
  return Object.fromEntries(
    rows.map(([, name = '', value, unit = '']) => [name, Number(value) * (UNITS[unit] ?? Number.NaN)]),
  );
}

it.each(FILES)('docs/reference/limits.md has every constant of %s with its value, and no other', (file, constants) => {
  expect(Object.keys(constants).length).toBeGreaterThan(5);
  expect(rowsOf(file)).toEqual(constants);
});
