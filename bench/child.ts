import { spawn, type ChildProcess } from 'node:child_process';
import { connect } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import type { Subject } from './nodes';

const READY_MS = 20_000;
const POLL_MS = 50;

/** A program of others that is measured beside ours. */
export interface Child {
  readonly subject: Subject;
  stop(): Promise<void>;
}

/** Where programs are that only root has in the path. */
export const PROGRAM_PATH = [process.env['PATH'], '/usr/sbin', '/usr/local/sbin'].join(':');

/** Starts a program, and waits until it listens. */
export async function startChild(name: string, port: number, command: string, args: readonly string[]): Promise<Child> {
  const child = spawn(command, args, { stdio: 'inherit', env: { ...process.env, PATH: PROGRAM_PATH } });
  const exited = new Promise<void>((resolve) => {
    child.once('exit', () => resolve());
    child.once('error', () => resolve());
  });
  const stop = (): Promise<void> => {
    child.kill('SIGTERM');
    return exited;
  };
  try {
    await listening(name, port, child);
  } catch (error) {
    await stop();
    throw error;
  }
  return { subject: { name, pid: child.pid as number }, stop };
}

async function listening(name: string, port: number, child: ChildProcess): Promise<void> {
  const deadline = performance.now() + READY_MS;
  while (!(await accepts(port))) {
    if (child.pid === undefined) throw new Error(`${name} could not be started: is it installed?`);
    if (child.exitCode !== null) throw new Error(`${name} ended with code ${child.exitCode}`);
    if (performance.now() > deadline) throw new Error(`${name} was not ready in time`);
    await wait(POLL_MS);
  }
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    const tell = (yes: boolean): void => {
      socket.destroy();
      resolve(yes);
    };
    socket.once('connect', () => tell(true));
    socket.once('error', () => tell(false));
  });
}
