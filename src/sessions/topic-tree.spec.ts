import fc from 'fast-check';
import { filterArb, matchesNaively, nameArb } from '../addresses/filters.fixture';
import { TopicTree } from './topic-tree';

describe('topics by their words', () => {
  it('are found by every filter that matches them, once', () => {
    fc.assert(
      fc.property(fc.array(nameArb), fc.array(nameArb), filterArb, (added, removed, filter) => {
        const tree = new TopicTree();
        for (const name of added) tree.add(name);
        for (const name of removed) tree.remove(name);
        const left = [...new Set(added)].filter((name) => !removed.includes(name));
        const expected = left.filter((name) => matchesNaively(filter.split('.'), name.split('.')));
        expect([...tree.match(filter)].sort()).toEqual(expected.sort());
      }),
    );
  });

  it('may change while they are gone through', () => {
    const tree = new TopicTree();
    for (const name of ['a.b', 'a.c', 'd']) tree.add(name);
    const found = tree.match('#');
    const { value } = found.next() as IteratorYieldResult<string>;
    for (const name of ['a.b', 'a.c', 'd']) if (name !== value) tree.remove(name);
    expect([...found]).toEqual([]);
  });
});
