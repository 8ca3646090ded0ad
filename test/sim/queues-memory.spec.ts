import { OUTCOME } from '../../src/streams/contract';
import { WINDOW_BYTES } from '../../src/queues/limits';
import type { Fault } from './fault-plan';
import { runPlan, type RunReport } from './run';
import { LINE_OF_3, planOfScene, publisher, receiver, type Scene } from './scenes';

const QUEUES = [{ name: 'q.0', home: 1 }];
const FROM_MS = 2_600;
const KIB = 1024;

function run(scene: Partial<Scene>, script: Parameters<typeof runPlan>[1] = () => undefined): RunReport {
  return runPlan(planOfScene({ nodes: 3, wires: LINE_OF_3, queues: QUEUES, healAt: 5_000, ...scene }), script);
}

/** Nobody settles until the end. */
const HELD: Fault[] = [0, 1].map((one) => ({ kind: 'hold', receiver: one, at: 2_000, forMs: 4_000 }));

describe('a backlog', () => {
  const fat = publisher(1, 'q.0', { everyMs: 10, bytes: [30 * KIB, 60 * KIB] });

  it('waits on the disk but for a window, and is read again by and by', () => {
    const receivers = [receiver(1, 'q.0', { credit: 1 }), receiver(1, 'q.0', { credit: 2 })];
    const depths: number[] = [];
    const windows: number[] = [];
    const { problems, occurrences } = run({ publishers: [fat], receivers, faults: HELD, healAt: 6_000 }, (world) => {
      const look = (): void => {
        const { queues } = world.node(1).running;
        depths.push(queues.views().reduce((sum, { bytes }) => sum + bytes, 0));
        windows.push(queues.windowBytes);
        world.time.after(100, look);
      };
      world.time.at(FROM_MS, look);
    });
    expect(problems).toEqual([]);
    expect(Math.max(...depths)).toBeGreaterThan(4 * WINDOW_BYTES);
    expect(Math.max(...windows)).toBeLessThan(WINDOW_BYTES + 4 * 61 * KIB);
    expect(occurrences.consumed).toBeGreaterThan(200);
  });

  it('survives a crash of its home', () => {
    const receivers = [receiver(1, 'q.0', { credit: 1 }), receiver(2, 'q.0', { credit: 2 })];
    const faults: Fault[] = [...HELD, { kind: 'restart', node: 1, loseDisk: false, at: 4_500, forMs: 100 }];
    const small = publisher(0, 'q.0', { everyMs: 10, burst: 2 });
    const { problems, world } = run({ publishers: [small], receivers, faults, healAt: 6_000 });
    expect(problems).toEqual([]);
    const [{ sent } = { sent: [] }] = world.ledger.publishers;
    expect(sent.every(({ outcome }) => outcome === OUTCOME.accepted)).toBe(true);
  });

  it('that goes to several nodes at once leaves their senders memory', () => {
    const limits = { retentionPoolBytes: 2 * KIB * KIB, ingressPoolBytes: 2 * KIB * KIB };
    const star = [
      [0, 1],
      [0, 2],
      [0, 3],
      [0, 4],
    ] as const;
    const receivers = [1, 2, 3, 4].map((node) => receiver(node, 'q.0', { credit: 200 }));
    const faults: Fault[] = [{ kind: 'partition', side: [0], at: 2_500, forMs: 4_000 }];
    const { problems, occurrences } = run({
      nodes: 5,
      wires: star,
      queues: [{ name: 'q.0', home: 0 }],
      publishers: [publisher(0, 'q.0', { everyMs: 20, bytes: [30 * KIB, 60 * KIB] }), publisher(0, 't.x')],
      receivers,
      faults,
      limits,
      healAt: 7_000,
    });
    expect(problems).toEqual([]);
    expect(occurrences.consumed).toBeGreaterThan(100);
  });
});

describe('large messages', () => {
  const large = publisher(0, 'q.0', { everyMs: 20, large: 0.3, largeBytesMax: 600 * KIB });
  const receivers = [receiver(2, 'q.0', { credit: 5, confirms: true }), receiver(1, 'q.0', { credit: 2 })];

  it('are put, kept and delivered like small ones', () => {
    const { problems, world } = run({ publishers: [large, { ...large, node: 1 }], receivers });
    expect(problems).toEqual([]);
    for (const { sent } of world.ledger.publishers)
      expect(new Set(sent.map(({ outcome }) => outcome))).toEqual(new Set([OUTCOME.accepted]));
  });

  it.each(Array.from({ length: 8 }, (_, n) => 5 * n))('survive a crash of their home at step %i', (ms) => {
    const faults: Fault[] = [0, 700].map((after) => ({
      kind: 'restart',
      node: 1,
      loseDisk: false,
      at: FROM_MS + ms + after,
      forMs: 50,
    }));
    const { problems, world } = run({ publishers: [large], receivers, faults });
    expect(problems).toEqual([]);
    const [{ sent } = { sent: [] }] = world.ledger.publishers;
    expect(new Set(sent.map(({ outcome }) => outcome))).toEqual(new Set([OUTCOME.accepted]));
  });

  it.each([0, 2])('survive a crash of node %i, with them on the way', (node) => {
    const faults: Fault[] = [0, 500, 1_000].map((after) => ({
      kind: 'restart',
      node,
      loseDisk: false,
      at: FROM_MS + after,
      forMs: 50,
    }));
    expect(run({ publishers: [large, { ...large, node: 2 }], receivers, faults }).problems).toEqual([]);
  });

  it('survive partitions, shorter than the hold and longer', () => {
    const faults: Fault[] = [
      { kind: 'partition', side: [1], at: FROM_MS, forMs: 2_000 },
      { kind: 'partition', side: [1], at: FROM_MS + 5_000, forMs: 13_000 },
    ];
    const { problems } = run({ publishers: [large], receivers, faults, healAt: 22_000 });
    expect(problems).toEqual([]);
  });
});
