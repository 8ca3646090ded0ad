import type { LargeBodies } from '../queues/contract';
import { ReferenceCounts, type CountedGroup } from '../queues/reference-counts';
import type { QueueStore } from '../queues/store-port';
import type { LargeBody } from '../streams/contract';
import { bodyOf, OUTBOX_SPACE, PAYLOAD_HEAD, type BodyName } from './outbox-records';

/** Names a payload. */
export interface PayloadName {
  readonly id: number;
  /** The parts of a large one, else null. */
  readonly body: BodyName | null;
}

/** A payload that is read. */
export interface OpenPayload extends PayloadName {
  readonly bytes: Buffer;
  /** Where the message begins in `bytes`. */
  readonly start: number;
  /** A large one instead. */
  readonly large: LargeBody | null;
}

/** What several messages of the outbox have in common, stored once and counted. */
export class OutboxPayloads {
  readonly #holders: ReferenceCounts;

  /** @param wantsGroup counts have to be written again */
  constructor(
    private readonly store: QueueStore,
    private readonly bodies: LargeBodies,
    wantsGroup: () => void,
  ) {
    this.#holders = new ReferenceCounts(store, OUTBOX_SPACE.holders, wantsGroup, (id) =>
      store.delete(OUTBOX_SPACE.payloads, 0, id),
    );
  }

  /** With this turn's group. */
  add(id: number, record: Buffer, holders: number): PayloadName {
    this.store.put(OUTBOX_SPACE.payloads, 0, id, record);
    this.#holders.set(id, holders);
    return { id, body: bodyOf(record) };
  }

  /** So many messages have a payload that is stored; one that nobody has goes. */
  counted(id: number, record: Buffer, holders: number): void {
    this.#set({ id, body: bodyOf(record) }, holders);
  }

  #set({ id, body }: PayloadName, holders: number): void {
    this.#holders.set(id, holders);
    if (holders === 0 && body !== null) this.bodies.discard(body.id, body.length);
  }

  /** Reads a payload; null when there is none. @throws RecordDamagedError */
  open(id: number): OpenPayload | null {
    const bytes = this.store.get(OUTBOX_SPACE.payloads, 0, id);
    if (bytes === null || this.#holders.of(id) === 0) return null;
    const body = bodyOf(bytes);
    const large = body === null ? null : this.bodies.open(body.id, body.length);
    return { id, body, bytes, start: PAYLOAD_HEAD, large };
  }

  /** One message less has it, from this turn's group on. */
  release(payload: PayloadName): void {
    this.#set(payload, this.#holders.of(payload.id) - 1);
  }

  /** Ends the group with the counts that it has changed. */
  write(group: CountedGroup): void {
    this.#holders.write(group);
  }
}
