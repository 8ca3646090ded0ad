import { AMQP_OUTCOME, TRANSFER } from '../../src/amqp/constants';
import type { ReceiverHandler, ReceiverLink } from '../../src/amqp/receiver-link';
import { decodeMessage } from '../../src/message/decode-message';
import { eventually } from './eventually';
import type { Receiver } from './ledger';
import { digestOf, readPayload } from './ledger-payload';
import type { LedgerReceiverOptions } from './ledger-receiver';
import { connectPlain, unexpected } from './plain-traffic';

const CREDIT = 2_000;

/** A receiver over our own engine for rates that rhea cannot reach; messages of one frame. */
export class SwiftReceiver implements ReceiverHandler {
  #record: Receiver | null = null;
  #link!: ReceiverLink;

  private constructor(private readonly options: LedgerReceiverOptions) {}

  static async attach(options: LedgerReceiverOptions): Promise<SwiftReceiver> {
    const self = new SwiftReceiver(options);
    const { port, name, address } = options;
    const connection = await connectPlain({ host: '127.0.0.1', port });
    self.#link = connection.begin().attachReceiver(name, { sndSettleMode: 0, source: { type: 'source', address } });
    self.#link.handler = self;
    self.#link.setCredit(CREDIT);
    await eventually(`${name} is attached`, () => self.#record !== null);
    return self;
  }

  close(): void {
    if (this.#record) this.#record.present = false;
    this.#link.session.connection.close();
  }

  onAttached(): void {
    const { ledger, name, claim = 'each', address, wants = (to) => to === address } = this.options;
    this.#record = ledger.join(name, claim, wants);
  }

  onTransfer(link: ReceiverLink, bytes: Buffer, start: number, end: number, id: number, flags: number): void {
    if ((flags & TRANSFER.more) !== 0) throw new Error('a message of more than one frame');
    const { body, header } = decodeMessage(bytes, start, end);
    const payload = Buffer.concat(body.kind === 'data' ? body.parts : []);
    const redelivered = (header?.deliveryCount ?? 0) > 0;
    this.#record?.arrivals.push({ ...readPayload(payload), digest: digestOf(payload), redelivered });
    if ((flags & TRANSFER.settled) === 0) link.dispose(id, AMQP_OUTCOME.accepted, true);
    if (link.credit * 2 <= CREDIT) link.setCredit(CREDIT);
  }

  onDetached(_link: ReceiverLink, error: Parameters<typeof unexpected>[1]): void {
    unexpected(this.options.name, error);
  }
}
