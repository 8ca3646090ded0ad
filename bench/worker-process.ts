import { fork, type ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import type { Job, Mark, Reply, Request } from './load/protocol';

const ENTRY = join(__dirname, 'load', 'worker.js');

/** A load process as the main process sees it. */
export class WorkerProcess {
  readonly #child: ChildProcess;
  #waiting: { resolve(reply: Reply): void; reject(error: Error): void } | null = null;
  #failure: Error | null = null;

  private constructor(readonly name: string) {
    this.#child = fork(ENTRY, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
    this.#child.on('message', (reply: Reply) => this.#onReply(reply));
    this.#child.on('exit', (code) => this.#fail(new Error(`${name} ended with code ${code}`)));
  }

  /** Starts a process and its job. @returns it, and the port it listens at */
  static async open(name: string, job: Job): Promise<{ readonly worker: WorkerProcess; readonly port: number }> {
    const worker = new WorkerProcess(name);
    const reply = await worker.#ask({ type: 'open', job });
    return { worker, port: reply.type === 'opened' ? reply.port : 0 };
  }

  go(limit: number): Promise<Mark> {
    return this.#mark({ type: 'go', limit });
  }

  mark(reset: boolean): Promise<Mark> {
    return this.#mark({ type: 'mark', reset });
  }

  stop(messages: number): Promise<Mark> {
    return this.#mark({ type: 'stop', messages });
  }

  end(): void {
    if (this.#child.connected) this.#child.disconnect();
  }

  async #mark(request: Request): Promise<Mark> {
    const reply = await this.#ask(request);
    if (reply.type !== 'mark') throw new Error(`${this.name} answered ${reply.type}`);
    return reply.mark;
  }

  #ask(request: Request): Promise<Reply> {
    if (this.#failure !== null) return Promise.reject(this.#failure);
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject };
      this.#child.send(request);
    });
  }

  #onReply(reply: Reply): void {
    if (reply.type === 'failed') {
      this.#fail(new Error(`${this.name}: ${reply.why}`));
      return;
    }
    const waiting = this.#waiting;
    this.#waiting = null;
    waiting?.resolve(reply);
  }

  #fail(error: Error): void {
    this.#failure ??= error;
    const waiting = this.#waiting;
    this.#waiting = null;
    waiting?.reject(this.#failure);
  }
}
