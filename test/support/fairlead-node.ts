import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, existsSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { stringify } from 'yaml';
import type { RawSite } from '../../src/config/schema';
import type { LinkRow } from '../../src/runtime/link-rows';
import type { NodeRow } from '../../src/management/node-rows';
import { eventually } from './eventually';
import { freePort } from './free-ports';
import { type HttpAnswer, httpJson } from './http-json';
import { leash } from './reaper';

const PROGRAM = resolve(__dirname, '../../dist/cli/main.js');
const LOG_TAIL_CHARS = 6_000;
/** A busy machine starts a node in seconds; this only bounds one that hangs. */
const START_MS = 60_000;
const EXIT_MS = 30_000;

export interface NodeOptions {
  /** Keys over the defaults of a test node; `site` names it. A list replaces the default's list. */
  readonly document: RawSite;
  /** Put before the command, as `faketime -f +1h` or `ip netns exec x`; it must exec what follows. */
  readonly wrap?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

const nodes = new Set<FairleadNode>();

// Tests with processes take what a busy machine takes; a test that measures time does so itself.
jest.setTimeout(90_000);

// At import, so that no test can forget it: whatever a file started is gone when the file is done.
afterAll(() => Promise.all([...nodes].map((node) => node.dispose())));

/**
 * A real node process with a folder of its own: document, data and log. Ports are fixed when it is made, so that neighbours
 * can name them before it runs and every life has the same ones.
 */
export class FairleadNode {
  /** The document in force; `rewrite` changes it. */
  document: RawSite;
  readonly file: string;
  /** What is added to the environment of its next lives. */
  env: Readonly<Record<string, string>>;
  #process: ChildProcess | null = null;
  #exit: Promise<Exit> | null = null;
  #bound = new Map<string, number>();
  readonly #folder: string;

  private constructor(
    readonly options: NodeOptions,
    document: RawSite,
    folder: string,
  ) {
    this.document = document;
    this.env = options.env ?? {};
    this.#folder = folder;
    this.file = join(folder, 'site.yaml');
    this.#write();
  }

  /** Makes the node's folder and document without starting it. */
  static async prepare(options: NodeOptions): Promise<FairleadNode> {
    if (!existsSync(PROGRAM)) throw new Error('dist/ is missing: run npx nest build first');
    const { document } = options;
    const name = document.node ?? document.site;
    const folder = mkdtempSync(join(tmpdir(), `fairlead-${name}-`));
    const mesh = { listen: [{ port: await freePort() }], ...document.mesh };
    const defaults = {
      dataDir: './data',
      http: { port: await freePort() },
      listeners: [{ name: 'amqp', protocol: 'amqp' as const, port: await freePort() }],
    };
    const node = new FairleadNode(options, { ...defaults, ...document, mesh }, folder);
    nodes.add(node);
    return node;
  }

  /** Makes a node and waits until it is ready. */
  static async start(options: NodeOptions): Promise<FairleadNode> {
    const node = await FairleadNode.prepare(options);
    await node.start();
    return node;
  }

  get name(): string {
    return this.document.node ?? this.document.site;
  }

  get pid(): number {
    const pid = this.#process?.pid;
    if (pid === undefined) throw new Error(`${this.name} does not run`);
    return pid;
  }

  get dataDir(): string {
    return resolve(this.#folder, this.document.dataDir ?? 'data');
  }

  get running(): boolean {
    return this.#process !== null;
  }

  get amqpPort(): number {
    return this.port('amqp');
  }

  get meshPort(): number {
    return this.document.mesh?.listen?.[0]?.port || this.port('mesh');
  }

  get httpPort(): number {
    return this.port('http');
  }

  /** What this node dials to reach that one. */
  get meshUrl(): string {
    return `amqp://127.0.0.1:${this.meshPort}`;
  }

  /** The port that the ready line tells for a listener's name, `mesh` or `http`. */
  port(of: string): number {
    const port = this.#bound.get(of);
    if (port === undefined) throw new Error(`the ready line of ${this.name} tells no ${of}`);
    return port;
  }

  /** Starts the process and waits for its ready line. */
  async start(): Promise<void> {
    if (this.#process) throw new Error(`${this.name} runs already`);
    const child = this.#spawn();
    let out = '';
    child.stdout?.setEncoding('utf8').on('data', (chunk: string) => (out += chunk));
    const ready = eventually(
      `${this.name} is ready`,
      // A child that has ended is told by `ended`; nothing is left to wait for.
      () => (this.#process === child ? /^fairlead ready .*$/m.exec(out)?.[0] : ''),
      { withinMs: START_MS, otherwise: () => this.logTail() },
    );
    const ended = this.#exited().then(({ code, signal }) => {
      throw new Error(`${this.name} ended before it was ready, with ${code ?? signal}:\n${this.logTail()}`);
    });
    const line = await Promise.race([ready, ended]);
    ready.catch(() => undefined); // the loser of the race: its failure has been told by the winner
    ended.catch(() => undefined);
    this.#bound = new Map();
    for (const [, name, port] of line.matchAll(/ (\S+?)=\S*:(\d+)/g)) {
      if (name !== undefined && !this.#bound.has(name)) this.#bound.set(name, Number(port));
    }
  }

  /** SIGTERM: the node drains and says goodbye. Returns the exit code, which is 0 when all went well. */
  async stop(): Promise<number | null> {
    this.signal('SIGTERM');
    return (await this.exited()).code;
  }

  /** SIGKILL: gone without a word. */
  async kill(): Promise<void> {
    this.signal('SIGKILL');
    await this.exited();
  }

  /** SIGSTOP: alive for the kernel, silent for everybody else. */
  pause(): void {
    this.signal('SIGSTOP');
  }

  resume(): void {
    this.signal('SIGCONT');
  }

  /** A new life with the same document, data and ports. Ends the former one first, if it runs. */
  async restart(how: 'stop' | 'kill' = 'stop'): Promise<void> {
    if (this.running) await (how === 'stop' ? this.stop() : this.kill());
    await this.start();
  }

  signal(signal: NodeJS.Signals): void {
    process.kill(this.pid, signal);
  }

  /** The end of the present life. */
  async exited(): Promise<Exit> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      const tell = (): void => reject(new Error(`${this.name} runs on after ${EXIT_MS} ms:\n${this.logTail()}`));
      timer = setTimeout(tell, EXIT_MS);
    });
    return Promise.race([this.#exited(), late]).finally(() => clearTimeout(timer));
  }

  /** Replaces the document on disk; a running node takes it live. */
  rewrite(change: (document: RawSite) => RawSite): void {
    this.document = change(this.document);
    this.#write();
  }

  http(path: string, method = 'GET', body?: unknown): Promise<HttpAnswer> {
    return httpJson(this.httpPort, path, method, body);
  }

  async links(): Promise<LinkRow[]> {
    const { body } = await this.http('/api/v1/links');
    return (body as { links: LinkRow[] }).links;
  }

  async nodes(): Promise<NodeRow[]> {
    const { body } = await this.http('/api/v1/nodes');
    return (body as { nodes: NodeRow[] }).nodes;
  }

  async setCost(link: string, cost: number): Promise<void> {
    const { status, body } = await this.http(`/api/v1/links/${encodeURIComponent(link)}`, 'PATCH', { cost });
    if (status !== 200) throw new Error(`cost of ${link} at ${this.name}: ${status} ${JSON.stringify(body)}`);
  }

  /** Every link that the document names is up. */
  async linksUp(): Promise<void> {
    let seen: LinkRow[] = [];
    await eventually(
      `links of ${this.name} are up`,
      async () => (seen = await this.links()).every(({ state, configured }) => state === 'up' || !configured),
      { otherwise: () => `${JSON.stringify(seen, null, 1)}\n${this.logTail()}` },
    );
  }

  /** The node has a path to each of them. */
  async reaches(...names: readonly string[]): Promise<void> {
    let seen: NodeRow[] = [];
    await eventually(
      `${this.name} reaches ${names.join(', ')}`,
      async () => {
        seen = await this.nodes();
        return names.every((name) => seen.some(({ node, reachable }) => node === name && reachable));
      },
      { otherwise: () => `${JSON.stringify(seen)}\n${this.logTail()}` },
    );
  }

  /** All that the node wrote to stderr, in all of its lives. */
  log(): string {
    const path = this.#logPath;
    return existsSync(path) ? readFileSync(path, 'utf8') : '';
  }

  logTail(): string {
    return `--- log of ${this.name}, its end:\n${this.log().slice(-LOG_TAIL_CHARS)}`;
  }

  /** Ends the node without ceremony and removes its folder; with FAIRLEAD_KEEP=1 the folder stays for reading. */
  async dispose(): Promise<void> {
    nodes.delete(this);
    if (this.running) await this.kill();
    if (process.env['FAIRLEAD_KEEP'] === '1') console.log(`kept ${this.#folder}`);
    else rmSync(this.#folder, { recursive: true, force: true });
  }

  get #logPath(): string {
    return join(this.#folder, 'node.log');
  }

  #exited(): Promise<Exit> {
    return this.#exit ?? Promise.resolve({ code: null, signal: null });
  }

  #spawn(): ChildProcess {
    const { wrap = [] } = this.options;
    const [command = process.execPath, ...args] = [...wrap, process.execPath, PROGRAM, 'run', '-c', this.file];
    const log = openSync(this.#logPath, 'a');
    const child = spawn(command, args, {
      cwd: this.#folder,
      env: { ...process.env, ...this.env },
      stdio: ['ignore', 'pipe', log],
    });
    closeSync(log);
    leash(child);
    this.#process = child;
    this.#exit = new Promise((done, fail) => {
      child.once('error', fail);
      child.once('exit', (code, signal) => {
        this.#process = null;
        done({ code, signal });
      });
    });
    return child;
  }

  #write(): void {
    writeFileSync(this.file, stringify(this.document));
  }
}
