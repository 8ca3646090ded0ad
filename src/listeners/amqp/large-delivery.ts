import type { SenderLink } from '../../amqp/sender-link';
import type { LargeBody } from '../../streams/contract';

/** Bytes of a large message read and sent at a time. */
const PART_BYTES = 32 * 1024;
const PART = Buffer.allocUnsafeSlow(PART_BYTES);

/** The large message that a link is sending, as its client takes it: one at a time. */
export class LargeDelivery {
  #body: LargeBody | null = null;
  #at = 0;

  constructor(private readonly link: SenderLink) {}

  get busy(): boolean {
    return this.#body !== null;
  }

  /** @param body released when it is sent; the caller has retained it */
  begin(body: LargeBody, token: number, settled: boolean): void {
    this.#body = body;
    this.#at = 0;
    this.link.sendBegin(token, settled, 0);
    this.goOn();
  }

  /** Sends as much as leaves at once. */
  goOn(): void {
    const body = this.#body;
    if (body === null) return;
    while (this.#at < body.length) {
      if (!this.link.canSendPart()) return;
      const length = body.read(this.#at, PART);
      this.link.sendPart(PART, 0, length);
      this.#at += length;
    }
    this.link.sendEnd();
    this.drop();
  }

  /** The link is gone, or all of it is sent. */
  drop(): void {
    this.#body?.release();
    this.#body = null;
  }
}
