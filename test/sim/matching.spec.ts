import { Matching, type Demand } from './matching';

function unpaid(funds: Readonly<Record<string, number>>, demands: readonly Demand<string>[]): number[] {
  const matching = new Matching(new Map(Object.entries(funds)));
  return demands.map((demand) => matching.add(demand));
}

describe('matching of demands with accounts', () => {
  it('pays from what there is', () => {
    expect(unpaid({ a: 3 }, [{ accounts: ['a'], count: 2 }])).toEqual([0]);
    expect(unpaid({ a: 3 }, [{ accounts: ['a'], count: 5 }])).toEqual([2]);
    expect(unpaid({}, [{ accounts: ['a'], count: 1 }])).toEqual([1]);
    expect(unpaid({ a: 1 }, [{ accounts: [], count: 1 }])).toEqual([1]);
  });

  it('has a demand that was paid find another account when only its own is left to one', () => {
    const either = { accounts: ['a', 'b'], count: 4 };
    expect(unpaid({ a: 4, b: 4 }, [either, { accounts: ['a'], count: 4 }])).toEqual([0, 0]);
    expect(unpaid({ a: 4, b: 3 }, [either, { accounts: ['a'], count: 4 }])).toEqual([0, 1]);
  });

  it('does so over several others', () => {
    const chain = [
      { accounts: ['a', 'b'], count: 2 },
      { accounts: ['b', 'c'], count: 2 },
      { accounts: ['c', 'd'], count: 2 },
      { accounts: ['a'], count: 1 },
      { accounts: ['b'], count: 1 },
      { accounts: ['c'], count: 1 },
    ];
    expect(unpaid({ a: 3, b: 2, c: 2, d: 2 }, chain)).toEqual([0, 0, 0, 0, 0, 0]);
    expect(unpaid({ a: 3, b: 2, c: 2, d: 0 }, chain).reduce((sum, open) => sum + open, 0)).toBe(2);
  });
});
