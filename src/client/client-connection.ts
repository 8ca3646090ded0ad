import { randomBytes } from 'node:crypto';
import type { AmqpErrorFields, Open } from '../amqp/codec/types';
import type { Connection, ConnectionHandler } from '../amqp/connection';
import { CONDITION } from '../amqp/constants';
import type { Link } from '../amqp/link';
import type { ReceiverLink } from '../amqp/receiver-link';
import { ClientNegotiation } from '../amqp/sasl/negotiation';
import type { SenderLink } from '../amqp/sender-link';
import type { Session } from '../amqp/session';
import { FairleadError } from '../common/errors';
import { formatAddress } from '../common/format-address';
import { FlushQueue } from '../transport/flush-queue';
import { SocketDriver } from '../transport/socket-driver';
import { dialTcp } from '../transport/tcp';
import { ClientReceiver, type TakingOptions } from './client-receiver';
import { ClientSender } from './client-sender';
import { parseClientUrl } from './client-url';
import { ClientSubscription, OF_NO_CLIENT, durableSource } from './client-subscription';
import { LostError, NoAnswerError, NotDurableError, RefusedError } from './errors';

export interface ClientOptions {
  readonly containerId?: string;
  /** For the connection and for each attach. */
  readonly timeoutMs?: number;
  /** Shared by the connections of a program that has many. */
  readonly queue?: FlushQueue;
}

export interface ReceiverOptions extends TakingOptions {
  /** Null lets the peer make a temporary address, which is told by `address`. */
  readonly address: string | null;
  /** Name of a durable subscription that belongs to no client: it is found by it at every node of a mesh. */
  readonly subscription?: string;
}

/** Longer than a node takes to say why it refuses, 10 s for a queue whose home is away: the reason is worth more than an early end. */
const TIMEOUT_MS = 15_000;
const IDLE_MS = 60_000;
const FRAME_BYTES = 64 * 1024;

/** For a link that is not attached yet. */
const IGNORING = {
  onWritable: (): void => undefined,
  onCredit: (): void => undefined,
  onOutcome: (): void => undefined,
  onTransfer: (): void => undefined,
};

/** One connection of a client with one session: what `fairlead send` and `receive`, the demo and the bench are made of. */
export class ClientConnection implements ConnectionHandler {
  #driver: SocketDriver | null = null;
  #session: Session | null = null;
  #links = 0;
  #closing = false;
  #opening: { resolve(): void; reject(error: Error): void } | null = null;
  #onGone: (() => void) | null = null;
  #lost: LostError | null = null;
  /** Called once when the connection ends without `close`. */
  onLost: ((error: LostError) => void) | null = null;

  private constructor(
    readonly url: string,
    private readonly containerId: string,
    private readonly timeoutMs: number,
  ) {}

  /** @throws ClientUrlError, TransportError (cannot reach), RefusedError, NoAnswerError */
  static async open(url: string, options: ClientOptions = {}): Promise<ClientConnection> {
    const { host, port, mechanism } = parseClientUrl(url);
    const { containerId = `fairlead-${randomBytes(6).toString('hex')}`, timeoutMs = TIMEOUT_MS } = options;
    const place = formatAddress({ host, port });
    const client = new ClientConnection(place, containerId, timeoutMs);
    const socket = await dialTcp({ host, port }, timeoutMs);
    client.#driver = new SocketDriver(socket, options.queue ?? FlushQueue.standalone(), client, {
      role: 'client',
      containerId,
      hostname: host,
      idleTimeOutMs: IDLE_MS,
      frameBytesMax: FRAME_BYTES,
      handshakeMs: timeoutMs,
      sasl: new ClientNegotiation(mechanism, host),
    });
    const opened = client.#answered<ClientConnection>(`the connection to ${place}`, (resolve, reject) => {
      client.#opening = { resolve: () => resolve(client), reject };
    });
    return opened.catch((error: unknown) => {
      client.#driver?.destroy('it was given up');
      throw error;
    });
  }

  /** @param address null sends each message to its own `to`. @throws RefusedError, NoAnswerError, LostError */
  async sender(address: string | null): Promise<ClientSender> {
    const name = address ?? 'any address';
    const link = this.#openSession().attachSender(this.#linkName(), { target: { type: 'target', address } });
    return this.#attached(link, `sending to ${name}`, () => new ClientSender(link, `the link to ${name}`));
  }

  /** @throws RefusedError, NoAnswerError, LostError, NotDurableError */
  async receiver({ address, subscription, ...options }: ReceiverOptions): Promise<ClientReceiver> {
    const name = address ?? 'a temporary address';
    const plain = { type: 'source', address, dynamic: address === null } as const;
    const link = this.#openSession().attachReceiver(subscription ?? this.#linkName(), {
      source: subscription === undefined ? plain : durableSource(address),
      rcvSettleMode: 0,
    });
    const make = () => {
      const isDurable = (link.remote?.source?.durable ?? 0) > 0;
      if (subscription === undefined || isDurable) return new ClientReceiver(link, `the link from ${name}`, options);
      throw new NotDurableError(name);
    };
    return this.#attached(link, `receiving from ${name}`, make);
  }

  /** Finds a durable subscription that belongs to no client. @throws RefusedError when there is none, NoAnswerError, LostError */
  async subscription(name: string): Promise<ClientSubscription> {
    const link = this.#openSession().attachReceiver(name, { source: null, desiredCapabilities: [OF_NO_CLIENT] });
    const make = () => new ClientSubscription(link, name, (what, begin) => this.#answered(what, begin));
    return this.#attached(link, `looking for subscription '${name}'`, make);
  }

  /** Tells the peer, and resolves when the socket is gone. */
  async close(): Promise<void> {
    const { connection } = this.#driver ?? {};
    this.#closing = true;
    if (!connection || connection.closed) return;
    const gone = new Promise<void>((resolve) => (this.#onGone = resolve));
    connection.close();
    await gone;
  }

  #openSession(): Session {
    const { connection } = this.#driver ?? {};
    if (this.#lost) throw this.#lost;
    if (!connection?.opened) throw new LostError(`the connection to ${this.url}`, connection?.closeError ?? null);
    if (this.#session === null || this.#session.state === 'ended') this.#session = connection.begin();
    return this.#session;
  }

  #linkName(): string {
    return `${this.containerId}-${++this.#links}`;
  }

  /**
   * Resolves when the peer has attached its end with a terminus: one without is about to be refused (part 2.6.3). The
   * owner of the link is made in the same turn, so that it misses nothing of what follows.
   */
  async #attached<T>(link: SenderLink | ReceiverLink, what: string, make: () => T): Promise<T> {
    return this.#answered(what, (resolve, reject) => {
      link.handler = {
        ...IGNORING,
        onAttached: () => {
          if (!(link.sender ? link.remote?.target : link.remote?.source)) return;
          try {
            resolve(make());
          } catch (error) {
            if (!(error instanceof FairleadError)) throw error;
            reject(error);
          }
        },
        onDetached: (_link: Link, error: AmqpErrorFields | null) => reject(new RefusedError(what, error)),
      };
    });
  }

  /** Waits for a peer's answer, but not for ever. */
  #answered<T>(what: string, begin: (resolve: (value: T) => void, reject: (error: Error) => void) => void): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const timer = setTimeout(() => {
        reject(new NoAnswerError(what, this.timeoutMs));
      }, this.timeoutMs);
      const ended =
        <V>(settle: (value: V) => void) =>
        (value: V): void => {
          clearTimeout(timer);
          settle(value);
        };
      begin(ended(resolve), ended(reject));
    });
  }

  onOpen(_connection: Connection, _open: Open): void {
    this.#opening?.resolve();
    this.#opening = null;
  }

  onLink(link: Link): void {
    link.refuse({ condition: CONDITION.notAllowed, description: 'a client takes no links' });
  }

  onClosed(_connection: Connection, error: AmqpErrorFields | null): void {
    const what = `the connection to ${this.url}`;
    if (this.#opening) this.#opening.reject(new RefusedError(what, error));
    else if (!this.#closing) {
      this.#lost = new LostError(what, error);
      this.onLost?.(this.#lost);
    }
    this.#opening = null;
    this.#onGone?.();
  }
}
