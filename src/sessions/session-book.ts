import { WireError } from '../common/wire';
import { SESSION_TOMBSTONE_MS, SESSIONS_MAX } from './limits';
import { decodeSession, encodeSession, type SessionRecord } from './session-record';
import type { Table, TableFamily } from './table';
import type { TableEntry } from './table-entry';

/** Keys of sessions begin with it. */
export const LETTER = 's';

export interface SessionBookPorts {
  readonly table: Table;
  readonly selfName: string;
  readonly life: number;
  wrote(entry: TableEntry): void;
  /** Another node has said what a session is. */
  changed(clientId: string, record: SessionRecord | null, before: SessionRecord | null): void;
}

/** Every session of the mesh, as the table has it. */
export class SessionBook implements TableFamily {
  readonly letter = LETTER;
  readonly tombstoneMs = SESSION_TOMBSTONE_MS;
  readonly #records = new Map<string, SessionRecord>();
  /** Those that may have something to be done for by the time. */
  readonly watched = new Set<string>();
  /** Told by other nodes, and not kept for there were too many. */
  dropped = 0;

  constructor(private readonly ports: SessionBookPorts) {
    ports.table.join(this);
  }

  get size(): number {
    return this.#records.size;
  }

  get(clientId: string): SessionRecord | null {
    return this.#records.get(clientId) ?? null;
  }

  /** How many are this node's. Looks at all of them. */
  ownedHere(): number {
    let count = 0;
    for (const { owner } of this.#records.values()) if (owner === this.ports.selfName) count++;
    return count;
  }

  all(): Iterable<readonly [clientId: string, record: SessionRecord]> {
    return this.#records;
  }

  stampOf(clientId: string): number {
    return this.ports.table.get(LETTER + clientId)?.stamp ?? 0;
  }

  write(clientId: string, record: SessionRecord | null): void {
    this.ports.wrote(this.ports.table.write(LETTER + clientId, record === null ? null : encodeSession(record)));
  }

  // What the table asks, and tells.

  endOf(): number {
    return 0;
  }

  refuses({ key, value }: TableEntry): boolean {
    const isOver = value !== null && this.#records.size >= SESSIONS_MAX * 2 && !this.#records.has(key.slice(1));
    if (isOver) this.dropped++;
    return isOver;
  }

  changed({ key, value }: TableEntry, _before: TableEntry | null, isOwn: boolean): void {
    const clientId = key.slice(1);
    const before = this.get(clientId);
    const record = value === null ? null : read(value);
    if (record === null) this.#records.delete(clientId);
    else this.#records.set(clientId, record);
    if (record !== null && this.#needsTime(record)) this.watched.add(clientId);
    else this.watched.delete(clientId);
    if (!isOwn) this.ports.changed(clientId, record, before);
  }

  #needsTime({ owner, life, endsAt, will, isEnding }: SessionRecord): boolean {
    const isHere = owner === this.ports.selfName;
    if (isHere && life !== 0) return life !== this.ports.life;
    return isEnding || will !== null || (isHere && endsAt !== 0);
  }
}

/** What a later version has written is as if it were not there. */
function read(value: Buffer): SessionRecord | null {
  try {
    return decodeSession(value);
  } catch (error) {
    if (error instanceof WireError) return null;
    throw error;
  }
}
