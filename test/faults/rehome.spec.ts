import { fairlead } from '../support/command';
import { eventually } from '../support/eventually';
import { note, randomOf, seedOf } from '../support/seed';
import { FaultyMesh } from './faulty-mesh';
import { pause } from './pause';
import { QueueWork } from './queue-work';

const seed = seedOf(__filename);
const random = randomOf(seed);
const CASE_MS = 240_000;
/** Moves, each with a kill somewhere within it; and how long a move takes about. */
const KILLS = 4;
const MOVE_MS = 600;

const NODES = ['a', 'b', 'c'];
const QUEUE = 'jobs.x';

/** The node where the queue lives, by the word of the first node that runs. */
async function homeOf(faulty: FaultyMesh): Promise<string> {
  const { body } = await faulty.node('b').http('/api/v1/queues');
  const { queues } = body as { queues: readonly { readonly name: string; readonly home: string }[] };
  return queues.find(({ name }) => name === QUEUE)?.home ?? '';
}

describe('a queue that moves between the ends of a line, with clients everywhere', () => {
  let faulty: FaultyMesh;
  let work: QueueWork;

  beforeAll(async () => {
    const addresses = [{ match: 'jobs.#', kind: 'queue' as const, home: 'a' }];
    faulty = await FaultyMesh.start(NODES, ['a-b', 'b-c'], { document: { addresses } }, random.u32());
    work = await QueueWork.start(
      faulty,
      NODES.map((at) => ({ at, address: `queue/${QUEUE}` })),
      [
        { at: 'a', address: `queue/${QUEUE}`, perSecond: 100 },
        { at: 'c', address: `queue/${QUEUE}`, perSecond: 100, bodyBytes: 2_000 },
      ],
    );
  }, CASE_MS);

  afterAll(() => work.drop());

  it(
    `loses, doubles and reorders nothing when any of them is killed meanwhile, ${KILLS} times`,
    async () => {
      for (let n = 0; n < KILLS; n++) {
        const from = await homeOf(faulty);
        const to = from === 'a' ? 'c' : 'a';
        const api = `http://127.0.0.1:${faulty.node(from).httpPort}`;
        const moving = fairlead('queue', 'rehome', QUEUE, to, '--api', api);
        await pause(random.below(MOVE_MS));
        const doomed = faulty.node(NODES[random.below(NODES.length)] as string);
        await doomed.kill();
        await pause(random.below(MOVE_MS));
        await doomed.start();
        // It says that it is there, or cannot: its node may be the one that was killed.
        await moving;
        await work.progress();
        // Whatever was cut off: asked again it comes to pass.
        await eventually(
          `the queue is at ${to}`,
          async () => {
            const home = await homeOf(faulty);
            if (home === to) return true;
            const again = `http://127.0.0.1:${faulty.node(home).httpPort}`;
            await fairlead('queue', 'rehome', QUEUE, to, '--api', again);
            return false;
          },
          { withinMs: 90_000 },
        );
      }
      await faulty.heal();
      await work.settle();
      note(work.ledger.summary());
    },
    CASE_MS,
  );

  it(
    'holds what was not settled, and nothing else, after a restart of all of them',
    async () => {
      await Promise.all(NODES.map((name) => faulty.node(name).kill()));
      await Promise.all(NODES.map((name) => faulty.node(name).start()));
      await work.nothingLeft();
    },
    CASE_MS,
  );
});
