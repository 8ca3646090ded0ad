import { check, describeViolations } from '../support/checker';
import { eventually } from '../support/eventually';
import { Ledger } from '../support/ledger';
import { LedgerReceiver } from '../support/ledger-receiver';
import { LedgerSender } from '../support/ledger-sender';
import { ProtonReceiver } from '../support/proton-receiver';
import { randomOf, seedOf } from '../support/seed';
import { FaultyMesh } from './faulty-mesh';
import { dropped } from './metrics';
import { ORDERS, RULES } from './rules';
import { Workload } from './workload';

const random = randomOf(seedOf(__filename));
const CASE_MS = 90_000;
const HELD = 120;
const ADDRESS = 'topic/orders.new';

describe('F8: a ring of four', () => {
  it(
    'is partitioned and healed in every other order',
    async () => {
      const links = ['a-b', 'b-c', 'c-d', 'd-a'];
      const faulty = await FaultyMesh.start(
        ['a', 'b', 'c', 'd'],
        links,
        { document: { addresses: RULES } },
        random.u32(),
      );
      const topic = { address: 'orders.#', wants: ORDERS };
      const work = await Workload.start(
        faulty,
        [
          { at: 'a', by: 'rhea', ...topic },
          { at: 'b', by: 'proton', ...topic },
          { at: 'c', by: 'rhea', ...topic },
          { at: 'd', by: 'proton', ...topic },
          { at: 'c', by: 'proton', address: 'alerts' },
        ],
        [
          { at: 'a', address: 'topic/orders.new', perSecond: 200 },
          { at: 'c', address: 'topic/orders.old', perSecond: 200 },
          { at: 'a', address: 'alerts', perSecond: 50 },
        ],
      );
      for (const [first, second] of [
        ['a-b', 'c-d'],
        ['d-a', 'b-c'],
        ['a-b', 'd-a'],
      ] as const) {
        await faulty.link(first).cut();
        await faulty.link(second).cut();
        await eventually('the mesh is apart', async () =>
          (await faulty.node('a').nodes()).some(({ reachable }) => !reachable),
        );
        await faulty.link(random.chance(0.5) ? first : second).heal();
        await work.progress();
        await faulty.heal();
      }
      await work.healAndSettle();
      await work.close();
    },
    CASE_MS,
  );
});

describe('F31: a line whose far end is away', () => {
  let faulty: FaultyMesh;
  let ledger: Ledger;
  let sender: LedgerSender;
  let near: ProtonReceiver;

  /** Both receiving clients at c, from now on. */
  async function farReceivers(life: number): Promise<readonly [LedgerReceiver, ProtonReceiver]> {
    const options = { port: faulty.node('c').amqpPort, address: ADDRESS, ledger };
    const rhea = await LedgerReceiver.attach({ ...options, name: `rhea-${life}` });
    return [rhea, await ProtonReceiver.attach({ ...options, name: `proton-${life}` })];
  }

  const arrived = (last: number, ...receivers: readonly { record: LedgerReceiver['record'] }[]): Promise<unknown> =>
    eventually('messages arrive', () => receivers.every(({ record }) => record.arrivals.at(-1)?.seq === last), {
      otherwise: () => faulty.mesh.logTails(),
    });

  /** Messages of which the far end is not told; all others get them. */
  async function sendIntoCut(): Promise<void> {
    await faulty.link('b-c').cut();
    await sender.send(HELD);
    await sender.answered();
    await arrived(sender.sent - 1, near);
  }

  beforeEach(async () => {
    const document = { mesh: { partitionHold: '4s' } };
    faulty = await FaultyMesh.line(['a', 'b', 'c'], { document }, random.u32());
    ledger = new Ledger();
    near = await ProtonReceiver.attach({ name: 'near', port: faulty.node('b').amqpPort, address: ADDRESS, ledger });
    sender = await new LedgerSender({
      name: 's',
      port: faulty.node('a').amqpPort,
      address: ADDRESS,
      ledger,
      perSecond: 0,
    }).ready();
  }, CASE_MS);

  afterEach(async () => {
    await sender.close();
    await near.close();
    await Promise.all([...faulty.mesh.nodes.values()].map((node) => node.dispose()));
  }, CASE_MS);

  it(
    'for less than the hold: gets everything',
    async () => {
      const far = await farReceivers(1);
      await sendIntoCut();
      await faulty.heal();
      await arrived(sender.sent - 1, near, ...far);
      expect(describeViolations(check(ledger))).toEqual([]);
      expect(await dropped(faulty.node('a'), 'unreachable')).toBe(0);
      for (const receiver of far) await receiver.close();
    },
    CASE_MS,
  );

  it(
    'for longer than the hold: what is missing is counted, the gap is told, and streams begin afresh',
    async () => {
      const far = await farReceivers(1);
      await sender.send(10);
      await arrived(9, near, ...far);
      await sendIntoCut();
      const node = faulty.node('a');
      await eventually('the hold ends', async () => (await dropped(node, 'unreachable')) > 0);
      const givenUp = await dropped(node, 'unreachable');
      // c is no target any more: nothing is held for it, and each message is counted at once.
      await sender.send(5);
      await arrived(sender.sent - 1, near);
      expect(await dropped(node, 'unreachable')).toBe(givenUp + 5);
      // What arrived just before the cut may not be acknowledged yet.
      expect(givenUp).toBeGreaterThanOrEqual(HELD);
      expect(givenUp).toBeLessThanOrEqual(HELD + 10);
      await faulty.heal();
      await eventually('c hears of the gap', () => faulty.node('c').log().includes('"gap"'));
      const from = sender.sent;
      await eventually('c is a target again', async () => {
        await sender.send(1);
        return far.every(({ record }) => (record.arrivals.at(-1)?.seq ?? 0) >= from);
      });
      await arrived(sender.sent - 1, near, ...far);
      // Each of the two lost exactly what was sent between the cut and its return, and nothing else.
      const lost = check(ledger).map(({ kind, receiver, seq }) => `${kind} ${receiver} ${seq}`);
      const firstBack = Math.max(...far.map(({ record }) => record.arrivals.find(({ seq }) => seq >= 10)?.seq ?? 0));
      const missing = Array.from({ length: firstBack - 10 }, (_, n) => n + 10);
      expect(lost).toEqual(far.flatMap(({ name }) => missing.map((seq) => `lost ${name} ${seq}`)));
      // b had nothing for c, but had given it up too.
      expect([...far[0].gaps]).toEqual([[10, { a: givenUp, b: null }]]);
      for (const receiver of far) await receiver.close();
    },
    CASE_MS,
  );

  it.each([
    ['within the hold', 'peerRestarted'],
    ['beyond the hold', 'unreachable'],
  ] as const)(
    'restarted %s: what was held for its former life is counted as %s',
    async (when, reason) => {
      await farReceivers(1);
      await sendIntoCut();
      await faulty.node('c').kill();
      const node = faulty.node('a');
      if (when === 'beyond the hold') await eventually('the hold ends', async () => (await dropped(node, reason)) > 0);
      await faulty.node('c').start();
      await faulty.heal();
      await eventually('what was held is counted', async () => (await dropped(node, reason)) === HELD, {
        otherwise: () => faulty.mesh.logTails(),
      });
      const far = await farReceivers(2);
      await sender.send(HELD);
      await sender.answered();
      await arrived(sender.sent - 1, near, ...far);
      expect(describeViolations(check(ledger))).toEqual([]);
      for (const other of ['peerRestarted', 'unreachable'])
        expect([other, await dropped(node, other)]).toEqual([other, other === reason ? HELD : 0]);
      for (const receiver of far) await receiver.close();
    },
    CASE_MS,
  );
});
