import rhea, { type Connection, type Delivery, type EventContext, type ReceiverOptions } from 'rhea';
import { eventually } from './eventually';
import { digestOf, readPayload } from './ledger-payload';
import type { QueueLedger, QueueRecord } from './queue-ledger';

export interface QueueReceiverOptions {
  readonly name: string;
  readonly port: number;
  readonly address: string;
  readonly ledger: QueueLedger;
  readonly credit?: number;
  /** It consumes a durable subscription of that name, its own one or one that is shared with others. */
  readonly subscription?: { readonly name: string; readonly client: string | null };
}

/** What every consuming client of a queue can do, whichever library is below. */
export interface QueueClient {
  readonly options: QueueReceiverOptions;
  readonly attached: boolean;
  /** Deliveries that it accepted, and the queue did not. */
  readonly unconfirmed: number;
  /** Why links ended that were not asked to, and how often. */
  readonly cuts: ReadonlyMap<string, number>;
  ready(): Promise<this>;
  /** Every outcome that it has said is confirmed. */
  confirmed(): Promise<void>;
  /** Goes away at once and stays away. */
  drop(): void;
}

const CREDIT = 50;
const REDIAL_MS = 100;
/** Of a link with rcv-settle-mode second the sender settles last. */
const SECOND = 1;

/**
 * A rhea client that consumes a queue, comes back whenever it is cut off, and writes into the ledger what arrives and what the
 * queue confirms as settled: its deliveries are settled by the queue last (mode second).
 */
export class QueueReceiver implements QueueClient {
  #connection: Connection | null = null;
  #record: QueueRecord | null = null;
  #unsettled = new Map<Delivery, readonly [sender: string, seq: number]>();
  #closed = false;
  #lives = 0;
  unconfirmed = 0;
  readonly cuts = new Map<string, number>();

  constructor(readonly options: QueueReceiverOptions) {
    this.#dial();
  }

  get attached(): boolean {
    return this.#record !== null;
  }

  async ready(): Promise<this> {
    await eventually(`${this.options.name} is attached`, () => this.attached);
    return this;
  }

  async confirmed(): Promise<void> {
    await eventually(`confirmations for ${this.options.name}`, () => this.#unsettled.size === 0);
  }

  drop(): void {
    this.#closed = true;
    this.#connection?.close();
    this.#lost();
  }

  #dial(): void {
    if (this.#closed) return;
    const { name, port, ledger, address, credit = CREDIT, subscription } = this.options;
    const container = rhea.create_container();
    const container_id = subscription?.client ?? name;
    const connection = container.connect({ host: '127.0.0.1', port, container_id, reconnect: false });
    this.#connection = connection;
    connection.open_receiver({
      ...linkOf(this.options),
      credit_window: credit,
      autoaccept: false,
      rcv_settle_mode: SECOND,
    });
    container.on('receiver_open', () => {
      if (this.#connection === connection) this.#record = ledger.join(`${name}#${++this.#lives}`, address);
    });
    container.on('message', (context: EventContext) => this.#take(context));
    container.on('settled', ({ delivery }: EventContext) => this.#settled(delivery as Delivery));
    for (const event of ['disconnected', 'connection_close', 'receiver_close'] as const)
      container.on(event, ({ receiver, connection: from }: EventContext) => {
        if (this.#connection !== connection) return;
        const error = (receiver?.error ?? from.error) as { condition?: string } | undefined;
        const why = error?.condition ?? event;
        this.cuts.set(why, (this.cuts.get(why) ?? 0) + 1);
        this.#lost();
        setTimeout(() => this.#dial(), REDIAL_MS).unref();
      });
    for (const event of ['connection_error', 'receiver_error', 'error'] as const) container.on(event, () => undefined);
  }

  #lost(): void {
    const connection = this.#connection;
    this.#connection = null;
    this.#record = null;
    this.#unsettled = new Map();
    (connection as unknown as { socket?: { destroy(): void } } | null)?.socket?.destroy();
  }

  #take({ message, delivery, connection }: EventContext): void {
    if (connection !== this.#connection || delivery === undefined) return;
    const payload = bytesOf(message?.body);
    const { sender, seq } = readPayload(payload);
    const redelivered = (message?.delivery_count ?? 0) > 0;
    this.#record?.take({ sender, seq, digest: digestOf(payload), redelivered });
    this.#unsettled.set(delivery, [sender, seq]);
    delivery.accept();
  }

  #settled(delivery: Delivery): void {
    const known = this.#unsettled.get(delivery);
    if (known === undefined) return;
    this.#unsettled.delete(delivery);
    // A queue that could not take the outcome says another one.
    const said = delivery.remote_state as Parameters<typeof rhea.message.is_accepted>[0] | undefined;
    if (said === undefined || rhea.message.is_accepted(said)) this.options.ledger.settled(...known);
    else this.unconfirmed++;
  }
}

function linkOf({ address, name, subscription }: QueueReceiverOptions): ReceiverOptions {
  if (subscription === undefined) return { source: { address } };
  const capabilities = subscription.client === null ? ['shared', 'global'] : [];
  // What follows the bar tells links of one subscription apart.
  const link = subscription.client === null ? `${subscription.name}|${name}` : subscription.name;
  return { name: link, source: { address, durable: 2, expiry_policy: 'never', capabilities } };
}

function bytesOf(body: unknown): Buffer {
  const content = (body as { content?: unknown } | null)?.content ?? body;
  return Buffer.isBuffer(content) ? content : Buffer.from(String(content));
}
