import { AMQP_OUTCOME, type AmqpOutcome } from '../../src/amqp/constants';
import type { SenderHandler, SenderLink } from '../../src/amqp/sender-link';
import { eventually } from './eventually';
import type { Ledger, Sent } from './ledger';
import { composePayload, digestOf } from './ledger-payload';
import { connectPlain, unexpected } from './plain-traffic';

export interface SwiftSenderOptions {
  readonly name: string;
  readonly port: number;
  readonly address: string;
  readonly ledger: Ledger;
  readonly bodyBytes: number;
}

const BEAT_MS = 5;

/** A sender over our own engine for rates that rhea cannot reach. Its connection must not break. */
export class SwiftSender implements SenderHandler {
  readonly #sent: Sent[] = [];
  #attached = false;
  #link!: SenderLink;

  private constructor(private readonly options: SwiftSenderOptions) {}

  static async attach(options: SwiftSenderOptions): Promise<SwiftSender> {
    const self = new SwiftSender(options);
    const { port, name, address } = options;
    const connection = await connectPlain({ host: '127.0.0.1', port });
    self.#link = connection.begin().attachSender(name, { sndSettleMode: 0, target: { type: 'target', address } });
    self.#link.handler = self;
    await eventually(`${name} is attached`, () => self.#attached && self.#link.canSend());
    return self;
  }

  get sent(): number {
    return this.#sent.length;
  }

  /** Sends `count` messages, `perSecond` of them where credit and the machine allow; returns the rate that was reached. */
  async send(count: number, perSecond: number): Promise<number> {
    const began = performance.now();
    const before = this.sent;
    const due = (): number => Math.min(count, ((performance.now() - began) * perSecond) / 1_000);
    const pump = (): boolean => {
      while (this.sent - before < due() && this.#link.canSend()) this.#sendOne();
      return this.sent - before >= count;
    };
    await eventually(`${count} messages are sent`, pump, { everyMs: BEAT_MS });
    return Math.round((count * 1_000) / (performance.now() - began));
  }

  /** All that was sent has an answer. */
  async answered(): Promise<void> {
    await eventually(`answers for ${this.options.name}`, () => this.#link.unsettled === 0);
  }

  close(): void {
    this.#link.session.connection.close();
  }

  #sendOne(): void {
    const { ledger, name, address, bodyBytes } = this.options;
    const payload = composePayload(name, this.sent, bodyBytes);
    const message = Buffer.concat([Buffer.from([0x00, 0x53, 0x75, 0xb0, 0, 0, 0, 0]), payload]);
    message.writeUInt32BE(payload.length, 4);
    const token = this.#sent.push(ledger.send(name, address, digestOf(payload))) - 1;
    this.#link.send(message, 0, message.length, token, false, 0);
  }

  onAttached(): void {
    this.#attached = true;
  }

  onWritable(): void {
    // The beat sends.
  }

  onCredit(): void {
    // The beat sends.
  }

  onOutcome(_link: SenderLink, _id: number, token: number, outcome: AmqpOutcome): void {
    const sent = this.#sent[token];
    if (sent) sent.answer = outcome === AMQP_OUTCOME.accepted ? 'accepted' : 'refused';
  }

  onDetached(_link: SenderLink, error: Parameters<typeof unexpected>[1]): void {
    unexpected(this.options.name, error);
  }
}
