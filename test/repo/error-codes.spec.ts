import { readFileSync, readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';

const ROOT = resolve(__dirname, '../..');
const PAGE = readFileSync(join(ROOT, 'docs/reference/errors.md'), 'utf8');

const sources = readdirSync(join(ROOT, 'src'), { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile() && /(?<!\.spec|\.fixture)\.ts$/.test(entry.name))
  .map((entry) => readFileSync(join(entry.parentPath, entry.name), 'utf8'));

function namesIn(texts: readonly string[], pattern: RegExp): string[] {
  return [...new Set(texts.flatMap((text) => [...text.matchAll(pattern)].map(([, name = '']) => name)))].sort();
}

/** What stands in the code and is no error condition. */
const NO_CONDITIONS = ['fairlead:node', 'fairlead:class:'];

describe('docs/reference/errors.md', () => {
  it('has every error code of the code, and no other', () => {
    const code = namesIn(sources, /\b(FL_[A-Z_]+)\b/g);
    expect(code.length).toBeGreaterThan(30);
    expect(namesIn([PAGE], /`(FL_[A-Z_]+)`/g)).toEqual(code);
  });

  it('has every error condition of ours, and no other', () => {
    const conditions = namesIn(sources, /'(fairlead:[a-z:-]+)'/g).filter((name) => !NO_CONDITIONS.includes(name));
    expect(namesIn([PAGE], /`(fairlead:[a-z-]+)`/g)).toEqual(conditions);
  });
});
