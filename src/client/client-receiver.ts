import type { AmqpErrorFields } from '../amqp/codec/types';
import { AMQP_OUTCOME, TRANSFER } from '../amqp/constants';
import type { ReceiverHandler, ReceiverLink } from '../amqp/receiver-link';
import type { Message } from '../message/message';
import { decodeMessage } from '../message/decode-message';
import { LostError } from './errors';

/** A message that came; settle it once. */
export interface Delivery {
  readonly message: Message;
  /** The message as it came. */
  readonly bytes: Buffer;
  accept(): void;
  /** Another consumer may have it. */
  release(): void;
  reject(error: AmqpErrorFields): void;
}

export interface TakingOptions {
  /** Messages taken ahead; renewed as they are settled. */
  readonly credit?: number;
  /** Messages taken in all; absent for no end. */
  readonly total?: number;
  onDelivery(delivery: Delivery): void;
  /** The link ended, and not because `close` was called. */
  onLost(error: LostError): void;
}

const CREDIT = 100;

/** A link from an address. */
export class ClientReceiver implements ReceiverHandler {
  #parts: Buffer[] = [];
  #closing = false;
  /** Credit that may still be given. */
  #left: number;

  constructor(
    private readonly link: ReceiverLink,
    private readonly what: string,
    private readonly options: TakingOptions,
  ) {
    link.handler = this;
    this.#left = options.total ?? Infinity;
    this.#grant(options.credit ?? CREDIT);
  }

  #grant(credit: number): void {
    const granted = Math.min(credit, this.#left);
    this.#left -= granted;
    this.link.addCredit(granted);
  }

  /** The address as the peer knows it; that of a dynamic source is the peer's choice. */
  get address(): string | null {
    return this.link.remote?.source?.address ?? null;
  }

  close(): void {
    this.#closing = true;
    this.link.detach(null, true);
  }

  onTransfer(_link: ReceiverLink, bytes: Buffer, start: number, end: number, deliveryId: number, flags: number): void {
    if ((flags & TRANSFER.aborted) !== 0) {
      this.#parts = [];
      this.#left++;
      this.#grant(1);
      return;
    }
    this.#parts.push(Buffer.from(bytes.subarray(start, end)));
    if ((flags & TRANSFER.more) !== 0) return;
    const whole = this.#parts.length === 1 ? (this.#parts[0] as Buffer) : Buffer.concat(this.#parts);
    this.#parts = [];
    this.#deliver(deliveryId, whole, (flags & TRANSFER.settled) !== 0);
  }

  #deliver(deliveryId: number, bytes: Buffer, settled: boolean): void {
    const { link } = this;
    let open = true;
    const settle = (dispose: () => void): void => {
      if (!open) return;
      open = false;
      if (link.state !== 'attached') return;
      if (!settled) dispose();
      this.#grant(1);
    };
    const reject = (error: AmqpErrorFields): void =>
      settle(() => link.dispose(deliveryId, AMQP_OUTCOME.rejected, true, { type: 'rejected', error }));
    let message: Message;
    try {
      message = decodeMessage(bytes);
    } catch (error) {
      reject({ condition: 'amqp:decode-error', description: error instanceof Error ? error.message : String(error) });
      return;
    }
    this.options.onDelivery({
      message,
      bytes,
      accept: () => settle(() => link.dispose(deliveryId, AMQP_OUTCOME.accepted, true)),
      release: () => settle(() => link.dispose(deliveryId, AMQP_OUTCOME.released, true)),
      reject,
    });
  }

  onDetached(_link: ReceiverLink, error: AmqpErrorFields | null): void {
    if (!this.#closing) this.options.onLost(new LostError(this.what, error));
  }
}
