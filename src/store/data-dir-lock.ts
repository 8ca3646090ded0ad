import { randomBytes } from 'node:crypto';
import { linkSync, readFileSync, renameSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { DataDirInUseError, DataDirUnusableError } from './errors';
import { isAlive, processStart } from './process-identity';

interface Owner {
  readonly pid: number;
  readonly host: string;
  /** Tells this process from a later one with the same pid; null where the system does not say. */
  readonly start: string | null;
  readonly token: string;
}

/** The owner shows this often that it lives; matters only to processes on other hosts. */
const TOUCH_MS = 5_000;
/** A lock of another host (a shared or moved volume) is dead after so long without a sign: six touches. */
const FOREIGN_STALE_MS = 30_000;
const ATTEMPTS_MAX = 5;

/**
 * Sees to it that one process owns a folder. A file that is made complete or not at all names the owner; the lock of a
 * dead process is taken over. `now` is wall time because it is compared with file times.
 */
export class DataDirLock {
  readonly #file: string;
  readonly #owner: Owner = {
    pid: process.pid,
    host: hostname(),
    start: processStart(process.pid),
    token: randomBytes(8).toString('hex'),
  };
  #timer: NodeJS.Timeout | null = null;

  constructor(
    private readonly folder: string,
    private readonly now: () => number = Date.now,
  ) {
    this.#file = join(folder, 'lock');
  }

  /**
   * @param onLost the lock is no longer ours (another host took it while this process was stopped): write no more
   * @throws DataDirInUseError that names the owner
   */
  acquire(onLost: (owner: string) => void = () => undefined): void {
    for (let attempt = 1; ; attempt++) {
      if (this.#create()) break;
      const text = this.#read();
      const inUse = text === null ? null : this.#whyInUse(text);
      if (inUse !== null || attempt === ATTEMPTS_MAX) throw new DataDirInUseError(this.folder, inUse ?? 'another node');
      if (text !== null) this.#removeStale(text);
    }
    this.#timer = setInterval(() => this.#touch(onLost), TOUCH_MS);
    this.#timer.unref();
  }

  release(): void {
    if (this.#timer) clearInterval(this.#timer);
    this.#timer = null;
    if (this.#isOurs(this.#read())) rmSync(this.#file, { force: true });
  }

  #create(): boolean {
    const text = JSON.stringify(this.#owner);
    const draft = `${this.#file}.${this.#owner.token}`;
    try {
      writeFileSync(draft, text, { mode: 0o600 });
      linkSync(draft, this.#file);
      return true;
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'EEXIST') return false;
      // File systems without hard links: a reader may then see the file before its text, and will try again.
      if (code === 'EPERM' || code === 'ENOTSUP' || code === 'ENOSYS' || code === 'EMLINK')
        return this.#createPlain(text);
      throw new DataDirUnusableError(this.folder, error);
    } finally {
      rmSync(draft, { force: true });
    }
  }

  #createPlain(text: string): boolean {
    try {
      writeFileSync(this.#file, text, { flag: 'wx', mode: 0o600 });
      return true;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
      throw new DataDirUnusableError(this.folder, error);
    }
  }

  #read(): string | null {
    try {
      return readFileSync(this.#file, 'utf8');
    } catch {
      return null;
    }
  }

  #isOurs(text: string | null): boolean {
    return text !== null && parseOwner(text)?.token === this.#owner.token;
  }

  /** Null when the lock is stale, else who holds it. */
  #whyInUse(text: string): string | null {
    const owner = parseOwner(text);
    const ageMs = this.#ageMs();
    if (!owner) return ageMs < FOREIGN_STALE_MS ? 'a node that is just starting' : null;
    const who = `process ${owner.pid} on host ${owner.host}`;
    if (owner.host === this.#owner.host) return isAlive(owner.pid, owner.start) ? who : null;
    const left = Math.ceil((FOREIGN_STALE_MS - ageMs) / 1000);
    return left > 0 ? `${who} (if that host is gone, the lock ends by itself in ${left} s)` : null;
  }

  #ageMs(): number {
    try {
      return this.now() - statSync(this.#file).mtimeMs;
    } catch {
      return 0;
    }
  }

  /** Two processes may find the same stale lock: whoever moves a file that is not the one it judged puts it back. */
  #removeStale(judged: string): void {
    const aside = `${this.#file}.stale-${this.#owner.token}`;
    try {
      renameSync(this.#file, aside);
      if (readFileSync(aside, 'utf8') !== judged) linkSync(aside, this.#file);
    } catch {
      // Somebody else was faster; the next attempt sees what he left.
    } finally {
      rmSync(aside, { force: true });
    }
  }

  #touch(onLost: (owner: string) => void): void {
    const text = this.#read();
    if (!this.#isOurs(text)) {
      if (this.#timer) clearInterval(this.#timer);
      const owner = text === null ? null : parseOwner(text);
      onLost(owner ? `process ${owner.pid} on host ${owner.host}` : 'nobody: the lock file was removed');
      return;
    }
    const seconds = this.now() / 1000;
    try {
      utimesSync(this.#file, seconds, seconds);
    } catch {
      // A full or read-only disk shows elsewhere; the lock itself still stands.
    }
  }
}

function parseOwner(text: string): Owner | null {
  try {
    const owner = JSON.parse(text) as Partial<Owner> | null;
    if (typeof owner?.pid !== 'number' || typeof owner.host !== 'string') return null;
    return { pid: owner.pid, host: owner.host, start: owner.start ?? null, token: owner.token ?? '' };
  } catch {
    return null;
  }
}
