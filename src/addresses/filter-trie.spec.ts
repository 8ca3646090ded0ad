import fc from 'fast-check';
import { FilterTrie } from './filter-trie';
import { coversNaively, filterArb, matchesNaively, nameArb, overlapsNaively } from './filters.fixture';

function matching<T>(trie: FilterTrie<T>, name: string): T[] {
  const found: T[] = [];
  trie.match(name, (value) => found.push(value));
  return found;
}

function within<T>(trie: FilterTrie<T>, filter: string): T[] {
  const found: T[] = [];
  trie.within(filter, (value) => found.push(value));
  return found;
}

function trieOf(...filters: readonly string[]): FilterTrie<string> {
  const trie = new FilterTrie<string>();
  for (const filter of filters) trie.add(filter, filter);
  return trie;
}

const words = (text: string): string[] => text.split('.');

describe('filter trie', () => {
  it.each([
    ['a.b', 'a.b', true],
    ['a.b', 'a', false],
    ['a.*', 'a.b', true],
    ['a.*', 'a', false],
    ['a.*', 'a.b.c', false],
    ['a.*', 'a.', true],
    ['a.#', 'a', true],
    ['a.#', 'a.b.c', true],
    ['a.#', 'b', false],
    ['#', '', true],
    ['#', 'a.b', true],
    ['#.c', 'a.b.c', true],
    ['#.c', 'c', true],
    ['#.c', 'c.a', false],
    ['a.#.c', 'a.c', true],
    ['a.#.c', 'a.b.b.c', true],
    ['a.#.c', 'a.c.b', false],
    ['a.#.b.#.c', 'a.x.b.y.b.c', true],
    ['a.#.b.#.c', 'a.x.c', false],
    ['#.*', 'a', true],
    ['..', '..', true],
    ['.', '..', false],
    ['*.*', '.', true],
  ])('%s on %s: %s', (filter, name, expected) => {
    expect(matching(trieOf(filter), name)).toEqual(expected ? [filter] : []);
  });

  it('visits each value once, in whatever ways a name can be matched', () => {
    const trie = trieOf('#.a.#.a.#', '#.#');
    expect(matching(trie, 'a.a.a.a').sort()).toEqual(['#.#', '#.a.#.a.#']);
    expect(within(trie, '#').sort()).toEqual(['#.#', '#.a.#.a.#']);
  });

  it('visits what overlaps a filter, each once, and no more nodes than it may', () => {
    fc.assert(
      fc.property(fc.uniqueArray(filterArb, { maxLength: 20 }), filterArb, fc.nat(30), (filters, filter, visitsMax) => {
        const trie = trieOf(...filters);
        const overlapping = (most: number): { readonly found: string[]; readonly visits: number } => {
          const found: string[] = [];
          return { visits: trie.overlapping(filter, most, (each) => found.push(each)), found };
        };
        const all = filters.filter((each) => overlapsNaively(words(each), words(filter)));
        const { found, visits } = overlapping(Infinity);
        expect(found.sort()).toEqual(all.sort());
        const some = overlapping(visitsMax);
        expect(some.visits).toBe(Math.min(visits, visitsMax));
        expect(all).toEqual(expect.arrayContaining(some.found));
      }),
      { numRuns: 1_000 },
    );
  });

  it('agrees with a naive matcher, through additions and removals', () => {
    const change = fc.record({ add: fc.boolean(), filter: filterArb, value: fc.integer({ min: 1, max: 3 }) });
    fc.assert(
      fc.property(fc.array(change, { maxLength: 40 }), nameArb, filterArb, (changes, name, filter) => {
        const trie = new FilterTrie<number>();
        const model = new Map<string, Set<number>>();
        for (const { add, filter: at, value } of changes) {
          const values = model.get(at) ?? new Set<number>();
          model.set(at, values);
          expect(add ? trie.add(at, value) : trie.remove(at, value)).toBe(add ? !values.has(value) : values.has(value));
          if (add) values.add(value);
          else values.delete(value);
        }
        const expected = (test: (stored: string) => boolean): number[] =>
          [...model].flatMap(([stored, values]) => (test(stored) ? [...values] : [])).sort();
        expect(matching(trie, name).sort()).toEqual(expected((stored) => matchesNaively(words(stored), words(name))));
        expect(matching(trie, filter).sort()).toEqual(expected((at) => coversNaively(words(at), words(filter))));
        expect(within(trie, filter).sort()).toEqual(expected((at) => coversNaively(words(filter), words(at))));
        expect(trie.size).toBe([...model.values()].reduce((sum, values) => sum + values.size, 0));
      }),
      { numRuns: 500 },
    );
  });

  it('says of a covering filter that it matches every name of the covered one', () => {
    fc.assert(
      fc.property(fc.array(filterArb, { maxLength: 12 }), fc.array(nameArb, { maxLength: 12 }), (filters, names) => {
        const trie = trieOf(...filters);
        for (const inner of filters)
          for (const outer of matching(trie, inner))
            for (const name of names)
              if (matchesNaively(words(inner), words(name)))
                expect([outer, matching(trieOf(outer), name)]).toEqual([outer, [outer]]);
      }),
    );
  });

  it('keeps nothing of filters that are gone', () => {
    const trie = trieOf('a.b.c', 'a.*.#', 'a.b');
    for (const filter of ['a.b.c', 'a.*.#', 'a.b']) trie.remove(filter, filter);
    trie.visited = 0;
    expect(within(trie, '#')).toEqual([]);
    expect(trie.visited).toBe(1);
  });

  it('visits few nodes among 100,000 filters', () => {
    const trie = new FilterTrie<number>();
    for (let n = 0; n < 100_000; n++) trie.add(`site${n % 100}.device${n}.${n % 2 === 0 ? '*' : 'temperature'}`, n);
    trie.visited = 0;
    expect(matching(trie, 'site42.device4242.temperature')).toEqual([4_242]);
    expect(within(trie, 'site42.device4242.#')).toEqual([4_242]);
    expect(trie.visited).toBeLessThan(20);
  });

  it('is not brought to its knees by several # and a long name', () => {
    const trie = trieOf('#.a.#.a.#.a.#.b', '#.a.#.a.#.a.#.c');
    const name = `${'a.'.repeat(120)}b`;
    expect(matching(trie, name)).toEqual(['#.a.#.a.#.a.#.b']);
    expect(trie.visited).toBeLessThan(121 * 10);
  });
});
