import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ClientStore } from '../store/client-store';
import { NodeState } from '../store/node-state';
import { LmdbQueueStore } from '../store/queue-store';
import { bufferIo } from './cli.fixture';
import { runCli } from './program';

const top = mkdtempSync(join(tmpdir(), 'fairlead-store-cli-'));
afterAll(() => rmSync(top, { recursive: true, force: true }));

async function fairlead(...args: string[]): Promise<[code: number, out: string, err: string]> {
  const io = bufferIo();
  const code = await runCli(['store', ...args], io);
  return [code, io.stdout(), io.stderr()];
}

/** A site document whose data folder has a thousand records. */
async function site(): Promise<{ config: string; data: string }> {
  const folder = mkdtempSync(join(top, 'site-'));
  const config = join(folder, 'site.yaml');
  writeFileSync(config, 'site: east\ndataDir: data\n');
  const data = join(folder, 'data');
  const state = NodeState.open(data);
  const clients = ClientStore.open(data);
  for (let n = 0; n < 40; n++) clients.put(`tr${n}`, Buffer.from(`retained ${n} of 40`));
  await new Promise((done) => clients.commit(done));
  await clients.close();
  const store = LmdbQueueStore.open(data);
  store.put(1, 0, 2, Buffer.from('jobs.a'));
  for (let key = 0; key < 1_000; key++) store.put(3, 1 + (key % 2), key, Buffer.from(`record ${key} of 1000`));
  await new Promise<void>((done) => store.commit({ done: () => done() }));
  await store.close();
  await state.close();
  return { config, data };
}

/** Flips a bit in the first record that has such a value. */
function damage(data: string, value: Buffer, store = 'queues'): void {
  const file = join(data, store, 'data.mdb');
  const bytes = readFileSync(file);
  // Pages that are not in use any more may hold it as well.
  for (let at = bytes.indexOf(value); at >= 0; at = bytes.indexOf(value, at + 1)) bytes[at]! ^= 1;
  writeFileSync(file, bytes);
}

describe('fairlead store', () => {
  it('check tells what there is', async () => {
    const { config } = await site();
    const [code, out] = await fairlead('check', '-c', config);
    expect([code, out.split('\n').at(-1)]).toEqual([0, 'no damage']);
    expect(out).toContain('1008 records of 2 queues');
    const [, json] = await fairlead('check', '-c', config, '--json');
    expect(JSON.parse(json)).toMatchObject({ queues: { records: 1_008 }, state: { damages: [] } });
    expect(JSON.parse(json)).toMatchObject({ clients: { records: 41, damages: [] } });
  });

  it('check and salvage know what clients have left, and a backup has it', async () => {
    const { config, data } = await site();
    const target = mkdtempSync(join(top, 'copy-'));
    expect((await fairlead('backup', target, '-c', config))[0]).toBe(0);
    damage(data, Buffer.from('retained 5 of 40'), 'clients');
    const [code, out] = await fairlead('check', '-c', config);
    expect([code, out]).toEqual([4, expect.stringContaining('a record of clients: its check sum is wrong')]);
    const [saved, told] = await fairlead('salvage', '-c', config);
    expect([saved, told]).toEqual([0, expect.stringContaining('saved 39 records of retained messages and sessions')]);
    expect((await fairlead('check', '-c', config))[0]).toBe(0);
    const keys = async (folder: string): Promise<string[]> => {
      const store = ClientStore.open(folder);
      const found: string[] = [];
      store.load((key) => found.push(key));
      await store.close();
      return found;
    };
    const there = await keys(data);
    expect([there.length, there.includes('tr5'), there.includes('tr6')]).toEqual([39, false, true]);
    expect((await keys(target)).length).toBe(40);
  });

  it('check ends with 4 where something is damaged, and salvage makes a sound store of the rest', async () => {
    const { config, data } = await site();
    damage(data, Buffer.from('record 5 of 1000'));
    const [code, out] = await fairlead('check', '-c', config);
    expect(code).toBe(4);
    expect(out).toMatch(/record \d+ of queue 2 \(space 3\): its check sum is wrong/);
    expect(out).toContain('1007 of 1008 records can be read; stop the node and run fairlead store salvage');
    const [saved, told] = await fairlead('salvage', '-c', config);
    expect(saved).toBe(0);
    expect(told).toContain('lost 1 of 1008 records');
    expect(told).toMatch(/queue 2 jobs.a: 499 messages, 499 records, .*, 1 records damaged/);
    expect(told).toContain('queue 1 (its name is lost: it is salvaged.1 now): 500 messages');
    expect(told).toMatch(/the damaged store is kept as .*damaged-.*\.mdb/);
    expect((await fairlead('check', '-c', config))[0]).toBe(0);
  });

  it('backup copies to a new folder, and to no other', async () => {
    const { config } = await site();
    const target = join(top, 'backup');
    const [code, out] = await fairlead('backup', target, '-c', config);
    expect([code, out]).toEqual([0, expect.stringContaining('1008 records of 2 queues')]);
    expect(await fairlead('backup', target, '-c', config)).toEqual([1, '', expect.stringMatching(/^FL_BACKUP_TARGET/)]);
  });

  it('salvage ends with 3 while the node runs', async () => {
    const { config, data } = await site();
    const state = NodeState.open(data);
    expect(await fairlead('salvage', '-c', config)).toEqual([3, '', expect.stringMatching(/^FL_DATA_DIR_IN_USE/)]);
    await state.close();
  });

  it.each([
    [['check'], 1, "required option '-c, --config <file>'"],
    [['backup', '-c', 'none.yaml'], 1, "missing required argument 'folder'"],
    [['check', '-c', 'none.yaml'], 2, 'FL_CONFIG_INVALID'],
  ])('%j ends with %i', async (args, code, said) => {
    expect(await fairlead(...args)).toEqual([code, '', expect.stringContaining(said)]);
  });

  it('says so where no node was started yet', async () => {
    const folder = mkdtempSync(join(top, 'empty-'));
    writeFileSync(join(folder, 'site.yaml'), 'site: east\ndataDir: data\n');
    const [code, , err] = await fairlead('check', '-c', join(folder, 'site.yaml'));
    expect([code, err]).toEqual([1, expect.stringMatching(/^FL_STORE_MISSING/)]);
  });
});
