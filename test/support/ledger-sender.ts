import rhea, { type Connection, type Delivery, type EventContext, type Sender } from 'rhea';
import { eventually } from './eventually';
import type { Ledger, Sent } from './ledger';
import { composePayload, digestOf } from './ledger-payload';

export interface LedgerSenderOptions {
  readonly name: string;
  readonly port: number;
  readonly address: string;
  readonly ledger: Ledger;
  /** As many as this, where credit allows. */
  readonly perSecond: number;
  readonly bodyBytes?: number;
  /** Asks for the disk: the header says so. */
  readonly durable?: boolean;
  /** How soon it dials again. */
  readonly redialMs?: number;
}

const BEAT_MS = 10;
const REDIAL_MS = 100;
/** Sends that a slow moment may catch up on. */
const ARREARS_MAX = 0.5;

/** A rhea client that sends at a steady rate, writes each message and each answer into the ledger, and comes back when cut off. */
export class LedgerSender {
  #connection: Connection | null = null;
  #sender: Sender | null = null;
  #inFlight = new Map<Delivery, Sent>();
  #allowance = 0;
  #lastBeat = performance.now();
  #beat: NodeJS.Timeout | null = null;
  #closed = false;
  /** Times that the connection was lost. */
  cuts = 0;
  /** What the node said of refused messages: condition or outcome, and how often. */
  readonly refusals = new Map<string, number>();

  constructor(readonly options: LedgerSenderOptions) {
    this.#dial();
  }

  /** Attached, with credit. */
  async ready(): Promise<this> {
    await eventually(`${this.options.name} may send`, () => this.maySend);
    return this;
  }

  get sent(): number {
    return this.options.ledger.next(this.options.name);
  }

  /** Attached, and the node has given credit that is not yet used up. */
  get maySend(): boolean {
    return this.#sender?.sendable() === true;
  }

  begin(): this {
    this.#lastBeat = performance.now();
    this.#beat ??= setInterval(() => this.#pump(), BEAT_MS);
    return this;
  }

  /** No more messages; those under way still get their answers. */
  pause(): void {
    if (this.#beat) clearInterval(this.#beat);
    this.#beat = null;
  }

  /** Sends exactly so many more, as credit comes. */
  async send(count: number): Promise<void> {
    const until = this.sent + count;
    await eventually(
      `${this.options.name} sent ${count}`,
      () => {
        while (this.sent < until && this.#sendOne());
        return this.sent >= until;
      },
      { everyMs: BEAT_MS },
    );
  }

  /** All that was sent has an answer. */
  async answered(): Promise<void> {
    const { name } = this.options;
    await eventually(`answers for ${name}`, () => this.#inFlight.size === 0, {
      otherwise: () => `${this.#inFlight.size} without one`,
    });
  }

  /** Stops, waits for answers, says goodbye. */
  async close(): Promise<void> {
    this.pause();
    await this.answered();
    this.drop();
  }

  /** Goes away at once and stays away. */
  drop(): void {
    this.pause();
    this.#closed = true;
    this.#connection?.close();
    this.#lost();
  }

  #dial(): void {
    if (this.#closed) return;
    const container = rhea.create_container();
    const { port, name, address } = this.options;
    const connection = container.connect({ host: '127.0.0.1', port, container_id: name, reconnect: false });
    this.#connection = connection;
    // Until the attach is answered there is no link to send on.
    const sender = connection.open_sender({ target: { address }, autosettle: true });
    container.on('sender_open', () => (this.#sender = sender));
    container.on('sendable', () => this.#beat !== null && this.#pump());
    for (const answer of ['accepted', 'rejected', 'released', 'modified'] as const)
      container.on(answer, (context: EventContext) => this.#answer(context.delivery as Delivery, answer));
    const gone = (): void => {
      if (this.#connection !== connection) return;
      this.cuts++;
      this.#lost();
      setTimeout(() => this.#dial(), this.options.redialMs ?? REDIAL_MS).unref();
    };
    for (const event of ['disconnected', 'connection_close', 'sender_close'] as const) container.on(event, gone);
    // Told by `disconnected` or the close that follows as well.
    for (const event of ['connection_error', 'sender_error', 'error'] as const) container.on(event, () => undefined);
  }

  #lost(): void {
    const connection = this.#connection;
    this.#connection = null;
    this.#sender = null;
    this.#inFlight = new Map();
    this.options.ledger.disconnected(this.options.name);
    (connection as unknown as { socket?: { destroy(): void } } | null)?.socket?.destroy();
  }

  #pump(): void {
    const now = performance.now();
    const { perSecond } = this.options;
    this.#allowance = Math.min(
      this.#allowance + ((now - this.#lastBeat) * perSecond) / 1_000,
      Math.max(1, perSecond * ARREARS_MAX),
    );
    this.#lastBeat = now;
    while (this.#allowance >= 1 && this.#sendOne()) this.#allowance--;
  }

  #sendOne(): boolean {
    const sender = this.#sender;
    if (sender === null || !sender.sendable()) return false;
    const { name, address, ledger, bodyBytes = 100, durable = false } = this.options;
    const seq = ledger.next(name);
    const payload = composePayload(name, seq, bodyBytes);
    const sent = ledger.send(name, address, digestOf(payload));
    const body = rhea.message.data_section(payload);
    this.#inFlight.set(sender.send({ body, durable }), sent);
    return true;
  }

  #answer(delivery: Delivery, answer: 'accepted' | 'rejected' | 'released' | 'modified'): void {
    const sent = this.#inFlight.get(delivery);
    if (sent === undefined) return;
    this.#inFlight.delete(delivery);
    sent.answer = answer === 'accepted' ? 'accepted' : 'refused';
    if (answer === 'accepted') return;
    const { error } = (delivery.remote_state ?? {}) as { error?: { condition?: string } };
    const why = error?.condition ?? answer;
    this.refusals.set(why, (this.refusals.get(why) ?? 0) + 1);
  }
}
