import { spawnSync } from 'node:child_process';
import { closeSync, mkdirSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { note } from '../seed';

const FILL_BYTES = 64 * 1024;
const top = mkdtempSync(join(tmpdir(), 'fairlead-volume-'));
const mounted = new Set<SmallVolume>();

afterAll(() => {
  for (const volume of mounted) volume.unmount();
  rmSync(top, { recursive: true, force: true, maxRetries: 10 });
});

/** A file system in memory of a fixed size, which others may fill. */
export class SmallVolume {
  readonly folder = mkdtempSync(join(top, 'of-'));
  readonly #filler: string;
  readonly #data: string;

  private constructor(readonly bytes: number) {
    this.#filler = join(this.folder, 'filler');
    this.#data = join(this.folder, 'data');
  }

  /** Null where it may not be mounted. */
  static mount(bytes: number): SmallVolume | null {
    const volume = new SmallVolume(bytes);
    const { status } = spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${bytes}`, 'tmpfs', volume.folder]);
    if (status !== 0) return null;
    mounted.add(volume);
    mkdirSync(volume.#data);
    return volume;
  }

  get dataDir(): string {
    return this.#data;
  }

  /** Takes all the room that is left. */
  fill(): void {
    const handle = openSync(this.#filler, 'a');
    try {
      for (const part = Buffer.alloc(FILL_BYTES); ;) writeSync(handle, part);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
    } finally {
      closeSync(handle);
    }
  }

  /** Gives it back. */
  clear(): void {
    rmSync(this.#filler, { force: true });
  }

  unmount(): void {
    mounted.delete(this);
    spawnSync('umount', ['-l', this.folder]);
  }
}

function isAllowed(): boolean {
  const volume = SmallVolume.mount(1024 ** 2);
  volume?.unmount();
  if (!volume)
    note(
      'SKIPPED what needs a small volume: mounting a tmpfs is refused (it takes root, CAP_SYS_ADMIN in a container)',
    );
  return volume !== null;
}

/** For tests that need one: `itWithVolume(…)`. */
export const itWithVolume = isAllowed() ? it : it.skip;
