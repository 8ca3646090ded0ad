import rhea, { type Connection, type EventContext } from 'rhea';
import { eventually } from './eventually';
import type { Claim, Ledger, Receiver } from './ledger';
import { digestOf, readPayload } from './ledger-payload';

export interface LedgerReceiverOptions {
  readonly name: string;
  readonly port: number;
  readonly address: string;
  readonly ledger: Ledger;
  readonly claim?: Claim;
  /** Of the addresses that senders of the test use; by default only this one. */
  readonly wants?: (address: string) => boolean;
  /** Renewed by itself; 0 for a receiver that takes nothing until it is told to. */
  readonly credit?: number;
}

/** What every receiving client of a ledger can do, whichever library is below. */
export interface LedgerClient {
  readonly name: string;
  /** Of the present or last life of its link. */
  readonly record: Receiver;
  /** Its link or connection ended without being asked to. */
  readonly cut: boolean;
  close(): Promise<void>;
}

const CREDIT = 200;

/** A rhea client that writes what arrives into the ledger. It is there from the moment its attach is answered. */
export class LedgerReceiver implements LedgerClient {
  cut = false;
  /** Gap annotations, by the number of the arrival that they came with. */
  readonly gaps = new Map<number, unknown>();
  #closing = false;

  private constructor(
    private readonly options: LedgerReceiverOptions,
    private readonly connection: Connection,
    readonly record: Receiver,
  ) {}

  get name(): string {
    return this.options.name;
  }

  static async attach(options: LedgerReceiverOptions): Promise<LedgerReceiver> {
    const { port, name, address, ledger, claim = 'each', credit = CREDIT } = options;
    const container = rhea.create_container();
    const connection = container.connect({ host: '127.0.0.1', port, container_id: name, reconnect: false });
    let self: LedgerReceiver | null = null;
    let ended: string | null = null;
    const receiver = connection.open_receiver({ source: { address }, credit_window: credit, autoaccept: false });
    container.on('receiver_open', () => {
      self ??= new LedgerReceiver(
        options,
        connection,
        ledger.join(name, claim, options.wants ?? ((to) => to === address)),
      );
    });
    container.on('message', (context: EventContext) => self?.take(context));
    for (const event of ['disconnected', 'connection_close', 'receiver_close'] as const)
      container.on(event, () => {
        ended ??= `${event} ${String(receiver.error ?? connection.error ?? '')}`;
        self?.gone();
      });
    for (const event of ['connection_error', 'receiver_error', 'error'] as const) container.on(event, () => undefined);
    return eventually(`${name} is attached`, () => {
      if (ended !== null && self === null) throw new Error(ended);
      return self ?? undefined;
    });
  }

  /** @internal */
  take({ message, delivery }: EventContext): void {
    const payload = bytesOf(message?.body);
    const gap: unknown = message?.message_annotations?.['x-opt-fairlead-gap'];
    if (gap !== undefined) this.gaps.set(this.record.arrivals.length, gap);
    const redelivered = (message?.delivery_count ?? 0) > 0;
    this.record.arrivals.push({ ...readPayload(payload), digest: digestOf(payload), redelivered });
    delivery?.accept();
  }

  /** @internal */
  gone(): void {
    this.record.present = false;
    this.cut = !this.#closing;
  }

  close(): Promise<void> {
    this.#closing = true;
    this.record.present = false;
    this.connection.close();
    return Promise.resolve();
  }
}

function bytesOf(body: unknown): Buffer {
  const content = (body as { content?: unknown } | null)?.content ?? body;
  return Buffer.isBuffer(content) ? content : Buffer.from(String(content));
}
