import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { NodeState } from '../../src/store/node-state';
import { FairleadNode } from '../support/fairlead-node';
import { leash } from '../support/reaper';
import { randomOf, seedOf } from '../support/seed';
import { pause } from './pause';

const random = randomOf(seedOf(__filename));
const CASE_MS = 90_000;
const KILLS = 6;
const BUILT = resolve(__dirname, '../../dist/store/node-state.js');

/** Writes facts and their stamp as fast as the disk takes them, and tells each number once it is flushed. */
const WRITER = `
const { NodeState } = require(${JSON.stringify(BUILT)});
const state = NodeState.open(process.argv[1]);
const from = Number(process.argv[2]);
(async () => {
  for (let n = from; ; n++) {
    const stamp = { site: 'west', incarnation: 1, born: 1, version: n + 1 };
    state.saveFacts('west', stamp, [['fact ' + (n % 50), Buffer.from(String(n))]]);
    state.saveKnownNodes(['west', 'n' + n]);
    await state.flushed();
    process.stdout.write(n + '\\n');
  }
})();`;

/** Writes facts that the disk has no room for, then one for which it has. Tells what is on the disk in the end. */
const OVERFLOWS = `
const { NodeState } = require(${JSON.stringify(BUILT)});
let failed;
const failure = new Promise((done) => (failed = done));
const journal = { info: () => undefined, warn: (event, fields) => failed([event, fields.what]) };
const stamp = (version) => ({ site: 'west', incarnation: 1, born: 1, version });
const fact = (key, length, fill) => [key, Buffer.alloc(length, fill)];
(async () => {
  const state = NodeState.open(process.argv[1], { journal });
  state.saveFacts('west', stamp(1), [fact('a', 1, '1'), fact('b', 1, '1')]);
  await state.flushed();
  state.saveFacts('west', stamp(2), [fact('a', 1, '2'), ['b', null], fact('c', 400_000, '2')]);
  const told = await failure;
  const { failed: failures } = state.writes;
  state.saveFacts('west', stamp(3), [fact('c', 1, '3')]);
  state.saveKnownNodes(['west']);
  await state.close();
  const again = NodeState.open(process.argv[1]);
  const [west] = again.lastRun.facts;
  await again.close();
  const facts = Object.fromEntries([...west.entries].map(([key, value]) => [key, value.toString()]));
  process.stdout.write(JSON.stringify({ told, failures, version: west.stamp.version, facts }));
})();`;

/** Runs the program with files of at most `blocks` of 512 or 1024 bytes. */
async function withSmallFiles(blocks: number, program: string, argument: string): Promise<unknown> {
  const script = `trap '' XFSZ; ulimit -f ${blocks}; exec "$@"`;
  const child = spawn('sh', ['-c', script, 'sh', process.execPath, '-e', program, argument], {
    // LMDB tells of it there by itself.
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  leash(child);
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (part: string) => (text += part));
  const [code] = (await once(child, 'close')) as [number | null];
  expect(code).toBe(0);
  return JSON.parse(text);
}

/** @returns the last number that the writer said was on the disk before it was killed */
async function writeAndKill(folder: string, from: number): Promise<number> {
  const child = spawn(process.execPath, ['-e', WRITER, folder, String(from)], { stdio: ['ignore', 'pipe', 'inherit'] });
  leash(child);
  let last = -1;
  let told: () => void = () => undefined;
  const first = new Promise<void>((done) => (told = done));
  createInterface(child.stdout).on('line', (line) => {
    last = Number(line);
    told();
  });
  await first;
  await pause(random.below(200));
  child.kill('SIGKILL');
  await once(child, 'close');
  return last;
}

describe('what a node must know after a restart', () => {
  it(
    'is what was flushed, whenever the process is killed; lives stay in order',
    async () => {
      const folder = mkdtempSync(join(tmpdir(), 'fairlead-store-'));
      let next = 0;
      let former = 0;
      for (let n = 0; n < KILLS; n++) {
        const last = await writeAndKill(folder, next);
        const state = NodeState.open(folder);
        expect(state.incarnation).toBeGreaterThan(former);
        former = state.incarnation;
        const [west] = state.lastRun.facts;
        const values = [...(west?.entries.values() ?? [])].map((value) => Number(value.toString()));
        // One more than it told may have reached the disk, none less.
        const newest = Math.max(...values);
        expect(newest).toBeGreaterThanOrEqual(last);
        expect(west?.stamp?.version).toBe(newest + 1);
        expect(state.lastRun.knownNodes).toEqual(['west', `n${newest}`]);
        const wanted = Array.from({ length: Math.min(50, newest + 1) }, (_, i) => newest - i);
        expect(values.sort((a, b) => b - a)).toEqual(wanted);
        await state.close();
        next = newest + 1;
      }
      rmSync(folder, { recursive: true });
    },
    CASE_MS,
  );

  it(
    'orders the lives of a real node that is killed at any moment of its start',
    async () => {
      const node = await FairleadNode.start({ document: { site: 'first' } });
      let former = 0;
      for (let n = 0; n < 4; n++) {
        const { body } = await node.http('/api/v1/status');
        const { incarnation } = body as { incarnation: number };
        expect(incarnation).toBeGreaterThan(former);
        former = incarnation;
        await node.kill();
        const starting = node.start();
        starting.catch(() => undefined); // it is killed before it is ready, or right after
        await pause(random.below(1_500));
        if (node.running) await node.kill();
        await starting.catch(() => undefined);
        await node.start();
      }
      await expect(node.stop()).resolves.toBe(0);
    },
    CASE_MS,
  );

  it(
    'is of the version that its stamp says, also when the disk was full meanwhile, and the node goes on',
    async () => {
      const folder = mkdtempSync(join(tmpdir(), 'fairlead-store-full-'));
      expect(await withSmallFiles(256, OVERFLOWS, folder)).toEqual({
        told: ['state-write-failed', 'facts of west'],
        failures: 1,
        version: 3,
        facts: { a: '2', c: '3' },
      });
      rmSync(folder, { recursive: true });
    },
    CASE_MS,
  );
});
