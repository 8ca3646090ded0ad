import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { NODE_WATCH_PORTS } from './watcher';

/** Longer than a file is left alone. */
const POLLED_MS = 10_000;

describe('a document on the disk', () => {
  const folder = mkdtempSync(join(tmpdir(), 'fairlead-watch-'));
  beforeEach(() => jest.useFakeTimers());
  afterEach(() => jest.useRealTimers());
  afterAll(() => rmSync(folder, { recursive: true }));

  function signsOf(file: string): number {
    let signs = 0;
    const stop = NODE_WATCH_PORTS.watch(file, () => signs++);
    jest.advanceTimersByTime(POLLED_MS);
    stop();
    return signs;
  }

  it('is looked at again and again, also when it is not there', () => {
    const file = join(folder, 'site.yaml');
    writeFileSync(file, 'site: a');
    expect(signsOf(file)).toBeGreaterThan(0);
    expect(signsOf(join(folder, 'none.yaml'))).toBeGreaterThan(0);
  });

  it('is read once from a pipe, which would hold the node up', () => {
    const pipe = join(folder, 'pipe');
    expect(spawnSync('mkfifo', [pipe]).status).toBe(0);
    expect(signsOf(pipe)).toBe(0);
  });
});
