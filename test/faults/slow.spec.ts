import { eventually } from '../support/eventually';
import type { LedgerClient } from '../support/ledger-receiver';
import type { ProtonReceiver } from '../support/proton-receiver';
import type { FaultProxy } from '../support/proxy';
import { note, randomOf, seedOf } from '../support/seed';
import { FaultyMesh } from './faulty-mesh';
import { metricOf, residentMiB } from './metrics';
import { pause } from './pause';
import { isFull, lengthOf } from './row-length';
import { ORDERS, RULES } from './rules';
import { Workload } from './workload';

const random = randomOf(seedOf(__filename));
const CASE_MS = 120_000;
/** Far above what full pools need, far below what a node would hold that keeps everything. */
const GROWTH_MIB_MAX = 150;
const STUCK_MS = lengthOf('F12', 10_000, 180_000);
const BEAT_MS = 2_500;
/** Bytes per second: what comes to nothing, as a connection whose end reads no more. */
const STANDSTILL_RATE = 1;

describe('F10: a link with 250 ms of latency and 100 kB/s', () => {
  it(
    'does not flap, filled to the brim',
    async () => {
      const faulty = await FaultyMesh.line(['a', 'b', 'c'], { document: { addresses: RULES } }, random.u32());
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
  let path: FaultProxy;
  let stuck: ProtonReceiver;
  let others: readonly LedgerClient[];

  async function start(blockFor: string): Promise<void> {
    const addresses = [{ match: 'stuck.#', kind: 'topic' as const, slow: 'block' as const, blockFor }, ...RULES];
    faulty = await FaultyMesh.line(['a', 'b', 'c'], { document: { addresses } }, random.u32());
    path = await faulty.clientProxy('c');
    work = await Workload.start(
      faulty,
      [
        { at: 'c', by: 'proton', address: 'topic/stuck.x', port: path.port },
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
    [stuck] = work.receivers as [ProtonReceiver];
    others = work.receivers.slice(1, 3);
  }

  async function publisherIsHeldUp(): Promise<void> {
    const [publisher] = work.senders as [(typeof work.senders)[0]];
    await eventually('its publisher has no credit', async () => {
      const { sent } = publisher;
      await pause(500);
      return publisher.sent === sent && !publisher.maySend;
    });
  }

  /** The others go on throughout; no node's memory grows by more than its pools. */
  async function lasts(ms: number, before: readonly number[]): Promise<void> {
    for (let waited = 0; waited < ms; waited += BEAT_MS) {
      await pause(BEAT_MS);
      await work.progress(others);
    }
    const growth = memory().map((now, n) => Math.round(now - (before[n] as number)));
    note(`growth in MiB with a stuck receiver: ${growth.join(' ')}`);
    for (const mib of growth) expect(mib).toBeLessThan(GROWTH_MIB_MAX);
  }

  const memory = (): number[] => [...faulty.mesh.nodes.values()].map(residentMiB);

  it(
    'holds up its own address only, in bounded memory, and gets all of it when it reads again',
    async () => {
      await start('10m');
      const before = memory();
      path.rate(STANDSTILL_RATE, ['down']);
      await publisherIsHeldUp();
      await lasts(STUCK_MS, before);
      path.rate(null);
      await work.progress();
      await work.settle();
      await work.close();
    },
    CASE_MS + STUCK_MS,
  );

  it(
    'is let go after blockFor, and its publisher goes on',
    async () => {
      await start('2s');
      stuck.freeze();
      stuck.record.present = false;
      await work.progress();
      await eventually('the node says so', () => faulty.node('c').log().includes('"consumer-slow"'));
      stuck.thaw();
      await eventually('it is told', () => stuck.cut);
      await work.settle();
      await work.close();
    },
    CASE_MS,
  );

  // Only at its full length: a client may be silent for a minute.
  if (isFull('F12'))
    it(
      'is let go when its process stands still for longer than a client may be silent, with all that was kept for it',
      async () => {
        await start('10m');
        const node = faulty.node('c');
        const connections = (): Promise<number> => metricOf(node, 'fairlead_connections', { listener: 'amqp' });
        const [before, connected] = [memory(), await connections()];
        stuck.freeze();
        await publisherIsHeldUp();
        stuck.record.present = false;
        await lasts(STUCK_MS, before);
        await work.progress();
        expect(await connections()).toBe(connected - 1);
        stuck.thaw();
        await eventually('it is told', () => stuck.cut);
        await work.settle();
        await work.close();
      },
      CASE_MS + STUCK_MS,
    );
});
