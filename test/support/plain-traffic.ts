import type { AmqpErrorFields } from '../../src/amqp/codec/types';
import type { Connection } from '../../src/amqp/connection';
import { AMQP_OUTCOME, TRANSFER, type AmqpOutcome } from '../../src/amqp/constants';
import type { ReceiverHandler, ReceiverLink } from '../../src/amqp/receiver-link';
import { anonymousClient } from '../../src/amqp/sasl/mechanisms';
import { ClientNegotiation } from '../../src/amqp/sasl/negotiation';
import type { SenderHandler, SenderLink } from '../../src/amqp/sender-link';
import { FlushQueue } from '../../src/transport/flush-queue';
import { SocketDriver } from '../../src/transport/socket-driver';
import { dialTcp, type TcpAddress } from '../../src/transport/tcp';
import { eventually, within } from './eventually';

const BODY_BYTES = 100;
const CREDIT = 2_000;
const queue = FlushQueue.standalone();

export function unexpected(what: string, error: AmqpErrorFields | null): void {
  if (error !== null) throw new Error(`${what}: ${error.condition} ${error.description ?? ''}`);
}

/** A connection over our own engine. */
export async function connectPlain(at: TcpAddress): Promise<Connection> {
  const socket = await dialTcp(at, 10_000);
  return new Promise((resolve) => {
    const handler = {
      onOpen: (connection: Connection) => resolve(connection),
      onLink: () => undefined,
      onClosed: (_connection: Connection, error: AmqpErrorFields | null) => unexpected('connection', error),
    };
    const sasl = new ClientNegotiation(anonymousClient(), null);
    new SocketDriver(socket, queue, handler, { role: 'client', containerId: `plain-${at.port}`, sasl });
  });
}

/** One sender and one receiver in this process that make no object for a message of their own. */
export class PlainTraffic implements SenderHandler, ReceiverHandler {
  received = 0;
  refused = 0;
  #sent = 0;
  #until = 0;
  #sender!: SenderLink;
  #connections: readonly Connection[] = [];
  #attached = 0;
  #onDone: () => void = () => undefined;
  readonly #message = Buffer.alloc(BODY_BYTES + 5, 0x2e);

  constructor(
    private readonly settled: boolean,
    /** Called for each message that is received. */
    private readonly onMessage: () => void = () => undefined,
  ) {
    this.#message.set([0x00, 0x53, 0x75, 0xa0, BODY_BYTES]);
  }

  async open(from: TcpAddress, to: TcpAddress, address: string): Promise<void> {
    const [ingress, egress] = (this.#connections = [await connectPlain(from), await connectPlain(to)]) as [
      Connection,
      Connection,
    ];
    const sndSettleMode = this.settled ? 1 : 0;
    const receiver = egress.begin().attachReceiver('in', { sndSettleMode, source: { type: 'source', address } });
    receiver.handler = this;
    receiver.setCredit(CREDIT);
    await eventually('the receiver is attached', () => this.#attached === 1);
    this.#sender = ingress.begin().attachSender('out', { sndSettleMode, target: { type: 'target', address } });
    this.#sender.handler = this;
    await eventually('the sender is attached', () => this.#attached === 2);
  }

  /** Sends so many more, `together` at a time: the next ones when those have all come and have their outcomes. */
  async send(messages: number, together: number): Promise<void> {
    for (let left = messages; left > 0; left -= together) {
      this.#until += together;
      const done = new Promise<void>((resolve) => (this.#onDone = resolve));
      this.#burst();
      await within(`${this.#until} messages`, done, 60_000);
    }
  }

  #check(): void {
    if (this.received === this.#until && this.#sender.unsettled === 0) this.#onDone();
  }

  close(): void {
    for (const connection of this.#connections) connection.close();
  }

  #burst(): void {
    const link = this.#sender;
    while (this.#sent < this.#until && link.canSend()) {
      this.#sent++;
      link.send(this.#message, 0, this.#message.length, 0, this.settled, 0);
    }
  }

  onAttached(): void {
    this.#attached++;
  }

  onWritable(): void {
    this.#burst();
  }

  onCredit(): void {
    this.#burst();
  }

  onOutcome(_link: SenderLink, _id: number, _token: number, outcome: AmqpOutcome): void {
    if (outcome !== AMQP_OUTCOME.accepted) this.refused++;
    this.#check();
  }

  onTransfer(link: ReceiverLink, _bytes: Buffer, _start: number, _end: number, id: number, flags: number): void {
    this.received++;
    this.onMessage();
    if ((flags & TRANSFER.settled) === 0) link.dispose(id, AMQP_OUTCOME.accepted, true);
    if (link.credit * 2 <= CREDIT) link.setCredit(CREDIT);
    this.#check();
  }

  onDetached(_link: SenderLink | ReceiverLink, error: AmqpErrorFields | null): void {
    unexpected('link', error);
  }
}
