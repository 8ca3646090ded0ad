import { spawnSync } from 'node:child_process';
import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';

/** A small store is read in milliseconds; one whose pages lead in a circle is never done. */
const PROBE_MS_MAX = 20_000;
/** What the slowest disk reads of a larger one. */
const BYTES_PER_MS = 10_000;

/**
 * LMDB believes the page numbers in its file, and a wrong one ends the process that follows it. So another process follows
 * them first. @returns what is wrong with the store in that folder, or null; plain errors are found again when it is opened
 */
export function probeStore(folder: string): string | null {
  return probe(join(folder, 'data.mdb'), 'store-probe.main.js', folder);
}

/** The same of a store of queues. */
export function probeQueueStore(file: string): string | null {
  return probe(file, 'queue-probe.main.js', file);
}

function probe(file: string, program: string, argument: string): string | null {
  if (!existsSync(file)) return null;
  const timeout = PROBE_MS_MAX + Math.ceil(statSync(file).size / BYTES_PER_MS);
  const { signal, error, stdout } = spawnSync(process.execPath, [join(__dirname, program), argument], {
    stdio: ['ignore', 'pipe', 'ignore'],
    encoding: 'utf8',
    timeout,
  });
  if ((error as NodeJS.ErrnoException | undefined)?.code === 'ETIMEDOUT') return 'its pages lead in a circle';
  if (signal !== null) return `its pages lead nowhere: reading it ended a process with ${signal}`;
  return stdout === '' ? null : stdout;
}
