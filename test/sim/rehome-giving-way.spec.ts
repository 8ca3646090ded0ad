import { simMesh, type SimMesh } from './address-meshes';
import { asked, ended, homeAt, Load, made, QUEUE } from './moving-subscriptions.fixture';
import { subscriber } from './subscriptions.fixture';
import { rule } from './virtual-mesh';

const shared = [rule('news.#', 'topic')];

/** Subscriptions of one name at a and c, which may see each other; the one at c is about to give way, and its disk does not take that. */
function twins(messages: number): { readonly sim: SimMesh; readonly load: Load } {
  const sim = simMesh(['a-b', 'b-c'], { shared });
  const { node, wire, mesh, until } = sim;
  mesh.cut(wire('b', 'c'));
  sim.run(8_000);
  made(sim, 'a');
  made(sim, 'c');
  const load = new Load(sim, ['c']);
  load.steps(messages);
  load.settle();
  mesh.heal(wire('b', 'c'));
  until('it gives way', () => {
    const leaves = node('c').running.relocation.move(QUEUE)?.state === 'settling';
    if (leaves) node('c').breakDisk('failed');
    return leaves;
  });
  return { sim, load };
}

describe('a subscription that gives way to one of its name', () => {
  it.each([0, 5])('is served where it is, with its %i messages, when that one is ended before', (messages) => {
    const { sim, load } = twins(messages);
    const { node, until, run } = sim;
    const waits = subscriber(node('b'), 'news.#');
    const end = ended(node('a'));
    until('ended at a', () => end() !== undefined);
    until('known', () => homeAt(node('c')) === 'c');
    run(500);
    node('c').mendDisk();
    const now = waits.gone === null ? waits : subscriber(node('b'), 'news.#');
    until('confirmed', () => now.confirmed !== null);
    load.steps(5);
    load.settle().expectAll(() => now.got);
    for (const each of sim.mesh.nodes) expect([...each.running.queueHomes()]).toEqual([[QUEUE, 'c']]);
  });
});

describe('a subscription that has moved, and is ended before its former home was told that all of it came', () => {
  it('is made anew there with nothing of before', () => {
    // What its new home tells everybody comes by d, what it tells the former one on its way that costs less, and is slower.
    const sim = simMesh(['a-c', 'b-c', 'a-d', 'b-d'], { shared });
    const { node, wire, mesh, until, run } = sim;
    mesh.join(node('a'), node('b'), 1, { latencyMs: 300 });
    run(3_000);
    made(sim, 'a');
    const load = new Load(sim, ['a']);
    load.steps(5);
    load.settle();
    // So that it is not told yet.
    for (const other of ['a', 'b']) mesh.cut(wire('c', other));
    run(8_000);
    asked(sim, 'b');
    until('known at a', () => homeAt(node('a')) === 'b');
    const before = load.accepted.length;
    ended(node('a'));
    until('ended', () => homeAt(node('a')) === undefined);
    run(50);
    expect(node('a').running.queues.stored).toEqual([QUEUE]);
    const again = subscriber(node('a'), 'news.#');
    until('confirmed', () => again.confirmed !== null);
    load.steps(5);
    load.settle();
    until('some', () => again.got.length > 0);
    run(1_000);
    expect(again.got).toEqual(load.accepted.slice(before));
  });
});
