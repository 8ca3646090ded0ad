import { readFileSync } from 'node:fs';

/**
 * What tells one process from another that later gets the same pid (in containers nearly every process has pid 1).
 * Null where the system does not say; then the pid alone decides.
 */
export function processStart(pid: number): string | null {
  try {
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
    return `${boot}/${procStat(pid)[19] ?? ''}`;
  } catch {
    return null;
  }
}

/** The fields of /proc/PID/stat behind the command's name, which may itself hold spaces and brackets. */
function procStat(pid: number): string[] {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
}

function isZombie(pid: number): boolean {
  try {
    return procStat(pid)[0] === 'Z';
  } catch {
    return false;
  }
}

/** True while a process with this pid runs on this host and is the one that `start` was read of. */
export function isAlive(pid: number, start: string | null): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    // EPERM: it runs, as somebody else.
    return (error as NodeJS.ErrnoException).code === 'EPERM' && sameStart(pid, start);
  }
  return !isZombie(pid) && sameStart(pid, start);
}

function sameStart(pid: number, start: string | null): boolean {
  const now = processStart(pid);
  return start === null || now === null || now === start;
}
