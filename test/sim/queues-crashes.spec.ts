import { OUTCOME } from '../../src/streams/contract';
import type { Fault } from './fault-plan';
import { runPlan, type RunReport } from './run';
import { LINE_OF_3, planOfScene, publisher, receiver, type Scene } from './scenes';

/** A queue at the middle of a line. */
const QUEUES = [{ name: 'q.0', home: 1 }];
const FROM_MS = 2_600;

function run(scene: Partial<Scene>): RunReport {
  return runPlan(planOfScene({ nodes: 3, wires: LINE_OF_3, queues: QUEUES, healAt: 4_000, ...scene }));
}

function restarts(node: number, count: number, everyMs: number, forMs = 100, loseDisk = false): Fault[] {
  return Array.from({ length: count }, (_, n) => ({
    kind: 'restart' as const,
    node,
    loseDisk,
    at: FROM_MS + n * everyMs,
    forMs,
  }));
}

function outcomes({ world }: RunReport): ReadonlySet<number | null> {
  return new Set(
    world.ledger.publishers.flatMap(({ sent, diedAt }) => (diedAt === null ? sent : [])).map((m) => m.outcome),
  );
}

describe('a queue and its clients at one node', () => {
  const own = {
    publishers: [publisher(1, 'q.0', { everyMs: 3 })],
    receivers: [receiver(1, 'q.0', { confirms: true, settleAfterMs: 7 })],
  };

  // A put is on its way to the disk for up to 9 ms, then its mark, its delivery, its settlement: each ms is another step.
  it.each(Array.from({ length: 12 }, (_, n) => 2 * n))('keep what was accepted when it is killed at step %i', (ms) => {
    const report = run({
      ...own,
      faults: [{ kind: 'restart', node: 1, loseDisk: false, at: FROM_MS + ms, forMs: 50 }],
    });
    expect(report.problems).toEqual([]);
    expect(report.occurrences.confirmed).toBeGreaterThan(100);
    expect(outcomes(report)).toEqual(new Set([OUTCOME.accepted]));
  });

  it('keep it over many crashes, one before the last is over', () => {
    const report = run({ ...own, faults: restarts(1, 25, 111, 60) });
    expect(report.problems).toEqual([]);
    expect(report.occurrences.redelivered).toBeGreaterThan(0);
  });

  it('lose with the disk what was on it, and nothing that came later', () => {
    const report = run({
      ...own,
      receivers: [receiver(1, 'q.0', { credit: 1, settleAfterMs: 50 })],
      faults: restarts(1, 1, 0, 50, true),
    });
    expect(report.problems).toEqual([]);
    expect(report.occurrences.lostWithDisk).toBeGreaterThan(50);
  });
});

describe('a queue whose clients are at other nodes', () => {
  const far = {
    publishers: [publisher(0, 'q.0', { everyMs: 3 }), publisher(2, 'q.0', { everyMs: 5 })],
    receivers: [receiver(2, 'q.0', { confirms: true, settleAfterMs: 7 }), receiver(0, 'q.0', { credit: 3 })],
  };

  it.each(Array.from({ length: 12 }, (_, n) => 2 * n))(
    'stores each put once when its home is killed at step %i',
    (ms) => {
      const report = run({
        ...far,
        faults: [{ kind: 'restart', node: 1, loseDisk: false, at: FROM_MS + ms, forMs: 50 }],
      });
      expect(report.problems).toEqual([]);
      expect(report.occurrences.putsResent).toBeGreaterThan(0);
      expect(outcomes(report)).toEqual(new Set([OUTCOME.accepted]));
    },
  );

  it('does so when its home is killed again and again, with puts outstanding', () => {
    const report = run({ ...far, faults: restarts(1, 12, 250, 100) });
    expect(report.problems).toEqual([]);
    expect(report.occurrences.putsRepeated).toBeGreaterThan(0);
    expect(report.occurrences.interrupted).toBeGreaterThan(0);
    expect(report.occurrences.redelivered).toBeGreaterThan(0);
  });

  it.each(Array.from({ length: 4 }, (_, n) => n * 6))(
    'loses nothing when the node of a publisher is killed at step %i',
    (ms) => {
      const faults: Fault[] = [{ kind: 'restart', node: 0, loseDisk: false, at: FROM_MS + ms, forMs: 50 }];
      const report = run({ ...far, faults });
      expect(report.problems).toEqual([]);
      expect(report.world.ledger.publishers).toHaveLength(3);
    },
  );

  it('gives what a killed consumer had not settled to the other one, marked', () => {
    const receivers = [receiver(2, 'q.0', { credit: 10, settleAfterMs: 500 }), receiver(1, 'q.0', { credit: 1 })];
    const faults = restarts(2, 1, 0, 2_000);
    const { problems, world } = run({ ...far, publishers: [publisher(0, 'q.0')], receivers, faults });
    expect(problems).toEqual([]);
    const died = world.ledger.receivers.find(({ ended }) => ended === 'died');
    const unsettled = world.ledger.queueDeliveries.filter((d) => d.receiver === died && d.settledAt === null);
    expect(unsettled).toHaveLength(10);
    for (const { publisher: of, seq } of unsettled) {
      const later = world.ledger.queueDeliveries.filter(
        (d) => d.publisher === of && d.seq === seq && d.receiver !== died,
      );
      expect(later.map(({ marked }) => marked)).toEqual([true]);
    }
  });

  it('survives that all nodes are killed at once', () => {
    const faults = [0, 1, 2].map((node): Fault => ({
      kind: 'restart',
      node,
      loseDisk: false,
      at: FROM_MS,
      forMs: 500,
    }));
    const report = run({ ...far, faults });
    expect(report.problems).toEqual([]);
    expect(report.occurrences.consumed).toBeGreaterThan(500);
  });
});

describe('a disk that fails, or is full', () => {
  const publishers = [publisher(0, 'q.0', { everyMs: 3 }), publisher(1, 'q.0', { everyMs: 3 })];
  const receivers = [receiver(2, 'q.0', { confirms: true }), receiver(1, 'q.0', { confirms: true, credit: 2 })];

  it.each(['full', 'failed'] as const)('refuses what it cannot keep, and takes more once it is mended: %s', (state) => {
    const report = run({ publishers, receivers, faults: [{ kind: 'disk', node: 1, state, at: FROM_MS, forMs: 500 }] });
    expect(report.problems).toEqual([]);
    expect(outcomes(report)).toEqual(new Set([OUTCOME.accepted, OUTCOME.rejected]));
    const { sent } = report.world.ledger.publishers[0] as { sent: readonly { at: number; outcome: number | null }[] };
    expect(sent.filter(({ at, outcome }) => at > FROM_MS + 600 && outcome !== OUTCOME.accepted)).toEqual([]);
  });

  it.each(Array.from({ length: 6 }, (_, n) => 2 * n))(
    'answers a put as before the crash that came %i ms later',
    (ms) => {
      const faults: Fault[] = [
        { kind: 'disk', node: 1, state: 'failed', at: FROM_MS, forMs: 10 },
        { kind: 'restart', node: 1, loseDisk: false, at: FROM_MS + ms, forMs: 50 },
      ];
      expect(run({ publishers, receivers, faults }).problems).toEqual([]);
    },
  );
});
