import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Endpoint } from './load/protocol';

const ROOT = join(__dirname, '..', '..');
const NAMES = ['a', 'b', 'c'];
const READY_MS = 20_000;
/** A node that was told to drain is killed after this. */
const STOP_MS = 8_000;
const POLL_MS = 50;

/** A process whose CPU time and memory are taken, ours or another router's. */
export interface Subject {
  readonly name: string;
  readonly pid: number;
}

/** What stands between sender and receiver. */
export interface Relay {
  readonly ingress: Endpoint;
  /** Sites in the order of the line; the last is where a single receiver attaches. */
  readonly sites: readonly Endpoint[];
  /** Where ours speak HTTP, in the order of the line. */
  readonly webs?: readonly Endpoint[];
  readonly subjects: readonly Subject[];
  stop(): Promise<void>;
}

/** As in a site document. */
export type AddressRule = Readonly<Record<string, string | number>>;

/** What the clients of a node speak. */
export type ClientProtocol = 'amqp' | 'mqtt' | 'stomp';

/** A TCP service: the first node of a line has a port for it, the last one offers it. */
export interface TcpService {
  readonly port: number;
  /** Where the service is. */
  readonly target: number;
}

interface RunningNode {
  readonly child: ChildProcess;
  readonly clients: Endpoint;
  readonly web: Endpoint;
  readonly mesh: number;
  readonly http: number;
}

/** Runs nodes in a line on free ports of this machine, each a process as `fairlead run` starts it. */
export async function startLine(
  length: number,
  profileFolder: string | null,
  addresses: readonly AddressRule[] = [],
  protocol: ClientProtocol = 'amqp',
  tcp: TcpService | null = null,
): Promise<Relay> {
  const folder = mkdtempSync(join(tmpdir(), 'fairlead-bench-'));
  const nodes: RunningNode[] = [];
  const stop = async (): Promise<void> => {
    await Promise.all(nodes.map(({ child }) => stopNode(child)));
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    for (const [at, name] of NAMES.slice(0, length).entries()) {
      const document = siteDocument(name, folder, nodes[at - 1]?.mesh ?? null, addresses, protocol);
      const text = JSON.stringify(tcp === null ? document : withService(document, tcp, at === 0, at === length - 1));
      nodes.push(await startNode(name, folder, text, profileFolder));
    }
    await linked(nodes);
  } catch (error) {
    await stop();
    throw error;
  }
  const sites = nodes.map(({ clients }) => clients);
  const subjects = nodes.map(({ child }, at) => ({ name: `node ${NAMES[at] ?? ''}`, pid: child.pid as number }));
  return { ingress: sites[0] as Endpoint, sites, webs: nodes.map(({ web }) => web), subjects, stop };
}

interface SiteDocument {
  readonly listeners: readonly object[];
  readonly [key: string]: unknown;
}

function siteDocument(
  name: string,
  folder: string,
  neighbour: number | null,
  addresses: readonly AddressRule[],
  protocol: ClientProtocol,
): SiteDocument {
  const links = neighbour === null ? [] : [{ name: `to-${neighbour}`, connect: `amqp://127.0.0.1:${neighbour}` }];
  return {
    site: name,
    dataDir: join(folder, name),
    http: { port: 0 },
    listeners: [
      { name: 'clients', protocol, port: 0 },
      { name: 'web', protocol: 'http', port: 0 },
    ],
    mesh: { listen: [{ port: 0 }], links },
    addresses,
    limits: { connections: 20_000 },
    log: { level: 'error' },
  };
}

/** @param listens it has the port. @param offers it is where the service is */
function withService(document: SiteDocument, tcp: TcpService, listens: boolean, offers: boolean): SiteDocument {
  const listener = { name: 'tcp', protocol: 'tcp', port: tcp.port, address: 'anycast/bench' };
  return {
    ...document,
    listeners: [...document.listeners, ...(listens ? [listener] : [])],
    services: offers ? [{ address: 'anycast/bench', connect: `127.0.0.1:${tcp.target}` }] : [],
  };
}

async function startNode(
  name: string,
  folder: string,
  document: string,
  profileFolder: string | null,
): Promise<RunningNode> {
  const file = join(folder, `${name}.yaml`);
  writeFileSync(file, document);
  const profiling = profileFolder === null ? [] : ['--cpu-prof', `--cpu-prof-dir=${join(profileFolder, name)}`];
  const args = [...profiling, join(ROOT, 'dist', 'cli', 'main.js'), 'run', '-c', file];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  try {
    const line = await readyLine(child, name);
    const port = (what: string): number => Number(new RegExp(` ${what}=127\\.0\\.0\\.1:(\\d+)`).exec(line)?.[1]);
    const at = (what: string): Endpoint => ({ host: '127.0.0.1', port: port(what) });
    return { child, clients: at('clients'), web: at('web'), mesh: port('mesh'), http: port('http') };
  } catch (error) {
    child.kill('SIGKILL');
    throw error;
  }
}

function readyLine(child: ChildProcess, name: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`node ${name} was not ready in time`)), READY_MS);
    let text = '';
    child.stdout?.setEncoding('utf8').on('data', (part: string) => {
      text += part;
      const line = /^fairlead ready .*$/m.exec(text);
      if (line === null) return;
      clearTimeout(timer);
      resolve(line[0]);
    });
    child.once('exit', (code) => {
      clearTimeout(timer);
      reject(new Error(`node ${name} ended with code ${code}: ${text}`));
    });
  });
}

/** Resolves when every node says twice in a row that all its links are up. */
async function linked(nodes: readonly RunningNode[]): Promise<void> {
  const deadline = performance.now() + READY_MS;
  for (let good = 0; good < 2;) {
    const up = await Promise.all(nodes.map(({ http }) => linksUp(http)));
    const all = up.every((count, at) => count >= (at > 0 ? 1 : 0) + (at < nodes.length - 1 ? 1 : 0));
    good = all ? good + 1 : 0;
    if (performance.now() > deadline) throw new Error('the links between the nodes did not come up in time');
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

async function linksUp(http: number): Promise<number> {
  const response = await fetch(`http://127.0.0.1:${http}/api/v1/links`);
  const { links } = (await response.json()) as { links: { state: string }[] };
  return links.filter(({ state }) => state === 'up').length;
}

function stopNode(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return Promise.resolve();
  return new Promise((resolve) => {
    const timer = setTimeout(() => child.kill('SIGKILL'), STOP_MS);
    child.once('exit', () => {
      clearTimeout(timer);
      resolve();
    });
    child.kill('SIGTERM');
  });
}
