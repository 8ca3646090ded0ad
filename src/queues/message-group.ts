import { PutFields, readPutFields } from '../message/put-fields';
import type { LocalConsumer } from './consumer';
import type { Entry } from './entry';
import { GROUPS_MAX } from './limits';
import { messageStart } from './record';

const fields = new PutFields();

/** The group-id of a message; null when it has none that is known here. */
export function groupOf(entry: Entry): string | null {
  if (!entry.isGrouped || entry.isLarge) return null;
  const { record } = entry;
  readPutFields(record, messageStart(record), record.length, true, fields);
  return record.toString('utf8', fields.groupStart, fields.groupEnd);
}

/** Which consumer has which message group. */
export class GroupOwners {
  readonly #owners = new Map<string, LocalConsumer>();

  get size(): number {
    return this.#owners.size;
  }

  get(group: string): LocalConsumer | null {
    return this.#owners.get(group) ?? null;
  }

  give(group: string, consumer: LocalConsumer): void {
    if (this.#owners.size >= GROUPS_MAX && !this.#owners.has(group)) {
      const [oldest] = this.#owners.keys();
      if (oldest !== undefined) this.#owners.delete(oldest);
    }
    this.#owners.set(group, consumer);
  }

  /** Its groups are free. @returns whether it had any */
  leave(consumer: LocalConsumer): boolean {
    const before = this.#owners.size;
    for (const [group, owner] of this.#owners) if (owner === consumer) this.#owners.delete(group);
    return this.#owners.size < before;
  }
}
