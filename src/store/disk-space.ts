import { randomFillSync } from 'node:crypto';
import { closeSync, existsSync, openSync, rmSync, type StatsFs, statfsSync, writeSync } from 'node:fs';
import { dirname, join } from 'node:path';
import {
  FREE_BYTES_LEAST,
  FREE_BYTES_MIN,
  FREE_PART_MIN,
  RESERVE_BYTES,
  RESERVE_PART,
  SPACE_LOOK_BYTES,
} from './limits';

const FILL_BYTES = 64 * 1024;

/** Whether a store's volume has room. Free pages inside the store are room too. */
export class DiskSpace {
  readonly #folder: string;
  readonly #reserve: string;
  #bytesSince = 0;
  #full = false;

  constructor(
    file: string,
    /** Bytes of free pages in the store's file. */
    private readonly freeInFile: () => number,
    /** Bytes that the file has still to take. */
    private readonly owed: () => number = () => 0,
  ) {
    this.#folder = dirname(file);
    this.#reserve = join(this.#folder, 'reserve');
  }

  /** Told of what was written; says whether it is time for a look. */
  hasWritten(bytes: number): boolean {
    this.#bytesSince += bytes;
    return this.#bytesSince >= SPACE_LOOK_BYTES;
  }

  /** True while there is less room than has to be kept. */
  isFull(): boolean {
    this.#bytesSince = 0;
    const volume = this.#volume();
    if (volume) this.#full = this.#isFull(volume);
    return this.#full;
  }

  /** True where next to nothing is left, whatever is free in the file. */
  isUsedUp(): boolean {
    const volume = this.#volume();
    return volume !== null && volume.bavail * volume.bsize < FREE_BYTES_LEAST;
  }

  /** Null when the system does not say: then it says so of the next write too. */
  #volume(): StatsFs | null {
    try {
      return statfsSync(this.#folder);
    } catch {
      return null;
    }
  }

  #isFull({ bavail, blocks, bsize }: StatsFs): boolean {
    const least = Math.max(Math.min(FREE_BYTES_MIN, (blocks * bsize) / FREE_PART_MIN), FREE_BYTES_LEAST);
    // A quarter more ends it, so that it does not come and go with every message.
    const wanted = this.#full ? least * 1.25 : least;
    const free = bavail * bsize - this.owed();
    const full = free < wanted && free + this.freeInFile() < wanted;
    if (!full) this.#takeReserve(free, blocks * bsize);
    return full;
  }

  /** A write has found no room: the next ones get that of the reserve. */
  giveReserve(): void {
    try {
      rmSync(this.#reserve, { force: true });
    } catch {
      // A volume that cannot be changed at all: the next write says so.
    }
  }

  #takeReserve(free: number, total: number): void {
    const bytes = Math.min(RESERVE_BYTES, Math.floor(total / RESERVE_PART));
    if (free < 2 * bytes || existsSync(this.#reserve)) return;
    try {
      this.#write(bytes);
    } catch {
      // Without it deletes may have to wait for room, and nothing else changes.
      this.giveReserve();
    }
  }

  /** Random, so that file systems that compress keep the room as well. */
  #write(bytes: number): void {
    const handle = openSync(this.#reserve, 'wx', 0o600);
    try {
      const fill = randomFillSync(Buffer.allocUnsafe(FILL_BYTES));
      for (let done = 0; done < bytes;) done += writeSync(handle, fill, 0, Math.min(FILL_BYTES, bytes - done));
    } finally {
      closeSync(handle);
    }
  }
}
