import { type ChildProcess, spawn } from 'node:child_process';
import { leash } from './reaper';

/** A line of shell as somebody types it in a terminal of their own. */
export class ShellCommand {
  stdout = '';
  stderr = '';
  readonly code: Promise<number | null>;
  readonly #process: ChildProcess;

  constructor(
    readonly line: string,
    options: { readonly cwd: string; readonly env: NodeJS.ProcessEnv },
  ) {
    // exec: signals are for the command, not for a shell around it.
    this.#process = spawn('/bin/sh', ['-c', `exec ${line}`], { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
    leash(this.#process);
    this.#process.stdout?.setEncoding('utf8').on('data', (text: string) => (this.stdout += text));
    this.#process.stderr?.setEncoding('utf8').on('data', (text: string) => (this.stderr += text));
    this.code = new Promise((done, fail) => {
      this.#process.once('error', fail);
      this.#process.once('close', done);
    });
  }

  get output(): string {
    return this.stdout + this.stderr;
  }

  /** Ctrl-C. */
  interrupt(): void {
    this.#process.kill('SIGINT');
  }

  kill(): void {
    this.#process.kill('SIGKILL');
  }
}
