import { type ChildProcess, spawn } from 'node:child_process';

/**
 * A shell of its own session that is told the processes a test starts, and kills those still alive when the test process
 * is gone, however it went: its standard input then ends. Stopped ones (SIGSTOP) too.
 */
const SCRIPT = `
alive=' '
while read -r op pid; do
  case $op in
    +) alive="$alive$pid " ;;
    -) alive=$(printf '%s' "$alive" | sed "s/ $pid / /") ;;
  esac
done
for pid in $alive; do kill -KILL "$pid" 2>/dev/null; done
`;

let reaper: ChildProcess | undefined;

function tell(line: string): void {
  if (!reaper) {
    reaper = spawn('/bin/sh', ['-c', SCRIPT], { detached: true, stdio: ['pipe', 'ignore', 'ignore'] });
    reaper.unref();
    (reaper.stdin as unknown as { unref(): void }).unref();
  }
  reaper.stdin?.write(`${line}\n`);
}

/** Sees to it that the process does not outlive this one. */
export function leash(child: ChildProcess): void {
  const { pid } = child;
  if (pid === undefined) return;
  tell(`+ ${pid}`);
  child.once('exit', () => tell(`- ${pid}`));
}
