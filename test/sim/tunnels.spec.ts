import { TUNNEL_WINDOW_BYTES_MAX } from '../../src/tunnels/limits';
import { simMesh } from './address-meshes';
import { call, REFUSAL, RESET, SimService } from './tunnel-ends';

const MIB = 1024 * 1024;

describe('tunnels', () => {
  it('carries both directions to a service two links away, each ended by itself', () => {
    const { node, run, until } = simMesh(['a-b', 'b-c']);
    const service = new SimService(node('c'), 'shop');
    run(100);
    const caller = call(node('a'), 'shop');
    until('open', () => caller.openedCount === 1);
    expect(caller.tunnel?.peer).toBe('c');
    caller.send(3 * MIB, true);
    until('the request is there', () => service.end.ended);
    expect([service.end.received, service.end.wrong, caller.ended]).toEqual([3 * MIB, 0, false]);
    service.end.send(5 * MIB, true);
    until('the answer is there', () => caller.ended);
    expect([caller.received, caller.wrong]).toEqual([5 * MIB, 0]);
    run(100);
    expect([node('a').running.tunnels.outgoing, node('c').running.tunnels.incoming]).toEqual([0, 0]);
    expect(service.offer.open).toBe(0);
    expect(node('a').running.tunnels.tally.resets.size).toBe(0);
  });

  it('carries to a service of the same node', () => {
    const { node, until } = simMesh(['a-b']);
    const service = new SimService(node('a'), 'shop');
    const caller = call(node('a'), 'shop');
    caller.send(5 * MIB, true);
    until('there', () => service.ends.length === 1 && service.end.ended);
    service.end.send(MIB, true);
    until('back', () => caller.ended);
    expect([service.end.received, service.end.wrong, caller.received, caller.wrong]).toEqual([5 * MIB, 0, MIB, 0]);
  });

  it('tells the other end of a reset, at either end', () => {
    const { node, run, until } = simMesh(['a-b']);
    const service = new SimService(node('b'), 'shop');
    run(100);
    const [one, two] = [call(node('a'), 'shop'), call(node('a'), 'shop')];
    until('open', () => one.openedCount + two.openedCount === 2);
    one.tunnel?.reset(RESET.peer);
    service.ends[1]?.tunnel?.reset(RESET.peer);
    until('both are told', () => service.ends[0]?.resetReason === RESET.peer && two.resetReason === RESET.peer);
    expect([node('a').running.tunnels.outgoing, node('b').running.tunnels.incoming]).toEqual([0, 0]);
    expect(two.received + (service.ends[0]?.received ?? 0)).toBe(0);
  });

  it('loses and doubles nothing when a link is cut in the middle and there is another path', () => {
    const { node, run, until, mesh, wire } = simMesh(['a-b', 'b-d', 'a-c:40', 'c-d:40'], { latencyMs: 5 });
    const service = new SimService(node('d'), 'shop');
    run(100);
    const caller = call(node('a'), 'shop');
    caller.send(20 * MIB, true);
    until('open', () => service.ends.length === 1);
    service.end.send(20 * MIB, true);
    until('in the middle', () => service.end.received > 5 * MIB && caller.received > 5 * MIB);
    mesh.cut(wire('b', 'd'));
    until('some more', () => service.end.received > 10 * MIB && caller.received > 10 * MIB);
    mesh.heal(wire('b', 'd'));
    mesh.cut(wire('a', 'c'));
    until('all is there', () => service.end.ended && caller.ended);
    expect([service.end.received, service.end.wrong]).toEqual([20 * MIB, 0]);
    expect([caller.received, caller.wrong]).toEqual([20 * MIB, 0]);
    expect(node('a').running.counters().reroutes).toBeGreaterThan(0);
  });

  it('goes on after a partition shorter than the hold, and ends after a longer one', () => {
    const limits = { partitionHoldMs: 5_000 };
    const { node, run, until, mesh, wire } = simMesh(['a-b'], { limits });
    const service = new SimService(node('b'), 'shop');
    run(100);
    const caller = call(node('a'), 'shop');
    until('open', () => caller.openedCount === 1);
    mesh.cut(wire('a', 'b'));
    caller.send(MIB);
    run(3_000);
    expect(service.end.received).toBeLessThan(MIB);
    mesh.heal(wire('a', 'b'));
    until('all is there', () => service.end.received === MIB);
    mesh.cut(wire('a', 'b'));
    caller.send(MIB);
    until('both ends are told', () => caller.resetReason === RESET.lost && service.end.resetReason === RESET.lost);
    mesh.heal(wire('a', 'b'));
    run(5_000);
    expect([service.end.received, service.end.wrong]).toEqual([MIB, 0]);
    expect([...node('a').running.counters().dropped]).toEqual([]);
    const next = call(node('a'), 'shop');
    until('a new one opens', () => next.openedCount === 1);
  });

  it('ends when the node of either end restarts', () => {
    const { node, run, until } = simMesh(['a-b', 'b-c']);
    const service = new SimService(node('c'), 'shop');
    run(100);
    const first = call(node('a'), 'shop');
    until('open', () => first.openedCount === 1);
    node('c').kill();
    node('c').start();
    until('the caller is told', () => first.resetReason === RESET.lost);
    expect(service.end.resetReason).toBeNull();
    const again = new SimService(node('c'), 'shop');
    run(1_000);
    const second = call(node('a'), 'shop');
    until('open', () => second.openedCount === 1);
    node('a').kill();
    node('a').start();
    until('the service is told', () => again.end.resetReason === RESET.lost);
    expect(node('c').running.tunnels.incoming).toBe(0);
  });

  it('holds up a sender by its slow reader alone, and in bounded memory', () => {
    const { node, run, until } = simMesh(['a-b', 'b-c']);
    const stuck = new SimService(node('c'), 'stuck');
    stuck.slow = true;
    const quick = new SimService(node('c'), 'quick');
    run(100);
    const slow = call(node('a'), 'stuck');
    slow.send(20 * MIB, true);
    run(5_000);
    expect(slow.sent).toBe(stuck.end.unread);
    expect(slow.sent).toBeLessThanOrEqual(TUNNEL_WINDOW_BYTES_MAX);
    const other = call(node('a'), 'quick');
    other.send(10 * MIB, true);
    until('others flow', () => quick.ends.length === 1 && quick.end.ended);
    run(100);
    expect(
      node('a')
        .running.pools()
        .find(({ name }) => name === 'retention')?.used,
    ).toBe(0);
    until('all is there', () => {
      stuck.end.read();
      return stuck.end.ended;
    });
    expect([stuck.end.received, stuck.end.wrong]).toEqual([20 * MIB, 0]);
    expect(stuck.end.mostUnread).toBeLessThanOrEqual(TUNNEL_WINDOW_BYTES_MAX);
  });

  it('shares a full stream among many, in bounded memory', () => {
    const { node, run, until } = simMesh(['a-b'], { latencyMs: 20 });
    const service = new SimService(node('b'), 'shop');
    run(100);
    const callers = Array.from({ length: 200 }, () => call(node('a'), 'shop'));
    until('open', () => callers.every(({ openedCount }) => openedCount === 1));
    for (const caller of callers) caller.send(200_000, true);
    let most = 0;
    until('all is there', () => {
      most = Math.max(
        most,
        node('a')
          .running.pools()
          .find(({ name }) => name === 'retention')?.used ?? 0,
      );
      return service.ends.every(({ ended }) => ended);
    });
    expect(service.ends.map(({ received, wrong }) => [received, wrong])).toEqual(callers.map(() => [200_000, 0]));
    expect(most).toBeLessThan(4 * MIB);
  });

  it('is dropped where it is not known any more', () => {
    const { node, run } = simMesh(['a-b']);
    const service = new SimService(node('b'), 'shop');
    service.holding = true;
    run(100);
    const caller = call(node('a'), 'shop');
    run(100);
    caller.tunnel?.reset(RESET.peer);
    run(100);
    service.waiting[0]?.accept();
    expect([service.asked, node('b').running.tunnels.incoming, service.offer.open]).toEqual([1, 0, 0]);
    expect([caller.openedCount, REFUSAL.unknown]).toEqual([0, 1]);
  });
});
