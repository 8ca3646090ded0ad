import type { SharedMessages } from './co-holder';
import { flagsOf, isReference, messageOf, payloadOf, RECORD_FLAG, RECORD_HEAD } from './record';
import { type CountedGroup, ReferenceCounts } from './reference-counts';
import { messageAt, SPACE } from './spaces';
import { RecordDamagedError, type QueueStore } from './store-port';

/**
 * Messages that several queues have, on the disk once: each queue has a short record that names it. A payload comes with the group of its
 * first references and goes with that of the last one's removal.
 */
export class SharedPayloads implements SharedMessages {
  readonly #counts: ReferenceCounts;
  #nextId: number;

  /** @param wantsGroup a group has to be written although no queue has changed */
  constructor(
    private readonly store: QueueStore,
    wantsGroup: () => void,
  ) {
    this.#counts = new ReferenceCounts(store, SPACE.holders, wantsGroup, (id) => store.delete(SPACE.payloads, 0, id));
    this.#nextId = Math.max(store.last(SPACE.payloads, 0), store.last(SPACE.holders, 0), 0) + 1;
  }

  /** A message that so many records of this group have; it belongs to the store and to them. @param record with its head */
  hold(record: Buffer, holders: number): number {
    const id = this.#nextId++;
    this.store.put(SPACE.payloads, 0, id, record);
    this.#counts.set(id, holders);
    return id;
  }

  /** One record less has it, from this group on. @throws RecordDamagedError */
  release(id: number): void {
    const left = this.#counts.of(id) - 1;
    // What was counted too low is kept by nobody; it cannot be less than gone.
    this.#counts.set(id, Math.max(0, left));
  }

  /** What has released it did not come to pass. */
  retain(id: number): void {
    this.#counts.set(id, this.#counts.of(id) + 1);
  }

  /** Writes a payload that may have been deleted in a group that failed. */
  writeAgain(id: number, record: Buffer): void {
    this.store.put(SPACE.payloads, 0, id, record);
  }

  /** The record of the message that a reference names. @throws RecordDamagedError */
  read(reference: Buffer): Buffer {
    const id = payloadOf(reference);
    const record = this.store.get(SPACE.payloads, 0, id);
    if (record === null) throw new RecordDamagedError(SPACE.payloads, 0, id, 'it is missing');
    return record;
  }

  message(id: number): Buffer | null {
    const record = this.store.get(SPACE.payloads, 0, id);
    return record === null ? null : messageOf(record);
  }

  /** A value of a space of messages, with its message where it only names it. @throws RecordDamagedError */
  resolve(space: number, value: Buffer): Buffer {
    const at = messageAt(space);
    const stored = value.subarray(Math.max(0, at));
    if (at < 0 || !isReference(stored)) return value;
    const whole = Buffer.concat([value.subarray(0, at), this.read(stored)]);
    stored.copy(whole, at, 0, RECORD_HEAD);
    whole[at] = flagsOf(stored) & ~RECORD_FLAG.shared;
    return whole;
  }

  /** Ends the group with the counts that it has changed. */
  write(group: CountedGroup): void {
    this.#counts.write(group);
  }
}
