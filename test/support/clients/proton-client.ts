import { within } from '../eventually';
import {
  ClientError,
  type Client,
  type ClientConnection,
  type ConnectOptions,
  type ConnectionEvent,
  type ErrorTold,
  type LinkOptions,
  RCV,
  type ReceiverOptions,
  SND,
} from './client';
import { Inbox } from './inbox';
import { ProtonReceiver, ProtonSender, errorTold } from './proton-links';
import { type Line, ProtonProcess } from './proton-process';

/** Apache Qpid Proton's Python reactor client, in a process of its own. */
export class ProtonClient implements Client {
  readonly name = 'proton';
  #connections = 0;

  private constructor(private readonly driver: ProtonProcess) {}

  static async start(): Promise<ProtonClient> {
    return new ProtonClient(await ProtonProcess.start());
  }

  async connect(port: number, { container, reconnect = false }: ConnectOptions = {}): Promise<ProtonConnection> {
    const id = `c${++this.#connections}`;
    const connection = new ProtonConnection(this.driver, id);
    const named = container ?? `proton-${process.pid}-${Date.now().toString(36)}-${id}`;
    await connection.connect({ connection: id, container: named, reconnect, url: `amqp://127.0.0.1:${port}` });
    return connection;
  }

  close(): Promise<void> {
    return this.driver.stop();
  }

  kill(): Promise<void> {
    return this.driver.kill();
  }
}

export class ProtonConnection implements ClientConnection {
  readonly events = new Inbox<ConnectionEvent>('events of a proton connection');
  #links = 0;
  #connected = false;
  #live = false;
  readonly #senders: ProtonSender[] = [];
  #ended: () => void = () => undefined;
  #refused: (error: Error) => void = () => undefined;
  readonly #end = new Promise<void>((resolve) => (this.#ended = resolve));

  constructor(
    private readonly driver: ProtonProcess,
    private readonly id: string,
  ) {
    driver.on(id, (line) => this.#onEvent(line));
  }

  async connect(command: Line): Promise<void> {
    const refused = new Promise<never>((_, reject) => (this.#refused = reject));
    await Promise.race([this.driver.ask('connect', command), refused]);
    this.#connected = this.#live = true;
  }

  #onEvent(line: Line): void {
    const error = errorTold(line['error']);
    if (!this.#connected) {
      if (line['event'] !== 'disconnected') this.#refused(new ClientError('connection', error));
      return;
    }
    if (line['event'] === 'reconnected') {
      this.#live = true;
      this.events.push({ kind: 'reconnected', error: null });
    } else if (line['event'] === 'connection-closed') this.#lost('closed', error);
    else if (line['event'] === 'disconnected') this.#lost('disconnected', error);
  }

  /** Told once per loss, not for every try to reconnect. */
  #lost(kind: 'closed' | 'disconnected', error: ErrorTold | null): void {
    if (this.#live) this.events.push({ kind, error });
    this.#live = false;
    for (const sender of this.#senders) sender.lose();
    this.#ended();
  }

  async openSender(options: LinkOptions): Promise<ProtonSender> {
    const opening = this.#opening(options);
    const sender = new ProtonSender(this.driver, opening, await this.#open('sender', opening));
    this.#senders.push(sender);
    return sender.listen();
  }

  async openReceiver(options: ReceiverOptions & { readonly describe?: boolean }): Promise<ProtonReceiver> {
    const { prefetch = 100, autoAccept = false, describe = false, selector } = options;
    const { noLocal = false, browse = false, durable = false } = options;
    const source = { browse, noLocal, durable, ...(selector === undefined ? {} : { selector }) };
    const opening = { ...this.#opening(options), ...source, prefetch, autoAccept, describe };
    return new ProtonReceiver(this.driver, opening, await this.#open('receiver', opening)).listen();
  }

  #opening(options: LinkOptions): Line {
    const { address, dynamic = false, capabilities = [], snd = SND.mixed, rcv = RCV.first } = options;
    const number = ++this.#links;
    const { name = `link-${number}` } = options;
    const link = `${this.id}-l${number}`;
    return { connection: this.id, link, name, address: address ?? null, dynamic, capabilities, snd, rcv };
  }

  async #open(role: 'sender' | 'receiver', opening: Line): Promise<Line> {
    const answer = await this.driver.ask(role, opening);
    if (answer['error']) throw new ClientError(`${role} ${String(opening['name'])}`, errorTold(answer['error']));
    return answer;
  }

  async close(): Promise<void> {
    this.driver.tell('close', { connection: this.id });
    await within('a proton connection closes', this.#end);
  }
}
