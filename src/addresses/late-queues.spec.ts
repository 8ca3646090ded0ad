import type { Queue, QueueHost } from '../queues/contract';
import { LateQueues } from './late-queues';
import { defaultPolicy } from './rules';

const QUEUE = '$sub/c/s';
const policy = defaultPolicy('queue');

function setUp(stored: string[] = []): { late: LateQueues; leaving: Set<string>; open(): string } {
  const host = { stored, open: (name: string) => ({ name }) as Queue } as unknown as QueueHost;
  const leaving = new Set<string>();
  const late = new LateQueues(host, (name) => leaving.has(name));
  return { late, leaving, open: () => late.open(QUEUE, policy).name };
}

describe('queues of what comes late', () => {
  it('take it in one until that is closed, then in the next one, and go in order', () => {
    const { late, leaving, open } = setUp();
    expect([late.any, late.first(QUEUE), late.isBehind(QUEUE)]).toEqual([false, null, false]);
    expect([open(), open()]).toEqual([`$late/1/${QUEUE}`, `$late/1/${QUEUE}`]);
    expect(late.isBehind(QUEUE)).toBe(true);
    leaving.add(`$late/1/${QUEUE}`);
    // Nothing more can come into it.
    expect(late.isBehind(QUEUE)).toBe(false);
    expect(open()).toBe(`$late/2/${QUEUE}`);
    expect([late.first(QUEUE), late.isBehind(QUEUE)]).toEqual([`$late/1/${QUEUE}`, true]);
    late.gone(`$late/1/${QUEUE}`);
    late.gone(`$late/2/${QUEUE}`);
    expect(late.any).toBe(false);
  });

  it('are found again, and new ones come behind them', () => {
    const { late, leaving, open } = setUp(['jobs.x', `$late/12/${QUEUE}`, `$late/9/${QUEUE}`, '$late/10/$sub/c/t']);
    late.start();
    expect([...late.subscriptions()].sort()).toEqual([QUEUE, '$sub/c/t']);
    expect(late.first(QUEUE)).toBe(`$late/9/${QUEUE}`);
    leaving.add(`$late/12/${QUEUE}`);
    expect(open()).toBe(`$late/13/${QUEUE}`);
  });
});
