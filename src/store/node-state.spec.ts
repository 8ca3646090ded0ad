import { spawnSync, spawn } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { open } from 'lmdb';
import { NodeState, STATE_FORMAT } from './node-state';
import { processStart } from './process-identity';
import { encodeFact, encodeStamp, factId, seal, stampId } from './records';
import { Spool } from './spool';

const top = mkdtempSync(join(tmpdir(), 'fairlead-state-'));
afterAll(() => rmSync(top, { recursive: true, force: true }));
const fresh = () => mkdtempSync(join(top, 'node-'));
const data = (folder: string) => join(folder, 'state', 'data.mdb');
const stampOf = (version: number) => ({ site: 'west', incarnation: 65_536, born: 65_536, version });
const codeOf = (body: () => unknown): string => {
  try {
    body();
  } catch (error) {
    return (error as { code: string }).code;
  }
  return 'none';
};

describe('node state', () => {
  it('brings back known nodes and facts', async () => {
    const folder = fresh();
    const first = NodeState.open(folder);
    first.saveKnownNodes(['west', 'edge']);
    const long = 'k'.repeat(5_000);
    first.saveFacts('west', stampOf(1), [
      ['rule a.#', Buffer.from([1, 2, 3])],
      [long, Buffer.from('x')],
    ]);
    first.saveFacts('west', stampOf(2), [['gone', Buffer.from('x')]]);
    first.saveFacts('west', stampOf(3), [['gone', null]]);
    first.saveFacts('edge', stampOf(1), [['gone', Buffer.from('x')]]);
    first.saveFacts('edge', stampOf(2), [['gone', null]]);
    await first.close();
    const second = NodeState.open(folder);
    expect(second.lastRun.knownNodes).toEqual(['west', 'edge']);
    expect(second.lastRun.facts).toEqual([
      {
        origin: 'west',
        stamp: stampOf(3),
        entries: new Map([
          ['rule a.#', Buffer.from([1, 2, 3])],
          [long, Buffer.from('x')],
        ]),
      },
    ]);
    expect(second.writes).toEqual({ pending: 0, failed: 0 });
    await second.close();
  });

  it('orders incarnations even when the clock goes back', async () => {
    const folder = fresh();
    const lives: number[] = [];
    for (const wall of [2_000_000_000_000, 1_000_000_000_000, 1_000_000_000_000, 2_000_000_100_000]) {
      const state = NodeState.open(folder, { wall: () => wall, random16: () => 65_535 - lives.length });
      lives.push(state.incarnation);
      await state.close();
    }
    expect(lives.map((life) => Math.floor(life / 65_536) - 2_000_000_000)).toEqual([0, 1, 2, 100]);
    expect(lives[0]! % 65_536).toBe(65_535);
  });

  it('reads format 1, whose facts are of no known version, and goes on in its own', async () => {
    const folder = fresh();
    const root = open<Buffer, string>({ path: join(folder, 'state'), encoding: 'binary', maxDbs: 4 });
    await root.put('format', seal(Buffer.from('1')));
    const fact = encodeFact(['west', 'rule a.#', Buffer.from('x')]);
    await root.openDB<Buffer, string>({ name: 'facts', encoding: 'binary' }).put(factId('west', 'rule a.#'), fact);
    await root.close();
    const entries = new Map([['rule a.#', Buffer.from('x')]]);
    const second = NodeState.open(folder);
    expect(second.lastRun.facts).toEqual([{ origin: 'west', stamp: null, entries }]);
    second.saveFacts('west', stampOf(7), []);
    await second.close();
    const third = NodeState.open(folder);
    expect(third.lastRun.facts).toEqual([{ origin: 'west', stamp: stampOf(7), entries }]);
    await third.close();
    const after = open<Buffer, string>({ path: join(folder, 'state'), encoding: 'binary', maxDbs: 4 });
    expect(after.get('format')).toEqual(seal(Buffer.from(String(STATE_FORMAT))));
    await after.close();
  });

  it('refuses a flipped bit in a stamp', async () => {
    const folder = fresh();
    const state = NodeState.open(folder);
    state.saveFacts('west', stampOf(1), [['rule a.#', Buffer.from('x')]]);
    await state.close();
    const root = open<Buffer, string>({ path: join(folder, 'state'), encoding: 'binary', maxDbs: 4 });
    const stamps = root.openDB<Buffer, string>({ name: 'stamps', encoding: 'binary' });
    const record = encodeStamp(['west', stampOf(1)]);
    record[record.length - 1]! ^= 1;
    await stamps.put(stampId('west'), record);
    await root.close();
    expect(() => NodeState.open(folder)).toThrow('the check sum of stamp');
    expect(codeOf(() => NodeState.open(folder))).toBe('FL_STORE_DAMAGED');
  });

  it('refuses an unknown format and says what to do', async () => {
    const folder = fresh();
    await NodeState.open(folder).close();
    const root = open<Buffer, string>({ path: join(folder, 'state'), encoding: 'binary', maxDbs: 4 });
    await root.put('format', seal(Buffer.from('99')));
    await root.close();
    expect(() => NodeState.open(folder)).toThrow(`has format 99, this version reads format ${STATE_FORMAT}`);
    expect(codeOf(() => NodeState.open(folder))).toBe('FL_STORE_VERSION');
  });

  it('refuses a flipped bit in a record', async () => {
    const folder = fresh();
    await NodeState.open(folder).close();
    const root = open<Buffer, string>({ path: join(folder, 'state'), encoding: 'binary', maxDbs: 4 });
    const boot = Buffer.from(root.get('boot')!);
    boot[boot.length - 1]! ^= 1;
    await root.put('boot', boot);
    await root.close();
    expect(codeOf(() => NodeState.open(folder))).toBe('FL_STORE_DAMAGED');
  });

  it('refuses garbage in place of the store', () => {
    const folder = fresh();
    mkState(folder, Buffer.from('not a store at all '.repeat(1_000)));
    expect(codeOf(() => NodeState.open(folder))).toBe('FL_STORE_DAMAGED');
    expect(existsSync(join(folder, 'lock'))).toBe(false);
  });

  it('survives a store that was cut off: damage is told, the process does not die', async () => {
    const folder = fresh();
    const state = NodeState.open(folder);
    for (let i = 0; i < 2_000; i++) state.saveFacts('west', stampOf(i + 1), [[`fact ${i}`, Buffer.alloc(200, i)]]);
    await state.close();
    truncateSync(data(folder), 40_000);
    const program = `
      require('@swc/core'); require('./jest.config.cjs');
      try { ${loader()} NodeState.open(${JSON.stringify(folder)}); console.log('opened'); }
      catch (error) { console.log(error.code); }`;
    const { stdout, status } = spawnSync(process.execPath, ['-e', program], { cwd: process.cwd(), encoding: 'utf8' });
    expect([status, stdout.trim()]).toEqual([0, 'FL_STORE_DAMAGED']);
  });

  it('refuses a folder that cannot be made', () => {
    const folder = fresh();
    writeFileSync(join(folder, 'file'), '');
    expect(codeOf(() => NodeState.open(join(folder, 'file', 'data')))).toBe('FL_DATA_DIR_UNUSABLE');
  });

  it('refuses a folder in one that is there but takes none, and makes those that are missing', () => {
    if (existsSync('/proc/self')) expect(codeOf(() => NodeState.open('/proc/none/data'))).toBe('FL_DATA_DIR_UNUSABLE');
    expect(codeOf(() => new Spool(join(fresh(), 'a', 'b', 'c')))).toBe('none');
  });
});

describe('the lock of a data folder', () => {
  it('tells the second who the first is', async () => {
    const folder = fresh();
    const first = NodeState.open(folder);
    expect(() => NodeState.open(folder)).toThrow(`belongs to process ${process.pid} on host ${hostname()}`);
    await first.close();
    await NodeState.open(folder).close();
    expect(readdirSync(folder)).toEqual(['state']);
  });

  it('is taken over from a process that died', async () => {
    const folder = fresh();
    const { pid } = spawnSync(process.execPath, ['-e', '']);
    lockOf(folder, { pid, host: hostname(), start: null });
    await NodeState.open(folder).close();
  });

  it('is taken over from an earlier process with the same pid, as in containers', async () => {
    const folder = fresh();
    lockOf(folder, { pid: process.pid, host: hostname(), start: 'boot-of-yesterday/17' });
    await NodeState.open(folder).close();
  });

  it('of a live process holds, also of one that is stopped', async () => {
    const folder = fresh();
    const child = spawn(process.execPath, ['-e', 'setInterval(() => 0, 1000)']);
    child.kill('SIGSTOP');
    lockOf(folder, { pid: child.pid!, host: hostname(), start: processStart(child.pid!) });
    expect(codeOf(() => NodeState.open(folder))).toBe('FL_DATA_DIR_IN_USE');
    const dead = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGKILL');
    await dead;
    await NodeState.open(folder).close();
  });

  it('of another host holds until it has been silent for long', async () => {
    const folder = fresh();
    lockOf(folder, { pid: 1, host: 'elsewhere', start: null });
    expect(() => NodeState.open(folder)).toThrow(/process 1 on host elsewhere \(if that host is gone, the lock ends/);
    utimesSync(join(folder, 'lock'), Date.now() / 1000 - 31, Date.now() / 1000 - 31);
    await NodeState.open(folder).close();
  });
});

describe('spool', () => {
  it('keeps bytes until closed and cleans up what a crash left', () => {
    const folder = fresh();
    const spool = new Spool(folder);
    const file = spool.create();
    file.append(Buffer.from('hello '));
    file.append(Buffer.from('world'));
    const target = Buffer.alloc(5);
    expect([file.read(6, target), target.toString(), file.read(11, target)]).toEqual([5, 'world', 0]);
    expect(spool.usage).toEqual({ files: 1, bytes: 11 });
    file.close();
    file.close();
    expect([spool.usage, readdirSync(join(folder, 'spool'))]).toEqual([{ files: 0, bytes: 0 }, []]);
    spool.create().append(Buffer.from('left behind'));
    expect(new Spool(folder).usage).toEqual({ files: 0, bytes: 0 });
    expect(readdirSync(join(folder, 'spool'))).toEqual([]);
  });
});

function lockOf(folder: string, owner: { pid: number; host: string; start: string | null }): void {
  writeFileSync(join(folder, 'lock'), JSON.stringify({ ...owner, token: 'x' }));
}

function mkState(folder: string, bytes: Buffer): void {
  mkdirSync(join(folder, 'state'));
  writeFileSync(data(folder), bytes);
}

/** Loads node-state.ts in a process of its own, compiled in memory as jest does. */
function loader(): string {
  return `
    const { transformSync } = require('@swc/core'); const Module = require('module'); const fs = require('fs');
    Module._extensions['.ts'] = (m, f) => m._compile(transformSync(fs.readFileSync(f, 'utf8'),
      { filename: f, jsc: { target: 'es2022', parser: { syntax: 'typescript' } }, module: { type: 'commonjs' } }).code, f);
    const { NodeState } = require(${JSON.stringify(join(__dirname, 'node-state.ts'))});`;
}
