import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { FairleadCommand } from '../support/command';
import { within } from '../support/eventually';
import { leash } from '../support/reaper';

jest.setTimeout(60_000);

const PROGRAM = resolve(__dirname, '../../dist/cli/main.js');
const RULES = 5_000;

let folder: string;
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'fairlead-output-'))));
afterEach(() => rmSync(folder, { recursive: true }));

describe('what a command says', () => {
  it('is all written before it ends, however much more it is than a pipe takes at once', async () => {
    const file = join(folder, 'site.yaml');
    const rules = Array.from({ length: RULES }, (_, n) => `- { match: r${n}, kind: topic }\n`);
    writeFileSync(file, `site: a\naddresses:\n${rules.join('')}`);
    const { code, stdout } = await within('the command ends', new FairleadCommand(['check', '-c', file]).result);
    expect(code).toBe(0);
    expect(stdout.match(/^ +- match: r\d+$/gm)).toHaveLength(RULES);
  });

  it('need not be heard for the exit code to be right', async () => {
    const script = '{ "$@"; echo $? >&3; } 2>&1 | true';
    const args = [process.execPath, PROGRAM, 'check', '-c', join(folder, 'none.yaml')];
    const shell = spawn('sh', ['-c', script, 'sh', ...args], { stdio: ['ignore', 'ignore', 'ignore', 'pipe'] });
    leash(shell);
    let code = '';
    shell.stdio[3]?.on('data', (text: Buffer) => (code += text.toString()));
    await within('the command ends', once(shell, 'close'));
    expect(code).toBe('2\n');
  });
});
