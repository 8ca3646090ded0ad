import { OUTCOME } from '../../src/streams/contract';
import type { Fault } from './fault-plan';
import { runPlan } from './run';
import { consumer, LINE_OF_3, planOfScene, publisher, RING_OF_4, TRIANGLE } from './scenes';
import { rule } from './virtual-mesh';
import { VirtualNode } from './virtual-node';
import type { World } from './world';

const AROUND = {
  publishers: [publisher(0, 't.x'), publisher(0, 'm.x', { everyMs: 50 }), publisher(2, 'a.x', { everyMs: 50 })],
  consumers: [consumer(2, 't.x'), consumer(0, 'm.x'), consumer(2, 'm.x'), consumer(0, 'a.x')],
};

function dropped(world: World, n: number): ReadonlyMap<string, number> {
  return world.node(n).running.counters().dropped;
}

describe('F1: a node is killed and starts again after 2 s', () => {
  it('is noticed by nobody but its own clients', () => {
    const faults: Fault[] = [{ kind: 'restart', node: 1, loseDisk: false, at: 3_000, forMs: 2_000 }];
    const own = { publishers: [publisher(1, 't.own')], consumers: [consumer(1, 't.x'), consumer(1, 't.own')] };
    const { problems, occurrences, world } = runPlan(
      planOfScene({
        nodes: 3,
        wires: TRIANGLE,
        publishers: [...AROUND.publishers, ...own.publishers],
        consumers: [...AROUND.consumers, ...own.consumers],
        faults,
      }),
    );
    expect(problems).toEqual([]);
    expect(occurrences.restarts).toBeGreaterThan(0);
    const others = world.ledger.publishers.filter(({ node }) => node !== 'n1');
    expect(others.flatMap(({ sent }) => sent).every(({ outcome }) => outcome === OUTCOME.accepted)).toBe(true);
    expect(world.ledger.publishers.some(({ node, life, sent }) => node === 'n1' && life > 1 && sent.length > 0)).toBe(
      true,
    );
  });

  it('does as well without its disk', () => {
    const faults: Fault[] = [{ kind: 'restart', node: 1, loseDisk: true, at: 3_000, forMs: 2_000 }];
    const { problems, world } = runPlan(planOfScene({ nodes: 3, wires: TRIANGLE, ...AROUND, faults }));
    expect(problems).toEqual([]);
    expect([...dropped(world, 0).keys()]).toEqual([]);
  });
});

describe('F3: every node in turn drains and starts again', () => {
  it('loses and doubles nothing, and is routed around within a second', () => {
    const faults: Fault[] = [1, 3, 0, 2].map((node, n) => ({
      kind: 'drain',
      node,
      at: 3_000 + n * 7_000,
      forMs: 4_500,
    }));
    const seen: number[] = [];
    const cheap = { cost: 1 };
    const wires = [
      [0, 1, cheap],
      [1, 2, cheap],
      [2, 3],
      [3, 0],
    ] as const;
    const { problems } = runPlan(planOfScene({ nodes: 4, wires, ...AROUND, faults, healAt: 32_000 }), (world) => {
      const look = (): void => {
        const to = world.node(2).id;
        seen.push([...world.node(0).running.nodes()].find(({ id }) => id === to)?.cost ?? Infinity);
      };
      world.time.at(2_990, look);
      world.time.at(4_000, look);
      world.time.at(3_000 + 5_000, () => seen.push(world.node(1).life));
    });
    expect(problems).toEqual([]);
    // By way of node 1 it is cheaper, until that one drains; 5 s later it is another life.
    expect(seen).toEqual([2, 20, 3]);
  });
});

describe('F4: a node is stopped for 1, 5 and 30 s', () => {
  it.each([
    [1_000, 'is not even missed'],
    [5_000, 'is held'],
  ])('for %d ms: %s', (forMs) => {
    const faults: Fault[] = [{ kind: 'stop', node: 1, at: 3_000, forMs }];
    const { problems, occurrences } = runPlan(planOfScene({ nodes: 3, wires: LINE_OF_3, ...AROUND, faults }));
    expect(problems).toEqual([]);
    expect(occurrences.holds === 0).toBe(forMs < 1_500);
  });

  it('for 30 s, beyond the hold: what was given up is counted, and it goes on afresh', () => {
    const faults: Fault[] = [{ kind: 'stop', node: 2, at: 3_000, forMs: 30_000 }];
    const clients = { publishers: [publisher(0, 't.x')], consumers: [consumer(2, 't.x')] };
    const { problems, world } = runPlan(
      planOfScene({ nodes: 3, wires: LINE_OF_3, ...clients, faults, healAt: 34_000 }),
    );
    expect(problems).toEqual([]);
    const missing = (world.ledger.publishers[0]?.sent.length ?? 0) - (world.ledger.consumers[0]?.got.length ?? 0);
    const counted = [...dropped(world, 0).values()].reduce((sum, count) => sum + count, 0);
    expect(missing).toBeGreaterThan(0);
    expect(counted).toBe(missing);
  });
});

describe('F22: the wall clock jumps by an hour', () => {
  it.each([3_600_000, -3_600_000])('of %d ms changes nothing, over a restart neither', (ms) => {
    const faults: Fault[] = [
      { kind: 'wall', node: 1, ms, at: 2_500, forMs: 0 },
      { kind: 'restart', node: 1, loseDisk: false, at: 4_000, forMs: 500 },
    ];
    const { problems, world } = runPlan(planOfScene({ nodes: 3, wires: TRIANGLE, ...AROUND, faults }));
    expect(problems).toEqual([]);
    expect(world.nodes.every(({ withdrawn }) => withdrawn === null)).toBe(true);
  });
});

describe('F23: two nodes that cannot both be in the mesh', () => {
  it('of one name: the one that started later withdraws and says why, the other one goes on', () => {
    let twin: VirtualNode | null = null;
    const { problems, world } = runPlan(planOfScene({ nodes: 3, wires: LINE_OF_3, ...AROUND }), (scene) => {
      const original = scene.node(0);
      scene.time.at(3_000, () => {
        twin = new VirtualNode(scene.mesh, original.name, original.rules);
        twin.boots = original.boots + 1;
        scene.mesh.join(twin, scene.node(2));
        scene.connectivity.disturb(original.name, 3_000, 9_000, true);
        twin.start();
      });
    });
    expect(problems).toEqual([]);
    const late = twin as VirtualNode | null;
    expect(late?.withdrawn).toContain("another process named 'n0' is in the mesh");
    expect(late?.alive).toBe(false);
    expect(world.node(0).withdrawn).toBeNull();
  });

  it('of one name, the first one started again: it is the later one now, and its clients see their connections end', () => {
    const faults: Fault[] = [
      { kind: 'twin', node: 0, beside: 2, at: 3_000, forMs: 6_000 },
      { kind: 'restart', node: 0, loseDisk: false, at: 4_000, forMs: 50 },
    ];
    const { problems, world } = runPlan(planOfScene({ nodes: 3, wires: LINE_OF_3, ...AROUND, faults, healAt: 10_000 }));
    expect(problems).toEqual([]);
    const first = world.node(0);
    expect(first.withdrawn).toContain("another process named 'n0' is in the mesh");
    const { publishers, consumers } = world.ledger;
    const mine = [...publishers, ...consumers].filter(({ node, life }) => node === 'n0' && life < first.life);
    expect(mine.map((one) => ('sent' in one ? one.diedAt : one.endedAt))).not.toContain(null);
    expect(new Set(mine.map(({ life }) => life))).toEqual(new Set([1, 3]));
  });

  it('of protocols that have no version in common: refused by name, others are not touched', () => {
    const { world } = runPlan(
      planOfScene({ nodes: 3, wires: LINE_OF_3, publishers: [publisher(0, 't.x')], consumers: [consumer(1, 't.x')] }),
      (scene) => (scene.node(2).protocol = [7, 9]),
    );
    expect(world.wire(1).refused?.code).toBe('FL_LINK_PROTOCOL');
    expect(world.wire(1).refused?.message).toContain('speaks mesh protocol 7 to 9');
    expect(world.ledger.consumers[0]?.got.length).toBe(world.ledger.publishers[0]?.sent.length);
  });
});

describe('F24: nodes join and leave', () => {
  it('20 nodes, 10 minutes', () => {
    const NODES = 20;
    const UNTIL = 600_000;
    const wires = Array.from({ length: NODES }, (_, n) => [n, (n + 1) % NODES] as const);
    const faults: Fault[] = [];
    for (let at = 5_000, n = 0; at < UNTIL - 20_000; at += 9_000, n++)
      faults.push({ kind: 'restart', node: 1 + ((n * 7) % (NODES - 1)), loseDisk: n % 3 === 0, at, forMs: 6_000 });
    const { problems, world } = runPlan(
      planOfScene({
        nodes: NODES,
        wires,
        publishers: [publisher(0, 't.x', { everyMs: 1_000 })],
        consumers: [0, 5, 10, 15].map((node) => consumer(node, 't.x')),
        faults,
        healAt: UNTIL,
      }),
    );
    expect(problems).toEqual([]);
    expect(faults.length).toBeGreaterThan(60);
    const [got] = world.ledger.consumers.filter(({ node }) => node === 'n0').map((one) => one.got.length);
    expect(got).toBe(world.ledger.publishers[0]?.sent.length);
  });
});

describe('F32: a node restarts while it is cut off; its publisher is back within 50 ms', () => {
  it('accepts nothing into nothing', () => {
    const faults: Fault[] = [
      { kind: 'cut', wire: 0, at: 3_000, forMs: 2_500 },
      { kind: 'restart', node: 0, loseDisk: false, at: 3_100, forMs: 10 },
    ];
    const { problems, world, occurrences } = runPlan(
      planOfScene({
        nodes: 3,
        wires: LINE_OF_3,
        publishers: [publisher(0, 't.x'), publisher(0, 'm.x')],
        consumers: [consumer(2, 't.x'), consumer(2, 'm.x')],
        rules: [rule('t.#', 'topic'), rule('m.#', 'multicast')],
        faults,
      }),
    );
    expect(problems).toEqual([]);
    expect(occurrences.startHolds).toBeGreaterThan(0);
    const back = world.ledger.publishers.filter(({ life }) => life > 1);
    expect(back.map(({ openedAt }) => openedAt)).toEqual([3_160, 3_160]);
    for (const { id, sent } of back) {
      const got = world.ledger.consumers.flatMap((one) => one.got.filter(({ publisher: from }) => from === id));
      expect(sent.length).toBeGreaterThan(0);
      expect(got.length).toBe(sent.length);
    }
  });
});

describe('F39: rules of two sites conflict', () => {
  it('is decided alike everywhere and named at both, whoever came first', () => {
    const conflicts = [0, 1].map((first) => {
      const { problems, world } = runPlan(planOfScene({ nodes: 4, wires: RING_OF_4, rules: [] }), (scene) => {
        scene.node(1).rules = [rule('both.#', 'topic', { blockForMs: 1_000 })];
        scene.node(2).rules = [rule('both.#', 'topic', { blockForMs: 2_000 })];
        if (first === 1) scene.time.at(1_000, () => scene.node(1).running.setRules(scene.node(1).rules, 'topic'));
      });
      expect(problems).toEqual([]);
      return world.nodes.map(({ running }) => running.conflicts());
    });
    const [one, other] = conflicts as [(readonly string[])[], (readonly string[])[]];
    expect(other).toEqual(one);
    expect(new Set(one.map((sentences) => sentences.join('\n'))).size).toBe(1);
    expect(one[0]).toEqual([
      expect.stringMatching(/both\.#.*n1 says blockForMs 1000, n2 says blockForMs 2000; that of n1/),
    ]);
  });
});
