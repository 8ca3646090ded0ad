import { spawnSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readFileSync, readSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { boundErrorText } from './lmdb-error-text';
import { LmdbQueueStore } from './queue-store';

const top = mkdtempSync(join(tmpdir(), 'fairlead-error-text-'));
afterAll(() => rmSync(top, { recursive: true, force: true }));
const itOnLinux = process.platform === 'linux' ? it : it.skip;

/** How often a text stands whole in what this process has of the binding. */
function whole(text: string): number {
  const mappings = [...readFileSync('/proc/self/maps', 'latin1').matchAll(/^(\w+)-(\w+) r--p .*@lmdb\/.*\.node$/gm)];
  expect(mappings).not.toEqual([]);
  const memory = openSync('/proc/self/mem', 'r');
  try {
    const parts = mappings.map(([, start = '', end = '']) => {
      const bytes = Buffer.alloc(parseInt(end, 16) - parseInt(start, 16));
      readSync(memory, bytes, 0, bytes.length, parseInt(start, 16));
      return bytes;
    });
    return parts.filter((bytes) => bytes.includes(`${text}\0`)).length;
  } finally {
    closeSync(memory);
  }
}

describe('what LMDB says when a write has failed', () => {
  itOnLinux.each([
    ['of a page', 'Attempting to write page at position %u, size %u', ', blocks %u, buffer sizes %i %i %i'],
    ['of a meta page', 'MDB_PANIC', ': Update of meta page failed or environment had fatal error'],
  ])('%s is bounded once the binding is loaded, however often it is asked for', async (_what, kept, rest) => {
    await LmdbQueueStore.open(join(top, kept.slice(0, 9))).close();
    expect([boundErrorText(), boundErrorText()]).toEqual([true, true]);
    expect([whole(kept + rest), whole(kept)]).toEqual([0, 1]);
    // In the file it is as it was.
    const { stdout } = spawnSync('sh', ['-c', `grep -c '${kept}${rest}' node_modules/@lmdb/*/*.node`], {
      encoding: 'utf8',
    });
    expect(stdout).toMatch(/(^|:)1$/m);
  });
});
