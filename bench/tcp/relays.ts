import { accessSync, constants, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PROGRAM_PATH, startChild, type Child } from '../child';
import { freePort } from '../free-port';
import { startLine, type Relay } from '../nodes';

const ROOT = join(__dirname, '..', '..', '..');
const ROUTER = 'skrouterd';

/** Children in a line, the first of which is dialled. */
function lineOf(port: number, children: readonly Child[], stop: () => Promise<void>): Relay {
  const at = { host: '127.0.0.1', port };
  return { ingress: at, sites: [at], subjects: children.map(({ subject }) => subject), stop };
}

/** Nothing in between. */
export function noRelay(target: number): Promise<Relay> {
  return Promise.resolve(lineOf(target, [], () => Promise.resolve()));
}

/** Plain proxies, each leading to the next one. */
export async function startProxies(hops: number, target: number): Promise<Relay> {
  const children: Child[] = [];
  const stop = async (): Promise<void> => void (await Promise.all(children.map((child) => child.stop())));
  let next = target;
  try {
    for (let left = hops; left > 0; left--) {
      const port = await freePort();
      const args = [join(ROOT, 'bench', 'tcp', 'proxy.mjs'), String(port), String(next)];
      children.unshift(await startChild(`proxy ${left}`, port, process.execPath, args));
      next = port;
    }
  } catch (error) {
    await stop();
    throw error;
  }
  return lineOf(next, children, stop);
}

/** Our nodes in a line. */
export async function startNodes(hops: number, target: number, profiles: string | null): Promise<Relay> {
  const port = await freePort();
  const { subjects, stop } = await startLine(hops, profiles, [], 'amqp', { port, target });
  const ingress = { host: '127.0.0.1', port };
  return { ingress, sites: [ingress], subjects, stop };
}

/** The router of Skupper can be started here. */
export function hasRouter(): boolean {
  return PROGRAM_PATH.split(':').some((folder) => {
    try {
      accessSync(join(folder, ROUTER), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

/** A section of a router's configuration. */
function section(name: string, keys: Readonly<Record<string, string | number>>): string {
  return `${name} {\n${Object.entries(keys)
    .map(([key, value]) => `    ${key}: ${value}\n`)
    .join('')}}\n`;
}

/** Routers of Skupper in a line, each dialling the one before. */
export async function startRouters(hops: number, target: number): Promise<Relay> {
  const folder = mkdtempSync(join(tmpdir(), 'fairlead-bench-skrouterd-'));
  const host = '127.0.0.1';
  const address = 'bench';
  const port = await freePort();
  const children: Child[] = [];
  const stop = async (): Promise<void> => {
    await Promise.all(children.map((child) => child.stop()));
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    for (let at = 0, before = 0; at < hops; at++) {
      const listens = await freePort();
      const id = `router-${at}`;
      const parts = [
        section('router', { mode: 'interior', id }),
        section('log', { module: 'DEFAULT', enable: 'error+' }),
        section('listener', { host, port: listens, role: 'inter-router' }),
      ];
      if (at > 0) parts.push(section('connector', { host, port: before, role: 'inter-router' }));
      if (at === 0) parts.push(section('tcpListener', { name: 'in', host, port, address }));
      if (at === hops - 1) parts.push(section('tcpConnector', { name: 'out', host, port: target, address }));
      const file = join(folder, `${id}.conf`);
      writeFileSync(file, parts.join('\n'));
      children.push(await startChild(id, listens, ROUTER, ['-c', file]));
      before = listens;
    }
  } catch (error) {
    await stop();
    throw error;
  }
  return lineOf(port, children, stop);
}
