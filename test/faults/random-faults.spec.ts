import { note, randomOf, seedOf } from '../support/seed';
import { FaultyMesh } from './faulty-mesh';
import { RandomFaults } from './random-faults';
import { ORDERS, RULES } from './rules';
import { Workload } from './workload';

const seed = seedOf(__filename);
const random = randomOf(seed);
/** `npm run soak` sets it; in `npm test` a few rounds do. */
const MINUTES = Number(process.env['FAIRLEAD_SOAK_MINUTES'] ?? 0.5);
const ROUND_FAULTS = 6;
const CASE_MS = MINUTES * 60_000 + 180_000;

describe('F30: faults at random', () => {
  it(
    `for ${MINUTES} minutes, on a star of five whose centre is doubled: nothing is lost, doubled or reordered`,
    async () => {
      // Ends w, x and y have clients; either centre may die, so that each end keeps a path or waits for one.
      const edges = ['w', 'x', 'y'].flatMap((end) => [`${end}-b:10`, `${end}-c:15`]);
      edges.push('w-b-2:10');
      const document = { addresses: RULES };
      const faulty = await FaultyMesh.start(['b', 'c', 'w', 'x', 'y'], edges, { document }, random.u32());
      const topic = { address: 'orders.#', wants: ORDERS };
      const work = await Workload.start(
        faulty,
        [
          { at: 'w', by: 'rhea', ...topic },
          { at: 'x', by: 'proton', ...topic },
          { at: 'y', by: 'rhea', ...topic },
          { at: 'y', by: 'proton', address: 'alerts' },
          { at: 'x', by: 'proton', address: 'quote.x', claim: 'share' },
          { at: 'y', by: 'rhea', address: 'quote.x', claim: 'share' },
        ],
        [
          { at: 'w', address: 'topic/orders.new', perSecond: 200 },
          { at: 'x', address: 'topic/orders.old', perSecond: 100, bodyBytes: 3_000 },
          { at: 'w', address: 'alerts', perSecond: 30 },
          { at: 'w', address: 'quote.x', perSecond: 60 },
          { at: 'y', address: 'topic/orders.large', perSecond: 1, bodyBytes: 300_000 },
        ],
      );
      const faults = new RandomFaults(faulty, work, ['b', 'c'], random.u32());
      const end = performance.now() + MINUTES * 60_000;
      let rounds = 0;
      do {
        note(`round ${++rounds}, ${work.sent} messages so far`);
        await faults.round(ROUND_FAULTS);
      } while (performance.now() < end);
      note(`${rounds} rounds, ${work.sent} messages`);
      await work.close();
    },
    CASE_MS,
  );
});
