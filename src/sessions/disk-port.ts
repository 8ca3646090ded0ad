/** Where what clients leave is kept: small records by key. */
export interface ClientDisk {
  /** All that was on it when the node started. */
  load(visit: (key: string, value: Buffer) => void): void;
  /** Null deletes. Together with what is written until `commit`. */
  put(key: string, value: Buffer | null): void;
  /** @param done told once, never within the call: null when all of it is on the disk, else nothing of it is */
  commit(done: (error: Error | null) => void): void;
}
