import { countAllocations, type AllocationSite } from '../support/allocations';
import { InProcessLine } from '../support/in-process-line';
import { PlainTraffic } from '../support/plain-traffic';

/**
 * Objects on the heap are paid twice, when they are made and when they are collected, so a message makes none. Turns, reads, writes
 * and frames between nodes do, and carry some hundred messages each here: a place in the code counts as one that messages pay for
 * when it allocates at least for every 20th.
 */
const MESSAGES = 100_000;
const WARM_UP = 200_000;
/** All that the credit of one sender lets it have under way. */
const TOGETHER = 2_000;
const PAID_BY_MESSAGES = MESSAGES / 20;
const PER_MESSAGE_MAX = 0.1;
/** Optimised code may be thrown away in one round and not in the next; an object per message is in each. */
const ROUNDS = 3;

/** Nodes in a line with a sender at the first and a receiver at the last. */
async function withTraffic(
  names: readonly string[],
  address: string,
  traffic: PlainTraffic,
  measure: () => Promise<void>,
): Promise<void> {
  const line = await InProcessLine.start(names);
  try {
    await traffic.open(...line.ends, address);
    await measure();
    expect(traffic.refused).toBe(0);
  } finally {
    traffic.close();
    await line.stop();
  }
}

function paidByMessages(sites: readonly AllocationSite[]): AllocationSite[] {
  return sites.filter(({ objects }) => objects >= PAID_BY_MESSAGES);
}

function perMessage(sites: readonly AllocationSite[]): number {
  return paidByMessages(sites).reduce((sum, { objects }) => sum + objects, 0) / MESSAGES;
}

describe('heap allocations', () => {
  it.each([
    ['unsettled', 'topic/x', ['a'], false],
    ['settled', 'topic/x', ['a'], true],
    ['unsettled', 'anycast/x', ['a'], false],
    ['unsettled', 'topic/x', ['a', 'b', 'c'], false],
    ['unsettled', 'anycast/x', ['a', 'b', 'c'], false],
    ['unsettled', 'multicast/x', ['a', 'b', 'c'], false],
  ])(
    'are not paid by %s messages to %s through nodes %j',
    async (_settlement, address, names, settled) => {
      const rounds: (readonly AllocationSite[])[] = [];
      const traffic = new PlainTraffic(settled);
      await withTraffic(names, address, traffic, async () => {
        await traffic.send(WARM_UP, TOGETHER);
        while (rounds.length < ROUNDS && !rounds.some((sites) => perMessage(sites) <= PER_MESSAGE_MAX))
          rounds.push(await countAllocations(() => traffic.send(MESSAGES, TOGETHER)));
      });
      const last = rounds[rounds.length - 1] ?? [];
      // The counter was at work: turns do allocate.
      expect(last.length).toBeGreaterThan(0);
      if (perMessage(last) > PER_MESSAGE_MAX) expect(paidByMessages(last)).toEqual([]);
    },
    240_000,
  );

  it('are seen when every fifth message makes an object', async () => {
    const garbage: unknown[] = [];
    const traffic = new PlainTraffic(false, () => {
      if (traffic.received % 5 === 0) garbage[0] = { made: traffic.received };
    });
    let sites: readonly AllocationSite[] = [];
    await withTraffic(['a'], 'topic/x', traffic, async () => {
      await traffic.send(MESSAGES, TOGETHER);
      sites = await countAllocations(() => traffic.send(MESSAGES, TOGETHER), ['test/']);
    });
    expect(perMessage(sites)).toBeGreaterThan(PER_MESSAGE_MAX);
  }, 240_000);
});
