import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { checkAside } from './check-aside';
import { DOCUMENT_BYTES_MAX, PROBLEMS_MAX } from './limits';
import { readDocument } from './load';
import { ConfigError } from './problems';

let folder: string;
beforeAll(() => (folder = mkdtempSync(join(tmpdir(), 'fairlead-check-'))));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function fileOf(name: string, text: string): string {
  const file = join(folder, name);
  writeFileSync(file, text);
  return file;
}

const answering = (verdict: string): string =>
  fileOf('answers.cjs', `const w = require('node:worker_threads'); w.parentPort.postMessage(${verdict})`);

/** What the thread does of itself is tested with a real node, where it is compiled. */
describe('a document checked aside', () => {
  const problemsOf = async (program: string, msMax = 60_000) => {
    const error: unknown = await checkAside('site.yaml', 'site: a', { program, msMax }).catch((e: unknown) => e);
    if (error instanceof ConfigError) return error.problems;
    throw new Error(`no ConfigError: ${String(error)}`);
  };

  it('is what the thread says it is, frozen', async () => {
    const site = await checkAside('site.yaml', 'site: a', { program: answering('{ site: { node: "a", mesh: {} } }') });
    expect([site, Object.isFrozen(site.mesh)]).toEqual([{ node: 'a', mesh: {} }, true]);
  });

  it('has the problems that the thread found', async () => {
    const problem = { path: 'site', expected: 'a name', found: 'nothing' };
    expect(await problemsOf(answering(JSON.stringify({ problems: [problem] })))).toEqual([problem]);
  });

  it.each([
    ['throws', 'throw new Error("broken")', 'broken'],
    ['ends without a verdict', 'process.exit(3)', 'its thread ended with 3'],
    ['runs out of memory', 'const a = []; for (;;) a.push(new Array(1e5).fill({}).map(() => ({})))', 'memory'],
  ])(
    'is refused when the thread %s',
    async (_what, text, found) => {
      expect(await problemsOf(fileOf('ends.cjs', text))).toMatchObject([
        { found: expect.stringContaining(found) as string },
      ]);
    },
    60_000,
  );

  it('is refused when the thread does not come to an end', async () => {
    const problems = await problemsOf(fileOf('hangs.cjs', 'for (;;);'), 50);
    expect(problems).toMatchObject([{ expected: 'a document that is checked within 50 ms' }]);
  });
});

describe('the bounds of a document', () => {
  it('are read to, and no further', () => {
    const full = fileOf('full.yaml', `site: ${'x'.repeat(DOCUMENT_BYTES_MAX - 6)}`);
    expect(readDocument(full)).toHaveLength(DOCUMENT_BYTES_MAX);
    const over = fileOf('over.yaml', `site: ${'x'.repeat(DOCUMENT_BYTES_MAX - 5)}`);
    expect(() => readDocument(over)).toThrow('document: expected at most 1MiB, found more');
    expect(() => readDocument('/dev/zero')).toThrow('expected at most 1MiB');
  });

  it('tell the first problems, and how many more there are', () => {
    const problems = Array.from({ length: 1000 }, (_, i) => ({ path: `k${i}`, expected: 'a', found: 'b' }));
    const { problems: told, message } = new ConfigError('site.yaml', problems);
    expect([told.length, told.at(-1)?.found]).toEqual([PROBLEMS_MAX, '901 more']);
    expect(message).toContain('1000 problems');
  });
});
