import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { surveyQueueStore } from '../../../src/store/store-survey';
import { eventually } from '../eventually';
import { leash } from '../reaper';

/** See store-writer.js. */
export interface WriterOptions {
  readonly folder: string;
  readonly from?: number;
  readonly to?: number;
  readonly window?: number;
  readonly keep?: number;
  readonly early?: boolean;
  readonly greedy?: boolean;
  /** For so long changes wait before they go to LMDB. */
  readonly layerMs?: number;
  /** A file for acknowledgements, beside what it says. */
  readonly acks?: string;
  readonly env?: Readonly<Record<string, string>>;
}

export const RECORDS_PER_GROUP = 3;
export const KEEP = 20;

/** A process that writes to a store of queues. */
export class StoreWriter {
  /** The last group that it said was on the disk. */
  acknowledged = -1;
  /** All that it said, but for acknowledgements. */
  readonly lines: string[] = [];
  stderr = '';
  readonly #process: ChildProcess;

  constructor({ env = {}, ...options }: WriterOptions) {
    const all = { from: 0, to: 1e9, window: 10, keep: KEEP, early: false, greedy: false, ...options };
    this.#process = spawn(process.execPath, [join(__dirname, 'store-writer.js'), JSON.stringify(all)], {
      stdio: 'pipe',
      env: { ...process.env, ...env },
    });
    leash(this.#process);
    createInterface(this.#process.stdout!).on('line', (line) => this.#take(line));
    // LMDB tells there by itself what it cannot write.
    this.#process.stderr!.setEncoding('utf8').on('data', (text: string) => (this.stderr += text));
  }

  #take(line: string): void {
    const [word, number] = line.split(' ');
    if (word === 'done') this.acknowledged = Number(number);
    else this.lines.push(line);
  }

  /** Waits until it has said a line that begins so, after the first `from` lines. */
  said(line: string, from = 0): Promise<string> {
    return eventually(`it says ${line}`, () => this.lines.slice(from).find((other) => other.startsWith(line)), {
      otherwise: () => this.tail(),
    });
  }

  /** Waits until so many more groups are on the disk. */
  async writes(groups: number): Promise<void> {
    const wanted = this.acknowledged + groups;
    await eventually(`group ${wanted} is done`, () => this.acknowledged >= wanted, { otherwise: () => this.tail() });
  }

  tell(command: 'drain' | 'close' | 'ticks'): void {
    this.#process.stdin!.write(`${command}\n`);
  }

  async close(): Promise<void> {
    this.tell('close');
    await this.said('closed');
    await this.kill();
  }

  async kill(): Promise<void> {
    const closed = once(this.#process, 'close');
    this.#process.kill('SIGKILL');
    await closed;
  }

  /** Waits until something else has killed it. */
  async killed(): Promise<void> {
    await eventually('it is killed', () => !this.running, { otherwise: () => this.tail() });
  }

  get running(): boolean {
    return this.#process.exitCode === null && this.#process.signalCode === null;
  }

  tail(): string {
    return `acknowledged ${this.acknowledged}\n${this.lines.slice(-20).join('\n')}\n${this.stderr.slice(-2_000)}`;
  }
}

/** The groups that a store holds. */
export interface HeldGroups {
  readonly first: number;
  /** -1 when there is none. */
  readonly last: number;
  /** What contradicts the way in which groups are written. */
  readonly problems: readonly string[];
}

/** Reads a store that a writer wrote. @throws StoreDamagedError when it is none */
export function heldGroups(file: string): HeldGroups {
  const records = new Map<number, number>();
  const problems: string[] = [];
  const { damages } = surveyQueueStore(file, (space, _queue, key, record) => {
    if (space !== 3) return;
    if (record.readUInt32BE(4) !== key) problems.push(`record ${key} has the value of another`);
    const group = Math.floor(key / RECORDS_PER_GROUP);
    records.set(group, (records.get(group) ?? 0) + 1);
  });
  const groups = [...records.keys()].sort((a, b) => a - b);
  const [first = 0, last = -1] = [groups[0], groups.at(-1)];
  if (groups.length !== last - first + 1) problems.push(`of the groups ${first} to ${last} there are ${groups.length}`);
  for (const [group, count] of records)
    if (count !== RECORDS_PER_GROUP) problems.push(`group ${group} has ${count} records`);
  return { first, last, problems: [...damages, ...problems] };
}

/** Says what is wrong with a store whose writer had acknowledged a group, or nothing. */
export function whatIsLost(file: string, acknowledged: number, keep = KEEP): string[] {
  const { first, last, problems } = heldGroups(file);
  const wanted = Math.max(0, last - keep + 1);
  return [
    ...problems,
    ...(last < acknowledged ? [`group ${acknowledged} was acknowledged, the last one is ${last}`] : []),
    ...(last >= 0 && first !== wanted ? [`the first group is ${first}, it should be ${wanted}`] : []),
  ];
}
