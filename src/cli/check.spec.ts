import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'yaml';
import { bufferIo } from './cli.fixture';
import { runCli } from './program';

const folder = mkdtempSync(join(tmpdir(), 'fairlead-check-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function document(text: string): string {
  const file = join(folder, 'site.yaml');
  writeFileSync(file, text);
  return file;
}

describe('fairlead check', () => {
  it('prints the document with every default, so that a node can run with it', async () => {
    const io = bufferIo();
    expect(await runCli(['check', '-c', document('site: east')], io)).toBe(0);
    expect(parse(io.stdout())).toMatchObject({ site: 'east', node: 'east', mesh: { hello: '500ms' } });
    const again = bufferIo();
    expect(await runCli(['check', '-c', document(io.stdout())], again)).toBe(0);
    expect(again.stdout()).toBe(io.stdout());
  });

  it('exits 2 with all errors at once', async () => {
    const io = bufferIo();
    expect(await runCli(['check', '-c', document('site: East\nhtpp: {}')], io)).toBe(2);
    expect(io.stderr()).toContain('FL_CONFIG_INVALID');
    expect(io.stderr()).toContain('did you mean http?');
    expect(io.stderr()).toContain('a DNS label');
  });

  it('exits 2 for a missing file', async () => {
    const io = bufferIo();
    expect(await runCli(['check', '-c', '/nowhere/site.yaml'], io)).toBe(2);
    expect(io.stderr()).toContain('expected a readable file');
  });

  it('prints the schema', async () => {
    const io = bufferIo();
    expect(await runCli(['check', '--schema'], io)).toBe(0);
    expect(JSON.parse(io.stdout())).toMatchObject({ title: 'Fairlead site document' });
  });
});

describe('the command line', () => {
  it('exits 1 and says why for what it does not know', async () => {
    const io = bufferIo();
    expect(await runCli(['chekc'], io)).toBe(1);
    expect(io.stderr()).toContain("unknown command 'chekc'");
    expect(io.stderr()).toContain('(--help tells what there is)');
  });

  it.each([
    [['run'], "required option '-c, --config <file>' not specified"],
    [['check', '--json'], "required option '-c, --config <file>' not specified"],
    [['run', 'east.yaml'], "unexpected argument 'east.yaml': a document is given with -c <file>"],
    [['run', '--confg', 'east.yaml'], "unknown option '--confg'\n(Did you mean --config?)"],
    [['link', 'set', 'to-east'], "required option '--cost <n>' not specified"],
    [['link', 'set', 'to-east', '--cots', '3'], "unknown option '--cots'\n(Did you mean --cost?)"],
  ])('names what is wrong with %j', async (args, words) => {
    const io = bufferIo();
    expect(await runCli(args, io)).toBe(1);
    expect(io.stderr()).toBe(`error: ${words}\n(--help tells what there is)`);
  });

  it('exits 0 for help and version', async () => {
    const io = bufferIo();
    expect(await runCli(['--help'], io)).toBe(0);
    expect(await runCli(['--version'], io)).toBe(0);
    expect(io.stdout()).toMatch(/check.*\n[\s\S]*\d+\.\d+\.\d+/);
  });
});
