import { SimConsumer } from './address-clients';
import type { SimMesh } from './address-meshes';
import { clientMesh, NODES, opened, retainedAt, will } from './clients.fixture';

/** Wills as subscribers at nodes get them. */
function watchers({ node, until }: SimMesh, names: readonly string[] = NODES): string[][] {
  return names.map((name) => {
    const consumer = new SimConsumer(node(name), 'gone.#', { client: `w${name}` });
    until('confirmed', () => consumer.confirmed !== null);
    return consumer.got;
  });
}

/** How often each watcher was told. */
const counts = (got: readonly string[][]): number[] => got.map(({ length }) => length);

describe('a will', () => {
  it('is published once where the connection is lost, and not after a farewell', () => {
    const sim = clientMesh();
    const got = watchers(sim);
    opened(sim, 'a', { will: will(0, { retain: true }) }).open.close(true);
    sim.run(1_000);
    expect(counts(got)).toEqual([1, 1, 1]);
    expect(retainedAt(sim.node('c'))).toEqual({ 'gone.c': 'gone' });
    opened(sim, 'a', { will: will() }).open.close(false);
    sim.run(20_000);
    expect(counts(got)).toEqual([1, 1, 1]);
  });

  it('waits for its delay, or the end of the session, and not for a client that is back in time', () => {
    const sim = clientMesh();
    const got = watchers(sim);
    opened(sim, 'a', { will: will(10_000) }).open.close(true);
    sim.run(5_000);
    const back = opened(sim, 'c', { will: will(10_000) });
    sim.run(20_000);
    expect(counts(got)).toEqual([0, 0, 0]);
    back.open.close(true);
    sim.run(9_000);
    expect(counts(got)).toEqual([0, 0, 0]);
    sim.run(3_000);
    expect(counts(got)).toEqual([1, 1, 1]);
    opened(sim, 'b', { expiryMs: 3_000, will: will(60_000) }).open.close(true);
    sim.run(6_000);
    expect(counts(got)).toEqual([2, 2, 2]);
  });

  it('of a connection that is taken over is published where it has no delay, or the session ends', () => {
    const sim = clientMesh();
    const got = watchers(sim);
    const first = opened(sim, 'a', { will: will() });
    const second = opened(sim, 'c', { will: will(60_000) });
    sim.run(1_000);
    expect([first.taken, counts(got)]).toEqual(['FL_SESSION_TAKEN', [1, 1, 1]]);
    const third = opened(sim, 'b', { will: will(60_000) });
    sim.run(1_000);
    expect([second.taken, counts(got)]).toEqual(['FL_SESSION_TAKEN', [1, 1, 1]]);
    opened(sim, 'a', { clean: true });
    sim.run(1_000);
    expect([third.taken, counts(got)]).toEqual(['FL_SESSION_TAKEN', [2, 2, 2]]);
  });

  it('of a connection that another one does not know of is published when it learns that, and once', () => {
    const sim = clientMesh();
    const got = watchers(sim);
    const first = opened(sim, 'a', { expiryMs: 0, will: will() });
    sim.run(1_000);
    sim.mesh.cut(sim.wire('a', 'b'));
    sim.run(3_000);
    // It knows of it, and publishes for it.
    opened(sim, 'c', { expiryMs: 0 });
    sim.run(1_000);
    expect(counts(got)).toEqual([0, 1, 1]);
    sim.mesh.heal(sim.wire('a', 'b'));
    sim.run(5_000);
    expect(first.taken).toBe('FL_SESSION_TAKEN');
    expect(counts(got)[1]).toBe(1);
  });

  it.each(['killed', 'killed and started again', 'away, and back with its client'])(
    'of a client whose node is %s is published once',
    (what) => {
      const sim = clientMesh(['a-b', 'b-c', 'a-c']);
      const { node, run } = sim;
      const got = watchers(sim, ['b', 'c']);
      const client = opened(sim, 'a', { will: will(2_000) });
      run(1_000);
      if (what.startsWith('killed')) node('a').kill();
      else for (const other of ['b', 'c']) sim.mesh.cut(sim.wire('a', other));
      run(5_000);
      expect(counts(got)).toEqual([0, 0]);
      if (what === 'killed and started again') node('a').start();
      run(25_000);
      expect(counts(got)).toEqual([1, 1]);
      if (what === 'killed') node('a').start();
      if (what.startsWith('away')) for (const other of ['b', 'c']) sim.mesh.heal(sim.wire('a', other));
      run(30_000);
      expect(counts(got)).toEqual([1, 1]);
      const published = NODES.map((name) => node(name).running.clientView().willsPublished);
      if (what.startsWith('away'))
        expect([published.reduce((sum, one) => sum + one, 0), client.taken]).toEqual([1, null]);
    },
  );
});
