import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { queueStoreFile } from '../../src/store/queue-environment';
import { DISK, FaultyDisk, itWithShim, NONE, someOf } from '../support/disk/disk-shim';
import { heldGroups, StoreWriter, whatIsLost } from '../support/disk/store-writer';
import { eventually } from '../support/eventually';
import { note, randomOf, seedOf } from '../support/seed';

const random = randomOf(seedOf(__filename));
const CASE_MS = 240_000;
/** Operations of the disk at which a process is killed that opens its store again: those after them are of its usual work. */
const POINTS = [1, 2, 3, 4, 5, 6, 8, 11, 15, 20];
/** More than a start has. */
const POINTS_MAX = 100;
/** Nothing goes to LMDB before the next start. */
const NEVER_MS = 1e9;

const top = mkdtempSync(join(tmpdir(), 'fairlead-recovery-'));
afterAll(() => rmSync(top, { recursive: true, force: true }));

/** What is left after a kill: with every other one the power is lost too. */
function afterKill(disk: FaultyDisk, isPowered: boolean): void {
  disk.becomes(DISK.sound);
  if (!isPowered) disk.losesPower(random.chance(0.5) ? NONE : someOf(random));
}

describe('a store that is killed while it opens again after a failure', () => {
  itWithShim.each([
    ['a write', DISK.writesFail],
    ['a sync', DISK.syncsFail],
    ['the write of a meta page', DISK.metaWritesFail],
    ['a write for want of room', DISK.noRoom],
  ])(
    'of %s has lost nothing, whichever operation of the disk is the last',
    async (_what, mode) => {
      const folder = mkdtempSync(join(top, 'node-'));
      const file = queueStoreFile(folder);
      const disk = new FaultyDisk(folder);
      let from = 0;
      for (const [n, point] of POINTS.entries()) {
        const writer = new StoreWriter({ folder, from, env: disk.env });
        await writer.writes(60);
        disk.becomes(mode);
        await writer.said('state');
        disk.becomes(DISK.sound, point);
        await writer.killed();
        afterKill(disk, n % 2 === 0);
        expect([point, whatIsLost(file, writer.acknowledged)]).toEqual([point, []]);
        from = heldGroups(file).last + 1;
      }
      const again = new StoreWriter({ folder, from, env: disk.env });
      await again.writes(60);
      await again.close();
      expect(whatIsLost(file, again.acknowledged)).toEqual([]);
    },
    CASE_MS,
  );
});

describe('a store that is killed while it brings its redo log to LMDB at the start', () => {
  itWithShim(
    'has lost nothing, whichever operation of the disk is the last, and the next start works',
    async () => {
      const folder = mkdtempSync(join(top, 'node-'));
      const file = queueStoreFile(folder);
      const disk = new FaultyDisk(folder);
      const first = new StoreWriter({ folder, env: disk.env, layerMs: NEVER_MS });
      await first.writes(400);
      await first.kill();
      const restore = disk.remembers();
      const { last } = heldGroups(file);
      let killed = true;
      let point = 0;
      for (; killed && point < POINTS_MAX; point++) {
        restore();
        disk.becomes(DISK.sound, point + 1);
        const writer = new StoreWriter({ folder, from: last + 1, to: last, env: disk.env, layerMs: NEVER_MS });
        await eventually('it is open, or killed', () => !writer.running || writer.lines.length > 0);
        killed = !writer.running;
        if (!killed) await writer.kill();
        afterKill(disk, point % 2 === 0);
        expect([point, whatIsLost(file, first.acknowledged)]).toEqual([point, []]);
        const again = new StoreWriter({ folder, from: heldGroups(file).last + 1, env: disk.env });
        await again.writes(20);
        await again.close();
        expect([point, whatIsLost(file, again.acknowledged)]).toEqual([point, []]);
      }
      note(`a start is killed at ${point - 1} points`);
      expect(killed).toBe(false);
      expect(point).toBeGreaterThan(5);
    },
    CASE_MS,
  );
});
