import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const ROOT = join(__dirname, '../..');

interface Lock {
  packages: Record<string, { version: string; optional?: boolean; resolved?: string; integrity?: string }>;
}

function check(lockFile: string): Promise<{ code: number; output: string }> {
  const args = [join(ROOT, 'scripts/complete-lock.mjs'), '--check', '--lock', lockFile];
  return new Promise((resolve) => {
    execFile(process.execPath, args, { cwd: ROOT }, (error, stdout, stderr) => {
      resolve({ code: error ? 1 : 0, output: stdout + stderr });
    });
  });
}

describe('package-lock.json', () => {
  let folder: string;
  let lock: Lock;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'fairlead-lock-'));
    lock = JSON.parse(await readFile(join(ROOT, 'package-lock.json'), 'utf8')) as Lock;
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  async function checkChanged(): Promise<{ code: number; output: string }> {
    const file = join(folder, 'package-lock.json');
    await writeFile(file, JSON.stringify(lock));
    return check(file);
  }

  it('has every package of every platform, and names no registry of our own', async () => {
    expect(await check('package-lock.json')).toMatchObject({ code: 0 });
    const resolved = Object.values(lock.packages).filter((entry) => entry.resolved !== undefined);
    expect(resolved).toEqual([]);
  });

  it('has a checksum for every package that is not optional', () => {
    const bare = Object.entries(lock.packages).filter(([path, entry]) => path && !entry.integrity && !entry.optional);
    expect(bare.map(([path]) => path)).toEqual([]);
  });

  it('is found incomplete without a native part of another platform', async () => {
    delete lock.packages['node_modules/@swc/core-darwin-arm64'];
    const { code, output } = await checkChanged();
    expect(code).toBe(1);
    expect(output).toContain('wants @swc/core-darwin-arm64@');
  });

  it('is found wrong when a package is resolved from a private mirror', async () => {
    lock.packages['node_modules/rxjs']!.resolved = 'https://mirror.example.com/rxjs.tgz';
    const { code, output } = await checkChanged();
    expect(code).toBe(1);
    expect(output).toContain('node_modules/rxjs is resolved from https://mirror.example.com/rxjs.tgz');
  });
});
