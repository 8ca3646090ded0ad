import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { freePort } from '../free-port';
import type { Relay } from '../nodes';

const ROOT = join(__dirname, '..', '..', '..');
const READY_MS = 20_000;
const POLL_MS = 50;

async function relayOf(name: string, port: number, child: ChildProcess, end: () => void): Promise<Relay> {
  const at = { host: '127.0.0.1', port };
  const exited = new Promise<void>((resolve) => {
    child.once('exit', () => resolve());
    child.once('error', () => resolve());
  });
  const stop = async (): Promise<void> => {
    child.kill('SIGTERM');
    await exited;
    end();
  };
  try {
    await listening(name, port, child);
  } catch (error) {
    await stop();
    throw error;
  }
  return { ingress: at, sites: [at], subjects: [{ name, pid: child.pid as number }], stop };
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

/** Mosquitto as Debian has it: without a bound on what is under way or waits (it would drop messages), and without Nagle's delay. */
export async function startMosquitto(): Promise<Relay> {
  const folder = mkdtempSync(join(tmpdir(), 'fairlead-bench-mosquitto-'));
  const port = await freePort();
  const file = join(folder, 'mosquitto.conf');
  const lines = [
    `listener ${port} 127.0.0.1`,
    'allow_anonymous true',
    'persistence false',
    'max_inflight_messages 0',
    'max_queued_messages 0',
    'set_tcp_nodelay true',
    'log_type error',
  ];
  writeFileSync(file, `${lines.join('\n')}\n`);
  const paths = [process.env['PATH'], '/usr/sbin', '/usr/local/sbin'].join(':');
  const child = spawn('mosquitto', ['-c', file], { stdio: 'inherit', env: { ...process.env, PATH: paths } });
  return relayOf('mosquitto', port, child, () => rmSync(folder, { recursive: true, force: true }));
}

/** Aedes with what it has by itself: all in memory. */
export async function startAedes(): Promise<Relay> {
  const port = await freePort();
  const script = join(ROOT, 'bench', 'mqtt', 'aedes.mjs');
  const child = spawn(process.execPath, [script, String(port)], { stdio: 'inherit' });
  return relayOf('aedes', port, child, () => undefined);
}
