import fc from 'fast-check';
import { filterArb, matchesNaively, nameArb } from './filters.fixture';
import { RemoteInterest } from './remote-interest';

describe('remote interest', () => {
  it('knows who wants a name, through changes and replacements, as a naive table does', () => {
    const change = fc.record({
      node: fc.integer({ min: 0, max: 3 }),
      action: fc.constantFrom('set', 'delete', 'replace'),
      keys: fc.array(
        fc.oneof(
          filterArb.map((filter) => `t${filter}`),
          nameArb.map((name) => `a${name}`),
        ),
        {
          maxLength: 4,
        },
      ),
    });
    fc.assert(
      fc.property(fc.array(change, { maxLength: 30 }), fc.array(nameArb), (changes, names) => {
        const interest = new RemoteInterest();
        const model = new Map<number, Set<string>>([0, 1, 2, 3].map((node) => [node, new Set()]));
        for (const { node, action, keys } of changes) {
          const known = model.get(node) as Set<string>;
          if (action === 'replace') {
            const changed: string[] = [];
            interest.replace(node, keys, (key) => changed.push(key));
            const next = new Set(keys);
            const differing = [...known, ...next].filter((key) => known.has(key) !== next.has(key));
            expect(new Set(changed)).toEqual(new Set(differing));
            expect(changed).toHaveLength(new Set(changed).size);
            model.set(node, next);
            continue;
          }
          for (const key of keys) {
            const news = action === 'set' ? !known.has(key) : known.has(key);
            expect(action === 'set' ? interest.set(node, key) : interest.delete(node, key)).toBe(news);
            if (action === 'set') known.add(key);
            else known.delete(key);
          }
        }
        for (const name of names) {
          const wants = (node: number): boolean =>
            [...(model.get(node) as Set<string>)].some(
              (key) => key.startsWith('t') && matchesNaively(key.slice(1).split('.'), name.split('.')),
            );
          expect([...interest.nodes(`t${name}`)].sort()).toEqual([0, 1, 2, 3].filter(wants));
          const exact = [0, 1, 2, 3].filter((node) => model.get(node)?.has(`a${name}`));
          expect([...interest.nodes(`a${name}`)].sort()).toEqual(exact);
        }
      }),
    );
  });
});
