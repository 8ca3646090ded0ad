import { setImmediate as nextTurn } from 'node:timers/promises';
import { RequestGate } from './request-gate';

describe('request gate', () => {
  it('lets in one request per turn of the event loop, in order', async () => {
    const gate = new RequestGate();
    const entered: number[] = [];
    const all = [0, 1, 2].map(async (n) => {
      if (await gate.enter()) entered.push(n);
    });
    const seen: number[][] = [];
    for (let turn = 0; turn < 3; turn++) {
      await nextTurn();
      seen.push([...entered]);
    }
    await Promise.all(all);
    expect(seen).toEqual([[0], [0, 1], [0, 1, 2]]);
  });

  it('refuses at once what would wait behind too many, and none when those are through', async () => {
    const gate = new RequestGate(2);
    expect(await Promise.all([gate.enter(), gate.enter(), gate.enter()])).toEqual([true, true, false]);
    expect(await gate.enter()).toBe(true);
  });
});
