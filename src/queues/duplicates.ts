import { DUPLICATE_IDS_MAX } from './limits';
import { readU48, writeU48 } from './record';
import { SPACE } from './spaces';
import type { QueueStore } from './store-port';

interface Seen {
  readonly seq: number;
  readonly at: number;
}

const TIME_BYTES = 6;
/** Ids that another queue has seen are kept under numbers from here on, which no message has. */
const JOINED_FROM = 2 ** 48;

/** An id and when it came. */
export interface SeenId {
  readonly id: string;
  readonly at: number;
}

export function readSeenId(record: Buffer): SeenId {
  return { id: record.toString('latin1', TIME_BYTES), at: readU48(record, 0) };
}

/** Message-ids that came lately, on the disk with the messages that had them. */
export class Duplicates {
  /** Oldest first. */
  readonly #seen = new Map<string, Seen>();
  readonly #bySeq = new Map<number, string>();
  #nextJoined = JOINED_FROM;

  /** @param store null where nothing outlives the process */
  constructor(
    private readonly store: QueueStore | null,
    private readonly queue: number,
  ) {}

  /** @throws RecordDamagedError */
  load(): void {
    this.store?.scan(SPACE.ids, this.queue, 0, Number.MAX_SAFE_INTEGER, (seq, value) => {
      const { id, at } = readSeenId(value);
      this.#remember(id, { seq, at });
      if (seq >= this.#nextJoined) this.#nextJoined = seq + 1;
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
    this.#write(id, { seq, at: now });
    this.#trim(now, windowMs);
  }

  #write(id: string, seen: Seen): void {
    const value = Buffer.allocUnsafe(TIME_BYTES + id.length);
    writeU48(value, 0, seen.at);
    value.write(id, TIME_BYTES, 'latin1');
    this.store?.put(SPACE.ids, this.queue, seen.seq, value);
    this.#remember(id, seen);
  }

  #trim(now: number, windowMs: number): void {
    for (const [old, { at }] of this.#seen) {
      if (at + windowMs > now && this.#seen.size <= DUPLICATE_IDS_MAX) break;
      this.#drop(old);
    }
  }

  /** What another queue has seen, whose messages come here. It may be told again. */
  join(ids: readonly SeenId[], now: number, windowMs: number): void {
    for (const { id, at } of ids) {
      const known = this.#seen.get(id);
      if (at + windowMs <= now || (known !== undefined && known.at > at)) continue;
      this.#write(id, { seq: known?.seq ?? this.#nextJoined++, at });
    }
    this.#trim(now, windowMs);
  }

  /** {@link has}, of a message that was put here: it has not come from another queue. */
  hasOwn(id: string, now: number, windowMs: number): boolean {
    return this.has(id, now, windowMs) && (this.#seen.get(id) as Seen).seq < JOINED_FROM;
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
