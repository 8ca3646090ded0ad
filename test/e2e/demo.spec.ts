import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { eventually, within } from '../support/eventually';
import { leash } from '../support/reaper';

const ROOT = resolve(__dirname, '../..');

/** The demo as a process, with a folder of its own for temporary files. */
class Demo {
  readonly folder = mkdtempSync(join(tmpdir(), 'fairlead-demo-test-'));
  readonly process: ChildProcess;
  readonly exited: Promise<number | null>;
  output = '';

  constructor(args: readonly string[]) {
    const env = { ...process.env, TMPDIR: this.folder };
    this.process = spawn(process.execPath, ['scripts/demo-run.mjs', ...args], { cwd: ROOT, env });
    leash(this.process);
    for (const stream of [this.process.stdout, this.process.stderr])
      stream?.setEncoding('utf8').on('data', (text: string) => (this.output += text));
    this.exited = new Promise((done) => this.process.once('close', done));
  }

  async says(text: string): Promise<void> {
    await eventually(`the demo says ${text}`, () => this.output.includes(text), {
      withinMs: 90_000,
      otherwise: () => this.output,
    });
  }

  /** Its node processes, by what they were started with. */
  nodes(): number[] {
    return [...commands()].filter(([, command]) => command.includes(this.folder)).map(([pid]) => pid);
  }
}

/** Every process's command line, by its id; `ps` says it alike on Linux and on macOS. */
function commands(): Map<number, string> {
  const lines = execFileSync('ps', ['-Aww', '-o', 'pid=,args='], { encoding: 'utf8' }).trimEnd().split('\n');
  return new Map(lines.map((line) => [Number.parseInt(line, 10), line.trim().replace(/^\d+ +/, '')]));
}

function commandOf(pid: number): string {
  return commands().get(pid) ?? ''; // none: it has ended meanwhile
}

const demos: Demo[] = [];

function start(...args: string[]): Demo {
  const demo = new Demo(args);
  demos.push(demo);
  return demo;
}

afterAll(() => {
  for (const { folder } of demos) rmSync(folder, { recursive: true, force: true });
});

it.each(['SIGINT', 'SIGTERM'] as const)(
  'the demo leaves nothing behind when %s ends it',
  async (signal) => {
    const demo = start('--once');
    await demo.says('The laptop publishes');
    expect(demo.nodes().filter((pid) => commandOf(pid).includes('dist/cli/main.js'))).toHaveLength(3);
    demo.process.kill(signal);
    expect(await within('the demo ends', demo.exited, 60_000)).toBe(1);
    await eventually('no node of it runs', () => demo.nodes().length === 0);
    expect(readdirSync(demo.folder)).toEqual([]);
  },
  180_000,
);

it('the demo ends with 1 and names the node that died', async () => {
  const demo = start('--once');
  await demo.says('The laptop publishes');
  const [node] = demo.nodes().filter((pid) => commandOf(pid).includes('public.yaml'));
  process.kill(node ?? 0, 'SIGKILL');
  expect(await within('the demo ends', demo.exited, 60_000)).toBe(1);
  expect(demo.output).toContain('The node of public ended with SIGKILL');
  await eventually('no node of it runs', () => demo.nodes().length === 0);
  expect(readdirSync(demo.folder)).toEqual([]);
}, 180_000);

it('nothing of the demo outlives it when it is killed', async () => {
  const demo = start('--once');
  await demo.says('The laptop publishes');
  demo.process.kill('SIGKILL');
  await within('the demo ends', demo.exited, 60_000);
  await eventually('no node of it runs', () => demo.nodes().length === 0);
  await eventually('its folder is gone', () => readdirSync(demo.folder).length === 0);
}, 180_000);

it('two demos that begin at once both run: whoever finds a port taken takes another', async () => {
  const both = [start(), start()];
  await Promise.all(both.map((demo) => demo.says('The laptop publishes')));
  for (const demo of both) demo.process.kill('SIGTERM');
  await Promise.all(both.map((demo) => within('the demo ends', demo.exited, 60_000)));
}, 180_000);
