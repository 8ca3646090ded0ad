import { note, randomOf, seedOf } from '../support/seed';
import { FaultyMesh } from './faulty-mesh';
import { KilledMoves } from './killed-moves';
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
  let moves: KilledMoves;

  beforeAll(async () => {
    const addresses = [{ match: 'jobs.#', kind: 'queue' as const, home: 'a' }];
    faulty = await FaultyMesh.start(NODES, ['a-b', 'b-c'], { document: { addresses } }, random.u32());
    moves = new KilledMoves(faulty, { nodes: NODES, random, moveMs: MOVE_MS, homeOf: () => homeOf(faulty) });
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
        const to = (await homeOf(faulty)) === 'a' ? 'c' : 'a';
        await moves.cutOff(QUEUE, to);
        await work.progress();
        await moves.complete(QUEUE, to);
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
