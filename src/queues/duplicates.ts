import { DUPLICATE_IDS_MAX } from './limits';
import { readU48, writeU48 } from './record';
import { SPACE } from './spaces';
import type { QueueStore } from './store-port';

interface Seen {
  readonly seq: number;
  readonly at: number;
}

const TIME_BYTES = 6;

/** Message-ids that came lately, on the disk with the messages that had them. */
export class Duplicates {
  /** Oldest first. */
  readonly #seen = new Map<string, Seen>();
  readonly #bySeq = new Map<number, string>();

  /** @param store null where nothing outlives the process */
  constructor(
    private readonly store: QueueStore | null,
    private readonly queue: number,
  ) {}

  /** @throws RecordDamagedError */
  load(): void {
    this.store?.scan(SPACE.ids, this.queue, 0, Number.MAX_SAFE_INTEGER, (seq, value) => {
      this.#remember(value.toString('latin1', TIME_BYTES), { seq, at: readU48(value, 0) });
      return true;
    });
  }

  /** True when a message with this id came within the window. @param id as it is encoded */
  has(id: string, now: number, windowMs: number): boolean {
    const seen = this.#seen.get(id);
    return seen !== undefined && seen.at + windowMs > now;
  }

  /** A message with this id is put; what is older than the window is forgotten with the same group. */
  add(id: string, seq: number, now: number, windowMs: number): void {
    this.#drop(id);
    const value = Buffer.allocUnsafe(TIME_BYTES + id.length);
    writeU48(value, 0, now);
    value.write(id, TIME_BYTES, 'latin1');
    this.store?.put(SPACE.ids, this.queue, seq, value);
    this.#remember(id, { seq, at: now });
    for (const [old, { at }] of this.#seen) {
      if (at + windowMs > now && this.#seen.size <= DUPLICATE_IDS_MAX) break;
      this.#drop(old);
    }
  }

  /** The message was not stored. */
  forget(seq: number): void {
    const id = this.#bySeq.get(seq);
    if (id !== undefined) this.#drop(id);
  }

  #remember(id: string, seen: Seen): void {
    this.#seen.set(id, seen);
    this.#bySeq.set(seen.seq, id);
  }

  #drop(id: string): void {
    const seen = this.#seen.get(id);
    if (seen === undefined) return;
    this.#seen.delete(id);
    this.#bySeq.delete(seen.seq);
    this.store?.delete(SPACE.ids, this.queue, seen.seq);
  }
}
