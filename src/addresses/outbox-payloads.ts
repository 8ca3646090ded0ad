import { invariant } from '../common/errors';
import type { LargeBodies } from '../queues/contract';
import type { QueueStore } from '../queues/store-port';
import type { LargeBody } from '../streams/contract';
import type { OutboxBatch } from './outbox-batch';
import { bodyOf, numberIn, numberRecord, OUTBOX_SPACE, PAYLOAD_HEAD, type BodyName } from './outbox-records';

/** A payload whose count may not be read from the disk for now: it is on its way there, or about to change. */
interface Held {
  readonly body: BodyName | null;
  holders: number;
  /** Groups that have the count, and messages under way that have the payload. */
  uses: number;
}

/** A payload that is read. */
export interface OpenPayload {
  readonly bytes: Buffer;
  /** Where the message begins in `bytes`. */
  readonly start: number;
  /** A large one instead. */
  readonly body: LargeBody | null;
}

/** What several messages of the outbox have in common, stored once and counted. */
export class OutboxPayloads {
  readonly #held = new Map<number, Held>();

  constructor(
    private readonly store: QueueStore,
    private readonly bodies: LargeBodies,
    private readonly batch: () => OutboxBatch,
  ) {}

  add(id: number, record: Buffer, holders: number): void {
    this.store.put(OUTBOX_SPACE.payloads, 0, id, record);
    this.counted(id, record, holders);
  }

  /** So many messages have a payload that is stored; one that nobody has goes. */
  counted(id: number, record: Buffer, holders: number): void {
    const held = { body: bodyOf(record), holders, uses: 0 };
    this.#held.set(id, held);
    this.#write(id, held);
    this.#discard(held);
  }

  #discard({ body, holders }: Held): void {
    if (holders === 0 && body !== null) this.bodies.discard(body.id, body.length);
  }

  #write(id: number, held: Held): void {
    const { payloads } = this.batch();
    if (!payloads.has(id)) held.uses++;
    payloads.add(id);
    if (held.holders > 0) {
      this.store.put(OUTBOX_SPACE.holders, 0, id, numberRecord(held.holders));
      return;
    }
    this.store.delete(OUTBOX_SPACE.holders, 0, id);
    this.store.delete(OUTBOX_SPACE.payloads, 0, id);
  }

  /** Reads a payload for a message that is under way from now on; null when there is none. @throws RecordDamagedError */
  open(id: number): OpenPayload | null {
    const bytes = this.store.get(OUTBOX_SPACE.payloads, 0, id);
    const held = this.#held.get(id) ?? this.#read(id, bytes);
    if (bytes === null || held === null) return null;
    this.#held.set(id, held);
    held.uses++;
    const { body } = held;
    return { bytes, start: PAYLOAD_HEAD, body: body === null ? null : this.bodies.open(body.id, body.length) };
  }

  #read(id: number, bytes: Buffer | null): Held | null {
    const count = this.store.get(OUTBOX_SPACE.holders, 0, id);
    return bytes === null || count === null ? null : { body: bodyOf(bytes), holders: numberIn(count), uses: 0 };
  }

  /** The message that it was opened for is under way no more. */
  close(id: number): void {
    this.#unuse(id, this.#of(id));
  }

  /** One message less has it; it is open, or was never on the disk. */
  release(id: number): void {
    const held = this.#of(id);
    held.holders--;
    this.#write(id, held);
    this.#discard(held);
  }

  #of(id: number): Held {
    const held = this.#held.get(id);
    invariant(held !== undefined, `payload ${id} is not held`);
    return held;
  }

  #unuse(id: number, held: Held): void {
    if (--held.uses === 0) this.#held.delete(id);
  }

  /** What a group had of counts is on the disk, or has to be written again. */
  done(batch: OutboxBatch, isWritten: boolean): void {
    for (const id of batch.payloads) {
      const held = this.#of(id);
      if (!isWritten) this.#write(id, held);
      this.#unuse(id, held);
    }
  }
}
