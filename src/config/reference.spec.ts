import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { siteJsonSchema, siteReferencePage } from './reference';

const reference = (name: string) => readFileSync(join(__dirname, '../../docs/reference', name), 'utf8');

describe('generated reference', () => {
  it('has a fresh page (npm run docs:reference writes it)', () => {
    expect(reference('site-document.md')).toBe(siteReferencePage());
  });

  it('has a fresh JSON schema', () => {
    expect(JSON.parse(reference('site-document.schema.json'))).toEqual(siteJsonSchema());
  });

  it('describes every key', () => {
    const undescribed = siteReferencePage()
      .split('\n')
      .filter((line) => line.startsWith('| `') && line.endsWith('|  |'));
    expect(undescribed).toEqual([]);
  });
});
