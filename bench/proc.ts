import { readFileSync } from 'node:fs';

/** Ticks a second of the times in /proc (sysconf(_SC_CLK_TCK)): 100 on every Linux that runs Node. */
const TICKS_PER_SECOND = 100;
const USER_TIME = 11;
const SYSTEM_TIME = 12;

/** CPU time that a process has used, user and system, µs. */
export function cpuUs(pid: number): number {
  const text = readFileSync(`/proc/${pid}/stat`, 'latin1');
  // The name in parentheses may hold blanks; fields are counted behind it.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return ((Number(fields[USER_TIME]) + Number(fields[SYSTEM_TIME])) / TICKS_PER_SECOND) * 1e6;
}

export interface Resident {
  /** All of it. */
  readonly bytes: number;
  /** Without pages of files, which the system may take back at any time: those of a store's map are some. */
  readonly anonymousBytes: number;
}

/** Resident memory of a process. */
export function residentOf(pid: number): Resident {
  const status = readFileSync(`/proc/${pid}/status`, 'latin1');
  const field = (name: string): number =>
    Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status)?.[1] ?? 0) * 1024;
  return { bytes: field('VmRSS'), anonymousBytes: field('RssAnon') };
}
