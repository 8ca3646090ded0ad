import { close, constants, fstatSync, fsync, open, openSync, rmSync, write, writeSync, writev } from 'node:fs';
import { dirname } from 'node:path';
import { promisify } from 'node:util';
import { REDO_SEGMENT_BYTES_MIN } from '../limits';
import { SEGMENT_HEAD_BYTES, writeSegmentHead } from './format';

const closing = promisify(close);
const opening = promisify(open);
const syncing = promisify(fsync);
const writing = promisify(write);

/** A write is on the disk when it is done: one call, where writing and syncing would be two. */
const FLAGS = constants.O_RDWR | constants.O_CREAT | constants.O_DSYNC;
const MODE = 0o600;
const FILL = Buffer.alloc(1024 ** 2);

/** A file of the redo log: all of it is there before it is used, so that writing to it needs no room and no change of the file system. */
export class SegmentFile {
  /** Its number in the log; 0 while it has none. */
  number = 0;
  bytes = 0;
  #handle: number | null = null;

  constructor(readonly path: string) {}

  /** Makes it a segment of that length, or of the length that it has where there is no room for more. Resolves when the disk has it. */
  async prepare(id: number, number: number, bytes: number): Promise<void> {
    const handle = (this.#handle ??= await opening(this.path, FLAGS, MODE));
    this.bytes = fstatSync(handle).size;
    if (this.bytes === 0) await syncFolder(dirname(this.path));
    try {
      while (this.bytes < bytes)
        this.bytes += (await writing(handle, FILL, 0, this.#fill(bytes), this.bytes)).bytesWritten;
    } catch (error) {
      if (this.bytes < REDO_SEGMENT_BYTES_MIN) throw error;
    }
    await writing(handle, this.#head(id, number), 0, SEGMENT_HEAD_BYTES, 0);
    this.number = number;
  }

  /** The same before it returns. */
  prepareNow(id: number, number: number, bytes: number): void {
    const handle = (this.#handle ??= openSync(this.path, FLAGS, MODE));
    this.bytes = fstatSync(handle).size;
    while (this.bytes < bytes) this.bytes += writeSync(handle, FILL, 0, this.#fill(bytes), this.bytes);
    writeSync(handle, this.#head(id, number), 0, SEGMENT_HEAD_BYTES, 0);
    this.number = number;
  }

  /** Writes parts of so many bytes in all, one behind the other. Resolves when the disk has them. */
  write(parts: readonly Buffer[], bytes: number, at: number): Promise<void> {
    return new Promise((resolve, reject) => {
      writev(this.#handle!, parts, at, (error, written) => {
        if (error) reject(error);
        else if (written < bytes) reject(new Error(`EIO: ${written} of ${bytes} bytes were written`));
        else resolve();
      });
    });
  }

  async close(): Promise<void> {
    const handle = this.#handle;
    this.#handle = null;
    if (handle !== null) await closing(handle);
  }

  /** Gives its room back. */
  async remove(): Promise<void> {
    await this.close();
    rmSync(this.path, { force: true });
  }

  #fill(bytes: number): number {
    return Math.min(FILL.length, bytes - this.bytes);
  }

  #head(id: number, number: number): Buffer {
    const head = Buffer.alloc(SEGMENT_HEAD_BYTES);
    writeSegmentHead(head, { id, number, bytes: this.bytes });
    return head;
  }
}

/** Sees to it that the names of a folder's files are on the disk. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await opening(folder, 'r');
  try {
    await syncing(handle);
  } finally {
    await closing(handle);
  }
}
