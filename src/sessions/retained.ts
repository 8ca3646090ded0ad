import { DecodeError } from '../amqp/errors';
import type { RetainedCursor, RetainedMessage, RetainedMessages } from '../addresses/client-contract';
import type { AddressRef } from '../addresses/contract';
import { AddressError } from '../addresses/errors';
import { parseAddress } from '../addresses/names';
import { PutFields, readPutFields } from '../message/put-fields';
import { readU48, writeU48 } from '../queues/record';
import type { Told } from './kept-records';
import {
  ENTRY_EXTRA_BYTES,
  RETAINED_BYTES_MAX,
  RETAINED_OVERRUN,
  RETAINED_TOMBSTONE_MS,
  RETAINED_TOTAL_BYTES_MAX,
} from './limits';
import type { Table, TableFamily } from './table';
import type { TableEntry } from './table-entry';
import { TopicTree } from './topic-tree';

/** Keys of retained messages begin with it. */
export const LETTER = 'r';
/** Before the message: u48 when it was published, u48 when it expires. */
const HEAD_BYTES = 12;

export interface RetainedPorts {
  readonly table: Table;
  wall(): number;
  /** An entry of the table is written. */
  wrote(entry: TableEntry): void;
  whenKept(told: Told): void;
}

const fields = new PutFields();

/** The message that each topic keeps, as entries of the table. */
export class Retained implements RetainedMessages, TableFamily {
  readonly letter = LETTER;
  readonly tombstoneMs = RETAINED_TOMBSTONE_MS;
  readonly #topics = new TopicTree();
  #count = 0;
  /** Messages of clients here that there was no room for, or that were too large; and of other nodes that were not kept. */
  refused = 0;
  dropped = 0;

  constructor(private readonly ports: RetainedPorts) {
    ports.table.join(this);
  }

  get count(): number {
    return this.#count;
  }

  get bytes(): number {
    return this.ports.table.bytes(LETTER);
  }

  retain({ kind, name }: AddressRef, payload: Buffer, start: number, end: number, done: Told): void {
    if (kind !== 'topic') throw new AddressError('FL_ADDRESS_KIND', `${kind} address '${name}' retains no message`);
    const key = LETTER + name;
    const before = this.ports.table.get(key);
    const value = end > start ? this.#valueOf(name, payload, start, end, before) : null;
    // Nothing is remembered of what was never there.
    if (value !== null || before !== null) this.ports.wrote(this.ports.table.write(key, value));
    this.ports.whenKept(done);
  }

  #valueOf(topic: string, payload: Buffer, start: number, end: number, before: TableEntry | null): Buffer {
    const bytes = end - start;
    const refuse = (error: AddressError): never => {
      this.refused++;
      throw error;
    };
    if (bytes > RETAINED_BYTES_MAX) {
      const message = `a retained message of ${bytes} bytes: '${topic}' keeps ${RETAINED_BYTES_MAX} at most`;
      refuse(new AddressError('FL_RETAINED_SIZE', message));
    }
    const more = bytes + HEAD_BYTES - (before?.value?.length ?? -topic.length - 1 - ENTRY_EXTRA_BYTES);
    if (more > 0 && this.bytes + more > RETAINED_TOTAL_BYTES_MAX) {
      const message = `the mesh retains ${this.bytes} bytes of messages, and ${RETAINED_TOTAL_BYTES_MAX} at most`;
      refuse(new AddressError('FL_RETAINED_LIMIT', message));
    }
    const value = Buffer.allocUnsafeSlow(HEAD_BYTES + bytes);
    const wall = Math.floor(this.ports.wall());
    writeU48(value, 0, wall);
    writeU48(value, 6, expiryOf(payload, start, end, wall));
    payload.copy(value, HEAD_BYTES, start, end);
    return value;
  }

  retained(filter: string): RetainedCursor {
    const { name } = parseAddress(filter);
    const topics = this.#topics.match(name);
    return { next: () => this.#next(topics) };
  }

  #next(topics: IterableIterator<string>): RetainedMessage | null {
    for (let step = topics.next(); step.done !== true; step = topics.next()) {
      const entry = this.ports.table.get(LETTER + step.value);
      const message = entry === null ? null : this.messageOf(entry);
      if (message !== null) return message;
    }
    return null;
  }

  /** What an entry stands for; null when it is gone, or its time is over. */
  messageOf({ key, value }: TableEntry): RetainedMessage | null {
    if (value === null) return null;
    const end = this.endOf(value);
    if (end !== 0 && end <= this.ports.wall()) return null;
    return {
      address: { kind: 'topic', name: key.slice(1) },
      payload: value.subarray(HEAD_BYTES),
      at: readU48(value, 0),
      expiresAt: end === 0 ? null : end,
    };
  }

  // What the table asks, and tells.

  endOf(value: Buffer): number {
    return value.length < HEAD_BYTES ? 1 : readU48(value, 6);
  }

  refuses({ value }: TableEntry): boolean {
    const isOver = value !== null && this.bytes + value.length > RETAINED_TOTAL_BYTES_MAX * RETAINED_OVERRUN;
    if (isOver) this.dropped++;
    return isOver;
  }

  changed({ key, value }: TableEntry, before: TableEntry | null): void {
    const was = (before?.value ?? null) !== null;
    if ((value !== null) === was) return;
    if (value === null) {
      this.#count--;
      this.#topics.remove(key.slice(1));
    } else {
      this.#count++;
      this.#topics.add(key.slice(1));
    }
  }
}

/** When a message expires, 0 for never. */
function expiryOf(payload: Buffer, start: number, end: number, wall: number): number {
  try {
    readPutFields(payload, start, end, true, fields);
  } catch (error) {
    if (error instanceof DecodeError) return 0;
    throw error;
  }
  const { ttl, absoluteExpiry } = fields;
  const at = Math.min(ttl >= 0 ? wall + ttl : Infinity, absoluteExpiry > 0 ? absoluteExpiry : Infinity);
  return at < 2 ** 48 ? Math.max(1, Math.floor(at)) : 0;
}
