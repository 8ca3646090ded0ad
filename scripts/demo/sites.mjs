import { spawn } from 'node:child_process';
import { createWriteStream, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse, stringify } from 'yaml';
import { PrepareError, ROOT, say } from '../lib/prepare.mjs';
import { Cable } from './cable.mjs';
import { leash } from './leash.mjs';

const PROGRAM = join(ROOT, 'dist/cli/main.js');
/** A node drains within 5 s; then it is ended. */
const EXIT_MS = 6_000;
const START_MS = 60_000;
/** The exit code of a node whose port is taken. */
const PORT_TAKEN = 3;
const LOG_TAIL_CHARS = 3_000;

/** The three sites of deploy/demo as processes, in a line, with a cable that can be cut between the last two. */
export class Sites {
  #folder = mkdtempSync(join(tmpdir(), 'fairlead-demo-'));
  #nodes = new Map();
  #stopping = false;
  #onDeath;
  /** Rejects when a node ends that was not told to. */
  died = new Promise((_, reject) => (this.#onDeath = reject));
  cable = null;

  constructor({ friendlyPorts }) {
    this.friendlyPorts = friendlyPorts;
    this.died.catch(() => undefined); // told by whoever waits for it
    process.on('exit', () => this.#sweep());
  }

  /** From the far end on: each node dials one that is there. The documents are those of deploy/demo, but for what must be local. */
  async start() {
    const publicSite = await this.#start('public', {});
    this.cable = new Cable(publicSite.ports.mesh);
    await this.cable.plug();
    const privateSite = await this.#start('private', { 'to-public': this.cable.port });
    await this.#start('laptop', { 'to-private': privateSite.ports.mesh });
    leash(
      [...this.#nodes.values()].map(({ child }) => child.pid),
      this.#folder,
    );
  }

  url(site) {
    return `amqp://127.0.0.1:${this.#nodes.get(site).ports.amqp}`;
  }

  http(site) {
    return `http://127.0.0.1:${this.#nodes.get(site).ports.http}`;
  }

  async ask(site, path) {
    const answer = await fetch(`${this.http(site)}${path}`, { signal: AbortSignal.timeout(5_000) });
    return answer.json();
  }

  /** Drains the nodes as an operator would, and removes what they wrote. */
  async stop() {
    this.#stopping = true;
    const running = [...this.#nodes.values()].filter(({ child }) => child.exitCode === null && !child.signalCode);
    for (const { child } of running) child.kill('SIGTERM');
    const timer = setTimeout(() => running.forEach(({ child }) => child.kill('SIGKILL')), EXIT_MS);
    await Promise.all(running.map(({ exited }) => exited));
    clearTimeout(timer);
    await this.cable?.cut();
    this.#sweep();
  }

  /** A port that was free may be another's when the node binds it: two demos may begin at once. */
  async #start(site, links) {
    const node = await this.#launch(site, links, this.friendlyPorts).catch((error) => {
      if (error.exitCode !== PORT_TAKEN || this.#stopping) throw error;
      say(`  a port of ${site} was taken meanwhile: free ones are used instead`);
      return this.#launch(site, links, false);
    });
    say(`  ${site.padEnd(8)} clients ${this.url(site)}   health, metrics, page ${this.http(site)}/`);
    return node;
  }

  async #launch(site, links, friendlyPorts) {
    const document = parse(readFileSync(join(ROOT, 'deploy/demo', `${site}.yaml`), 'utf8'));
    document.dataDir = join(this.#folder, site);
    for (const bind of [document.http, ...document.listeners, ...document.mesh.listen])
      bind.port = friendlyPorts ? await freeOr0(bind.port) : 0;
    for (const link of document.mesh.links ?? []) link.connect = `amqp://127.0.0.1:${links[link.name]}`;
    const file = join(this.#folder, `${site}.yaml`);
    writeFileSync(file, stringify(document));
    if (this.#stopping) throw new PrepareError('The demo is ending.');
    const node = this.#spawn(site, file);
    this.#nodes.set(site, node);
    node.ports = await node.ready;
    return node;
  }

  #spawn(site, file) {
    const log = join(this.#folder, `${site}.log`);
    const child = spawn(process.execPath, [PROGRAM, 'run', '-c', file], { stdio: ['ignore', 'pipe', 'pipe'] });
    leash(child.pid, this.#folder);
    child.stderr.pipe(createWriteStream(log));
    const tail = () => readFileSync(log, 'utf8').slice(-LOG_TAIL_CHARS);
    const exited = new Promise((resolve) => child.once('exit', resolve));
    let out = '';
    let started = false;
    const ready = new Promise((resolve, reject) => {
      const late = setTimeout(
        () => reject(new PrepareError(`${site} was not ready within ${START_MS / 1000} s:\n${tail()}`)),
        START_MS,
      );
      child.once('error', reject);
      child.stdout.setEncoding('utf8').on('data', (chunk) => {
        const line = /^fairlead ready (.*)$/m.exec((out += chunk));
        if (!line) return;
        clearTimeout(late);
        started = true;
        resolve(
          Object.fromEntries([...line[1].matchAll(/(\S+?)=\S*:(\d+)/g)].map(([, name, port]) => [name, Number(port)])),
        );
      });
      child.once('close', (code, signal) => {
        clearTimeout(late);
        if (this.#stopping) return;
        const error = new PrepareError(`The node of ${site} ended with ${code ?? signal}:\n${tail()}`);
        error.exitCode = code;
        reject(error); // while it starts; afterwards its death is all that is left to tell
        if (started) this.#onDeath(error);
      });
    });
    return { child, exited, ready, ports: {} };
  }

  /** Nothing of ours is left behind, whatever ended us. */
  #sweep() {
    for (const { child } of this.#nodes.values())
      if (child.exitCode === null && !child.signalCode) child.kill('SIGKILL');
    rmSync(this.#folder, { recursive: true, force: true, maxRetries: 3 });
  }
}

/** The document's port where it is free, so that the commands of the README fit; else 0, for one that is. */
async function freeOr0(wanted) {
  if (await isFree(wanted)) return wanted;
  say(`  port ${wanted} is taken: a free one is used instead`);
  return 0;
}

function isFree(port) {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}
