import fc from 'fast-check';
import { coversNaively, filterArb } from './filters.fixture';
import { LocalInterest } from './local-interest';
import { TestReplicas } from './parts.fixture';

function told(replicas: TestReplicas): string[] {
  return [...replicas.own.keys()].filter((key) => key.startsWith('t')).map((key) => key.slice(1));
}

const covered = (by: readonly string[], filter: string): boolean =>
  by.some((outer) => coversNaively(outer.split('.'), filter.split('.')));

describe('local interest', () => {
  it('tells each filter once, and none that another covers', () => {
    const replicas = new TestReplicas();
    const interest = new LocalInterest(replicas);
    for (const filter of ['a.b', 'a.b', 'a.*', 'a.b.c', 'x.#', 'x.y.z']) interest.add('topic', filter);
    expect(told(replicas).sort()).toEqual(['a.*', 'a.b.c', 'x.#']);
    for (const filter of ['a.*', 'x.#']) interest.remove('topic', filter);
    expect(told(replicas).sort()).toEqual(['a.b', 'a.b.c', 'x.y.z']);
    interest.remove('topic', 'a.b');
    expect(told(replicas)).toContain('a.b');
    interest.remove('topic', 'a.b');
    expect(told(replicas)).not.toContain('a.b');
  });

  it('tells names of the other kinds as they are, apart from topics', () => {
    const replicas = new TestReplicas();
    const interest = new LocalInterest(replicas);
    interest.add('topic', '#');
    interest.add('anycast', 'a.b');
    interest.add('multicast', 'a.b');
    interest.add('anycast', 'a.b');
    interest.remove('anycast', 'a.b');
    expect([...replicas.own.keys()].sort()).toEqual(['aa.b', 'ma.b', 't#']);
    interest.remove('anycast', 'a.b');
    expect([...replicas.own.keys()].sort()).toEqual(['ma.b', 't#']);
  });

  it('covers what consumers want at every moment, tells no more than the bound, and is exact below it', () => {
    const change = fc.record({ add: fc.boolean(), filter: filterArb });
    fc.assert(
      fc.property(fc.array(change, { maxLength: 80 }), fc.integer({ min: 2, max: 8 }), (changes, bound) => {
        const replicas = new TestReplicas();
        const interest = new LocalInterest(replicas, bound);
        const wanted: string[] = [];
        let owed: readonly string[] = [];
        replicas.onChange = () => {
          const now = told(replicas);
          for (const filter of owed) if (!covered(now, filter)) throw new Error(`'${filter}' is not told for a moment`);
        };
        for (const { add, filter } of changes) {
          if (!add && !wanted.includes(filter)) continue;
          if (!add) wanted.splice(wanted.indexOf(filter), 1);
          owed = [...wanted];
          if (add) {
            interest.add('topic', filter);
            wanted.push(filter);
          } else interest.remove('topic', filter);
          const now = told(replicas);
          expect(wanted.filter((each) => !covered(now, each))).toEqual([]);
          expect(now.length).toBeLessThanOrEqual(bound);
          expect([...interest.advertised].sort()).toEqual([...now].sort());
        }
        // Whatever is told for nobody is a widened one, and a bound was passed for it.
        const distinct = new Set(wanted).size;
        if (distinct < bound / 2) expect(told(replicas).filter((each) => !wanted.includes(each))).toEqual([]);
        owed = [];
        for (const filter of wanted) interest.remove('topic', filter);
        expect(told(replicas)).toEqual([]);
      }),
      { numRuns: 400 },
    );
  });

  it('widens the densest prefix first, as long as it can be', () => {
    const replicas = new TestReplicas();
    const interest = new LocalInterest(replicas, 16);
    for (let n = 0; n < 14; n++) interest.add('topic', `plant.east.line${n}.state`);
    interest.add('topic', 'plant.west.line1.state');
    interest.add('topic', 'office.door');
    expect(told(replicas)).toHaveLength(16);
    interest.add('topic', 'office.light');
    expect(told(replicas).sort()).toEqual(['office.door', 'office.light', 'plant.east.#', 'plant.west.line1.state']);
    for (let n = 4; n < 14; n++) interest.remove('topic', `plant.east.line${n}.state`);
    expect(told(replicas)).toHaveLength(7);
    expect(told(replicas)).not.toContain('plant.east.#');
  });

  it('asks for everything when filters have nothing in common', () => {
    const replicas = new TestReplicas();
    const interest = new LocalInterest(replicas, 4);
    for (const word of ['a', 'b', 'c', 'd', 'e']) interest.add('topic', `${word}.x`);
    expect(told(replicas)).toEqual(['#']);
  });

  it('gives the version that a covering filter was told with', () => {
    const replicas = new TestReplicas();
    const interest = new LocalInterest(replicas);
    expect(interest.add('topic', 'a.#')).toBe(1);
    replicas.flush();
    expect(interest.add('topic', 'b')).toBe(2);
    expect(interest.add('topic', 'a.b')).toBe(1);
    expect(interest.add('topic', 'a.#')).toBe(1);
    expect(interest.add('anycast', 'q')).toBe(2);
    replicas.flush();
    expect(interest.add('anycast', 'q')).toBe(2);
    expect(interest.add('topic', '#')).toBe(3);
    expect(interest.add('topic', 'a.b')).toBe(3);
    replicas.current = 0;
    interest.restart();
    expect(interest.add('topic', 'b')).toBe(1);
  });

  it('does not slow down by the number of filters', () => {
    const replicas = new TestReplicas();
    const interest = new LocalInterest(replicas);
    const filters = Array.from({ length: 40_000 }, (_, n) => `site${n % 50}.device${n}.*`);
    for (const filter of filters) interest.add('topic', filter);
    expect(told(replicas).length).toBeLessThanOrEqual(2_000);
    for (const filter of filters) interest.remove('topic', filter);
    expect(told(replicas)).toEqual([]);
    // Telling is what others pay for: a storm must not tell the same things over and over.
    expect(replicas.changes.length).toBeLessThan(3 * filters.length);
  });
});
