import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';

const PROGRAM = join(__dirname, 'store-probe.main.js');
/** A small store is read in milliseconds; one whose pages lead in a circle is never done. */
const PROBE_MS_MAX = 20_000;

/**
 * LMDB believes the page numbers in its file, and a wrong one ends the process that follows it. So another process follows
 * them first. @returns what is wrong with the store in that folder, or null; plain errors are found again when it is opened
 */
export function probeStore(folder: string): string | null {
  if (!existsSync(join(folder, 'data.mdb'))) return null;
  const { signal, error } = spawnSync(process.execPath, [PROGRAM, folder], { stdio: 'ignore', timeout: PROBE_MS_MAX });
  if ((error as NodeJS.ErrnoException | undefined)?.code === 'ETIMEDOUT') return 'its pages lead in a circle';
  return signal === null ? null : `its pages lead nowhere: reading it ended a process with ${signal}`;
}
