import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { within } from '../eventually';
import { leash } from '../reaper';

const PYTHON = '/usr/bin/python3';
const DRIVER = join(__dirname, 'proton');

export type Line = Readonly<Record<string, unknown>>;
type Listener = (line: Line) => void;

/** The driver's process: commands in, answers and events out, see proton/__main__.py. */
export class ProtonProcess {
  readonly #child: ChildProcess;
  readonly #answers = new Map<number, Listener>();
  readonly #listeners = new Map<string, Listener>();
  /** Events of links whose opening is answered, but not heard yet. */
  readonly #unheard = new Map<string, Line[]>();
  readonly #exited: Promise<void>;
  #commands = 0;
  #errors = '';

  private constructor() {
    this.#child = spawn(PYTHON, ['-B', DRIVER], { stdio: ['pipe', 'pipe', 'pipe'] });
    leash(this.#child);
    this.#exited = new Promise((resolve) => this.#child.once('close', () => resolve()));
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => (this.#errors += text));
    createInterface({ input: this.#child.stdout as NodeJS.ReadableStream }).on('line', (line) =>
      this.#onLine(JSON.parse(line) as Line),
    );
    // Told by the exit.
    this.#child.stdin?.on('error', () => undefined);
    void this.#exited.then(() => this.#lose());
  }

  static async start(): Promise<ProtonProcess> {
    const driver = new ProtonProcess();
    const ready = new Promise<void>((resolve) => driver.on('ready', () => resolve()));
    await within('the proton driver is ready', Promise.race([ready, driver.#exited.then(() => driver.#died())]));
    return driver;
  }

  #died(): never {
    throw new Error(`the proton driver ended (${this.#child.exitCode ?? this.#child.signalCode}):\n${this.#errors}`);
  }

  #lose(): void {
    for (const listener of this.#answers.values()) listener({ fault: `the proton driver ended:\n${this.#errors}` });
    this.#answers.clear();
  }

  #onLine(line: Line): void {
    if (typeof line['answer'] === 'number') {
      const answered = this.#answers.get(line['answer']);
      this.#answers.delete(line['answer']);
      if (answered) answered(line);
      else this.#errors += String(line['fault']); // of a command that nobody asks about
      return;
    }
    const about = (line['link'] ?? line['connection'] ?? line['event']) as string;
    const listener = this.#listeners.get(about);
    if (listener) listener(line);
    else this.#unheard.set(about, [...(this.#unheard.get(about) ?? []), line]);
  }

  /** Hears the events of a link or connection. */
  on(about: string, listener: Listener): void {
    this.#listeners.set(about, listener);
    this.#unheard.get(about)?.forEach(listener);
    this.#unheard.delete(about);
  }

  tell(op: string, command: Line): void {
    this.#write(++this.#commands, op, command);
  }

  /** Tells a command that is answered. */
  ask(op: string, command: Line): Promise<Line> {
    const id = ++this.#commands;
    const answer = new Promise<Line>((resolve) => this.#answers.set(id, resolve));
    this.#write(id, op, command);
    return within(`proton answers ${op}`, answer).then((line) => {
      if (typeof line['fault'] === 'string') throw new Error(line['fault']);
      return line;
    });
  }

  #write(id: number, op: string, command: Line): void {
    this.#child.stdin?.write(`${JSON.stringify({ id, op, ...command })}\n`);
  }

  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await within('the proton driver is gone', this.#exited);
  }

  async stop(): Promise<void> {
    this.#child.stdin?.end();
    await within('the proton driver ends', this.#exited);
    if (this.#errors !== '') throw new Error(`the proton driver complained:\n${this.#errors}`);
  }
}
