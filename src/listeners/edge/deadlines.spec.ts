import { Deadlines, type Deadline } from './deadlines';

class Due implements Deadline {
  calls: number[] = [];
  constructor(public dueAtMs: number) {}
  onDue(nowMs: number): void {
    this.calls.push(nowMs);
  }
}

describe('Deadlines', () => {
  let nowMs = 0;
  const deadlines = new Deadlines(() => nowMs);
  const look = (at: number): void => {
    nowMs = at;
    deadlines.look();
  };

  it('calls what is due, and nothing else, until it is moved or removed', () => {
    const [soon, later, never] = [new Due(10), new Due(1_000), new Due(Number.POSITIVE_INFINITY)];
    for (const due of [soon, later, never]) deadlines.add(due);
    look(9);
    look(10);
    look(11);
    expect(soon.calls).toEqual([10, 11]);
    soon.dueAtMs = 500;
    look(499);
    expect(soon.calls).toEqual([10, 11]);
    deadlines.remove(soon);
    look(1_000);
    expect([soon.calls, later.calls, never.calls]).toEqual([[10, 11], [1_000], []]);
    deadlines.remove(later);
    deadlines.remove(never);
    expect(deadlines.size).toBe(0);
  });

  it('may lose one while it calls', () => {
    const first = new Due(0);
    const second = new Due(0);
    first.onDue = () => deadlines.remove(second);
    deadlines.add(first);
    deadlines.add(second);
    look(1_001);
    expect(second.calls).toEqual([]);
    deadlines.remove(first);
  });

  it('looks by itself while there is something to look at', async () => {
    const real = new Deadlines();
    await new Promise<void>((resolve) => {
      const due = new Due(real.now());
      due.onDue = () => {
        real.remove(due);
        resolve();
      };
      real.add(due);
    });
    expect(real.size).toBe(0);
  });
});
