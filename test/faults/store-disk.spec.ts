import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { QUEUE_PAGE_BYTES } from '../../src/store/limits';
import { queueStoreFile } from '../../src/store/queue-environment';
import {
  acknowledgedIn,
  afterPowerLoss,
  DISK,
  FaultyDisk,
  itWithShim,
  type JournalEntry,
  NONE,
  someOf,
  writeFiles,
} from '../support/disk/disk-shim';
import { heldGroups, StoreWriter, whatIsLost } from '../support/disk/store-writer';
import { note, randomOf, seedOf } from '../support/seed';

const random = randomOf(seedOf(__filename));
const below = (n: number): number => random.u32() % n;
const CASE_MS = 120_000;
const LOSSES = 250;

const top = mkdtempSync(join(tmpdir(), 'fairlead-disk-'));
afterAll(() => rmSync(top, { recursive: true, force: true }));
const fresh = (): string => mkdtempSync(join(top, 'node-'));

const SOME = someOf(random);

/** What the power losses at random moments of a run have cost. */
function losses(entries: readonly JournalEntry[]): string[] {
  const image = fresh();
  mkdirSync(join(image, 'queues'));
  const file = queueStoreFile(image);
  const found: string[] = [];
  for (let n = 0; n < LOSSES; n++) {
    const until = entries.slice(0, 1 + below(entries.length));
    const acknowledged = acknowledgedIn(until);
    const files = afterPowerLoss(until, n % 2 === 0 ? NONE : SOME);
    writeFiles(dirname(file), files);
    // Before the first transaction is on the disk there is no store, and nothing was acknowledged.
    if (acknowledged >= 0 || isWhole(files.get('data.mdb'))) found.push(...whatIsLost(file, acknowledged));
  }
  return found;
}

function isWhole(bytes: Buffer = Buffer.alloc(0)): boolean {
  return [24, QUEUE_PAGE_BYTES + 24].every((at) => bytes.length > at + 160 && bytes.readUInt32LE(at) === 0xbeefc0de);
}

async function run(groups: number, early: boolean): Promise<JournalEntry[]> {
  const folder = fresh();
  const disk = new FaultyDisk(folder);
  const writer = new StoreWriter({ folder, to: groups - 1, acks: disk.acks, early, window: 8, env: disk.env });
  await writer.writes(groups);
  await writer.kill();
  return disk.entries();
}

describe('power loss (F18)', () => {
  itWithShim(
    'costs nothing that was acknowledged, whatever of the later writes is on the disk',
    async () => {
      const entries = await run(1_500, false);
      note(`${entries.length} entries, ${entries.filter(({ kind }) => kind === 'sync').length} of them syncs`);
      expect(acknowledgedIn(entries)).toBe(1_499);
      expect(losses(entries)).toEqual([]);
    },
    CASE_MS,
  );

  itWithShim(
    'is noticed where a store acknowledges before it is on the disk (a canary)',
    async () => {
      const found = losses(await run(300, true));
      expect(found.filter((what) => what.includes('was acknowledged')).length).toBeGreaterThan(10);
      expect(found.filter((what) => !what.includes('was acknowledged'))).toEqual([]);
    },
    CASE_MS,
  );

  itWithShim(
    'leaves a store that opens and goes on',
    async () => {
      const entries = await run(200, false);
      for (let n = 0; n < 4; n++) {
        const folder = fresh();
        mkdirSync(join(folder, 'queues'));
        const until = entries.slice(0, entries.length - below(200));
        writeFiles(join(folder, 'queues'), afterPowerLoss(until, SOME));
        const { last } = heldGroups(queueStoreFile(folder));
        const writer = new StoreWriter({ folder, from: last + 1 });
        expect(await writer.said('open')).toContain('false');
        await writer.writes(50);
        await writer.close();
        expect(whatIsLost(queueStoreFile(folder), writer.acknowledged)).toEqual([]);
      }
    },
    CASE_MS,
  );
});

describe('a disk that fails', () => {
  itWithShim.each([
    ['a write', DISK.writesFail, 'amqp:internal-error'],
    ['a sync', DISK.syncsFail, 'amqp:internal-error'],
    ['the write of a meta page', DISK.metaWritesFail, 'amqp:internal-error'],
    ['a write for want of room', DISK.noRoom, 'amqp:resource-limit-exceeded'],
  ])(
    'at %s: what waits is refused, and once it works again the store does',
    async (_what, mode, condition) => {
      const folder = fresh();
      const disk = new FaultyDisk(folder);
      const writer = new StoreWriter({ folder, env: disk.env });
      await writer.writes(100);
      for (let round = 0; round < 6; round++) {
        const from = writer.lines.length;
        disk.becomes(mode);
        await writer.said('state failed', from);
        // The redo log may have taken all that waited before LMDB, behind it, met the failure.
        if (mode !== DISK.metaWritesFail) await writer.said('refused', from);
        expect(writer.lines.slice(from)[0]).toBe('state failed');
        disk.becomes(DISK.sound);
        await writer.said('state ok', from);
        const refused = writer.lines.slice(from).filter((line) => line.startsWith('refused'));
        for (const line of refused) expect(line).toContain(condition);
        await writer.writes(100);
      }
      await writer.close();
      expect(whatIsLost(queueStoreFile(folder), writer.acknowledged)).toEqual([]);
      const again = new StoreWriter({ folder, from: writer.acknowledged + 1 });
      expect(await again.said('open')).toContain('true');
      await again.close();
    },
    CASE_MS,
  );

  itWithShim(
    'and the process that is killed meanwhile has lost nothing',
    async () => {
      const folder = fresh();
      const disk = new FaultyDisk(folder);
      let from = 0;
      for (const mode of [DISK.writesFail, DISK.syncsFail, DISK.metaWritesFail]) {
        disk.becomes(DISK.sound);
        const writer = new StoreWriter({ folder, from, env: disk.env });
        await writer.writes(60);
        disk.becomes(mode);
        await writer.said(mode === DISK.metaWritesFail ? 'state failed' : 'refused');
        await writer.kill();
        expect(whatIsLost(queueStoreFile(folder), writer.acknowledged)).toEqual([]);
        from = heldGroups(queueStoreFile(folder)).last + 1;
      }
    },
    CASE_MS,
  );
});

describe('a slow disk (F21)', () => {
  itWithShim(
    'lets the process go on: what comes meanwhile goes with the next sync',
    async () => {
      const folder = fresh();
      const disk = new FaultyDisk(folder);
      const writer = new StoreWriter({ folder, window: 50, env: disk.env });
      await writer.writes(100);
      writer.tell('ticks');
      const before = Number((await writer.said('ticks')).split(' ')[1]);
      disk.becomes(DISK.slow);
      // The first one may be halfway through; of the next ones each takes a second.
      await writer.writes(200);
      const from = writer.lines.length;
      writer.tell('ticks');
      const ticks = Number((await writer.said('ticks', from)).split(' ')[1]) - before;
      disk.becomes(DISK.sound);
      // A hundred each second; a process that waits for its disk has two or three.
      expect(ticks).toBeGreaterThan(40);
      await writer.writes(100);
      await writer.close();
      expect(whatIsLost(queueStoreFile(folder), writer.acknowledged)).toEqual([]);
      expect(existsSync(queueStoreFile(folder))).toBe(true);
    },
    CASE_MS,
  );
});
