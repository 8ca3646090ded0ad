import { OUTCOME } from '../streams/contract';
import type { PutMark } from './contract';
import { Mark } from './marks';
import { PutsBehind } from './puts-behind';
import { Home, largeOf } from './queues.fixture';

describe('puts of another node behind a large one that is being stored', () => {
  const LARGE = 'large 2000000 of x';

  /** The same puts as their node makes them, whenever it has to: all that have no answer, in order. */
  function putAll(home: Home, epoch = 5): number[] {
    const queue = home.open();
    const mark = (): PutMark => queue.mark('west', epoch);
    return [
      home.put(queue, 'first', 0, mark(), 1),
      home.putLarge(queue, largeOf('x', 2_000_000), mark(), 2),
      home.put(queue, 'behind', 0, mark(), 3),
      home.putLarge(queue, largeOf('y', 100_000), mark(), 4),
      home.put(queue, 'last', 0, mark(), 5),
    ];
  }
  const wanted = ['first', LARGE, 'behind', 'large 100000 of y', 'last'];

  it('wait for it, and nobody else does', () => {
    const home = new Home();
    const tokens = putAll(home);
    const other = home.put(home.open(), 'of another', 0, home.open().mark('east', 1), 1);
    const own = home.put(home.open(), 'of here');
    home.host.flush();
    home.store.settle();
    expect([...tokens, other, own].filter((token) => home.outcomes.has(token))).toEqual([tokens[0], other, own]);
    home.settle();
    expect(tokens.map((token) => home.outcomes.get(token))).toEqual(tokens.map(() => OUTCOME.accepted));
    const consumer = home.consume(home.open(), 10);
    home.settle();
    expect(consumer.texts.filter((text) => wanted.includes(text))).toEqual(wanted);
    expect(consumer.texts).toHaveLength(7);
  });

  it.each(Array.from({ length: 14 }, (_, n) => n))('are never there without it: killed after %i groups', (groups) => {
    for (const untold of [0, 1, 3]) {
      const home = new Home();
      putAll(home);
      for (let turn = 0; turn < groups; turn++) {
        home.host.flush();
        home.host.tick(home.wall);
        if (turn % 2 === 0) home.store.step(1);
      }
      home.crash(untold);
      const tokens = putAll(home);
      home.settle();
      expect(tokens.map((token) => home.outcomes.get(token))).toEqual(tokens.map(() => OUTCOME.accepted));
      const consumer = home.consume(home.open(), 10);
      home.settle();
      expect(consumer.texts).toEqual(wanted);
    }
  });

  it('are put, or refused, each for itself, when it cannot be stored', () => {
    const home = new Home();
    const tokens = putAll(home);
    home.host.flush();
    home.store.settle();
    home.host.tick(home.wall);
    home.host.flush();
    home.store.fail();
    home.settle();
    expect(tokens.map((token) => home.outcomes.get(token))).toEqual([
      OUTCOME.accepted,
      OUTCOME.rejected,
      OUTCOME.accepted,
      OUTCOME.accepted,
      OUTCOME.accepted,
    ]);
    const consumer = home.consume(home.open(), 10);
    home.settle();
    expect(consumer.texts).toEqual(wanted.filter((text) => text !== LARGE));
  });

  it('are answered once each when they come again meanwhile', () => {
    const home = new Home();
    const before = putAll(home);
    home.host.flush();
    const again = putAll(home);
    home.settle();
    expect([...before, ...again].map((token) => home.outcomes.get(token))).toEqual(
      [...before, ...again].map(() => OUTCOME.accepted),
    );
    expect(home.open().view().depth).toBe(5);
  });

  it('are refused, and let go, with a queue that is deleted', () => {
    const home = new Home();
    const body = largeOf('z', 100_000);
    const queue = home.open();
    const mark = queue.mark('west', 5);
    home.putLarge(queue, largeOf('x', 2_000_000), mark, 1);
    const [token, small] = [home.putLarge(queue, body, mark, 2), home.put(queue, 'small', 0, mark, 3)];
    home.host.flush();
    expect(body.refs).toBe(2);
    home.host.delete('q');
    home.settle();
    expect([home.outcomes.get(token), home.outcomes.get(small), body.refs]).toEqual([
      OUTCOME.rejected,
      OUTCOME.rejected,
      1,
    ]);
  });
});

describe('puts behind a large one', () => {
  function storing(...seqs: number[]): Mark {
    const mark = new Mark(1, 'east', 1);
    for (const seq of seqs) mark.storing(seq, true);
    return mark;
  }

  it('are put in their order once it is stored, up to the next large one', () => {
    const [behind, mark, put] = [new PutsBehind(), storing(1), [] as number[]];
    expect(behind.holds(mark)).toBe(true);
    for (const seq of [2, 3, 4, 5])
      behind.wait(mark, () => {
        put.push(seq);
        if (seq === 3) mark.storing(3, true);
      });
    mark.storing(1, false);
    behind.goOn(mark);
    expect(put).toEqual([2, 3]);
    expect(behind.holds(mark)).toBe(true);
    mark.storing(3, false);
    behind.goOn(mark);
    expect(put).toEqual([2, 3, 4, 5]);
    expect([behind.holds(mark), mark.isBusy]).toEqual([false, false]);
  });

  it('hold those that come while they are put', () => {
    const [behind, mark, put] = [new PutsBehind(), storing(1), [] as number[]];
    const come = (seq: number, then?: () => void): void => {
      const act = (): void => {
        put.push(seq);
        then?.();
      };
      if (behind.holds(mark)) behind.wait(mark, act);
      else act();
    };
    come(2, () => come(4));
    come(3, () => mark.storing(3, true));
    mark.storing(1, false);
    behind.goOn(mark);
    come(5);
    expect(put).toEqual([2, 3]);
    mark.storing(3, false);
    behind.goOn(mark);
    expect(put).toEqual([2, 3, 4, 5]);
    expect(behind.holds(mark)).toBe(false);
  });
});
