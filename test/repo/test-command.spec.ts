import { execFile } from 'node:child_process';
import { join } from 'node:path';

const ROOT = join(__dirname, '../..');

function npmTest(...args: string[]): Promise<{ code: number; lines: string[]; errors: string }> {
  return new Promise((resolve) => {
    execFile(process.execPath, ['scripts/test.mjs', ...args], { cwd: ROOT }, (error, stdout, stderr) => {
      resolve({ code: error ? Number(error.code) : 0, lines: stdout.trimEnd().split('\n'), errors: stderr });
    });
  });
}

describe('npm test', () => {
  it('ends with a line that counts what passed and failed', async () => {
    const { code, lines } = await npmTest('--only', 'docs');
    expect(lines.at(-1)).toMatch(/^\d+ passed, \d+ failed$/);
    expect(code).toBe(lines.at(-1) === '1 passed, 0 failed' ? 0 : 1);
  });

  it('fails when no test ran', async () => {
    const { code, lines } = await npmTest('--only=unit', '--', 'no-file-is-called-this', '--passWithNoTests');
    expect([code, lines.at(-1)]).toEqual([1, '0 passed, 0 failed']);
  });

  it('names the stages when it is asked for one that is not there', async () => {
    const { code, errors } = await npmTest('--only', 'unit,units');
    expect(code).toBe(1);
    expect(errors).toContain('Unknown stage units; known: typecheck, lint, format, docs, unit, sim');
  });
});
