import { SUBSCRIPTIONS } from '../../src/management/schemas';
import { RCV } from '../support/clients/client';
import { CLIENT_NAMES, startClient } from '../support/clients/foreign-clients';
import { eventually } from '../support/eventually';
import { bodyOf, deliveryCountOf, put, take } from '../support/queue-messages';
import { note, randomOf, seedOf } from '../support/seed';
import { FaultyMesh } from './faulty-mesh';
import { pause } from './pause';
import { lengthOf } from './row-length';
import { type LedgerSubscription, SubscriptionWork } from './subscription-work';

const random = randomOf(seedOf(__filename));
const KILLS = lengthOf('F2', 4, 100);
const CASE_MS = 180_000 + KILLS * 10_000;
const DOWN_MS_MAX = 1_000;
const ALL_AT_ONCE = 6;

const NODES = ['a', 'b', 'c'];
const HOME = 'b';
const ADDRESS = 'topic/orders.x';

describe('durable subscriptions in a line (publishers at its ends, homes at a and b)', () => {
  let faulty: FaultyMesh;
  let work: SubscriptionWork;
  let solo: LedgerSubscription;
  /** Nobody consumes it before all is over. */
  let late: LedgerSubscription;

  beforeAll(async () => {
    faulty = await FaultyMesh.line(NODES, {}, random.u32());
    work = new SubscriptionWork(faulty, ADDRESS);
    solo = await work.subscribe('inbox', 'solo', HOME);
    const team = await work.subscribe('team', null, 'a');
    late = await work.subscribe('late', 'archive', HOME);
    await solo.consume('c').ready();
    for (const node of ['a', 'c']) await team.consume(node).ready();
    await work.publish('a', 120);
    await work.publish('c', 60);
    await work.progress();
  }, CASE_MS);

  afterAll(() => work.drop());

  const homes = async (): Promise<string[][]> =>
    Promise.all(
      NODES.map(async (name) => {
        const { body } = await faulty.node(name).http('/api/v1/subscriptions');
        return SUBSCRIPTIONS.parse(body)
          .subscriptions.map((row) => `${row.name} ${row.client} ${row.home}`)
          .sort();
      }),
    );

  it(
    `F1, F2, F14: ${KILLS} kills of home, ingress and the subscriber's node cost nothing that was accepted`,
    async () => {
      for (let n = 0; n < KILLS; n++) {
        await pause(random.below(DOWN_MS_MAX));
        const doomed = random.below(ALL_AT_ONCE) === 0 ? NODES : [NODES[random.below(NODES.length)] as string];
        await Promise.all(doomed.map((name) => faulty.node(name).kill()));
        await pause(random.below(DOWN_MS_MAX));
        await Promise.all(doomed.map((name) => faulty.node(name).start()));
        await work.progress();
      }
      await faulty.heal();
      await late.consume('c').ready();
      await work.settle();
      note(work.summary());
      expect(late.ledger.redelivered).toBe(0);
      work.resume();
    },
    CASE_MS,
  );

  it(
    'F40: a client that roams during a partition is told so, is served after the heal, and leaves no twin',
    async () => {
      const before = await homes();
      solo.leave();
      await faulty.link('a-b').cut();
      await eventually('a knows it', async () => (await faulty.node('a').nodes()).some(({ reachable }) => !reachable));
      const roaming = solo.consume('a');
      await eventually('it is refused', () => (roaming.cuts.get('fairlead:unreachable') ?? 0) > 2, {
        otherwise: () => JSON.stringify([...roaming.cuts]),
      });
      expect(roaming.attached).toBe(false);
      await faulty.heal();
      await roaming.ready();
      await work.progress();
      expect(await homes()).toEqual(before);
      expect(new Set((await homes()).map((rows) => rows.join())).size).toBe(1);
      await work.settle();
      note(work.summary());
    },
    CASE_MS,
  );

  it.each(CLIENT_NAMES)(
    'F13: what a %s client held when it died comes again, marked, wherever it comes back',
    async (name) => {
      const options = { address: `topic/held.${name}`, name: 'inbox', durable: true, prefetch: 0, rcv: RCV.second };
      const container = `dying-${name}`;
      const dying = await startClient(name);
      const there = await dying.connect(faulty.node('c').amqpPort, { container });
      const consumer = await there.openReceiver(options);
      const other = await startClient(name);
      const writer = await other.connect(faulty.node('a').amqpPort);
      await put(await writer.openSender({ address: options.address }), ['one', 'two', 'three']);
      const [one] = await take(consumer, 2);
      one?.accept();
      await one?.settledByNode;
      await dying.kill();
      const back = await other.connect(faulty.node('a').amqpPort, { container });
      const again = await take(await back.openReceiver(options), 2);
      expect(again.map((delivery) => `${bodyOf(delivery)} ${deliveryCountOf(delivery)}`)).toEqual(['two 1', 'three 0']);
      await other.close();
    },
    CASE_MS,
  );
});
