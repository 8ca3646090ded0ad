import type { StagedBody } from '../queues/contract';
import { OUTBOX_SHARED_BYTES_LEAST } from './limits';
import type { OutboxDisk } from './outbox-disk';
import type { PayloadName } from './outbox-payloads';
import { bodyRecord, FROM_OUTBOX, messageRecord, payloadRecord, RECORD_KIND, referenceRecord } from './outbox-records';
import type { Outgoing } from './outgoing';

/** What a record says of a message beside itself. */
export interface MessageFacts {
  /** Wall-clock ms when it came. */
  readonly wall: number;
  readonly flags: number;
  /** Of its publisher. */
  readonly tag: number;
}

/** Writes messages with this turn's group: one record for each destination, and the message once where it is not small. */
export class OutboxWriter {
  constructor(
    private readonly disk: OutboxDisk,
    /** The life of the numbering. */
    private readonly epoch: () => number,
  ) {}

  /** @param key its number; it has a place of that already, or gets one now */
  write(to: readonly Outgoing[], key: number, facts: MessageFacts, payload: Buffer, start: number, end: number): void {
    if (to.length > 1 && end - start >= OUTBOX_SHARED_BYTES_LEAST) {
      this.#share(to, key, facts, payloadRecord(payload, start, end), end - start);
      return;
    }
    const { wall, flags, tag } = facts;
    const record = messageRecord(this.epoch(), wall, tag, flags & ~FROM_OUTBOX, payload, start, end);
    for (const each of to) this.disk.enter(each, key, record, null);
  }

  /** A large message whose parts are stored. */
  writeStaged(to: readonly Outgoing[], key: number, facts: MessageFacts, staged: StagedBody): void {
    staged.adopt();
    this.#share(to, key, facts, bodyRecord(staged), staged.length);
  }

  #share(to: readonly Outgoing[], key: number, facts: MessageFacts, payload: Buffer, length: number): void {
    const name = this.disk.payloads.add(key, payload, to.length);
    this.#name(to, key, facts, name, length);
  }

  /** A message of queues here, which count each destination as one that has it. @param before what stands before it */
  writeHeld(
    to: readonly Outgoing[],
    key: number,
    facts: MessageFacts,
    what: { readonly kind: 'message' | 'body'; readonly id: number; readonly length: number },
    before: Buffer,
  ): void {
    const { id, length } = what;
    const body = what.kind === 'body' ? { id, length } : null;
    this.#name(to, key, facts, { kind: RECORD_KIND[what.kind], id, body }, length, before);
  }

  #name(
    to: readonly Outgoing[],
    key: number,
    { wall, flags, tag }: MessageFacts,
    name: PayloadName,
    length: number,
    before?: Buffer,
  ): void {
    const { kind, id } = name;
    const record = referenceRecord(this.epoch(), wall, tag, flags & ~FROM_OUTBOX, kind, id, length, before);
    for (const each of to) this.disk.enter(each, key, record, name);
  }
}
