import { type ChildProcess, spawn } from 'node:child_process';
import { resolve } from 'node:path';
import { eventually } from './eventually';
import { leash } from './reaper';

const PROGRAM = resolve(__dirname, '../../dist/cli/main.js');

export interface CommandResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CommandOptions {
  readonly stdin?: string | Buffer;
  readonly cwd?: string;
  /** Options for Node itself. */
  readonly node?: readonly string[];
}

/** One run of the `fairlead` command as a process of its own. */
export class FairleadCommand {
  stdout = '';
  stderr = '';
  readonly process: ChildProcess;
  readonly result: Promise<CommandResult>;

  constructor(args: readonly string[], options: CommandOptions = {}) {
    const { cwd, node = [] } = options;
    this.process = spawn(process.execPath, [...node, PROGRAM, ...args], { cwd, stdio: 'pipe' });
    leash(this.process);
    this.process.stdout?.setEncoding('utf8').on('data', (text: string) => (this.stdout += text));
    this.process.stderr?.setEncoding('utf8').on('data', (text: string) => (this.stderr += text));
    this.process.stdin?.end(options.stdin ?? '');
    this.result = new Promise((done, fail) => {
      this.process.once('error', fail);
      this.process.once('close', (code) => done({ code, stdout: this.stdout, stderr: this.stderr }));
    });
  }

  /** Waits until a receiver says that it is attached: from then on it misses nothing. */
  async attached(): Promise<void> {
    await eventually('the receiver is attached', () => this.stderr.includes('receiving from'), {
      otherwise: () => this.stderr,
    });
  }
}

export function fairlead(...args: readonly string[]): Promise<CommandResult> {
  return new FairleadCommand(args).result;
}
