import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { eventually } from '../support/eventually';
import { FairleadNode } from '../support/fairlead-node';
import { note, randomOf, seedOf } from '../support/seed';

const random = randomOf(seedOf(__filename));
const CASE_MS = 90_000;
const DAMAGES = 6;

/** Moments between the first line of our code and the ready line, by what is there then. */
const BEFORE_READY: readonly (readonly [string, (node: FairleadNode) => boolean])[] = [
  ['its modules are being loaded', (node) => readFileSync(`/proc/${node.pid}/maps`, 'latin1').includes('lmdb')],
  ['it takes its data folder', (node) => existsSync(dirname(storeOf(node)))],
];

const storeOf = (node: FairleadNode, kind = 'state'): string => join(dirname(node.file), 'data', kind, 'data.mdb');

/** Starts a node that must not become ready, and returns what it wrote. */
async function refused(node: FairleadNode, code: number): Promise<string> {
  await expect(node.start()).rejects.toThrow(`ended before it was ready, with ${code}:`);
  return node.log();
}

describe('what a node ends with', () => {
  it(
    '3 where a port is in use, naming the key and the address',
    async () => {
      const first = await FairleadNode.start({ document: { site: 'first' } });
      const wanted = [
        ['listeners[0]', { listeners: [{ name: 'amqp', protocol: 'amqp', port: first.amqpPort }] }, first.amqpPort],
        ['mesh.listen[0]', { mesh: { listen: [{ port: first.meshPort }] } }, first.meshPort],
        ['http', { http: { port: first.httpPort } }, first.httpPort],
      ] as const;
      for (const [path, more, port] of wanted) {
        const second = await FairleadNode.prepare({ document: { site: 'second', ...more } as never });
        const said = await refused(second, 3);
        expect(said).toContain(`FL_PORT_IN_USE: ${path}: 127.0.0.1:${port} cannot be bound`);
        // What it had begun it has left behind it: the folder is free.
        second.rewrite(({ site }) => ({ site, http: { port: 0 }, listeners: [], mesh: {} }));
        await second.start();
        await expect(second.stop()).resolves.toBe(0);
      }
    },
    CASE_MS,
  );

  it(
    '3 where the data folder is in use, naming the process',
    async () => {
      const first = await FairleadNode.start({ document: { site: 'first' } });
      const dataDir = join(dirname(first.file), 'data');
      const second = await FairleadNode.prepare({ document: { site: 'second', dataDir } });
      expect(await refused(second, 3)).toContain(`belongs to process ${first.pid} `);
      await first.kill();
      await second.start();
    },
    CASE_MS,
  );

  it(
    '2 for a bad document, with all its errors',
    async () => {
      const node = await FairleadNode.prepare({ document: { site: 'first' } });
      writeFileSync(node.file, 'site: first\nhtpp: {}\nmesh: { links: [{ name: x, connect: nowhere, cost: 0 }] }\n');
      const said = await refused(node, 2);
      for (const part of ['htpp', 'mesh.links[0].connect', 'mesh.links[0].cost']) expect(said).toContain(part);
    },
    CASE_MS,
  );

  it.each([
    ['state', 'restore it from a backup'],
    ['queues', 'fairlead store salvage -c'],
  ])(
    '4 for a damaged store (%s), saying what to do; whatever the damage, it never dies of it',
    async (kind, cure) => {
      const node = await FairleadNode.start({
        document: { site: 'first', addresses: [{ match: 'a.#', kind: 'topic' }] },
      });
      await node.stop();
      const file = storeOf(node, kind);
      const whole = readFileSync(file);
      // A store is all files of its folder: what a start makes of a damaged one does not fit the others any more.
      const folder = dirname(file);
      const sound = mkdtempSync(join(tmpdir(), 'fairlead-sound-'));
      cpSync(folder, sound, { recursive: true });
      const restore = (): void => {
        rmSync(folder, { recursive: true });
        cpSync(sound, folder, { recursive: true });
      };
      writeFileSync(file, whole.subarray(0, 5_000));
      const said = await refused(node, 4);
      expect(said).toContain('FL_STORE_DAMAGED');
      expect(said).toContain(cure);
      writeFileSync(file, 'no store at all '.repeat(2_000));
      await refused(node, 4);
      for (let n = 0; n < DAMAGES; n++) {
        const damaged = Buffer.from(whole);
        const at = random.below(damaged.length - 512);
        damaged.fill(random.below(256), at, at + 512);
        restore();
        writeFileSync(file, damaged);
        await expectStartOrRefusal(node, at);
      }
      restore();
      rmSync(sound, { recursive: true });
      await node.start();
      await expect(node.stop()).resolves.toBe(0);
    },
    CASE_MS,
  );

  it.each(BEFORE_READY)(
    '0 after a SIGTERM that comes before it is ready: when %s',
    async (_when, isThen) => {
      const node = await FairleadNode.prepare({ document: { site: 'first' } });
      const started = node.start().then(
        () => 'ready',
        (error: Error) => error.message,
      );
      await eventually('the moment has come', () => isThen(node), { everyMs: 1 });
      node.signal('SIGTERM');
      expect(await node.exited()).toEqual({ code: 0, signal: null });
      // The signal may have lost the race on a busy machine; the exit code is the same then.
      expect(await started).toMatch(/^ready$|ended before it was ready, with 0:/);
      // What it had begun it has left behind it.
      await node.start();
      await expect(node.stop()).resolves.toBe(0);
    },
    CASE_MS,
  );

  it(
    '0 after SIGTERM and SIGINT, 1 when told twice while it waits',
    async () => {
      const node = await FairleadNode.start({ document: { site: 'first' } });
      node.signal('SIGINT');
      expect(await node.exited()).toEqual({ code: 0, signal: null });
      await node.start();
      node.signal('SIGTERM');
      await eventually('it drains', () => node.log().includes('"draining"') || !node.running);
      if (node.running) node.signal('SIGTERM');
      expect([0, 1]).toContain((await node.exited()).code);
    },
    CASE_MS,
  );
});

/** Damage that hits nothing in use goes unnoticed; damage that does is told with exit code 4; nothing else happens. */
async function expectStartOrRefusal(node: FairleadNode, at: number): Promise<void> {
  try {
    await node.start();
  } catch (error) {
    expect((error as Error).message).toContain('ended before it was ready, with 4:');
    note(`damage at ${at}: refused`);
    return;
  }
  await expect(node.stop()).resolves.toBe(0);
}
