import { WireReader, WireWriter } from '../common/wire';
import { Barrier } from './barrier';
import { CONTROL } from './control';
import { BARRIER_DELAY_MS, BARRIER_MS_MAX } from './limits';
import { TestClock, TestReplicas, TestRoutes, TestStreams } from './parts.fixture';

function setup(...others: readonly string[]) {
  const clock = new TestClock();
  const routes = new TestRoutes('self', ...others);
  const streams = new TestStreams();
  const replicas = new TestReplicas();
  const awaited: { missing: string[]; until: number; deadline(): number } = {
    missing: [],
    until: Infinity,
    deadline: () => awaited.until,
  };
  let flushes = 0;
  const barrier = new Barrier(clock, routes, replicas, streams, awaited, () => flushes++);
  const waiter = (version: number): { result: readonly string[] | null } => {
    const waiting: { result: readonly string[] | null } = { result: null };
    barrier.wait(version, (unconfirmed) => (waiting.result = unconfirmed));
    return waiting;
  };
  const ack = (name: string, version: number): void => {
    const payload = new WireWriter().u48(version).take();
    barrier.onAck(routes.of(name).id, new WireReader(payload, 0, payload.length));
  };
  const pass = (ms: number): void => {
    clock.at += ms;
    barrier.tick(clock.at);
  };
  return { clock, routes, streams, replicas, barrier, awaited, waiter, ack, pass, flushes: () => flushes };
}

describe('barrier', () => {
  it('confirms at once when nobody is within reach', () => {
    const { waiter, routes } = setup('b');
    routes.of('b').reachable = false;
    expect(waiter(5).result).toEqual([]);
  });

  it('confirms each waiter when the slowest node has its version, in whatever order they came', () => {
    const { waiter, ack } = setup('b', 'c');
    const [five, three, four] = [waiter(5), waiter(3), waiter(4)];
    ack('b', 9);
    expect([five.result, three.result, four.result]).toEqual([null, null, null]);
    ack('c', 4);
    expect([five.result, three.result, four.result]).toEqual([null, [], []]);
    ack('c', 3);
    ack('c', 5);
    expect(five.result).toEqual([]);
    expect(waiter(5).result).toEqual([]);
    expect(waiter(6).result).toBeNull();
  });

  it('counts a node no longer when it goes out of reach, and again from nothing in a new life', () => {
    const { waiter, ack, routes, barrier } = setup('b', 'c');
    ack('b', 2);
    const first = waiter(2);
    routes.of('c').reachable = false;
    barrier.review();
    expect(first.result).toEqual([]);
    barrier.forget(routes.of('b').id);
    expect(waiter(1).result).toBeNull();
  });

  it('gives up after its bound and names who did not answer', () => {
    const { waiter, ack, barrier, clock, pass } = setup('b', 'c', 'd');
    const first = waiter(3);
    ack('b', 3);
    ack('c', 2);
    pass(500);
    const second = waiter(3);
    pass(BARRIER_MS_MAX - 500);
    expect(first.result).toEqual(['c', 'd']);
    expect(second.result).toBeNull();
    expect(barrier.deadline()).toBe(clock.at + 500);
    pass(500);
    expect(second.result).toEqual(['c', 'd']);
    expect(barrier.deadline()).toBe(Infinity);
  });

  it('waits for nodes that are expected after a start, as long as publishers are held and its bound after that', () => {
    const { waiter, awaited, barrier, pass, clock } = setup('c');
    awaited.missing = ['b'];
    awaited.until = clock.at + 5_000;
    barrier.review();
    const waiting = waiter(1);
    const second = waiter(1);
    pass(5_000);
    expect([waiting.result, second.result]).toEqual([null, null]);
    pass(BARRIER_MS_MAX);
    expect(waiting.result).toEqual(['b', 'c']);
  });

  it('counts a node that was expected no longer when that time is over', () => {
    const { waiter, awaited, barrier } = setup();
    awaited.missing = ['b'];
    awaited.until = 6_000;
    barrier.review();
    const waiting = waiter(1);
    expect(waiting.result).toBeNull();
    awaited.missing = [];
    barrier.review();
    expect(waiting.result).toEqual([]);
  });

  it('asks for the versions of a new life of its own node', () => {
    const { waiter, ack, replicas, barrier } = setup('b');
    ack('b', 40);
    const waiting = waiter(41);
    replicas.current = 1;
    barrier.restart();
    expect(waiting.result).toBeNull();
    ack('b', 1);
    expect(waiting.result).toEqual([]);
  });

  it('acknowledges what it applied once for all of a few milliseconds, and later to who is out of reach', () => {
    const { barrier, routes, streams, pass, flushes } = setup('b', 'c');
    const { b, c } = { b: routes.of('b').id, c: routes.of('c').id };
    routes.of('c').reachable = false;
    for (const origin of [b, b, c, b]) barrier.applied(origin);
    expect(flushes()).toBe(1);
    pass(BARRIER_DELAY_MS - 1);
    expect(streams.controls).toEqual([]);
    pass(1);
    expect(streams.controls.map(({ to, kind, reader }) => [to, kind, reader.u48()])).toEqual([
      [b, CONTROL.interestApplied, 7],
    ]);
    routes.of('c').reachable = true;
    barrier.applied(c);
    pass(BARRIER_DELAY_MS);
    expect(streams.controls.map(({ to }) => to)).toEqual([b, c]);
  });
});
