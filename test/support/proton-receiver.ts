import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { eventually } from './eventually';
import type { LedgerClient, LedgerReceiverOptions } from './ledger-receiver';
import type { Receiver } from './ledger';
import { leash } from './reaper';

const PYTHON = '/usr/bin/python3';
const SCRIPT = join(__dirname, 'proton', 'ledger_receiver.py');
const CREDIT = 200;

const running = new Set<ChildProcessWithoutNullStreams>();
afterAll(() => {
  for (const child of running) child.kill('SIGKILL');
});

/** A qpid-proton client, a process of its own, that writes what arrives into the ledger. */
export class ProtonReceiver implements LedgerClient {
  cut = false;
  #closing = false;

  private constructor(
    private readonly child: ChildProcessWithoutNullStreams,
    readonly name: string,
    readonly record: Receiver,
  ) {}

  static async attach(options: LedgerReceiverOptions): Promise<ProtonReceiver> {
    const { port, name, address, ledger, claim = 'each', credit = CREDIT, wants = (to) => to === address } = options;
    const child = spawn(PYTHON, [SCRIPT, `amqp://127.0.0.1:${port}`, address, String(credit), name]);
    running.add(child);
    leash(child);
    let errors = '';
    let self: ProtonReceiver | null = null;
    let why: string | null = null;
    child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()));
    child.once('exit', (code, signal) => {
      running.delete(child);
      why ??= `ended with ${code ?? signal}: ${errors}`;
      self?.gone();
    });
    createInterface(child.stdout).on('line', (line) => {
      if (line === '!open') self ??= new ProtonReceiver(child, name, ledger.join(name, claim, wants));
      else if (line.startsWith('!cut')) {
        why ??= line;
        self?.gone();
      } else self?.take(line);
    });
    return eventually(`${name} is attached`, () => {
      if (why !== null && self === null) throw new Error(why);
      return self ?? undefined;
    });
  }

  /** @internal */
  take(line: string): void {
    const [sender = '', seq, digest = '', again] = line.split(' ');
    this.record.arrivals.push({ sender, seq: Number(seq), digest, redelivered: again === '1' });
  }

  /** @internal */
  gone(): void {
    this.record.present = false;
    this.cut = !this.#closing;
  }

  /** SIGSTOP: reads nothing any more, and does not say so. */
  freeze(): void {
    this.child.kill('SIGSTOP');
  }

  thaw(): void {
    this.child.kill('SIGCONT');
  }

  /** SIGKILL: gone with all that it had not settled. */
  async kill(): Promise<void> {
    this.#closing = true;
    const ended = once(this.child, 'exit');
    this.child.kill('SIGKILL');
    await ended;
  }

  async close(): Promise<void> {
    this.#closing = true;
    this.record.present = false;
    const ended = once(this.child, 'exit');
    this.child.stdin.end();
    if (this.child.exitCode === null && this.child.signalCode === null) await ended;
  }
}
