import type { Fault } from './fault-plan';
import { runPlan } from './run';
import { consumer, LINE_OF_3, planOfScene, publisher } from './scenes';

const ALL_KINDS = {
  publishers: [publisher(0, 't.x'), publisher(0, 'm.x', { everyMs: 60 }), publisher(3, 'a.x', { everyMs: 60 })],
  consumers: [consumer(2, 't.x'), consumer(0, 'm.x'), consumer(3, 'm.x'), consumer(0, 'a.x'), consumer(1, 't.x')],
};

/** A ring of six with two chords: a partition cuts four wires, whose order of healing can be chosen. */
const RING_OF_6 = [
  [0, 1],
  [1, 2],
  [2, 3],
  [3, 4],
  [4, 5],
  [5, 0],
  [0, 3],
  [1, 4],
] as const;
/** Wires between {0, 1, 2} and {3, 4, 5}. */
const BETWEEN = [2, 5, 6, 7];

describe('F8: the mesh is parted and heals in another order', () => {
  it.each([
    ['the order of the cuts', [0, 1, 2, 3]],
    ['the reverse', [3, 2, 1, 0]],
    ['another', [2, 0, 3, 1]],
  ])('%s', (_name, order) => {
    const faults: Fault[] = BETWEEN.map((wire, n) => ({
      kind: 'cut',
      wire,
      at: 3_000 + n * 150,
      forMs: 2_000 + order.indexOf(n) * 700,
    }));
    const { problems, occurrences } = runPlan(
      planOfScene({ nodes: 6, wires: RING_OF_6, ...ALL_KINDS, faults, healAt: 9_000 }),
    );
    expect(problems).toEqual([]);
    expect(occurrences.holds).toBeGreaterThan(0);
  });
});

describe('F31: a cut longer than the hold, and restarts inside and beyond it', () => {
  const HOLD_MS = 4_000;
  const clients = { publishers: [publisher(0, 't.x')], consumers: [consumer(2, 't.x')] };
  const scene = { nodes: 3, wires: LINE_OF_3, ...clients, limits: { partitionHoldMs: HOLD_MS }, healAt: 22_000 };
  const cut = (forMs: number): Fault => ({ kind: 'cut', wire: 1, at: 3_000, forMs });
  const restart = (at: number): Fault => ({ kind: 'restart', node: 2, loseDisk: false, at, forMs: 200 });

  it('counts every message that is given up, tells the gap, and goes on afresh', () => {
    const { problems, world, occurrences } = runPlan(planOfScene({ ...scene, faults: [cut(12_000)] }));
    expect(problems).toEqual([]);
    expect(occurrences.gapEvents).toBeGreaterThan(0);
    const sent = world.ledger.publishers[0]?.sent ?? [];
    const got = world.ledger.consumers[0]?.got ?? [];
    expect(sent.length - got.length).toBeGreaterThan(0);
    // What had waited until then as well as what was published after it.
    expect(world.node(0).running.counters().dropped).toEqual(new Map([['unreachable', sent.length - got.length]]));
    const missing = sent.map((_, seq) => seq).filter((seq) => !got.some((one) => one.seq === seq));
    expect((missing.at(-1) as number) - (missing[0] as number) + 1).toBe(missing.length);
  });

  it.each([
    [-1, /^G1: of \d+ messages that never came 1 are not counted \(unreachable at n0, life 1: \d+\)/],
    [100, /^G1: \d+ of \d+ messages counted as unreachable at n0, life 1 cannot have been lost so$/],
  ])('is found out when it counts %d more', (more, problem) => {
    const { problems } = runPlan(planOfScene({ ...scene, faults: [cut(12_000)] }), (world) =>
      world.time.at(21_000, () => {
        const dropped = world.node(0).running.counters().dropped as Map<string, number>;
        dropped.set('unreachable', (dropped.get('unreachable') ?? 0) + more);
      }),
    );
    expect(problems).toEqual([expect.stringMatching(problem)]);
  });

  it('inside the hold: what was for the former life is counted as such', () => {
    const { problems, world } = runPlan(planOfScene({ ...scene, faults: [cut(2_500), restart(4_000)] }));
    expect(problems).toEqual([]);
    expect(world.node(0).running.counters().dropped.get('peerRestarted')).toBeGreaterThan(0);
    expect(world.node(0).running.counters().dropped.get('unreachable')).toBeUndefined();
  });

  it('beyond it: nothing of the former life is left to count', () => {
    const { problems, world } = runPlan(planOfScene({ ...scene, faults: [cut(12_000), restart(11_000)] }));
    expect(problems).toEqual([]);
    expect(world.node(0).running.counters().dropped.get('peerRestarted')).toBeUndefined();
    expect(world.node(0).running.counters().dropped.get('unreachable')).toBeGreaterThan(0);
  });
});
