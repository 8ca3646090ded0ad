import { eventually } from '../support/eventually';
import type { LedgerClient } from '../support/ledger-receiver';
import type { ProtonReceiver } from '../support/proton-receiver';
import { note, randomOf, seedOf } from '../support/seed';
import { FaultyMesh } from './faulty-mesh';
import { residentMiB } from './metrics';
import { pause } from './pause';
import { ORDERS, RULES } from './rules';
import { Workload } from './workload';

const random = randomOf(seedOf(__filename));
const CASE_MS = 120_000;
/** Far above what full pools need, far below what a node would hold that keeps everything. */
const GROWTH_MIB_MAX = 150;
const FROZEN_MS = 10_000;

describe('F10: a link with 250 ms of latency and 100 kB/s', () => {
  it(
    'does not flap, filled to the brim',
    async () => {
      const faulty = await FaultyMesh.start(
        ['a', 'b', 'c'],
        ['a-b', 'b-c'],
        { document: { addresses: RULES } },
        random.u32(),
      );
      const slow = faulty.link('b-c');
      slow.delay(250);
      slow.rate(100_000);
      const work = await Workload.start(
        faulty,
        [
          { at: 'c', by: 'rhea', address: 'orders.#', wants: ORDERS },
          { at: 'c', by: 'proton', address: 'alerts' },
        ],
        [
          { at: 'a', address: 'topic/orders.new', perSecond: 300, bodyBytes: 2_000 },
          { at: 'a', address: 'alerts', perSecond: 20 },
        ],
      );
      const links = async () =>
        (await faulty.node('b').links()).map(({ name, state, since }) => `${name} ${state} ${since}`);
      const before = await links();
      await pause(6_000);
      expect(await links()).toEqual(before);
      const [row] = (await faulty.node('b').links()).filter(({ name }) => name === 'b-c');
      // Control is not behind the data in a socket's buffer: hellos come back in little more than the path takes.
      note(`round trip of the filled link ${Math.round(row?.roundTripMs ?? -1)} ms`);
      slow.rate(null);
      await work.progress();
      await work.settle();
      expect(await links()).toEqual(before);
      await work.close();
    },
    CASE_MS,
  );
});

describe('F12 and F38: a receiver that stops reading', () => {
  let faulty: FaultyMesh;
  let work: Workload;
  let frozen: ProtonReceiver;
  let others: readonly LedgerClient[];

  async function start(blockFor: string): Promise<void> {
    const addresses = [{ match: 'stuck.#', kind: 'topic' as const, slow: 'block' as const, blockFor }, ...RULES];
    faulty = await FaultyMesh.start(['a', 'b', 'c'], ['a-b', 'b-c'], { document: { addresses } }, random.u32());
    work = await Workload.start(
      faulty,
      [
        { at: 'c', by: 'proton', address: 'topic/stuck.x' },
        { at: 'c', by: 'rhea', address: 'orders.#', wants: ORDERS },
        { at: 'c', by: 'proton', address: 'quote.x', claim: 'share' },
        { at: 'b', by: 'proton', address: 'topic/stuck.x' },
      ],
      [
        { at: 'a', address: 'topic/stuck.x', perSecond: 3_000, bodyBytes: 2_000 },
        { at: 'a', address: 'topic/orders.new', perSecond: 300 },
        { at: 'c', address: 'topic/orders.old', perSecond: 100 },
        { at: 'a', address: 'quote.x', perSecond: 100 },
      ],
    );
    [frozen] = work.receivers as [ProtonReceiver];
    others = work.receivers.slice(1, 3);
  }

  it(
    'holds up its own address only, in bounded memory, and gets all of it when it reads again',
    async () => {
      await start('10m');
      const nodes = [...faulty.mesh.nodes.values()];
      const memory = () => nodes.map(residentMiB);
      const before = memory();
      frozen.freeze();
      const [stuck] = work.senders;
      await eventually('its publisher has no credit', async () => {
        const { sent } = stuck as (typeof work.senders)[0];
        await pause(500);
        return stuck?.sent === sent && !stuck.maySend;
      });
      for (let waited = 0; waited < FROZEN_MS; waited += 2_500) {
        await pause(2_500);
        await work.progress(others);
      }
      const growth = memory().map((now, n) => Math.round(now - (before[n] as number)));
      note(`growth in MiB with a stuck receiver: ${growth.join(' ')}`);
      for (const mib of growth) expect(mib).toBeLessThan(GROWTH_MIB_MAX);
      frozen.thaw();
      await work.progress();
      await work.settle();
      await work.close();
    },
    CASE_MS,
  );

  it(
    'is let go after blockFor, and its publisher goes on',
    async () => {
      await start('2s');
      frozen.freeze();
      frozen.record.present = false;
      await work.progress();
      await eventually('the node says so', () => faulty.node('c').log().includes('"consumer-slow"'));
      frozen.thaw();
      await eventually('it is told', () => frozen.cut);
      await work.settle();
      await work.close();
    },
    CASE_MS,
  );
});
