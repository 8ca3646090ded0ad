import { FairleadError } from '../common/errors';
import type { MeshNode } from '../mesh/contract';
import { DrainController } from './drain.controller';

/** A node whose queues move at the second time that they are asked to, but for those that cannot. */
function nodeWith(queues: readonly string[], stuck: readonly string[]): MeshNode {
  const asked = new Map<string, number>();
  return {
    relocation: {
      queues: () => queues.filter((queue) => (asked.get(queue) ?? 0) < 2),
      rehome: (queue: string, to: string) => {
        if (stuck.includes(queue)) throw new FairleadError('FL_REHOME_REFUSED', `queue '${queue}' is stuck`);
        const times = (asked.get(queue) ?? 0) + 1;
        asked.set(queue, times);
        return { state: times < 2 ? 'copying' : 'moved', queue, to };
      },
    },
  } as unknown as MeshNode;
}

describe('an evacuation', () => {
  const body = { evacuate: true, to: 'west' };

  it('that is not whole names what stays, and where the others are by now', () => {
    const ended: string[] = [];
    const drain = new DrainController(nodeWith(['a', 'b', 'c'], ['b']), () => void ended.push('ended'));
    expect(drain.drain(body).state).toBe('evacuating');
    expect(() => drain.drain(body)).toThrow(
      "the node goes on, for 1 of its queues could not be moved: b: queue 'b' is stuck. 2 did move, and are there: a to west; c to west",
    );
    expect(ended).toEqual([]);
  });

  it('of which nothing comes to pass says no more than that', () => {
    const drain = new DrainController(nodeWith(['b'], ['b']), () => undefined);
    expect(() => drain.drain(body)).toThrow(/moved: b: queue 'b' is stuck$/);
  });

  it('names some of very many', () => {
    const queues = Array.from({ length: 30 }, (_, n) => `q${n}`);
    const drain = new DrainController(nodeWith([...queues, 'b'], ['b']), () => undefined);
    const all = (): void => {
      for (let n = 0; n < 40; n++) drain.drain(body);
    };
    expect(all).toThrow(/30 did move, and are there: q0 to west; .*; q19 to west; and 10 more$/);
  });
});
