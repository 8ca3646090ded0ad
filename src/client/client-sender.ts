import type { AmqpErrorFields, DeliveryState } from '../amqp/codec/types';
import { AMQP_OUTCOME, type AmqpOutcome } from '../amqp/constants';
import type { SenderHandler, SenderLink } from '../amqp/sender-link';
import { LostError, NotSentError, TooLargeError, tellError } from './errors';

export type OutcomeName = 'accepted' | 'rejected' | 'released' | 'modified';

/** What became of one message. */
export interface SendOutcome {
  readonly outcome: OutcomeName;
  /** What the peer said beside it; empty for nothing. */
  readonly detail: string;
}

interface Waiting {
  resolve(outcome: SendOutcome): void;
  reject(error: Error): void;
}

/** A link to an address. What is sent waits here for the peer's credit, so callers mind `pending`. */
export class ClientSender implements SenderHandler {
  #token = 0;
  #gone: NotSentError | null = null;
  readonly #queue: Buffer[] = [];
  /** Those of the queue, then those that were sent, by token; tokens are given in the order of sending. */
  readonly #waiting = new Map<number, Waiting>();

  constructor(
    private readonly link: SenderLink,
    /** As the errors name it. */
    private readonly what: string,
  ) {
    link.handler = this;
  }

  /** The address as the peer knows it; that of a dynamic target is the peer's choice. */
  get address(): string | null {
    const target = this.link.remote?.target ?? null;
    return target?.type === 'target' ? (target.address ?? null) : null;
  }

  /** Messages without an outcome yet. */
  get pending(): number {
    return this.#waiting.size;
  }

  /** Of these, those that wait for credit: the peer does not take more for now. */
  get withoutCredit(): number {
    return this.#queue.length;
  }

  /** Null for a message that the peer takes; else why it does not. */
  refusal(message: Buffer): TooLargeError | null {
    const { messageBytesMax } = this.link;
    return message.length > messageBytesMax ? new TooLargeError(this.what, message.length, messageBytesMax) : null;
  }

  /**
   * Sends one encoded message as soon as there is credit.
   * @returns its outcome. @throws TooLargeError, NotSentError when the link ends before it was sent, LostError when it ends before
   * the outcome came: that is unknown then
   */
  send(message: Buffer): Promise<SendOutcome> {
    const refusal = this.#gone ?? this.refusal(message);
    if (refusal) return Promise.reject(refusal);
    const token = this.#token + this.#queue.length;
    const outcome = new Promise<SendOutcome>((resolve, reject) => this.#waiting.set(token, { resolve, reject }));
    this.#queue.push(message);
    this.onWritable();
    return outcome;
  }

  close(): void {
    this.link.detach(null, true);
  }

  onWritable(): void {
    let sent = 0;
    for (; sent < this.#queue.length && this.link.canSend(); sent++) {
      const message = this.#queue[sent] as Buffer;
      this.link.send(message, 0, message.length, this.#token++, false, 0);
    }
    this.#queue.splice(0, sent);
  }

  onCredit(link: SenderLink, drain: boolean): void {
    if (!drain) return;
    this.onWritable();
    link.drained();
  }

  onOutcome(
    _link: SenderLink,
    _deliveryId: number,
    token: number,
    outcome: AmqpOutcome,
    _settled: boolean,
    detail: DeliveryState | null,
  ): void {
    const waiting = this.#waiting.get(token);
    this.#waiting.delete(token);
    waiting?.resolve({
      outcome: OUTCOME_NAMES[outcome] ?? 'released',
      detail: tellDetail(detail),
    });
  }

  onDetached(_link: SenderLink, error: AmqpErrorFields | null): void {
    const gone = (this.#gone = new NotSentError(this.what, error));
    const lost = new LostError(this.what, error);
    for (const [token, waiting] of this.#waiting) waiting.reject(token >= this.#token ? gone : lost);
    this.#waiting.clear();
    this.#queue.length = 0;
  }
}

const OUTCOME_NAMES: Readonly<Partial<Record<AmqpOutcome, OutcomeName>>> = {
  [AMQP_OUTCOME.accepted]: 'accepted',
  [AMQP_OUTCOME.rejected]: 'rejected',
  [AMQP_OUTCOME.released]: 'released',
  [AMQP_OUTCOME.modified]: 'modified',
};

function tellDetail(state: DeliveryState | null): string {
  if (state?.type === 'rejected') return state.error === null ? '' : tellError(state.error);
  if (state?.type !== 'modified') return '';
  const flags = [
    ...(state.deliveryFailed ? ['delivery-failed'] : []),
    ...(state.undeliverableHere ? ['undeliverable-here'] : []),
  ];
  return flags.join(', ');
}
