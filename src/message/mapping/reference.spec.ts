import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { FIELDS } from './fields';
import { mappingReferencePage } from './reference';

describe('docs/reference/message-mapping.md', () => {
  it('is fresh (npm run docs:reference writes it)', () => {
    const page = readFileSync(join(__dirname, '../../../docs/reference/message-mapping.md'), 'utf8');
    expect(page).toBe(mappingReferencePage());
  });

  it('has every field in the table of every protocol', () => {
    const page = mappingReferencePage();
    for (const { field } of FIELDS) {
      const name = field.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
      expect(page.split('\n').filter((line) => line.includes(`: \`${name}\` |`))).toHaveLength(4);
    }
  });
});
