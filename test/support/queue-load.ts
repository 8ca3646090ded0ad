import { AMQP_OUTCOME, type AmqpOutcome, TRANSFER } from '../../src/amqp/constants';
import type { Session } from '../../src/amqp/session';
import type { ReceiverHandler, ReceiverLink } from '../../src/amqp/receiver-link';
import type { SenderHandler, SenderLink } from '../../src/amqp/sender-link';
import { connectPlain } from './plain-traffic';

/** Links of one connection at a time. */
const LINKS = 100;
const CREDIT = 500;
/** A header that says durable, and a data section of so many bytes, which begins with the message's number. */
const HEAD = Buffer.from([0x00, 0x53, 0x70, 0xc0, 0x02, 0x01, 0x41, 0x00, 0x53, 0x75, 0xb0, 0, 0, 0, 0]);

function messageOf(bodyBytes: number): Buffer {
  const message = Buffer.concat([HEAD, Buffer.alloc(bodyBytes)]);
  message.writeUInt32BE(bodyBytes, HEAD.length - 4);
  return message;
}

/** Puts so many numbered messages into one queue, and ends when each is accepted. */
class Put implements SenderHandler {
  #sent = 0;
  #accepted = 0;

  constructor(
    private readonly message: Buffer,
    private readonly count: number,
    private readonly onEnd: (error: Error | null) => void,
  ) {}

  onAttached(link: SenderLink): void {
    this.onWritable(link);
  }

  onCredit(link: SenderLink): void {
    this.onWritable(link);
  }

  onWritable(link: SenderLink): void {
    while (this.#sent < this.count && link.canSend()) {
      this.message.writeUInt32BE(this.#sent++, HEAD.length);
      link.send(this.message, 0, this.message.length, 0, false, 0);
    }
  }

  onOutcome(_link: SenderLink, _id: number, _token: number, outcome: AmqpOutcome): void {
    if (outcome !== AMQP_OUTCOME.accepted) this.onEnd(new Error(`outcome ${outcome} of a put`));
    else if (++this.#accepted === this.count) this.onEnd(null);
  }

  onDetached(_link: SenderLink, error: unknown): void {
    this.onEnd(new Error(`a sender was detached: ${JSON.stringify(error)}`));
  }
}

/** Takes so many numbered messages from one queue, in order, and ends when the queue has heard of it. */
class Take implements ReceiverHandler {
  #taken = 0;

  constructor(
    private readonly count: number,
    private readonly onEnd: (error: Error | null) => void,
  ) {}

  onTransfer(link: ReceiverLink, bytes: Buffer, start: number, _end: number, id: number, flags: number): void {
    if ((flags & TRANSFER.more) !== 0) return;
    // Nodes may add to the header: the number is behind the data section's head.
    const at = bytes.indexOf(HEAD.subarray(8, 11), start) + 7;
    const number = bytes.readUInt32BE(at);
    if (number !== this.#taken) return this.onEnd(new Error(`message ${number} where ${this.#taken} should be`));
    link.dispose(id, AMQP_OUTCOME.accepted, true);
    if (++this.#taken === this.count) return this.onEnd(null);
    if (link.credit * 2 <= CREDIT) link.setCredit(Math.min(CREDIT, this.count - this.#taken));
  }

  onDetached(_link: ReceiverLink, error: unknown): void {
    this.onEnd(new Error(`a receiver was detached: ${JSON.stringify(error)}`));
  }
}

/** Does something with many queues, on connections of some links each, one after the other. */
async function forAll(
  port: number,
  addresses: readonly string[],
  attach: (session: Session, address: string, onEnd: (error: Error | null) => void) => void,
): Promise<void> {
  for (let from = 0; from < addresses.length; from += LINKS) {
    const connection = await connectPlain({ host: '127.0.0.1', port });
    const session = connection.begin();
    const some = addresses.slice(from, from + LINKS);
    const ended = some.map(
      (address) =>
        new Promise<void>((resolve, reject) =>
          attach(session, address, (error) => (error === null ? resolve() : reject(error))),
        ),
    );
    await Promise.all(ended);
    connection.close();
  }
}

/** Puts so many durable messages into each queue. Resolves when each is accepted. */
export function putIntoAll(
  port: number,
  addresses: readonly string[],
  count: number,
  bodyBytes: number,
): Promise<void> {
  return forAll(port, addresses, (session, address, onEnd) => {
    const target = { type: 'target' as const, address, capabilities: ['queue'] };
    const link = session.attachSender(`put-${address}`, { sndSettleMode: 0, target });
    link.handler = new Put(messageOf(bodyBytes), count, onEnd);
  });
}

/** Takes so many messages from each queue, which must be those that were put there, in order. */
export function takeFromAll(port: number, addresses: readonly string[], count: number): Promise<void> {
  return forAll(port, addresses, (session, address, onEnd) => {
    const source = { type: 'source' as const, address, capabilities: ['queue'] };
    const link = session.attachReceiver(`take-${address}`, { sndSettleMode: 0, source });
    link.handler = new Take(count, onEnd);
    link.setCredit(Math.min(CREDIT, count));
  });
}
