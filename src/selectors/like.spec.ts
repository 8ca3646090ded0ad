import fc from 'fast-check';
import { compileLike, likeElements } from './like';
import { likeNaively, textArb } from './selectors.fixture';

function like(value: string, pattern: string, escape: string | null = null): boolean {
  const elements = likeElements(pattern, escape);
  if (elements === null) throw new Error('no pattern');
  return compileLike(elements)(value);
}

describe('LIKE', () => {
  it.each([
    // The examples of JMS 2.0, 3.8.1.1.
    ['12%3', null, '123', true],
    ['12%3', null, '12993', true],
    ['12%3', null, '1234', false],
    ['l_se', null, 'lose', true],
    ['l_se', null, 'loose', false],
    ['\\_%', '\\', '_foo', true],
    ['\\_%', '\\', 'bar', false],
    ['', null, '', true],
    ['', null, 'a', false],
    ['%', null, '', true],
    ['%%', null, 'a\nb', true],
    ['_', null, '', false],
    ['_', null, '\n', true],
    ['_', null, '😀', true],
    ['_%_', null, '😀', false],
    ['%😀_', null, 'a😀b', true],
    ['a%', null, 'b', false],
    ['%a', null, 'ba', true],
    ['%a', null, 'ab', false],
    ['%ab%', null, 'xaby', true],
    ['a%a', null, 'a', false],
    ['.*', null, 'ab', false],
    ['A', null, 'a', false],
    ['50!%!!', '!', '50%!', true],
    ['%%_', '%', '%a', true],
  ])('%j with escape %j on %j: %j', (pattern, escape, value, expected) => {
    expect(like(value, pattern, escape)).toBe(expected);
  });

  it.each([
    ['a\\b', '\\'],
    ['a\\', '\\'],
    ['%%%', '%'],
  ])('%j is no pattern with escape %j', (pattern, escape) => {
    expect(likeElements(pattern, escape)).toBeNull();
  });

  it('agrees with a naive matcher', () => {
    fc.assert(
      fc.property(textArb, textArb, fc.constantFrom(null, '\\', 'a', '_', '%'), (value, pattern, escape) => {
        if (likeElements(pattern, escape) === null) return;
        expect(like(value, pattern, escape)).toBe(likeNaively(value, pattern, escape));
      }),
      { numRuns: 5_000 },
    );
  });

  it('agrees with a naive matcher where places take several words of bits', () => {
    const partArb = fc.constantFrom('%', '_', 'a', 'ab', 'a'.repeat(30), '_'.repeat(33));
    const patternArb = fc.array(partArb, { maxLength: 5 }).map((parts) => parts.join(''));
    const valueArb = fc.array(fc.constantFrom('a', 'ab', 'a'.repeat(31), 'b'), { maxLength: 6 });
    fc.assert(
      fc.property(patternArb, valueArb, (pattern, parts) => {
        const value = parts.join('');
        expect(like(value, pattern)).toBe(likeNaively(value, pattern, null));
      }),
      { numRuns: 1_000 },
    );
  });

  it.each([['%a'.repeat(127) + '%b'], [`%${'a'.repeat(200)}b%`], [`%${'_'.repeat(250)}b%`], ['_%'.repeat(100) + 'b']])(
    'takes linear time for %s',
    (pattern) => {
      const value = 'a'.repeat(200_000);
      const started = performance.now();
      expect(like(value, pattern)).toBe(false);
      // Some 10 ms; going back would take minutes.
      expect(performance.now() - started).toBeLessThan(5_000);
    },
  );
});
