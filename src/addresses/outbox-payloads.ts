import type { QueueHost } from '../queues/contract';
import { ReferenceCounts, type CountedGroup } from '../queues/reference-counts';
import type { QueueStore } from '../queues/store-port';
import type { LargeBody } from '../streams/contract';
import { HeadedBody } from '../streams/framed-body';
import {
  beforeOf,
  bodyOf,
  idOf,
  kindOf,
  lengthOf,
  OUTBOX_SPACE,
  PAYLOAD_HEAD,
  RECORD_KIND,
  type BodyName,
  type RecordKind,
} from './outbox-records';

/** Names a payload. */
export interface PayloadName {
  readonly kind: RecordKind;
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

const NO_BYTES = Buffer.alloc(0);

/**
 * What several messages of the outbox have in common, stored once and counted; and what they have in common with queues here, which
 * those store and count.
 */
export class OutboxPayloads {
  readonly #holders: ReferenceCounts;

  /** @param wantsGroup counts have to be written again */
  constructor(
    private readonly store: QueueStore,
    private readonly host: Pick<QueueHost, 'bodies' | 'messages'>,
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
    return { kind: RECORD_KIND.payload, id, body: bodyOf(record) };
  }

  /** So many messages have a payload that is stored; one that nobody has goes. */
  counted(id: number, record: Buffer, holders: number): void {
    this.#set({ id, body: bodyOf(record) }, holders);
  }

  #set({ id, body }: Omit<PayloadName, 'kind'>, holders: number): void {
    this.#holders.set(id, holders);
    if (holders === 0 && body !== null) this.host.bodies.discard(body.id, body.length);
  }

  /** Reads what a record names; null when it is not there. @throws RecordDamagedError */
  open(record: Buffer): OpenPayload | null {
    const [kind, id] = [kindOf(record), idOf(record)];
    if (kind === RECORD_KIND.message) {
      const message = this.host.messages.message(id);
      return message === null
        ? null
        : { kind, id, body: null, bytes: Buffer.concat([beforeOf(record), message]), start: 0, large: null };
    }
    if (kind === RECORD_KIND.body) {
      const body = { id, length: lengthOf(record) };
      const large = new HeadedBody(beforeOf(record), this.host.bodies.open(id, body.length));
      return { kind, id, body, bytes: NO_BYTES, start: 0, large };
    }
    return this.#open(id);
  }

  #open(id: number): OpenPayload | null {
    const bytes = this.store.get(OUTBOX_SPACE.payloads, 0, id);
    if (bytes === null || this.#holders.of(id) === 0) return null;
    const body = bodyOf(bytes);
    const large = body === null ? null : this.host.bodies.open(body.id, body.length);
    return { kind: RECORD_KIND.payload, id, body, bytes, start: PAYLOAD_HEAD, large };
  }

  /** One message less has it, from this turn's group on. */
  release({ kind, id, body }: PayloadName): void {
    if (kind === RECORD_KIND.message) this.host.messages.release(id);
    else if (kind === RECORD_KIND.payload) this.#set({ id, body }, this.#holders.of(id) - 1);
    else if (body !== null) this.host.bodies.discard(body.id, body.length);
  }

  /** Ends the group with the counts that it has changed. */
  write(group: CountedGroup): void {
    this.#holders.write(group);
  }
}
