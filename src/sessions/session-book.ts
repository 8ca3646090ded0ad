import { AddressError } from '../addresses/errors';
import { WireError } from '../common/wire';
import { ENTRY_EXTRA_BYTES, SESSION_TOMBSTONE_MS, SESSIONS_MAX, SESSIONS_TOTAL_BYTES_MAX } from './limits';
import { decodeSession, encodeSession, type SessionRecord } from './session-record';
import type { Table, TableFamily } from './table';
import type { TableEntry } from './table-entry';

/** Keys of sessions begin with it. */
export const LETTER = 's';

/** What other nodes had room for while they did not see this one is kept past the bounds, up to so many times of them. */
const OVERRUN = 2;

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

  /** Memory of all records. */
  get bytes(): number {
    return this.ports.table.bytes(LETTER);
  }

  /**
   * Why a session cannot become what it is to be; null where there is room for it. What gets smaller always has room.
   * @param length of its record then
   * @param opening sessions that are not there yet
   */
  lackOfRoom(clientId: string, length: number, opening: number): AddressError | null {
    const before = this.ports.table.get(LETTER + clientId)?.value ?? null;
    if (before === null && this.size + opening >= SESSIONS_MAX)
      return new AddressError('FL_SESSION_LIMIT', `the mesh has ${SESSIONS_MAX} sessions, and can have no more`);
    const more = length - (before?.length ?? -clientId.length - 1 - ENTRY_EXTRA_BYTES);
    if (more <= 0 || this.bytes + more <= SESSIONS_TOTAL_BYTES_MAX) return null;
    const message = `sessions of the mesh take ${this.bytes} bytes, and may take ${SESSIONS_TOTAL_BYTES_MAX}`;
    return new AddressError('FL_SESSION_LIMIT', message);
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
    const isNew = value !== null && !this.#records.has(key.slice(1));
    const isFull = this.#records.size >= SESSIONS_MAX * OVERRUN || this.bytes >= SESSIONS_TOTAL_BYTES_MAX * OVERRUN;
    const isOver = isNew && isFull;
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
