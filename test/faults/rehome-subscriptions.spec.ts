import { DRAINING, QUEUES, SUBSCRIPTIONS } from '../../src/management/schemas';
import { fairlead } from '../support/command';
import { eventually } from '../support/eventually';
import { note, randomOf, seedOf } from '../support/seed';
import { FaultyMesh } from './faulty-mesh';
import { KilledMoves } from './killed-moves';
import { QueueWork } from './queue-work';
import { lengthOf } from './row-length';
import { type LedgerSubscription, SubscriptionWork } from './subscription-work';

const random = randomOf(seedOf(__filename));
/** Moves, each with a kill somewhere within it; and how long one takes about. */
const KILLS = lengthOf('F2', 4, 60);
const CASE_MS = 240_000 + KILLS * 30_000;
const MOVE_MS = 700;
const WITHIN_MS = 120_000;

const NODES = ['a', 'b', 'c'];
const SOLO = '$sub/solo/inbox';
const TEAM = '$sub//team';

describe('durable subscriptions that move between nodes with publishers everywhere', () => {
  let faulty: FaultyMesh;
  let work: SubscriptionWork;
  let moves: KilledMoves;
  let queues: QueueWork;
  let solo: LedgerSubscription;
  /** Nobody consumes it before all is over. */
  let late: LedgerSubscription;

  beforeAll(async () => {
    const addresses = [{ match: 'jobs.#', kind: 'queue' as const, home: 'b' }];
    faulty = await FaultyMesh.start(NODES, ['a-b', 'b-c', 'a-c'], { document: { addresses } }, random.u32());
    moves = new KilledMoves(faulty, { nodes: NODES, random, moveMs: MOVE_MS, homeOf: (queue) => homeOf(queue) });
    work = new SubscriptionWork(faulty, 'topic/orders.x');
    solo = await work.subscribe('inbox', 'solo', 'b');
    const team = await work.subscribe('team', null, 'b');
    late = await work.subscribe('late', 'archive', 'b');
    await solo.consume('c').ready();
    for (const node of ['a', 'b']) await team.consume(node).ready();
    for (const node of NODES) await work.publish(node, 60);
    queues = await QueueWork.start(
      faulty,
      [{ at: 'a', address: 'queue/jobs.x' }],
      [{ at: 'c', address: 'queue/jobs.x', perSecond: 40 }],
    );
    await work.progress();
  }, CASE_MS);

  afterAll(() => {
    work.drop();
    queues.drop();
  });

  /** Where one lives by the word of a node. */
  async function homeOf(queue: string, by = 'b'): Promise<string> {
    const { body } = await faulty.node(by).http('/api/v1/subscriptions');
    const rows = SUBSCRIPTIONS.parse(body).subscriptions;
    return rows.find(({ name, client }) => `$sub/${client ?? ''}/${name}` === queue)?.home ?? '';
  }

  it(
    `lose, double and reorder nothing when any node is killed meanwhile, ${KILLS} times`,
    async () => {
      for (let n = 0; n < KILLS; n++) {
        const queue = n % 2 === 0 ? SOLO : TEAM;
        const from = await homeOf(queue);
        const to = NODES.filter((name) => name !== from)[random.below(NODES.length - 1)] as string;
        await moves.cutOff(queue, to);
        await work.progress();
        await moves.complete(queue, to);
      }
      await faulty.heal();
      await work.progress();
    },
    CASE_MS,
  );

  it(
    'leave a node that is evacuated, with its queues, and nothing of them is left there',
    async () => {
      for (const queue of [SOLO, TEAM, '$sub/archive/late']) await moves.complete(queue, 'b');
      const evacuated = async (): Promise<readonly string[]> => {
        const { code, stdout, stderr } = await fairlead('drain', '--evacuate', '--json', ...moves.api('b'));
        // What came by another move a moment ago may not be whole yet.
        if (code !== 0 && stderr.includes('try again')) return evacuated();
        expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
        return DRAINING.parse(JSON.parse(stdout)).queues.map((row) => `${row.queue} ${row.state}`);
      };
      expect([...(await evacuated())].sort()).toEqual(
        ['jobs.x', SOLO, TEAM, '$sub/archive/late'].map((queue) => `${queue} moved`).sort(),
      );
      await eventually('it has ended', () => !faulty.node('b').running, { withinMs: WITHIN_MS });
      for (const queue of [SOLO, TEAM, '$sub/archive/late']) expect(await homeOf(queue, 'a')).not.toBe('b');
      await faulty.node('b').start();
      await work.progress();
      await queues.progress();
      await late.consume('b').ready();
      await work.settle();
      await queues.settle();
      note(work.summary());
      const { body } = await faulty.node('b').http('/api/v1/queues');
      const mine = QUEUES.parse(body).queues.filter(({ home, here }) => home === 'b' || here !== null);
      expect(mine).toEqual([]);
    },
    CASE_MS,
  );
});
