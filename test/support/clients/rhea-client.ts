import type { Socket } from 'node:net';
import {
  create_container,
  types,
  type Connection,
  type ConnectionOptions,
  type Container,
  type EventContext,
  type Source,
  type TerminusOptions,
} from 'rhea';
import WebSocket from 'ws';
import { within } from '../eventually';
import {
  ClientError,
  type Client,
  type ClientConnection,
  type ClientReceiver,
  type ClientSender,
  type ConnectOptions,
  type ConnectionEvent,
  type LinkOptions,
  RCV,
  type ReceiverOptions,
  SND,
} from './client';
import { Inbox } from './inbox';
import { RheaReceiver, RheaSender, errorTold } from './rhea-links';

let clients = 0;

/** The npm client, in the process of the test. */
export class RheaClient implements Client {
  readonly name = 'rhea';
  readonly #connections = new Set<RheaConnection>();

  constructor(private readonly over: 'tcp' | 'websocket' = 'tcp') {}

  async connect(
    port: number,
    { container = `rhea-${process.pid}-${++clients}`, reconnect = false }: ConnectOptions = {},
  ) {
    const own = create_container({ id: container });
    const delays = reconnect
      ? { reconnect: true, initial_reconnect_delay: 50, max_reconnect_delay: 200 }
      : { reconnect: false };
    const where = this.over === 'tcp' ? { host: '127.0.0.1', port } : webSocketTo(own, port);
    const connection = new RheaConnection(own.connect({ ...where, ...delays }));
    this.#connections.add(connection);
    await connection.opened();
    return connection;
  }

  async close(): Promise<void> {
    const open = [...this.#connections];
    this.#connections.clear();
    await Promise.all(open.map((connection) => connection.close()));
  }

  async kill(): Promise<void> {
    const open = [...this.#connections];
    this.#connections.clear();
    await Promise.all(open.map((connection) => connection.kill()));
  }
}

/** As in a browser. */
function webSocketTo(container: Container, port: number): ConnectionOptions {
  const dial = container.websocket_connect(WebSocket as never);
  // The subprotocols are given to the WebSocket as they are.
  const details = dial(`ws://127.0.0.1:${port}/`, ['amqp'], {} as never);
  return { connection_details: details } as unknown as ConnectionOptions;
}

/** As JMS clients name and describe them. */
function filtersOf({ selector, noLocal }: ReceiverOptions): { filter?: Record<string, unknown> } {
  const filter: Record<string, unknown> = {};
  if (selector !== undefined) filter['jms-selector'] = types.wrap_described(selector, 0x0000468c00000004);
  if (noLocal) filter['no-local'] = types.wrap_described('NoLocalFilter{}', 0x0000468c00000003);
  return Object.keys(filter).length === 0 ? {} : { filter };
}

class RheaConnection implements ClientConnection {
  readonly events = new Inbox<ConnectionEvent>('events of a rhea connection');
  #links = 0;
  #opened = false;
  #live = false;
  #closing = false;
  readonly #end: Promise<void>;

  constructor(private readonly connection: Connection) {
    connection.setMaxListeners(0); // each link hears when the connection is lost
    connection.on('connection_error', () => undefined); // told with the close that follows
    connection.on('session_error', () => undefined);
    this.#end = new Promise((resolve) => {
      connection.on('connection_close', () => {
        this.#lost('closed');
        if (this.#closing) resolve();
      });
      connection.on('disconnected', ({ reconnecting }: EventContext) => {
        this.#lost('disconnected');
        if (reconnecting !== true || this.#closing) resolve();
      });
    });
    connection.on('connection_open', () => {
      if (this.#opened) this.events.push({ kind: 'reconnected', error: null });
      this.#opened = this.#live = true;
    });
  }

  /** Told once per loss, not for every try to reconnect. */
  #lost(kind: 'closed' | 'disconnected'): void {
    if (this.#live) this.events.push({ kind, error: errorTold(this.connection.error) });
    this.#live = false;
  }

  opened(): Promise<void> {
    if (this.connection.is_open()) return Promise.resolve();
    const open = new Promise<void>((resolve, reject) => {
      this.connection.once('connection_open', () => resolve());
      void this.#end.then(() => reject(new ClientError('connection', errorTold(this.connection.error))));
    });
    return within('rhea connects', open);
  }

  async openSender(options: LinkOptions): Promise<ClientSender> {
    const { address, dynamic, capabilities, snd = SND.mixed, rcv = RCV.first, name = this.#name() } = options;
    const target = { address: address ?? undefined, dynamic, capabilities } as TerminusOptions;
    const sender = new RheaSender(
      this.connection.open_sender({ name, target, snd_settle_mode: snd, rcv_settle_mode: rcv, autosettle: true }),
    );
    return within(`rhea opens a sender to ${address}`, sender.opened());
  }

  async openReceiver(options: ReceiverOptions): Promise<ClientReceiver> {
    const { address, dynamic, capabilities, snd = SND.mixed, rcv = RCV.first, name = this.#name() } = options;
    const { prefetch = 100, autoAccept = false, browse = false, durable = false } = options;
    const filter = filtersOf(options);
    const mode = browse ? { distribution_mode: 'copy' } : {};
    const kept = durable ? { durable: 2, expiry_policy: 'never' } : {};
    const receiver = new RheaReceiver(
      this.connection.open_receiver({
        name,
        source: {
          address: address ?? undefined,
          dynamic,
          capabilities,
          ...filter,
          ...mode,
          ...kept,
        } as unknown as Source,
        snd_settle_mode: snd,
        rcv_settle_mode: rcv,
        credit_window: prefetch,
        autoaccept: autoAccept,
      }),
    );
    return within(`rhea opens a receiver from ${address}`, receiver.opened());
  }

  #name(): string {
    return `link-${++this.#links}`;
  }

  /** Cuts the socket. */
  async kill(): Promise<void> {
    this.connection.set_reconnect(false);
    const { socket } = this.connection as unknown as { socket: Socket };
    const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
    socket.destroy();
    await within('a rhea connection is cut', closed);
  }

  close(): Promise<void> {
    this.#closing = true;
    if (this.connection.is_closed()) return Promise.resolve();
    // Stops a reconnect that is scheduled, too.
    this.connection.set_reconnect(false);
    this.connection.close();
    return this.#live ? within('rhea closes', this.#end) : Promise.resolve();
  }
}
