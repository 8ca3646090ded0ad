import { readFileSync } from 'node:fs';
import { QUEUES } from '../../src/management/schemas';
import { eventually } from '../support/eventually';
import { FairleadNode } from '../support/fairlead-node';
import { putIntoAll, takeFromAll } from '../support/queue-load';
import { note } from '../support/seed';
import { lengthOf } from './row-length';

/** `npm run soak -- --row QUEUES`: as many as a node may have, but for the ones of others. */
const MANY = lengthOf('QUEUES', 300, 9_990);
const FEW = 3;
const FEW_BYTES = 1_000;
/** `npm run soak -- --row BACKLOG`. */
const DEEP = lengthOf('BACKLOG', 10, 50);
const EACH = lengthOf('BACKLOG', 2_000, 100_000);
const EACH_BYTES = 100;
const CASE_MS = 600_000 + lengthOf('BACKLOG', 0, 1_200_000);
const MEMORY_MAX = 400 * 1024 ** 2;
const LOOK_MS = 200;
const SETTLE_MS = 120_000;

/** Anonymous memory of a process: without pages of files, which the system may take back. One that is ending has none. */
function memoryOf(pid: number): number {
  return Number(/^RssAnon:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1] ?? 0) * 1024;
}

/** A node with queues by rule, and the figures of what is done with it. */
class ManyQueues {
  readonly addresses: readonly string[];
  readonly #names: readonly string[];
  readonly #figures: string[] = [];
  #greatest = 0;

  private constructor(
    readonly node: FairleadNode,
    count: number,
  ) {
    this.#names = Array.from({ length: count }, (_, n) => `jobs.${n}`);
    this.addresses = this.#names.map((name) => `queue/${name}`);
  }

  static async start(count: number): Promise<ManyQueues> {
    const document = { site: 'a', addresses: [{ match: 'jobs.#', kind: 'queue' as const }] };
    return new ManyQueues(await FairleadNode.start({ document }), count);
  }

  /** Does it, and notes how long that takes and what memory the node has at most. */
  async timed(what: string, act: () => Promise<void>): Promise<void> {
    const from = performance.now();
    let memory = 0;
    const look = (): void => {
      if (this.node.running) memory = Math.max(memory, memoryOf(this.node.pid));
    };
    const timer = setInterval(look, LOOK_MS);
    try {
      await act();
    } finally {
      clearInterval(timer);
    }
    look();
    this.#greatest = Math.max(this.#greatest, memory);
    const seconds = ((performance.now() - from) / 1_000).toFixed(1);
    this.#figures.push(`${what} ${seconds} s, up to ${(memory / 2 ** 20).toFixed(0)} MiB`);
  }

  /** Every queue is shown with so many messages, and no other queue. */
  async shows(depth: number): Promise<void> {
    let seen = '';
    const isShown = async (): Promise<boolean> => {
      const from = performance.now();
      const { body } = await this.node.http('/api/v1/queues');
      const tookMs = performance.now() - from;
      const { queues } = QUEUES.parse(body);
      const right = queues.filter(({ name, here }) => name.startsWith('jobs.') && here?.depth === depth);
      seen = `${right.length} of ${queues.length} queues have ${depth}, listed in ${tookMs.toFixed(0)} ms`;
      return right.length === this.#names.length && queues.length === right.length;
    };
    await eventually('each queue has its messages', isShown, { withinMs: SETTLE_MS, otherwise: () => seen });
    this.#figures.push(seen);
  }

  /** Fills all, kills the node, and takes all from its next life. */
  async passes(each: number, bytes: number): Promise<void> {
    await this.timed('restart before', () => this.node.restart('kill'));
    await this.timed('put', () => putIntoAll(this.node.amqpPort, this.addresses, each, bytes));
    await this.shows(each);
    await this.timed('restart after a kill', () => this.node.restart('kill'));
    await this.shows(each);
    await this.timed('take', () => takeFromAll(this.node.amqpPort, this.addresses, each));
    await this.shows(0);
    await this.timed('restart of empty ones', () => this.node.restart('kill'));
    note(this.#figures.join('; '));
    expect(this.#greatest).toBeLessThan(MEMORY_MAX);
    expect(await this.node.stop()).toBe(0);
  }
}

it(
  `QUEUES: ${MANY} queues with ${FEW} messages each outlive a kill of their node`,
  async () => (await ManyQueues.start(MANY)).passes(FEW, FEW_BYTES),
  CASE_MS,
);

it(
  `BACKLOG: ${DEEP} queues with ${EACH} messages each outlive a kill of their node, within its memory`,
  async () => (await ManyQueues.start(DEEP)).passes(EACH, EACH_BYTES),
  CASE_MS,
);
