import { eventually } from '../eventually';

/** A frame of a server. */
export interface StompFrame {
  readonly command: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

export type StompHeaders = Readonly<Record<string, string>>;

/** What tests do with STOMP, whichever client does it. */
export abstract class StompConnection {
  /** All frames that came, in order. */
  readonly frames: StompFrame[] = [];
  readonly version: string;
  closed = false;
  #receipts = 0;
  #read = 0;

  constructor(version: string) {
    this.version = version;
  }

  /** Writes a frame. */
  abstract tell(command: string, headers?: StompHeaders, body?: string | Buffer): void;
  abstract destroy(): void;

  /** Writes a frame with a receipt, and waits for it. */
  async ask(command: string, headers: StompHeaders = {}, body: string | Buffer = ''): Promise<void> {
    const receipt = `receipt-${++this.#receipts}`;
    this.tell(command, { ...headers, receipt }, body);
    await this.receipt(receipt, command);
  }

  receipt(receipt: string, what = 'frame'): Promise<StompFrame> {
    return eventually(`the receipt of ${what}`, () => {
      this.check();
      return this.frames.find(({ command, headers }) => command === 'RECEIPT' && headers['receipt-id'] === receipt);
    });
  }

  send(destination: string, body: string | Buffer, headers: StompHeaders = {}): Promise<void> {
    return this.ask('SEND', { destination, ...headers }, body);
  }

  subscribe(id: string, destination: string, headers: StompHeaders = {}): Promise<void> {
    return this.ask('SUBSCRIBE', { id, destination, ...headers });
  }

  /** The next MESSAGE that nobody has taken. */
  async next(): Promise<StompFrame> {
    const message = await eventually('a MESSAGE', () => {
      const found = this.frames.findIndex(({ command }, at) => at >= this.#read && command === 'MESSAGE');
      if (found < 0) this.check();
      return found >= 0 && found + 1;
    });
    this.#read = message;
    return this.frames[message - 1] as StompFrame;
  }

  async take(count: number): Promise<StompFrame[]> {
    const taken: StompFrame[] = [];
    while (taken.length < count) taken.push(await this.next());
    return taken;
  }

  /** MESSAGEs that nobody has taken. */
  get untaken(): number {
    return this.frames.slice(this.#read).filter(({ command }) => command === 'MESSAGE').length;
  }

  error(): Promise<StompFrame> {
    return eventually('an ERROR', () => this.frames.find(({ command }) => command === 'ERROR'));
  }

  /** ACK or NACK as the version has it. */
  answer(command: 'ACK' | 'NACK', message: StompFrame, headers: StompHeaders = {}): Promise<void> {
    return this.ask(command, { ...this.idsOf(message), ...headers });
  }

  idsOf({ headers }: StompFrame): StompHeaders {
    const { ack = '', subscription = '', 'message-id': id = '' } = headers;
    if (this.version === '1.2') return { id: ack };
    return this.version === '1.1' ? { 'message-id': id, subscription } : { 'message-id': id };
  }

  async disconnect(): Promise<void> {
    await this.ask('DISCONNECT');
    this.destroy();
  }

  /** @throws Error when the connection has ended */
  protected check(): void {
    const error = this.frames.find(({ command }) => command === 'ERROR' || command === 'fault');
    if (error !== undefined) throw new Error(`${error.command}: ${error.headers['message']}`);
  }
}
