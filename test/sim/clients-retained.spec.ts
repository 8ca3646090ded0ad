import { SeededRandom } from '../../src/common/ports';
import { RETAINED_BYTES_MAX } from '../../src/sessions/limits';
import { numbered, simMesh, type SimMesh } from './address-meshes';
import { message, retain, retainedAt, SimClient } from './clients.fixture';

const NODES = ['a', 'b', 'c'];
const HOLD = { partitionHoldMs: 10_000 };

function cut(sim: SimMesh, one: string, other: string, down = true): void {
  const wire = sim.wire(one, other);
  if (down) sim.mesh.cut(wire);
  else sim.mesh.heal(wire);
}

const all = ({ node }: SimMesh): Record<string, string>[] => NODES.map((name) => retainedAt(node(name)));

describe('retained messages', () => {
  it('are known everywhere, replaced and cleared, and found by their filters', () => {
    const sim = simMesh(['a-b', 'b-c']);
    const { node, run, until } = sim;
    const told = retain(node('a'), 'home.kitchen.light', 'on');
    expect(told.told).toBeUndefined();
    until('kept', () => told.told === null);
    retain(node('c'), 'home.hall', 'cold');
    retain(node('b'), 'home..', 'odd');
    run(500);
    const everything = { 'home..': 'odd', 'home.hall': 'cold', 'home.kitchen.light': 'on' };
    expect(all(sim)).toEqual([everything, everything, everything]);
    expect(retainedAt(node('c'), 'home.*')).toEqual({ 'home.hall': 'cold' });
    expect(retainedAt(node('c'), 'topic/home.#.light')).toEqual({ 'home.kitchen.light': 'on' });
    expect(retainedAt(node('c'), 'home.#.#')).toEqual(everything);
    expect(retainedAt(node('c'), 'home.hall.light')).toEqual({});
    retain(node('b'), 'home.hall', 'warm');
    retain(node('c'), 'home.kitchen.light', null);
    retain(node('c'), 'never.was', null);
    run(500);
    expect(all(sim)).toEqual(NODES.map(() => ({ 'home..': 'odd', 'home.hall': 'warm' })));
    expect(node('a').running.clientView()).toMatchObject({ retained: 2, tombstones: 1, partsBehind: 0 });
  });

  it('have one winner after a partition, whoever wrote and cleared meanwhile, and in whichever order the nodes meet again', () => {
    const sim = simMesh(['a-b', 'b-c'], { limits: HOLD });
    const { node, run } = sim;
    for (const topic of ['x', 'y', 'z']) retain(node('b'), topic, 'before');
    run(500);
    cut(sim, 'a', 'b');
    run(20_000);
    retain(node('a'), 'x', 'first, at a');
    retain(node('c'), 'y', 'first, at c');
    retain(node('a'), 'z', 'first, at a');
    retain(node('a'), 'only.a', 'a');
    run(1_000);
    retain(node('c'), 'x', 'then, at c');
    retain(node('a'), 'y', null);
    retain(node('c'), 'z', null);
    retain(node('c'), 'only.c', 'c');
    run(1_000);
    expect(retainedAt(node('a'), 'x')).toEqual({ x: 'first, at a' });
    expect(retainedAt(node('b'), 'x')).toEqual({ x: 'then, at c' });
    cut(sim, 'a', 'b', false);
    run(10_000);
    expect(all(sim)).toEqual(NODES.map(() => ({ 'only.a': 'a', 'only.c': 'c', x: 'then, at c' })));
  });

  it('are decided by the later write also where the clocks of nodes are apart', () => {
    const sim = simMesh(['a-b', 'b-c']);
    const { node, run } = sim;
    node('a').wallOffsetMs = 3_600_000;
    retain(node('a'), 'x', 'of the fast clock');
    run(500);
    retain(node('c'), 'x', 'later');
    run(500);
    expect(all(sim)).toEqual(NODES.map(() => ({ x: 'later' })));
  });

  it('come to a node that joins, and are there again after a restart', () => {
    const sim = simMesh(['a-b', 'b-c']);
    const { node, run } = sim;
    const topics = numbered(700, 'topic.n');
    for (const topic of topics) retain(node('a'), topic, topic.padEnd(300, '.'));
    run(1_000);
    node('c').kill({ loseDisk: true });
    retain(node('a'), 'topic.n0', null);
    node('b').kill();
    run(1_000);
    node('c').start();
    node('b').start();
    run(15_000);
    const expected = topics.slice(1).sort();
    for (const name of NODES) expect(Object.keys(retainedAt(node(name))).sort()).toEqual(expected);
    expect(node('c').running.clientView().partsBehind).toBe(0);
  });

  it('and sessions of a node that was put back from a backup give way to newer ones, and bring back nothing that was cleared', () => {
    const sim = simMesh(['a-b', 'b-c'], { limits: HOLD });
    const { node, run, until } = sim;
    for (const topic of ['kept', 'replaced', 'cleared']) retain(node('a'), topic, 'before');
    const first = new SimClient(node('a'));
    until('opened', () => first.session !== null);
    run(500);
    const { records } = node('a').clientLife;
    const backup = new Map(records);
    retain(node('c'), 'replaced', 'after');
    retain(node('b'), 'cleared', null);
    const second = new SimClient(node('b'));
    until('it has moved', () => second.session !== null && first.taken !== null);
    run(500);
    node('a').kill();
    records.clear();
    for (const [key, value] of backup) records.set(key, value);
    node('a').start();
    run(30_000);
    expect(all(sim)).toEqual(NODES.map(() => ({ kept: 'before', replaced: 'after' })));
    expect(second.taken).toBeNull();
    for (const name of NODES)
      expect(node(name).running.clientRecords.session('c')).toMatchObject({ node: 'b', connected: true });
  });

  it('end with their time, at every node, and are not brought back', () => {
    const sim = simMesh(['a-b', 'b-c'], { limits: HOLD });
    const { node, run } = sim;
    retain(node('a'), 'x', 'old');
    run(500);
    cut(sim, 'a', 'b');
    run(15_000);
    retain(node('c'), 'x', 'short', 5_000);
    run(1_000);
    expect(retainedAt(node('b'))).toEqual({ x: 'short' });
    run(10_000);
    expect(retainedAt(node('b'))).toEqual({});
    cut(sim, 'a', 'b', false);
    run(10_000);
    expect(all(sim)).toEqual([{}, {}, {}]);
    expect(node('b').running.clientView()).toMatchObject({ retained: 0, tombstones: 1 });
  });

  it('are refused where they are too large, or for no topic', () => {
    const { node } = simMesh(['a-b']);
    const { clients, addresses } = node('a').running;
    const large = message('x'.repeat(RETAINED_BYTES_MAX));
    const retained = (to: string, bytes: Buffer) => () =>
      clients.retain(addresses.resolve(to, null), bytes, 0, bytes.length, () => undefined);
    expect(retained('topic/x', large)).toThrow(expect.objectContaining({ code: 'FL_RETAINED_SIZE' }));
    expect(retained('queue/x', message('x'))).toThrow(expect.objectContaining({ code: 'FL_ADDRESS_KIND' }));
    expect(() => clients.retained('a.##')).toThrow(expect.objectContaining({ code: 'FL_ADDRESS_NAME' }));
    expect(node('a').running.clientView()).toMatchObject({ retained: 0, retainedRefused: 1 });
  });

  it('say so where they are not on the disk, and are written when it takes them again', () => {
    const { node, until, run } = simMesh(['a-b']);
    const disk = node('a').clientLife;
    disk.failure = new Error('no room');
    const told = retain(node('a'), 'x', 'kept');
    until('told', () => told.told !== undefined);
    expect(told.told).toBe('FL_CLIENT_STORE');
    disk.failure = null;
    run(10_000);
    node('a').kill();
    node('b').kill();
    node('a').start();
    run(100);
    expect(retainedAt(node('a'))).toEqual({ x: 'kept' });
  });

  it.each(Array.from({ length: 12 }, (_, seed) => seed))(
    'are the same everywhere once all see each other, whatever happened: seed %i',
    (seed) => {
      const random = new SeededRandom(seed);
      const sim = simMesh(['a-b', 'b-c', 'a-c'], { seed, limits: HOLD });
      const { node, run } = sim;
      const wires = [
        ['a', 'b'],
        ['b', 'c'],
        ['a', 'c'],
      ] as const;
      for (let step = 0; step < 60; step++) {
        const at = node(NODES[random.below(3)] as string);
        const [one, other] = wires[random.below(3)] as readonly [string, string];
        const what = random.below(12);
        if (what === 0) cut(sim, one, other);
        else if (what === 1) cut(sim, one, other, false);
        else if (what === 2 && at.alive) at.kill();
        else if (what <= 4 && !at.alive) at.start();
        else if (what === 5) run(15_000);
        else if (at.alive) retain(at, `t${random.below(5)}`, random.chance(0.3) ? null : `${seed}.${step}`);
        run(random.below(400));
      }
      for (const [one, other] of wires) cut(sim, one, other, false);
      for (const name of NODES) if (!node(name).alive) node(name).start();
      run(40_000);
      const [first, ...others] = all(sim);
      for (const other of others) expect(other).toEqual(first);
    },
  );
});
