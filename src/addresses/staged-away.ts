import type { FairleadError } from '../common/errors';
import type { CoHolder } from '../queues/co-holder';
import type { LargeBodies, StagedBody } from '../queues/contract';
import { QueueLimitError, TransactionFailedError } from '../queues/errors';
import { TRANSACTION_BYTES_MAX, TRANSACTION_OPERATIONS_MAX } from '../queues/limits';
import type { LargeBody, OutcomeDetail } from '../streams/contract';
import type { AddressEntry } from './address-entry';
import type { Outbox } from './outbox';

/** Where messages to queues of other nodes go. */
export interface StagedAwayPorts {
  /** Room for large ones. */
  readonly bodies: Pick<LargeBodies, 'stage'>;
  /** Forwards them once they are committed. */
  readonly outbox: Pick<Outbox, 'put' | 'putStaged' | 'companion' | 'refusalOf'>;
  /** The entry that is in force for one that was handed out. */
  live(entry: AddressEntry): AddressEntry;
  /** One of them cannot be stored: all of the transaction fails. */
  failed(why: FairleadError): void;
}

/** A message for a queue of another node, or several; a large one is on its way to the disk. */
interface MessageAway {
  readonly entries: readonly AddressEntry[];
  readonly flags: number;
  readonly tag: number;
  readonly message: Buffer | StagedBody | Shared;
}

/**
 * One that goes into an intake here as well, which stores it. That says with what as the transaction is committed; then it is written in
 * its turn among the others.
 */
class Shared implements CoHolder {
  #enter: ((companion: CoHolder) => void) | null = null;

  constructor(
    readonly holders: number,
    readonly length: number,
  ) {}

  wait(): void {
    // Its turn is that of the transaction.
  }

  enter(payload: Buffer, start: number, at: number, end: number, shared: number | null): void {
    this.#enter = (companion) => companion.enter(payload, start, at, end, shared);
  }

  enterLarge(topic: Buffer, body: number, length: number): void {
    this.#enter = (companion) => companion.enterLarge(topic, body, length);
  }

  refused(): void {
    // A transaction that an intake would refuse is refused before.
  }

  write(companion: CoHolder): void {
    this.#enter?.(companion);
  }
}

/** What one transaction has for queues of other nodes: kept until its end, large messages on this node's disk. */
export class StagedAway {
  #messages: MessageAway[] = [];
  /** Large ones of them that are not stored yet, and what waits for them. */
  #storing = 0;
  #whenStored: (() => void) | null = null;

  constructor(private readonly ports: StagedAwayPorts) {}

  get isEmpty(): boolean {
    return this.#messages.length === 0;
  }

  get isStoring(): boolean {
    return this.#storing > 0;
  }

  /** @param bytes that the transaction would hold with one message more @throws QueueLimitError when that is too much */
  check(bytes: number): void {
    if (this.#messages.length >= TRANSACTION_OPERATIONS_MAX)
      throw new QueueLimitError(`a transaction of more than ${TRANSACTION_OPERATIONS_MAX} messages to other nodes`);
    if (bytes > TRANSACTION_BYTES_MAX)
      throw new QueueLimitError(`a transaction of more than ${TRANSACTION_BYTES_MAX} bytes`);
  }

  add(entries: readonly AddressEntry[], tag: number, flags: number, message: Buffer): void {
    this.#messages.push({ entries, flags, tag, message });
  }

  /** One of which an intake here is to be told who has it too. */
  share(entries: readonly AddressEntry[], tag: number, flags: number, length: number): CoHolder {
    const message = new Shared(entries.length, length);
    this.#messages.push({ entries, flags, tag, message });
    return message;
  }

  /** A large one: it goes to the disk at once, part by part. */
  addLarge(entries: readonly AddressEntry[], tag: number, flags: number, body: LargeBody): void {
    this.#storing++;
    const message = this.ports.bodies.stage(body, (refusal) => this.#stored(entries, refusal));
    this.#messages.push({ entries, flags, tag, message });
  }

  #stored(entries: readonly AddressEntry[], refusal: OutcomeDetail | null): void {
    this.#storing--;
    if (refusal !== null) this.ports.failed(failureOf(entries, refusal));
    const then = this.#whenStored;
    if (this.#storing > 0 || then === null) return;
    this.#whenStored = null;
    then();
  }

  /** Asked while some are being stored: calls back once none is any more, unless all is dropped before. */
  whenStored(then: () => void): void {
    this.#whenStored = then;
  }

  /** Why not all of it can be taken, as far as that can be told before. */
  refusal(): FairleadError | null {
    const sums = new Map<AddressEntry, { messages: number; bytes: number }>();
    for (const { entries, message } of this.#messages)
      for (const entry of entries) {
        const { messages, bytes } = sums.get(entry) ?? { messages: 0, bytes: 0 };
        sums.set(entry, { messages: messages + 1, bytes: bytes + message.length });
      }
    for (const [entry, { messages, bytes }] of sums) {
      const refusal = this.ports.outbox.refusalOf([entry], bytes, messages);
      if (refusal !== null) return failureOf([entry], refusal);
    }
    return null;
  }

  /** All of it into the outbox, in the group of what the queues here change. */
  send(): void {
    const { outbox } = this.ports;
    for (const { entries, flags, tag, message } of this.#messages.splice(0)) {
      const to = entries.map((entry) => this.ports.live(entry));
      if (Buffer.isBuffer(message)) outbox.put(to, null, 0, flags, tag, message, 0, message.length);
      else if (message instanceof Shared) message.write(outbox.companion(to, flags, tag, message.length));
      else outbox.putStaged(to, flags, tag, message);
    }
  }

  /** The transaction is over: what was not sent never will be. */
  drop(): void {
    for (const { message } of this.#messages) if ('abandon' in message) message.abandon();
    this.#messages = [];
    this.#whenStored = null;
  }
}

function failureOf(entries: readonly AddressEntry[], { condition, description }: OutcomeDetail): FairleadError {
  const names = entries.map(({ name }) => name).join(', ');
  return new TransactionFailedError(condition ?? 'amqp:internal-error', `${names}: ${description ?? ''}`);
}
