import { closeSync, openSync, readSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { DataDirUnusableError } from './errors';
import { makeFolders } from './folders';

/** Temporary files of one process below `dataDir/spool`: the parts of large messages past the memory bound. */
export class Spool {
  readonly #folder: string;
  #next = 1;
  #files = 0;
  #bytes = 0;

  /** Removes what an earlier process left. */
  constructor(dataDir: string) {
    this.#folder = join(dataDir, 'spool');
    try {
      rmSync(this.#folder, { recursive: true, force: true });
      makeFolders(this.#folder);
    } catch (error) {
      throw new DataDirUnusableError(dataDir, error);
    }
  }

  get usage(): { readonly files: number; readonly bytes: number } {
    return { files: this.#files, bytes: this.#bytes };
  }

  create(): SpooledFile {
    this.#files++;
    return new SpooledFile(join(this.#folder, `${this.#next++}.part`), (bytes, closed) => {
      this.#bytes += bytes;
      if (closed) this.#files--;
    });
  }
}

/** Written at its end, read anywhere, gone when closed. */
export class SpooledFile {
  readonly #handle: number;
  #length = 0;
  #open = true;

  constructor(
    private readonly path: string,
    private readonly account: (bytes: number, closed: boolean) => void,
  ) {
    this.#handle = openSync(path, 'wx+', 0o600);
  }

  append(bytes: Buffer): void {
    for (let done = 0; done < bytes.length;) {
      const wrote = writeSync(this.#handle, bytes, done, bytes.length - done, this.#length);
      done += wrote;
      this.#length += wrote;
      this.account(wrote, false);
    }
  }

  read(offset: number, target: Buffer): number {
    return readSync(this.#handle, target, 0, target.length, offset);
  }

  close(): void {
    if (!this.#open) return;
    this.#open = false;
    closeSync(this.#handle);
    rmSync(this.path, { force: true });
    this.account(-this.#length, true);
  }
}
