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

  it.each([
    ['flow lists', '['.repeat(100_000)],
    ['flow mappings', '{a: '.repeat(100_000)],
    ['lists in one line', '- '.repeat(500_000)],
    ['keys that are documents', '? '.repeat(500_000)],
    ['mappings', Array.from({ length: 1_000 }, (_, i) => `${' '.repeat(i)}a:`).join('\n')],
    ['one level too many', `site: ${'['.repeat(32)}${']'.repeat(32)}`],
  ])('is refused for its depth before it is composed: %s', (_what, text) => {
    expect(() => parseDocument('site.yaml', text)).toThrow('document: expected at most 32 levels, found more');
  });

  it('may be as deep as the bound', () => {
    const text = `site: ${'['.repeat(31)}${']'.repeat(31)}`;
    expect(() => parseDocument('site.yaml', text)).toThrow('site: expected');
  });

  it.each([
    ['a block', Array.from({ length: 50_000 }, (_, i) => `key${i}: 1`).join('\n')],
    ['braces', `{ ${Array.from({ length: 50_000 }, (_, i) => `key${i}: 1`).join(', ')} }`],
    ['one key too many', Array.from({ length: 257 }, (_, i) => `key${i}: 1`).join('\n')],
  ])('is refused for the keys of a mapping in %s', (_what, text) => {
    expect(() => parseDocument('site.yaml', text)).toThrow('expected at most 256 keys in a mapping, found more');
  });

  it('may have as many keys as the bound, and long lists', () => {
    const keys = Array.from({ length: 255 }, (_, i) => `key${i}: 1`).join('\n');
    expect(() => parseDocument('site.yaml', `site: a\n${keys}`)).toThrow('255 problems');
    const rules = Array.from({ length: 1_000 }, (_, i) => `{ match: a${i}, kind: topic }`);
    expect(parseDocument('site.yaml', `site: a\naddresses: [${rules.join(', ')}]`).addresses).toHaveLength(1_000);
  });
});
