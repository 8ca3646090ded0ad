import { readFileSync, readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { hasForeignMqtt } from '../support/clients/mqtt-commands';
import { type Block, Reader, blocksOf, fileNameOf } from '../support/reader';

jest.setTimeout(300_000);

const ROOT = resolve(__dirname, '../..');
const FOLDER = join(ROOT, 'docs/guides');

const blocksOfFile = (file: string): Block[] => blocksOf(readFileSync(file, 'utf8'));
const guides = readdirSync(FOLDER)
  .map((name) => ({ name, blocks: blocksOfFile(join(FOLDER, name)) }))
  .filter(({ blocks }) => blocks.some(({ language }) => language === 'sh'))
  .filter(({ name }) => name !== 'mqtt.md' || hasForeignMqtt);

/** Guides go on where the README has led to: its nodes' documents are there, until a guide has others. */
const documents = blocksOfFile(join(ROOT, 'README.md')).filter((block) =>
  ['east.yaml', 'west.yaml'].includes(fileNameOf(block) ?? ''),
);

const readers: Reader[] = [];
afterAll(() => readers.forEach((reader) => reader.dispose()));

it('most guides have commands', () => {
  expect(guides.length).toBeGreaterThanOrEqual(3);
  expect(documents).toHaveLength(2);
});

it.each(guides)('what $name says is what happens', async ({ blocks }) => {
  const reader = new Reader();
  readers.push(reader);
  await reader.prepare();
  const isPart = (block: Block): boolean => block.language === 'yaml' && fileNameOf(block) === null;
  for (const block of [...documents, ...blocks]) if (!isPart(block)) await reader.follow(block);
  for (const code of await reader.stop()) expect(code).toBe(0);
});
