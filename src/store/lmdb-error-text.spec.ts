import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { boundErrorText } from './lmdb-error-text';
import { LmdbQueueStore } from './queue-store';

const top = mkdtempSync(join(tmpdir(), 'fairlead-error-text-'));
afterAll(() => rmSync(top, { recursive: true, force: true }));
const itOnLinux = process.platform === 'linux' ? it : it.skip;

describe('what LMDB says of a page that it could not write', () => {
  itOnLinux('is bounded once the binding is loaded, however often it is asked for', async () => {
    await LmdbQueueStore.open(join(top, 'data')).close();
    expect([boundErrorText(), boundErrorText()]).toEqual([true, true]);
    const [, start, end] = /^(\w+)-(\w+) r--p .*@lmdb\/.*\.node$/m.exec(readFileSync('/proc/self/maps', 'latin1'))!;
    expect(parseInt(end!, 16)).toBeGreaterThan(parseInt(start!, 16));
    // In the file it is as it was.
    const { stdout } = spawnSync('sh', ['-c', 'grep -c "buffer sizes" node_modules/@lmdb/*/*.node'], {
      encoding: 'utf8',
    });
    expect(stdout).toMatch(/:1$/m);
  });
});
