import { ConfigError } from './problems';
import { parseDocument } from './load';

describe('a hostile document', () => {
  it.each([
    ['an alias within its own anchor', 'site: &a { b: *a }'],
    ['a list of itself, twice', 'site: &a [*a, *a]'],
    ['deep nesting', `site: ${'['.repeat(200)}${']'.repeat(200)}`],
    ['a key __proto__', 'site: a\n__proto__: { x: 1 }'],
    ['a key constructor', 'site: a\nconstructor: 1'],
    ['aliases that multiply', `a: &a [1]\nb: &b [${'*a,'.repeat(99)}]\nc: [${'*b,'.repeat(99)}]\nsite: a`],
  ])('is refused with its problems: %s', (_what, text) => {
    expect(() => parseDocument('site.yaml', text)).toThrow(ConfigError);
  });
});
