import { spawnSync } from 'node:child_process';
import type { Client, ClientName } from './client';
import { ProtonClient } from './proton-client';
import { RheaClient } from './rhea-client';

const probe = spawnSync('/usr/bin/python3', ['-c', 'import proton; print(proton.VERSION)'], { encoding: 'utf8' });
const WHY_NOT = 'qpid-proton is missing: apt-get install python3-qpid-proton';

export const hasProton = probe.status === 0;

// Where it must be there its absence is a failure of every file that needs it; elsewhere it is said once, and skipped.
if (!hasProton) {
  if (process.env['CI'] === 'true') throw new Error(WHY_NOT);
  console.warn(`${WHY_NOT}; its tests are skipped`);
}

/** Those that are there. */
export const CLIENT_NAMES: readonly ClientName[] = hasProton ? ['rhea', 'proton'] : ['rhea'];

/** Sender and receiver in every combination. */
export const CLIENT_PAIRS: readonly (readonly [ClientName, ClientName])[] = CLIENT_NAMES.flatMap((from) =>
  CLIENT_NAMES.map((to) => [from, to] as const),
);

/** `describe` for what needs proton. */
export const describeProton = hasProton ? describe : describe.skip;

export async function startClient(name: ClientName): Promise<Client> {
  return name === 'rhea' ? new RheaClient() : ProtonClient.start();
}
