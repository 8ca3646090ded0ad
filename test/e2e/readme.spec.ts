import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { PROGRAM, PYTHON, Reader, blocksOf } from '../support/reader';

jest.setTimeout(300_000);

const ROOT = resolve(__dirname, '../..');

const reader = new Reader();
afterAll(() => reader.dispose());

it('what the README says is what happens', async () => {
  expect(existsSync(PROGRAM)).toBe(true);
  const blocks = blocksOf(readFileSync(join(ROOT, 'README.md'), 'utf8'));
  expect(blocks.filter(({ language }) => language === 'sh').length).toBeGreaterThan(8);
  const proton = spawnSync(PYTHON, ['-c', 'import proton']).status === 0;
  if (process.env['CI'] === 'true') expect(proton).toBe(true);
  await reader.prepare();
  let skipped = false;
  for (const block of blocks) {
    const { language, text } = block;
    if (!proton && text.includes('python3')) skipped = true;
    else if (language === 'text' && skipped) skipped = false;
    else if (language !== 'mermaid') await reader.follow(block);
  }
  expect(await reader.stop()).toEqual([0, 0]);
});
