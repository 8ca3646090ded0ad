import { OPEN_MS_MAX } from '../../src/tunnels/limits';
import { simMesh } from './address-meshes';
import { call, REFUSAL, RESET, SimService } from './tunnel-ends';

/** Callers at `a`; sites `b` and `c` at the same cost, `d` farther away. */
const WIRES = ['a-b:10', 'a-c:10', 'a-d:50'];

describe('the site that a tunnel goes to', () => {
  it('is the nearest, and among equals the one with fewest', () => {
    const { node, run, until } = simMesh(WIRES);
    const [b, c, d] = ['b', 'c', 'd'].map((name) => new SimService(node(name), 'shop')) as [
      SimService,
      SimService,
      SimService,
    ];
    run(100);
    const callers = Array.from({ length: 10 }, () => call(node('a'), 'shop'));
    until('open', () => callers.every(({ openedCount }) => openedCount === 1));
    expect([b, c, d].map(({ ends }) => ends.length)).toEqual([5, 5, 0]);
    // Those at b end: the next ones go where there is less.
    for (const end of b.ends) end.tunnel?.reset(RESET.peer);
    run(100);
    for (let n = 0; n < 5; n++) call(node('a'), 'shop');
    run(100);
    expect([b, c, d].map(({ ends }) => ends.length)).toEqual([10, 5, 0]);
    const here = new SimService(node('a'), 'shop');
    call(node('a'), 'shop');
    run(100);
    expect(here.ends.length).toBe(1);
  });

  it('is the next one when one refuses, which is asked last for a while', () => {
    const { node, run, until } = simMesh(WIRES);
    const [b, c, d] = ['b', 'c', 'd'].map((name) => new SimService(node(name), 'shop')) as [
      SimService,
      SimService,
      SimService,
    ];
    b.refusal = c.refusal = REFUSAL.failed;
    run(100);
    const first = call(node('a'), 'shop');
    until('open', () => first.openedCount === 1);
    expect([b.asked, c.asked, d.ends.length, node('a').running.tunnels.tally.retried]).toEqual([1, 1, 1, 2]);
    expect(node('a').running.tunnels.services()).toEqual([
      {
        service: 'shop',
        sites: [
          { node: 'd', site: 'd', cost: 50, open: 1, failing: false },
          { node: 'b', site: 'b', cost: 10, open: 0, failing: true },
          { node: 'c', site: 'c', cost: 10, open: 0, failing: true },
        ],
      },
    ]);
    const second = call(node('a'), 'shop');
    until('open', () => second.openedCount === 1);
    expect([b.asked, c.asked, d.ends.length]).toEqual([1, 1, 2]);
    b.refusal = c.refusal = null;
    run(6_000);
    const third = call(node('a'), 'shop');
    until('open', () => third.openedCount === 1);
    expect(b.ends.length + c.ends.length).toBe(1);
  });

  it('is another one when one is full, does not answer, or is given up meanwhile', () => {
    const limits = { partitionHoldMs: 3_000 };
    const { node, run, until, mesh, wire } = simMesh(['a-b:10', 'a-c:20', 'a-d:30'], { limits });
    const [b, c, d] = ['b', 'c', 'd'].map((name) => new SimService(node(name), 'shop')) as [
      SimService,
      SimService,
      SimService,
    ];
    b.refusal = REFUSAL.full;
    run(100);
    const full = call(node('a'), 'shop');
    until('open', () => full.openedCount === 1);
    expect([b.asked, c.ends.length]).toEqual([1, 1]);
    b.refusal = null;
    b.holding = true;
    run(2_000);
    const silent = call(node('a'), 'shop');
    run(OPEN_MS_MAX + 1_000);
    expect([silent.openedCount, c.ends.length]).toEqual([1, 2]);
    b.waiting[0]?.accept();
    run(1_000);
    expect([silent.openedCount, node('b').running.tunnels.incoming]).toEqual([1, 0]);
    run(5_000);
    const lost = call(node('a'), 'shop');
    run(100);
    mesh.cut(wire('a', 'b'));
    mesh.cut(wire('a', 'c'));
    until('open', () => lost.openedCount === 1);
    expect([b.asked, d.ends.length]).toEqual([3, 1]);
  });

  it('is nobody when nobody offers it, or all refuse; the caller is told why', () => {
    const { node, run, until } = simMesh(WIRES);
    expect(() => call(node('a'), 'shop')).toThrow("no site within reach offers the service 'shop'");
    const service = new SimService(node('b'), 'shop');
    service.refusal = REFUSAL.failed;
    run(100);
    const refused = call(node('a'), 'shop');
    until('told', () => refused.refused !== null);
    expect(refused.refused?.code).toBe('FL_TUNNEL_REFUSED');
    expect(refused.refused?.message).toBe("service 'shop': none of 1 sites takes it; the last: b: not today");
    service.offer.withdraw();
    run(100);
    expect(() => call(node('a'), 'shop')).toThrow('no site within reach');
    expect(node('a').running.tunnels.tally.failed).toBe(3);
    expect(node('a').running.tunnels.services()).toEqual([]);
  });

  it('takes several ways to the service in turn, and the next when one refuses', () => {
    const { node, run, until } = simMesh(['a-b']);
    const [one, two] = [new SimService(node('b'), 'shop'), new SimService(node('b'), 'shop')] as const;
    run(100);
    const callers = Array.from({ length: 4 }, () => call(node('a'), 'shop'));
    until('open', () => callers.every(({ openedCount }) => openedCount === 1));
    expect([one.ends.length, two.ends.length]).toEqual([2, 2]);
    one.refusal = REFUSAL.failed;
    const more = Array.from({ length: 4 }, () => call(node('a'), 'shop'));
    until('open', () => more.every(({ openedCount }) => openedCount === 1));
    expect([one.ends.length, two.ends.length]).toEqual([2, 6]);
    two.offer.withdraw();
    run(100);
    const last = call(node('a'), 'shop');
    until('told', () => last.refused !== null);
    expect(two.ends.map(({ resetReason }) => resetReason)).toEqual(two.ends.map(() => null));
  });

  it('is none that drains; what is open there goes on', () => {
    const { node, run, until } = simMesh(['a-b']);
    const service = new SimService(node('b'), 'shop');
    run(100);
    const caller = call(node('a'), 'shop');
    until('open', () => caller.openedCount === 1);
    node('b').running.drain();
    node('b').running.flush();
    caller.send(100_000, true);
    until('all is there', () => service.end.ended);
    expect(() => call(node('a'), 'shop')).toThrow('no site within reach');
  });
});
