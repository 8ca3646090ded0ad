import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { eventually } from './eventually';
import type { QueueRecord } from './queue-ledger';
import type { QueueClient, QueueReceiverOptions } from './queue-receiver';
import { leash } from './reaper';

const PYTHON = '/usr/bin/python3';
const SCRIPT = join(__dirname, 'proton', 'queue_receiver.py');
const CREDIT = 50;

/** The same as a QueueReceiver over qpid-proton, in a process of its own. */
export class ProtonQueueReceiver implements QueueClient {
  readonly cuts = new Map<string, number>();
  unconfirmed = 0;
  readonly #child: ChildProcessWithoutNullStreams;
  #record: QueueRecord | null = null;
  #unsettled = 0;
  #lives = 0;
  #errors = '';

  constructor(readonly options: QueueReceiverOptions) {
    const { name, port, address, credit = CREDIT } = options;
    this.#child = spawn(PYTHON, [SCRIPT, `amqp://127.0.0.1:${port}`, address, String(credit), name]);
    leash(this.#child);
    this.#child.stderr.on('data', (chunk: Buffer) => (this.#errors += chunk.toString()));
    createInterface(this.#child.stdout).on('line', (line) => this.#take(line.split(' ')));
  }

  get attached(): boolean {
    return this.#record !== null;
  }

  async ready(): Promise<this> {
    await eventually(`${this.options.name} is attached`, () => this.attached, { otherwise: () => this.#errors });
    return this;
  }

  async confirmed(): Promise<void> {
    const { name } = this.options;
    // It dials for ever: where it has ended, nobody takes from its queue any more.
    if (this.#child.exitCode !== null) throw new Error(`${name} ended by itself:\n${this.#errors}`);
    await eventually(`confirmations for ${name}`, () => this.#unsettled === 0, { otherwise: () => this.#errors });
  }

  drop(): void {
    this.#record = null;
    this.#child.kill('SIGKILL');
  }

  #take([what, ...words]: readonly string[]): void {
    const { name, address, ledger } = this.options;
    const [first = '', seq = '', third = '', fourth] = words;
    if (what === 'message') {
      this.#unsettled++;
      this.#record?.take({ sender: first, seq: Number(seq), digest: third, redelivered: fourth === '1' });
    } else if (what === 'settled') {
      this.#unsettled--;
      if (third === '1') ledger.settled(first, Number(seq));
      else this.unconfirmed++;
    } else {
      this.#unsettled = 0;
      this.#record = what === 'open' ? ledger.join(`${name}#${++this.#lives}`, address) : null;
      if (what === 'cut') this.cuts.set(first, (this.cuts.get(first) ?? 0) + 1);
    }
  }
}
