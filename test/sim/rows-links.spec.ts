import { FRAME } from '../../src/links/contract';
import type { Fault } from './fault-plan';
import { runPlan } from './run';
import { consumer, LINE_OF_3, planOfScene, publisher, RING_OF_4, TRIANGLE } from './scenes';
import type { World } from './world';

/** Cost of the way from one node to another one as the first sees it now. */
function costOf(world: World, from: number, to: number): number {
  const wanted = world.node(to).id;
  return [...world.node(from).running.nodes()].find(({ id }) => id === wanted)?.cost ?? Infinity;
}

function linkStates(world: World): string[] {
  return world.nodes.flatMap(({ running }) =>
    running.links().map(({ name, state, since }) => `${name} ${state} ${since}`),
  );
}

const BOTH_WAYS = {
  publishers: [publisher(0, 't.x'), publisher(0, 'm.x'), publisher(0, 'a.x')],
  consumers: [consumer(2, 't.x'), consumer(2, 'm.x'), consumer(1, 'm.x'), consumer(2, 'a.x')],
};

describe('F5: a link is cut for 1 to 60 s', () => {
  it('reroutes in the same turn where there is another way', () => {
    let before = 0;
    let after = 0;
    const faults: Fault[] = [{ kind: 'cut', wire: 2, at: 3_000, forMs: 3_000 }];
    const plan = planOfScene({
      nodes: 3,
      wires: [
        [0, 1],
        [1, 2],
        [2, 0],
      ],
      ...BOTH_WAYS,
      faults,
    });
    const { problems, occurrences } = runPlan(plan, (world) => {
      world.time.at(2_990, () => (before = costOf(world, 0, 2)));
      world.time.at(3_000.001, () => (after = costOf(world, 0, 2)));
    });
    expect(problems).toEqual([]);
    expect([before, after]).toEqual([10, 20]);
    expect(occurrences.reroutes).toBeGreaterThan(0);
    expect(occurrences.holds).toBe(0);
  });

  it('holds what is under way where there is none, and loses nothing within the hold', () => {
    const faults: Fault[] = [{ kind: 'cut', wire: 1, at: 3_000, forMs: 6_000 }];
    const { problems, occurrences } = runPlan(
      planOfScene({ nodes: 3, wires: LINE_OF_3, ...BOTH_WAYS, faults, healAt: 9_500 }),
    );
    expect(problems).toEqual([]);
    expect(occurrences.holds).toBeGreaterThan(0);
  });

  it('does as well over a minute, with a hold of two', () => {
    const faults: Fault[] = [{ kind: 'cut', wire: 1, at: 3_000, forMs: 60_000 }];
    const scene = { nodes: 3, wires: LINE_OF_3, faults, healAt: 63_500, limits: { partitionHoldMs: 120_000 } };
    const clients = { publishers: [publisher(0, 't.x', { everyMs: 100 })], consumers: [consumer(2, 't.x')] };
    const { problems, world } = runPlan(planOfScene({ ...scene, ...clients }));
    expect(problems).toEqual([]);
    expect(world.ledger.consumers[0]?.got.length).toBe(world.ledger.publishers[0]?.sent.length);
  });

  it('uses the other one of two parallel links', () => {
    const faults: Fault[] = [{ kind: 'cut', wire: 0, at: 3_000, forMs: 2_000 }];
    const wires = [
      [0, 1],
      [0, 1],
      [1, 2],
    ] as const;
    const { problems, occurrences } = runPlan(planOfScene({ nodes: 3, wires, ...BOTH_WAYS, faults }));
    expect(problems).toEqual([]);
    expect(occurrences.holds).toBe(0);
  });
});

describe('F6: a one-way black hole', () => {
  it('is routed around within the dead interval and a second', () => {
    for (const side of [0, 1] as const) {
      const costs: number[] = [];
      const faults: Fault[] = [{ kind: 'hole', wire: 2, side, at: 3_000, forMs: 4_000 }];
      const { problems } = runPlan(planOfScene({ nodes: 3, wires: TRIANGLE, ...BOTH_WAYS, faults }), (world) => {
        world.time.at(3_000 + 1_500 + 1_000, () => costs.push(costOf(world, 0, 2), costOf(world, 2, 0)));
      });
      expect(problems).toEqual([]);
      expect(costs).toEqual([20, 20]);
    }
  });
});

describe('F7: a link flaps every 200 ms for 60 s', () => {
  it('costs the mesh next to no link-state traffic, and loses nothing', () => {
    const faults: Fault[] = [{ kind: 'flap', wire: 2, everyMs: 200, at: 3_000, forMs: 60_000 }];
    const counts: number[] = [];
    const { problems } = runPlan(
      planOfScene({ nodes: 4, wires: RING_OF_4, ...BOTH_WAYS, faults, healAt: 63_500 }),
      (world) => {
        // What the two ends of the bad wire tell each other does not count: it is what they tell the others.
        const good = world.wires.filter((_, n) => n !== 2);
        const look = (): void =>
          void counts.push(good.reduce((sum, { tally }) => sum + (tally.sent[FRAME.state] ?? 0), 0));
        world.time.at(5_000, look);
        world.time.at(63_000, look);
      },
    );
    expect(problems).toEqual([]);
    const [early, late] = counts as [number, number];
    expect(late - early).toBeLessThan(50);
  });
});

describe('F9: the connection ends at any point of the handshake', () => {
  it.each([0.5, 1.5, 2.5, 3.5, 4.5, 5.5, 6.5, 8.5, 10.5, 15, 25, 40])(
    'is joined all the same when the wire was cut %d ms after it was opened',
    (after) => {
      const faults: Fault[] = [0, 1, 2, 3].map((n) => ({
        kind: 'cut',
        wire: 0,
        at: 2_000 + n * 500 + after,
        forMs: 500 - after,
      }));
      const first: Fault = { kind: 'cut', wire: 0, at: 1_900, forMs: 100 };
      const { problems } = runPlan(
        planOfScene({ nodes: 3, wires: LINE_OF_3, ...BOTH_WAYS, faults: [first, ...faults] }),
      );
      expect(problems).toEqual([]);
    },
  );
});

describe('F10: 250 ms latency at 100 kB/s', () => {
  it('makes no link flap', () => {
    const slow = { quality: { latencyMs: 250, bytesPerMs: 100 } };
    const seen: string[][] = [];
    const { problems, occurrences } = runPlan(
      planOfScene({
        nodes: 3,
        wires: [
          [0, 1, slow],
          [1, 2, slow],
        ],
        ...BOTH_WAYS,
        publishers: [publisher(0, 't.x', { bytes: [500, 1_500] }), publisher(0, 'm.x'), publisher(0, 'a.x')],
        healAt: 12_000,
      }),
      (world) => {
        for (const at of [4_000, 11_500]) world.time.at(at, () => seen.push(linkStates(world)));
      },
    );
    expect(problems).toEqual([]);
    expect(occurrences.holds).toBe(0);
    expect(seen[0]?.every((state) => state.includes(' up '))).toBe(true);
    expect(seen[1]).toEqual(seen[0]);
  });
});

describe('F11: a byte is damaged on a link without TLS', () => {
  it('costs the link and lets nothing bad through', () => {
    const faults: Fault[] = Array.from({ length: 40 }, (_, n) => ({
      kind: 'damage',
      wire: n % 2,
      at: 2_000 + n * 300,
      forMs: 250,
    }));
    const large = publisher(0, 't.x', { bytes: [40, 20_000], large: 0.05, largeBytesMax: 200_000 });
    const { problems, world } = runPlan(
      planOfScene({
        nodes: 3,
        wires: LINE_OF_3,
        ...BOTH_WAYS,
        publishers: [large, ...BOTH_WAYS.publishers],
        faults,
        healAt: 15_000,
      }),
    );
    expect(problems).toEqual([]);
    const damaged = world.nodes.reduce((sum, { running }) => sum + running.counters().damagedFrames, 0);
    expect(damaged).toBeGreaterThan(faults.length / 2);
    expect(damaged).toBe(world.wires.reduce((sum, { tally }) => sum + tally.damaged, 0));
  });
});

describe('F37: costs change live under load', () => {
  it('inverts nothing and sends nothing again', () => {
    const faults: Fault[] = Array.from({ length: 60 }, (_, n) => ({
      kind: 'cost',
      wire: n % 4,
      cost: [1, 50, 10, 200, 5][n % 5] as number,
      at: 2_000 + n * 100,
      forMs: 0,
    }));
    const busy = { everyMs: 20, burst: 5 };
    const latencies = [1, 20, 5, 60].map((latencyMs) => ({ quality: { latencyMs } }));
    const { problems, world } = runPlan(
      planOfScene({
        nodes: 4,
        wires: RING_OF_4.map(([a, b], n) => [a, b, latencies[n]] as const),
        publishers: [publisher(0, 't.x', busy), publisher(1, 't.y', busy), publisher(2, 'm.x', busy)],
        consumers: [consumer(2, 't.x'), consumer(3, 't.y'), consumer(0, 'm.x'), consumer(3, 'm.x')],
        faults,
      }),
    );
    expect(problems).toEqual([]);
    const spent = world.nodes.map(({ running }) => running.counters());
    expect(spent.reduce((sum, { resentFrames }) => sum + resentFrames, 0)).toBe(0);
    expect(spent.reduce((sum, { duplicateFrames }) => sum + duplicateFrames, 0)).toBe(0);
  });
});
