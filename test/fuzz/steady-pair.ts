import { create_container, type Connection, type Delivery, type Sender } from 'rhea';
import { eventually, within } from '../support/eventually';

/** One message each so many ms. */
const EVERY_MS = 5;

/** A well-behaved sender and receiver beside everything else: they must notice nothing. */
export class SteadyPair {
  /** What went wrong for them. */
  readonly complaints: string[] = [];
  sent = 0;
  readonly #accepted = new Set<number>();
  readonly #received: number[] = [];
  readonly #ids = new Map<Delivery, number>();
  readonly #connections: Connection[] = [];
  #timer: NodeJS.Timeout | null = null;
  #sender!: Sender;

  private constructor(
    private readonly port: number,
    private readonly address: string,
  ) {}

  static async start(port: number, address: string): Promise<SteadyPair> {
    const pair = new SteadyPair(port, address);
    await pair.#receive();
    await pair.#send();
    return pair;
  }

  #connect(id: string): Connection {
    const connection = create_container({ id }).connect({ host: '127.0.0.1', port: this.port, reconnect: false });
    const complain = (event: string) => (): void => void this.complaints.push(`${id}: ${event}`);
    for (const event of ['connection_error', 'session_error', 'sender_error', 'receiver_error', 'disconnected'])
      connection.on(event, complain(event));
    this.#connections.push(connection);
    return connection;
  }

  #receive(): Promise<void> {
    const connection = this.#connect('steady-receiver');
    const receiver = connection.open_receiver({ source: { address: this.address }, credit_window: 100 });
    receiver.on('message', ({ message }) => void this.#received.push(message?.body as number));
    return within('the steady receiver', new Promise((resolve) => receiver.once('receiver_open', () => resolve())));
  }

  #send(): Promise<void> {
    const connection = this.#connect('steady-sender');
    this.#sender = connection.open_sender({ target: { address: this.address } });
    for (const outcome of ['rejected', 'released', 'modified'])
      this.#sender.on(outcome, () => void this.complaints.push(`a message was ${outcome}`));
    this.#sender.on('accepted', ({ delivery }) => {
      const id = delivery === undefined ? undefined : this.#ids.get(delivery);
      if (delivery === undefined || id === undefined) this.complaints.push('an outcome for nothing');
      else {
        this.#ids.delete(delivery);
        this.#accepted.add(id);
      }
    });
    return within(
      'the steady sender',
      new Promise((resolve) => {
        this.#sender.once('sendable', () => {
          this.#timer = setInterval(() => this.#sendOne(), EVERY_MS);
          resolve();
        });
      }),
    );
  }

  #sendOne(): void {
    if (!this.#sender.sendable()) return;
    this.#ids.set(this.#sender.send({ body: this.sent }), this.sent);
    this.sent++;
  }

  /** Ends the sending; everything sent must have been accepted, and received once, in order. */
  async finish(): Promise<{ readonly sent: number; readonly received: readonly number[] }> {
    if (this.#timer !== null) clearInterval(this.#timer);
    await eventually('what the steady pair sent has come', () => this.#received.length >= this.sent, {
      otherwise: () => `${this.#received.length} of ${this.sent} came; ${this.complaints.join('; ')}`,
    });
    await eventually('what the steady pair sent is accepted', () => this.#accepted.size === this.sent);
    const complaints = [...this.complaints];
    for (const connection of this.#connections) connection.close();
    this.complaints.length = 0;
    this.complaints.push(...complaints);
    return { sent: this.sent, received: this.#received };
  }
}
