import { spawn } from 'node:child_process';

/**
 * Kills a process and removes the demo's folder when this one is gone, however it went: a shell of its own session reads a pipe that ends
 * with us. Windows has no such shell; there the nodes outlive a demo that is killed without warning.
 */
export function leash(pid, folder) {
  if (process.platform === 'win32') return;
  const script = 'read -r rest; kill -KILL "$1" 2>/dev/null; rm -rf "$2"';
  const keeper = spawn('/bin/sh', ['-c', script, 'leash', String(pid), folder], {
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  keeper.unref();
  keeper.stdin.unref();
}
