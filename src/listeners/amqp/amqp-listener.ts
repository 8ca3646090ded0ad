import type { Socket } from 'node:net';
import type { AmqpErrorFields, Open } from '../../amqp/codec/types';
import type { Connection, ConnectionHandler } from '../../amqp/connection';
import { CONDITION } from '../../amqp/constants';
import type { AmqpError } from '../../amqp/errors';
import type { Link } from '../../amqp/link';
import { LinkNames } from '../../amqp/link-names';
import { ReceiverLink } from '../../amqp/receiver-link';
import type { SenderLink } from '../../amqp/sender-link';
import { ServerNegotiation } from '../../amqp/sasl/negotiation';
import { PeerErrorLog } from '../../transport/peer-error-log';
import { SocketDriver } from '../../transport/socket-driver';
import { TcpListener, type TcpAddress } from '../../transport/tcp';
import { ListenerCounters, type AmqpListenerOptions, type ClientContext } from './client-options';
import { ClientTransactions } from './client-transactions';
import { ConsumerLink } from './consumer-link';
import { PublisherLink } from './publisher-link';

/** Frames to clients' liking: small enough that a window of them is a bounded number of bytes. */
const FRAME_BYTES = 16 * 1024;
/** What JMS clients look for in the open. Delays are those of queues; other kinds of address keep nothing back. */
const OFFERED = ['ANONYMOUS-RELAY', 'DELAYED_DELIVERY', 'SHARED-SUBS'];

/** AMQP 1.0 for clients: their sending links publish, their receiving links consume. */
export class AmqpListener implements ConnectionHandler {
  readonly counters = new ListenerCounters();
  readonly errors: PeerErrorLog;
  readonly #connections = new Map<Connection, SocketDriver>();
  readonly #names = new LinkNames();
  #listener: TcpListener | null = null;
  #draining = false;

  constructor(
    private readonly bind: TcpAddress,
    private readonly options: AmqpListenerOptions,
  ) {
    this.errors = new PeerErrorLog(options.journal);
  }

  get connections(): number {
    return this.#connections.size;
  }

  /** Binds; @returns the real address. @throws TransportError */
  async start(): Promise<TcpAddress> {
    this.#listener = await TcpListener.listen(
      this.bind,
      (socket) => this.#accept(socket),
      (error) => this.errors.warn('accept-failed', error.message, { peer: '', from: '' }),
    );
    return this.#listener.address;
  }

  #accept(socket: Socket): void {
    const { options } = this;
    const { budget } = options;
    if (budget.connections >= budget.connectionsMax) {
      this.counters.refused++;
      const from = socket.remoteAddress ?? '';
      this.errors.warn('connection-refused', `more than ${budget.connectionsMax} connections`, { peer: '', from });
      socket.destroy();
      return;
    }
    budget.connections++;
    this.counters.accepted++;
    const driver = new SocketDriver(socket, options.queue, this, {
      role: 'server',
      containerId: options.containerId,
      idleTimeOutMs: options.idleTimeOutMs,
      frameBytesMax: FRAME_BYTES,
      offeredCapabilities: OFFERED,
      names: this.#names,
      sasl: new ServerNegotiation(options.mechanisms, !options.saslOptional),
    });
    this.#connections.set(driver.connection, driver);
  }

  // --- what connections tell -----------------------------------------------------------------------------------------------

  onOpen(connection: Connection, open: Open): void {
    const { addresses, budget, messageBytesMax } = this.options;
    const { counters } = this;
    const client = open.containerId;
    const transactions = new ClientTransactions(addresses);
    const context: ClientContext = { addresses, transactions, counters, budget, messageBytesMax, client };
    connection.context = context;
    connection.open();
  }

  onLink(link: Link): void {
    const { budget } = this.options;
    if (this.#draining) {
      link.refuse({ condition: CONDITION.forced, description: 'the node is shutting down: connect to another one' });
      return;
    }
    if (budget.links >= budget.linksMax) {
      link.refuse({ condition: CONDITION.limit, description: `more than ${budget.linksMax} links of clients` });
      return;
    }
    const context = link.session.connection.context as ClientContext;
    if (link instanceof ReceiverLink) PublisherLink.attach(link, context);
    else ConsumerLink.attach(link as SenderLink, context);
  }

  onClosed(connection: Connection): void {
    this.options.budget.connections--;
    this.#connections.delete(connection);
    this.#settled();
  }

  onProtocolError(connection: Connection, error: AmqpError): void {
    const from = this.#connections.get(connection)?.remoteAddress ?? '';
    this.errors.protocolError('protocol-error', error, { peer: connection.remoteContainerId, from });
  }

  // --- the end -------------------------------------------------------------------------------------------------------------

  #onEmpty: (() => void) | null = null;

  #settled(): void {
    if (this.#connections.size === 0) this.#onEmpty?.();
  }

  /** Accepts no more connections or links. What is in flight is finished by the mesh node. */
  drain(): Promise<void> {
    this.#draining = true;
    this.#listener?.refuse();
    return Promise.resolve();
  }

  /** Tells every client that the node shuts down, and closes. */
  async stop(): Promise<void> {
    this.#draining = true;
    this.#listener?.refuse();
    const error: AmqpErrorFields = { condition: CONDITION.forced, description: 'the node is shutting down' };
    const empty = new Promise<void>((resolve) => (this.#onEmpty = resolve));
    for (const connection of [...this.#connections.keys()]) connection.close(error);
    if (this.#connections.size > 0) await Promise.race([empty, after(STOP_MS)]);
    await this.#listener?.close();
    this.#listener = null;
  }
}

/** What clients have to answer a close; the engine ends those that do not answer a little earlier. */
const STOP_MS = 1_500;

function after(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms).unref());
}
