import { readFileSync, readdirSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { parseDocument } from '../../src/config/load';
import { blocksOf } from '../support/reader';

const ROOT = resolve(__dirname, '../..');

function filesIn(folder: string, ending: string): string[] {
  return readdirSync(join(ROOT, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(ending))
    .map((entry) => relative(ROOT, join(entry.parentPath, entry.name)));
}

/** Every site document that we hand out is one that a node takes. */
const documents = filesIn('deploy', '.yaml');

it('there are some', () => expect(documents.length).toBeGreaterThanOrEqual(3));

it.each(documents)('%s is a valid site document', (file) => {
  const path = join(ROOT, file);
  expect(parseDocument(path, readFileSync(path, 'utf8'), {}).node).not.toBe('');
});

/** The parts of documents that guides show, too. */
const parts = filesIn('docs/guides', '.md').flatMap((file) =>
  blocksOf(readFileSync(join(ROOT, file), 'utf8'))
    .filter(({ language }) => language === 'yaml')
    .map(({ text }, index) => ({ file, text, number: index + 1 })),
);

it('guides show some', () => expect(parts.length).toBeGreaterThanOrEqual(3));

it.each(parts)('part $number of a document in $file is valid', ({ file, text }) => {
  const document = /^site:/m.test(text) ? text : `site: guide\n${text}`;
  expect(parseDocument(join(ROOT, file), document, {}).node).not.toBe('');
});
