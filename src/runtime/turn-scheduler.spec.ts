import { type LoopPorts, TurnScheduler } from './turn-scheduler';

function virtual() {
  const state = {
    now: 0,
    immediates: [] as (() => void)[],
    timers: new Map<number, { at: number; then: () => void }>(),
  };
  let id = 0;
  const loop: LoopPorts = {
    now: () => state.now,
    immediate: (then) => void state.immediates.push(then),
    timer: (ms, then) => {
      const key = id++;
      state.timers.set(key, { at: state.now + ms, then });
      return () => state.timers.delete(key);
    },
  };
  const turn = () => state.immediates.splice(0).forEach((then) => then());
  const advance = (ms: number) => {
    state.now += ms;
    for (const [key, { at, then }] of state.timers) if (at <= state.now && state.timers.delete(key)) then();
  };
  const log: string[] = [];
  const node = {
    deadline: Number.POSITIVE_INFINITY,
    flush: () => {
      log.push('flush');
      return node.deadline;
    },
    tick: () => {
      log.push('tick');
      return node.deadline;
    },
  };
  return { state, turn, advance, log, node, scheduler: new TurnScheduler(loop) };
}

describe('turns', () => {
  it('flush once, however often they are asked for', () => {
    const { scheduler, node, turn, log } = virtual();
    scheduler.attach(node);
    turn();
    scheduler.schedule();
    scheduler.schedule();
    turn();
    expect(log).toEqual(['tick', 'flush']);
  });

  it('tick when the deadline is due, after sockets were read', () => {
    const { scheduler, node, turn, advance, log } = virtual();
    node.deadline = 50;
    scheduler.attach(node);
    turn();
    advance(49);
    expect(log).toEqual(['tick']);
    advance(1);
    expect(log).toEqual(['tick']);
    turn();
    expect(log).toEqual(['tick', 'tick']);
  });

  it('hear of deadlines that a turn brought forward', () => {
    const { scheduler, node, turn, advance, log, state } = virtual();
    scheduler.attach(node);
    turn();
    advance(10);
    node.deadline = 30;
    scheduler.schedule();
    turn();
    expect([...state.timers.values()].map(({ at }) => at)).toEqual([30]);
    advance(20);
    turn();
    expect(log).toEqual(['tick', 'flush', 'tick']);
  });

  it('have one timer, and none when stopped', () => {
    const { scheduler, node, turn, advance, state, log } = virtual();
    scheduler.attach(node);
    for (let i = 0; i < 1_000; i++) {
      node.deadline = state.now + 5 + (i % 7);
      scheduler.schedule();
      turn();
      advance(0.1);
    }
    expect(state.timers.size).toBe(1);
    scheduler.stop();
    expect(state.timers.size).toBe(0);
    const before = log.length;
    scheduler.schedule();
    turn();
    expect(log.length).toBe(before);
  });
});
