import type { ClientDisk } from './disk-port';

/** A disk in memory: what a life has not committed is gone with it. */
export class ModelDisk implements ClientDisk {
  #changes = new Map<string, Buffer | null>();
  /** Commits fail with it. */
  failure: Error | null = null;
  #later: (act: () => void) => void = (act) => queueMicrotask(act);

  constructor(readonly records = new Map<string, Buffer>()) {}

  /** The same records for another life. @param later when commits are done, if that life lasts so long */
  newLife(later: (act: () => void) => void): ModelDisk {
    const disk = new ModelDisk(this.records);
    disk.#later = later;
    return disk;
  }

  load(visit: (key: string, value: Buffer) => void): void {
    for (const [key, value] of this.records) visit(key, value);
  }

  put(key: string, value: Buffer | null): void {
    this.#changes.set(key, value === null ? null : Buffer.from(value));
  }

  commit(done: (error: Error | null) => void): void {
    const changes = this.#changes;
    this.#changes = new Map();
    this.#later(() => {
      if (this.failure === null)
        for (const [key, value] of changes) {
          if (value === null) this.records.delete(key);
          else this.records.set(key, value);
        }
      done(this.failure);
    });
  }
}
