import { OUTCOME } from '../../src/streams/contract';
import { SimConsumer, SimPublisher } from './address-clients';
import { numbered, simMesh } from './address-meshes';
import type { Fault } from './fault-plan';
import { runPlan, type RunReport } from './run';
import { LINE_OF_3, planOfScene, publisher, receiver, RING_OF_4, type Scene } from './scenes';
import { rule } from './virtual-mesh';

const QUEUES = [{ name: 'q.0', home: 1 }];
const FROM_MS = 3_000;
const HOLD_MS = 10_000;

function run(scene: Partial<Scene>): RunReport {
  return runPlan(planOfScene({ nodes: 3, wires: LINE_OF_3, queues: QUEUES, healAt: 6_000, ...scene }));
}

function cut(forMs: number): Fault[] {
  return [{ kind: 'partition', side: [1], at: FROM_MS, forMs }];
}

describe('a partition between a queue and its clients', () => {
  const far = {
    publishers: [publisher(0, 'q.0', { everyMs: 10 })],
    receivers: [
      receiver(2, 'q.0', { settleAfterMs: 20, confirms: true, credit: 5 }),
      receiver(1, 'q.0', { credit: 1 }),
    ],
  };

  it('that is over in time is noticed by nobody', () => {
    const { problems, occurrences, world } = run({ ...far, faults: cut(4_000), healAt: 8_000 });
    expect(problems).toEqual([]);
    expect([occurrences.interrupted, occurrences.redelivered]).toEqual([0, 0]);
    expect(world.ledger.receivers).toHaveLength(2);
  });

  it('that lasts longer ends those who have unsettled deliveries, which others get', () => {
    const receivers = [receiver(2, 'q.0', { settleAfterMs: 20_000, credit: 5 }), receiver(1, 'q.0', { credit: 1 })];
    const faults = cut(HOLD_MS + 5_000);
    const { problems, occurrences, world } = run({ ...far, receivers, faults, healAt: 20_000 });
    expect(problems).toEqual([]);
    expect(occurrences.interrupted).toBeGreaterThan(0);
    expect(occurrences.redelivered).toBeGreaterThanOrEqual(5);
    const [, near] = world.ledger.receivers;
    const again = world.ledger.queueDeliveries.filter((d) => d.receiver === near && d.marked);
    expect(again.length).toBeGreaterThanOrEqual(5);
    expect(Math.min(...again.map(({ at }) => at))).toBeGreaterThanOrEqual(FROM_MS + HOLD_MS);
  });

  it('that lasts longer lets those go on who have none', () => {
    const receivers = [receiver(2, 'q.0', { credit: 5 })];
    const faults = cut(HOLD_MS + 5_000);
    const publishers = [publisher(0, 'q.0', { everyMs: 10 })];
    const { problems, occurrences } = run({ publishers, receivers, faults, healAt: 20_000 });
    expect(problems).toEqual([]);
    expect(occurrences.circuitsReopened).toBeGreaterThan(0);
    expect(occurrences.interrupted).toBe(0);
  });

  it('that lasts longer leaves no consumer behind at the home', () => {
    const shared = [rule('jobs.#', 'queue', { home: 'b' })];
    const mesh = simMesh(['a-b', 'b-c'], { shared, limits: { partitionHoldMs: 5_000 } });
    const { node, until } = mesh;
    const alone = new SimConsumer(node('c'), 'jobs.x', { queue: { exclusive: true } });
    until('attached', () => alone.confirmed !== null);
    mesh.mesh.cut(mesh.wire('b', 'c'));
    mesh.run(12_000);
    mesh.mesh.heal(mesh.wire('b', 'c'));
    mesh.run(5_000);
    expect(node('b').running.queues.find('jobs.x')?.view().consumers).toBe(1);
    const publisher = new SimPublisher(node('a'), 'jobs.x');
    until('credit', () => publisher.credit > 0);
    publisher.send('m0');
    until('it', () => alone.got.length === 1);
    expect(alone.gone).toBeNull();
  });

  it('keeps what has left until it is over, whatever the hold, stores it once, and gives back what has not', () => {
    const faults = cut(2 * HOLD_MS);
    const { problems, occurrences, world } = run({ ...far, faults, healAt: 2 * HOLD_MS + FROM_MS + 1_000 });
    expect(problems).toEqual([]);
    expect(occurrences.putsResent).toBeGreaterThan(0);
    const [one] = world.ledger.publishers;
    expect(new Set(one?.sent.map(({ outcome }) => outcome))).toEqual(new Set([OUTCOME.accepted, OUTCOME.rejected]));
  });

  it('longer than the hold names the home to whom a put has never left for', () => {
    const shared = [rule('jobs.#', 'queue', { home: 'b' })];
    const { mesh, node, run, until, wire } = simMesh(['a-b'], { shared, limits: { partitionHoldMs: 5_000 } });
    const publisher = new SimPublisher(node('a'), 'jobs.x');
    until('credit', () => publisher.credit >= 5);
    mesh.cut(wire('a', 'b'));
    run(2_000);
    publisher.sendLarge('x'.repeat(200_000));
    for (const text of ['m1', 'm2']) publisher.send(text);
    run(2_000);
    expect(publisher.outcomes.size).toBe(0);
    until('outcomes', () => publisher.outcomes.size === 3);
    expect(publisher.details.get(2)).toMatchObject({
      condition: 'fairlead:unreachable',
      description: expect.stringContaining('lives at b') as string,
    });
    mesh.heal(wire('a', 'b'));
    const consumer = new SimConsumer(node('a'), 'jobs.x');
    until('within reach', () => consumer.confirmed !== null);
    publisher.send('m3');
    until('it', () => consumer.got.length > 0);
    expect(consumer.got).toEqual(['m3']);
  });
});

describe('a node that messages of a queue go through', () => {
  it('may be killed: they go another way, and none comes twice', () => {
    const faults: Fault[] = [
      { kind: 'restart', node: 1, loseDisk: false, at: FROM_MS, forMs: 1_000 },
      { kind: 'restart', node: 3, loseDisk: true, at: FROM_MS + 5_000, forMs: 1_000 },
    ];
    const { problems, occurrences } = runPlan(
      planOfScene({
        nodes: 4,
        wires: RING_OF_4,
        queues: [{ name: 'q.0', home: 2 }],
        publishers: [publisher(0, 'q.0', { everyMs: 3 })],
        receivers: [receiver(0, 'q.0', { settleAfterMs: 5, confirms: true })],
        faults,
        healAt: FROM_MS + 8_000,
      }),
    );
    expect(problems).toEqual([]);
    expect(occurrences.redelivered).toBe(0);
  });

  it('and the one that a publisher is at may be killed and start again: its new life is another numbering', () => {
    const faults = [0, 600, 1_200].map((ms): Fault => ({
      kind: 'restart',
      node: 0,
      loseDisk: false,
      at: FROM_MS + ms,
      forMs: 50,
    }));
    const { problems, world } = run({
      publishers: [publisher(0, 'q.0', { everyMs: 3 })],
      receivers: [receiver(2, 'q.0')],
      faults,
    });
    expect(problems).toEqual([]);
    expect(world.ledger.publishers).toHaveLength(4);
  });
});

describe('two consumers that compete', () => {
  const shared = [rule('jobs.#', 'queue', { home: 'b' }), rule('near.#', 'queue', { home: 'b', locality: 'prefer' })];

  it('near and far get a like share, by their credit', () => {
    const { node, until } = simMesh(['a-b', 'b-c'], { shared });
    const near = new SimConsumer(node('b'), 'jobs.x', { credit: 50 });
    const far = new SimConsumer(node('c'), 'jobs.x', { credit: 50 });
    until('attached', () => far.confirmed !== null);
    const publisher = new SimPublisher(node('a'), 'jobs.x');
    while (publisher.sent < 100) {
      until('credit', () => publisher.credit > 0);
      publisher.sendAll((n) => `m${n}`, Math.min(10, 100 - publisher.sent));
    }
    until('all', () => near.got.length + far.got.length === 100);
    expect([near.got.length, far.got.length]).toEqual([50, 50]);
    expect([...near.got, ...far.got].sort()).toEqual(numbered(100).sort());
  });

  it('are served near first where the rule prefers it', () => {
    const { node, until } = simMesh(['a-b', 'b-c'], { shared });
    const near = new SimConsumer(node('b'), 'near.x', { credit: 30 });
    const far = new SimConsumer(node('c'), 'near.x', { credit: 50 });
    until('attached', () => far.confirmed !== null);
    const publisher = new SimPublisher(node('b'), 'near.x');
    until('credit', () => publisher.credit >= 16);
    for (const text of numbered(16)) publisher.send(text);
    until('all', () => near.got.length + far.got.length === 16);
    expect(near.got).toEqual(numbered(16));
  });

  it('get again what failed once its time has come, all of it', () => {
    const failing = { others: [[OUTCOME.modifiedFailed, 0.3]] as const };
    const { problems, occurrences } = run({
      queues: [{ name: 'q.0', home: 1, policy: { retryMs: 150 } }],
      publishers: [publisher(0, 'q.0', { everyMs: 5 })],
      receivers: [receiver(1, 'q.0', failing), receiver(2, 'q.0', failing)],
    });
    expect(problems).toEqual([]);
    expect(occurrences.redelivered).toBeGreaterThan(100);
  });

  it('take what one holds back when it leaves', () => {
    const { problems, occurrences } = run({
      publishers: [publisher(0, 'q.0', { everyMs: 5 })],
      receivers: [receiver(1, 'q.0', { settleAfterMs: 100 }), receiver(2, 'q.0', { settleAfterMs: 100 })],
      faults: [0, 1, 0, 1].map((one, n): Fault => ({
        kind: 'leave',
        receiver: one,
        failed: n % 2 === 0,
        at: FROM_MS + n * 500,
        forMs: 200,
      })),
    });
    expect(problems).toEqual([]);
    expect(occurrences.redelivered).toBeGreaterThan(20);
  });
});

describe('a drain by way of a circuit', () => {
  const shared = [rule('jobs.#', 'queue', { home: 'b' })];

  it('is answered once for each time it was asked, in order with what comes', () => {
    const { node, run: wait, until } = simMesh(['a-b', 'b-c'], { shared });
    const consumer = new SimConsumer(node('c'), 'jobs.x', { credit: 1_000 });
    until('attached', () => consumer.confirmed !== null);
    const publisher = new SimPublisher(node('b'), 'jobs.x');
    const seen: number[] = [];
    for (let round = 1; round <= 10; round++) {
      until('credit', () => publisher.credit > 5);
      publisher.sendAll((n) => `m${n}`, 5);
      wait(round);
      consumer.drain();
      until('drained', () => consumer.drained === round);
      seen.push(consumer.got.length);
    }
    expect(consumer.got).toEqual(numbered(50));
    // What was on the disk, or on its way there, when the home was asked comes first.
    expect(seen).toEqual(Array.from({ length: 10 }, (_, n) => (n + 1) * 5));
  });

  it('is answered although the home is killed meanwhile, or out of reach', () => {
    const { node, run: wait, until, mesh, wire } = simMesh(['a-b', 'b-c'], { shared });
    const consumer = new SimConsumer(node('c'), 'jobs.x', { credit: 10 });
    until('attached', () => consumer.confirmed !== null);
    consumer.drain();
    node('b').kill();
    until('answered', () => consumer.drained === 1);
    node('b').start();
    wait(3_000);
    mesh.cut(wire('b', 'c'));
    wait(3_000);
    consumer.drain();
    until('answered again', () => consumer.drained === 2);
    expect(consumer.gone).toBeNull();
  });
});

describe('a settlement at the home itself', () => {
  it('is on the disk at once, not only with whatever comes next', () => {
    const { node, run: wait, until, time } = simMesh(['a-b'], { shared: [rule('jobs.#', 'queue', { home: 'b' })] });
    const publisher = new SimPublisher(node('b'), 'jobs.x');
    until('credit', () => publisher.credit >= 10);
    const consumer = new SimConsumer(node('b'), 'jobs.x');
    consumer.holding = true;
    consumer.confirming = true;
    for (const text of numbered(10)) publisher.send(text);
    until('all', () => consumer.got.length === 10);
    const took: number[] = [];
    for (let n = 1; n <= 10; n++) {
      wait(237);
      const from = time.now;
      consumer.settleHeld(OUTCOME.accepted, 1);
      until('confirmed', () => consumer.settled.length === n);
      took.push(time.now - from);
    }
    expect(Math.max(...took)).toBeLessThan(20);
  });
});
