import * as fc from 'fast-check';
import { FairleadNode } from '../support/fairlead-node';
import { note, seedOf } from '../support/seed';
import { conversations } from './conversations';
import { PLAN, type Plan } from './mutations';
import { connectionsOr, MEMORY_BYTES_MAX } from './limits';
import { MemoryWatch } from './node-memory';
import type { RawClient } from './raw-client';
import { replay } from './replay';
import { SteadyPair } from './steady-pair';

const CONNECTIONS = connectionsOr(3_000);
const AT_ONCE = 48;
/** Half-open ones that stay until the end. */
const LEFT_MAX = 400;

const seed = seedOf(__filename);

interface Run {
  readonly node: FairleadNode;
  readonly plans: readonly Plan[];
  readonly left: RawClient[];
  /** What is under way, told when the node dies. */
  readonly running: Set<number>;
  unreachable: number;
}

/** Takes plans one after the other until there are none, or the node is gone. */
async function work(run: Run, next: () => number, recorded: Awaited<ReturnType<typeof conversations>>): Promise<void> {
  for (let index = next(); index < run.plans.length && run.node.running; index = next()) {
    run.running.add(index);
    try {
      const open = await replay(run.node.amqpPort, run.plans[index] as Plan, recorded);
      if (open !== null && run.left.push(open) > LEFT_MAX) run.left.shift()?.destroy();
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ECONNREFUSED') throw error;
      run.unreachable++;
    }
    if (run.node.running) run.running.delete(index);
  }
}

describe('malformed connections', () => {
  it(`${CONNECTIONS} of them: the node lives, its memory is bounded, a pair beside them notices nothing`, async () => {
    const node = await FairleadNode.start({ document: { site: 'fuzz', mesh: { startHold: '0ms' } } });
    const recorded = await conversations(node.amqpPort);
    const pair = await SteadyPair.start(node.amqpPort, 'topic/steady');
    const memory = new MemoryWatch(node.pid);
    const plans = fc.sample(PLAN, { seed, numRuns: CONNECTIONS });
    const run: Run = { node, plans, left: [], running: new Set(), unreachable: 0 };
    let index = 0;
    await Promise.all(Array.from({ length: AT_ONCE }, () => work(run, () => index++, recorded)));
    const under = [...run.running].map((at) => JSON.stringify(plans[at])).join('\n');
    if (!node.running) throw new Error(`the node died of seed ${seed} under one of\n${under}\n${node.logTail()}`);
    const { sent, received } = await pair.finish();
    expect(pair.complaints).toEqual([]);
    expect(received).toEqual(Array.from({ length: sent }, (_, n) => n));
    const peak = memory.stop();
    expect(peak).toBeLessThan(MEMORY_BYTES_MAX);
    expect(run.unreachable).toBe(0);
    const errors = await protocolErrors(node);
    for (const client of run.left) client.destroy();
    note(
      `${CONNECTIONS} connections, ${errors.total} errors (${errors.text}); ${sent} steady messages; ${peak >> 20} MiB`,
    );
    // Most mutations break something, in many ways.
    expect(errors.total).toBeGreaterThan(CONNECTIONS / 4);
    expect(errors.conditions).toEqual(
      expect.arrayContaining(['amqp:decode-error', 'amqp:connection:framing-error', 'amqp:not-allowed']),
    );
    // Counted all, told few: a bad peer cannot fill the disk.
    const lines = node
      .log()
      .split('\n')
      .filter((line) => line.includes('"event":"protocol-error"'));
    expect(lines.length).toBeGreaterThan(0);
    expect(lines.length).toBeLessThan(CONNECTIONS / 5);
    expect(await node.stop()).toBe(0);
  }, 240_000);
});

async function protocolErrors(node: FairleadNode) {
  const { body } = await node.http('/metrics');
  const matches = [
    ...String(body).matchAll(/^fairlead_protocol_errors_total\{listener="amqp",condition="([^"]+)"\} (\d+)/gm),
  ];
  return {
    total: matches.reduce((sum, [, , count]) => sum + Number(count), 0),
    conditions: matches.map(([, condition]) => condition),
    text: matches.map(([, condition, count]) => `${condition?.replace('amqp:', '')} ${count}`).join(', '),
  };
}
