import { note, randomOf, seedOf } from '../support/seed';
import { FaultyMesh } from './faulty-mesh';
import { pause } from './pause';
import { QueueWork } from './queue-work';
import { lengthOf } from './row-length';

const seed = seedOf(__filename);
const random = randomOf(seed);
/** `npm run soak -- --row F33` does them all. */
const KILLS = lengthOf('F33', 12, 200);
const PARTITION_MS = lengthOf('F33', 5_000, 60_000);
const CASE_MS = 240_000 + KILLS * 10_000;
const DOWN_MS_MAX = 1_500;
/** One of so many kills ends all nodes at once. */
const ALL_AT_ONCE = 6;

const NODES = ['a', 'b', 'c'];
const RULES = [
  { match: 'jobs.#', kind: 'queue', home: 'c' },
  { match: 'spooled.#', kind: 'queue', home: 'c', custody: 'ingress' },
] as const;

describe('queues at the end of a line (a and b before their home c)', () => {
  let faulty: FaultyMesh;
  let work: QueueWork;

  beforeAll(async () => {
    faulty = await FaultyMesh.start(NODES, ['a-b', 'b-c'], { document: { addresses: [...RULES] } }, random.u32());
    work = await QueueWork.start(
      faulty,
      [
        { at: 'c', address: 'queue/jobs.x' },
        { at: 'a', address: 'queue/jobs.x', by: 'proton' },
        { at: 'a', address: 'queue/spooled.y' },
        { at: 'b', address: 'queue/spooled.y', by: 'proton' },
        // In order, for nobody else takes from them.
        { at: 'b', address: 'queue/jobs.one' },
        { at: 'c', address: 'queue/spooled.one', by: 'proton' },
      ],
      [
        { at: 'a', address: 'queue/jobs.x', perSecond: 200 },
        { at: 'c', address: 'queue/jobs.x', perSecond: 100, bodyBytes: 2_000 },
        { at: 'a', address: 'queue/spooled.y', perSecond: 100 },
        { at: 'a', address: 'queue/jobs.one', perSecond: 50 },
        { at: 'b', address: 'queue/spooled.one', perSecond: 50 },
      ],
    );
  }, CASE_MS);

  afterEach(async () => {
    await faulty.heal();
    await work.settle();
    note(work.ledger.summary());
  }, CASE_MS);

  afterAll(() => work.drop());

  it(
    `F1, F2, F13, F14, F33: nothing accepted is lost and nothing settled returns in ${KILLS} kills of home, ingress and transit`,
    async () => {
      work.resume();
      for (let n = 0; n < KILLS; n++) {
        await pause(random.below(DOWN_MS_MAX));
        const doomed = random.below(ALL_AT_ONCE) === 0 ? NODES : [NODES[random.below(NODES.length)] as string];
        await Promise.all(doomed.map((name) => faulty.node(name).kill()));
        await pause(random.below(DOWN_MS_MAX));
        await Promise.all(doomed.map((name) => faulty.node(name).start()));
        await work.progress();
      }
    },
    CASE_MS,
  );

  it(
    `F8: a partition of ${PARTITION_MS} ms: custody at the ingress goes on accepting, and nothing is lost`,
    async () => {
      work.resume();
      await faulty.link('a-b').cut();
      const spooled = work.senders.find(({ options }) => options.address === 'queue/spooled.y');
      const before = spooled?.sent ?? 0;
      await pause(PARTITION_MS);
      expect((spooled?.sent ?? 0) - before).toBeGreaterThan(100);
      await faulty.heal();
      await work.progress();
    },
    CASE_MS,
  );

  it(
    'F2: after a restart of all nodes at once the queues hold what was not settled, and nothing else',
    async () => {
      await Promise.all(NODES.map((name) => faulty.node(name).kill()));
      await Promise.all(NODES.map((name) => faulty.node(name).start()));
      await work.nothingLeft();
    },
    CASE_MS,
  );
});
