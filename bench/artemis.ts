import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { freePort } from './free-port';
import type { Endpoint } from './load/protocol';
import type { Relay } from './nodes';

const VERSION = '2.44.0';
const READY_MS = 60_000;
const STOP_MS = 20_000;
const exec = promisify(execFile);

/** The unpacked distribution, fetched from Maven Central once. */
async function distribution(): Promise<string> {
  const cache = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'fairlead');
  const home = join(cache, `apache-artemis-${VERSION}`);
  if (existsSync(home)) return home;
  mkdirSync(cache, { recursive: true });
  const aside = mkdtempSync(join(cache, 'fetch-'));
  try {
    const artifact = `org.apache.activemq:apache-artemis:${VERSION}:tar.gz:bin`;
    await exec('mvn', ['-B', '-q', 'dependency:copy', `-Dartifact=${artifact}`, `-DoutputDirectory=${aside}`]);
    await exec('tar', ['xzf', join(aside, `apache-artemis-${VERSION}-bin.tar.gz`), '-C', aside]);
    renameSync(join(aside, `apache-artemis-${VERSION}`), home);
  } finally {
    rmSync(aside, { recursive: true, force: true });
  }
  return home;
}

/** A broker of its own, as `artemis create` makes it: its journal is synced before a message is accepted, as ours is. */
export async function startArtemis(): Promise<Relay & { readonly journal: string }> {
  const folder = mkdtempSync(join(tmpdir(), 'fairlead-bench-artemis-'));
  const instance = join(folder, 'broker');
  const at: Endpoint = { host: '127.0.0.1', port: await freePort() };
  let child: ChildProcess | null = null;
  const stop = async (): Promise<void> => {
    if (child !== null) await end(child);
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    const login = ['--user', 'bench', '--password', 'bench', '--allow-anonymous'];
    const only = [
      '--no-web',
      '--no-amqp-acceptor',
      '--no-hornetq-acceptor',
      '--no-mqtt-acceptor',
      '--no-stomp-acceptor',
    ];
    const place = ['--host', at.host, '--default-port', String(at.port)];
    await exec(join(await distribution(), 'bin', 'artemis'), [
      'create',
      instance,
      '--silent',
      ...login,
      ...only,
      ...place,
    ]);
    child = spawn(join(instance, 'bin', 'artemis'), ['run'], { stdio: ['ignore', 'pipe', 'inherit'] });
    await active(child);
  } catch (error) {
    await stop();
    throw error;
  }
  const [, journal = ''] = /<journal-type>(\w+)</.exec(readFileSync(join(instance, 'etc', 'broker.xml'), 'utf8')) ?? [];
  return { ingress: at, sites: [at], subjects: [{ name: 'artemis', pid: child.pid as number }], stop, journal };
}

function active(child: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error('Artemis was not ready in time')), READY_MS);
    let text = '';
    child.stdout?.setEncoding('utf8').on('data', (part: string) => {
      text = (text + part).slice(-4_096);
      if (!text.includes('AMQ221007')) return;
      clearTimeout(timer);
      resolve();
    });
    child.once('exit', (code) => {
      clearTimeout(timer);
      reject(new Error(`Artemis ended with code ${code}: ${text}`));
    });
  });
}

function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
  return new Promise((resolve) => {
    const timer = setTimeout(() => child.kill('SIGKILL'), STOP_MS);
    child.once('exit', () => {
      clearTimeout(timer);
      resolve();
    });
    child.kill('SIGTERM');
  });
}
