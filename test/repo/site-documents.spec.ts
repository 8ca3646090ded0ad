import { readFileSync, readdirSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { parseDocument } from '../../src/config/load';

const ROOT = resolve(__dirname, '../..');

/** Every site document that we hand out is one that a node takes. */
const documents = readdirSync(join(ROOT, 'deploy'), { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile() && entry.name.endsWith('.yaml'))
  .map((entry) => relative(ROOT, join(entry.parentPath, entry.name)));

it('there are some', () => expect(documents.length).toBeGreaterThanOrEqual(3));

it.each(documents)('%s is a valid site document', (file) => {
  const path = join(ROOT, file);
  expect(parseDocument(path, readFileSync(path, 'utf8'), {}).node).not.toBe('');
});
