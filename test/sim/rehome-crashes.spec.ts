import { OUTCOME } from '../../src/streams/contract';
import type { Fault } from './fault-plan';
import { runPlan, type RunReport } from './run';
import { planOfScene, publisher, receiver, type Scene } from './scenes';
import type { World } from './world';

/** Old home, new home, and two nodes that clients are at; everything goes by the one in the middle. */
const [OLD, NEW, INGRESS, TRANSIT] = [0, 1, 2, 3];
const STAR = [
  [OLD, TRANSIT],
  [NEW, TRANSIT],
  [INGRESS, TRANSIT],
] as const;
const FROM_MS = 2_600;
const HEAL_MS = 4_200;
const MOVE: Fault = { kind: 'rehome', queue: 'q.0', to: NEW, at: FROM_MS, forMs: 1_500 };

function run(scene: Partial<Scene>, script?: (world: World) => void): RunReport {
  const queues = [{ name: 'q.0', home: OLD }];
  return runPlan(planOfScene({ nodes: 4, wires: STAR, queues, healAt: HEAL_MS, ...scene }), script);
}

const CLIENTS: Partial<Scene> = {
  publishers: [
    publisher(INGRESS, 'q.0', { everyMs: 15 }),
    publisher(OLD, 'q.0', { everyMs: 20 }),
    publisher(NEW, 'q.0', { everyMs: 25, large: 0.05, largeBytesMax: 200_000 }),
  ],
  receivers: [
    receiver(INGRESS, 'q.0', { credit: 5, settleAfterMs: 7, confirms: true }),
    receiver(NEW, 'q.0', { credit: 2, settleAfterMs: 5, confirms: true }),
    receiver(OLD, 'q.0', { credit: 1, settleAfterMs: 3, confirms: true }),
  ],
};

/** Where every node that lives finds the queue when all is over. */
function homes({ world }: RunReport): ReadonlySet<string> {
  return new Set(world.nodes.flatMap((node) => [...node.running.queueHomes()].map(([, home]) => home)));
}

function outcomes({ world }: RunReport): ReadonlySet<number | null> {
  return new Set(
    world.ledger.publishers.flatMap(({ sent, diedAt }) => (diedAt === null ? sent : [])).map((m) => m.outcome),
  );
}

/** A move among other faults: it comes to pass, and nothing is lost, doubled or out of order. */
function expectMoved(report: RunReport): void {
  expect(report.problems).toEqual([]);
  expect(homes(report)).toEqual(new Set(['n1']));
  expect(outcomes(report)).toEqual(new Set([OUTCOME.accepted]));
  for (const node of report.world.nodes) expect(node.running.queues.stored).toEqual(node.name === 'n1' ? ['q.0'] : []);
}

/** What of the move is done at one moment: how far its old home says it is, and who has it on the disk. */
function stateOf({ nodes }: World): string {
  const stored = nodes.filter(({ node }) => node?.queues.stored.includes('q.0')).map(({ name }) => name);
  return [nodes[OLD]?.running.relocation.move('q.0')?.state ?? 'none', ...stored].join(' ');
}

/** Every state of an undisturbed move, with the time when it began; until a kill every run is like that one. */
function timeline(): ReadonlyMap<string, number> {
  const began = new Map<string, number>();
  const report = run({ ...CLIENTS, faults: [MOVE] }, (world) => {
    for (let at = FROM_MS + 0.5; at < HEAL_MS; at++)
      world.time.at(at, () => {
        const state = stateOf(world);
        if (!began.has(state)) began.set(state, Math.floor(at));
      });
  });
  expectMoved(report);
  expect(report.occurrences.confirmed).toBeGreaterThan(100);
  expect(report.occurrences.redelivered).toBe(0);
  expect(report.world.ledger.receivers.map(({ ended }) => ended)).toEqual([null, null, null]);
  return began;
}

describe('a queue that moves under load', () => {
  const began = timeline();
  const times = [...began.values()];
  // Its consumers settle what they have; all of it comes to the disk, is copied, noted, adopted, deleted.
  const [detached = 0, moved = 0] = [began.get('copying n0'), began.get('moved n1')];
  const every = Array.from({ length: Math.ceil((moved + 6 - detached) / 6) }, (_, n) => detached - 3 + n * 6);
  const STEPS = [...new Set([FROM_MS + 1, ...times, ...times.map((at) => at + 1), ...every])].sort((a, b) => a - b);

  it('loses, doubles and reorders nothing, and goes through all states', () => {
    expect([...began.keys()]).toEqual([
      'settling n0',
      'copying n0',
      'finishing n0',
      'finishing n0 n1',
      'finishing n1',
      'moved n1',
    ]);
  });

  describe.each([
    ['its old home', OLD],
    ['its new home', NEW],
    ['the node of its clients', INGRESS],
    ['the node in the middle', TRANSIT],
  ])('while %s is killed', (_who, node) => {
    it.each(STEPS)('at %i ms', (at) => {
      expectMoved(run({ ...CLIENTS, faults: [MOVE, { kind: 'restart', node, loseDisk: false, at, forMs: 300 }] }));
    });
  });

  it.each(STEPS.filter((_, n) => n % 3 === 0))('comes through a cut between the two that begins at %i ms', (at) => {
    expectMoved(run({ ...CLIENTS, faults: [MOVE, { kind: 'partition', side: [NEW], at, forMs: 600 }] }));
  });

  it.each(STEPS.filter((_, n) => n % 3 === 1))('comes through a failing disk of both at %i ms', (at) => {
    const disks = [OLD, NEW].map((node): Fault => ({ kind: 'disk', node, state: 'failed', at, forMs: 50 }));
    const report = run({ ...CLIENTS, faults: [MOVE, ...disks] });
    expect(report.problems).toEqual([]);
    expect(homes(report).size).toBe(1);
  });
});
