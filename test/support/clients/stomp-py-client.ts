import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { eventually } from '../eventually';
import { leash } from '../reaper';
import { StompConnection, type StompHeaders } from './stomp-client';

const PYTHON = '/usr/bin/python3';
const DRIVER = join(__dirname, 'stomp');
const WHY_NOT = 'stomp.py is missing: apt-get install python3-stomp';

export const hasStompPy = spawnSync(PYTHON, ['-c', 'import stomp']).status === 0;

if (!hasStompPy) {
  if (process.env['CI'] === 'true') throw new Error(WHY_NOT);
  console.warn(`${WHY_NOT}; its tests are skipped`);
}

interface Event {
  readonly connection: string;
  readonly command: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** Debian's stomp.py as a client: one process, which `stomp/__main__.py` drives, for each connection. */
export class StompPyConnection extends StompConnection {
  readonly #child: ChildProcess;
  #errors = '';

  private constructor(version: string) {
    super(version);
    this.#child = spawn(PYTHON, ['-B', DRIVER], { stdio: ['pipe', 'pipe', 'pipe'] });
    leash(this.#child);
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => (this.#errors += text));
    this.#child.stdin?.on('error', () => undefined);
    createInterface({ input: this.#child.stdout as NodeJS.ReadableStream }).on('line', (line) => {
      const { command, headers, body } = JSON.parse(line) as Event;
      if (command === 'closed') this.closed = true;
      else this.frames.push({ command, headers, body: Buffer.from(body, 'base64') });
    });
  }

  static async connect(port: number, version: string, headers: StompHeaders = {}): Promise<StompPyConnection> {
    const connection = new StompPyConnection(version);
    connection.#write({ command: 'CONNECT', port, version, headers });
    await eventually('stomp.py is connected', () => connection.frames.some(({ command }) => command === 'CONNECTED'), {
      otherwise: () => connection.#errors,
    });
    return connection;
  }

  tell(command: string, headers: StompHeaders = {}, body: string | Buffer = ''): void {
    this.#write({ command, headers, body: Buffer.from(body).toString('base64') });
  }

  #write(asked: object): void {
    this.#child.stdin?.write(`${JSON.stringify({ connection: 'c', ...asked })}\n`);
  }

  destroy(): void {
    this.#child.kill();
  }
}
