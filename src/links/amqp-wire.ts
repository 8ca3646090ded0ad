import type { Socket } from 'node:net';
import type { AmqpErrorFields, Open } from '../amqp/codec/types';
import type { Connection, ConnectionHandler } from '../amqp/connection';
import type { AmqpError } from '../amqp/errors';
import type { Link } from '../amqp/link';
import { anonymousClient, anonymousServer } from '../amqp/sasl/mechanisms';
import { ClientNegotiation, ServerNegotiation } from '../amqp/sasl/negotiation';
import { FairleadError } from '../common/errors';
import type { Journal } from '../common/ports';
import type { FlushQueue } from '../transport/flush-queue';
import { PeerErrorLog } from '../transport/peer-error-log';
import { SocketDriver } from '../transport/socket-driver';
import { TcpListener, type TcpAddress } from '../transport/tcp';
import { helloProperties, NODE_CAPABILITY, readHello } from './amqp-hello';
import { AmqpLinkTransport, MESH_FRAME_BYTES, MESH_WINDOW_BYTES, MESH_WINDOW_FRAMES } from './amqp-link-transport';
import type { LinkTransport, LinkTransportEvents, NodeIdentity, PeerHello } from './contract';
import { LinkDialler, type DialSpec } from './link-dialler';

/** The mesh node as its links see it. */
export interface LinkOwner {
  readonly identity: NodeIdentity;
  /** @throws LinkRefusedError */
  addLink(transport: LinkTransport, peer: PeerHello, dialled: boolean): LinkTransportEvents & { readonly link: number };
}

/** What a side that dials wants to know of its attempt. */
export interface LinkWatcher {
  onOpen(link: number, peer: PeerHello): void;
  onClosed(reason: string): void;
}

export interface AmqpWireOptions {
  readonly owner: LinkOwner;
  readonly queue: FlushQueue;
  readonly journal: Journal;
}

/** What a node may hold unsent per link in its process; the pacers keep it far below. */
const OUTBOUND_BYTES = 8 * 1024 * 1024;

/** Connections of one mesh port, links or not yet: far more than a node has neighbours. */
const CONNECTIONS_MAX = 4_096;

/** Links between nodes over AMQP connections, dialled or accepted. */
export class AmqpWire {
  readonly errors: PeerErrorLog;

  constructor(private readonly options: AmqpWireOptions) {
    this.errors = new PeerErrorLog(options.journal);
  }

  /** Takes links at an address. @throws TransportError */
  async listen(bind: TcpAddress): Promise<TcpAddress & { close(): Promise<void> }> {
    const listener = await TcpListener.listen(
      bind,
      (socket, connections) => {
        if (connections <= CONNECTIONS_MAX) this.accept(socket);
        else this.#turnAway(socket);
      },
      (error) => this.errors.warn('accept-failed', error.message, { peer: '', from: '' }),
    );
    return { ...listener.address, close: () => listener.close() };
  }

  #turnAway(socket: Socket): void {
    const from = socket.remoteAddress ?? '';
    this.errors.warn('link-refused', `more than ${CONNECTIONS_MAX} connections`, { peer: '', from });
    socket.destroy();
  }

  /** Keeps a link open: dials until closed. */
  dial(spec: DialSpec): LinkDialler {
    return new LinkDialler(spec, this, this.options.journal);
  }

  /** Runs the accepting side of a link over a socket. */
  accept(socket: Socket): SocketDriver {
    return this.#run(socket, null, null);
  }

  /** Runs the dialling side of a link over a socket. */
  open(socket: Socket, spec: DialSpec, watcher: LinkWatcher): SocketDriver {
    return this.#run(socket, spec, watcher);
  }

  #run(socket: Socket, spec: DialSpec | null, watcher: LinkWatcher | null): SocketDriver {
    const { owner, queue } = this.options;
    const from = `${socket.remoteAddress ?? ''}:${socket.remotePort ?? ''}`;
    const peer = new LinkPeer(this.options, this.errors, from, spec, watcher);
    return new SocketDriver(socket, queue, peer, {
      role: spec === null ? 'server' : 'client',
      containerId: owner.identity.name,
      frameBytesMax: MESH_FRAME_BYTES,
      incomingWindow: MESH_WINDOW_FRAMES,
      windowBytes: MESH_WINDOW_BYTES,
      outboundBytesMax: OUTBOUND_BYTES,
      desiredCapabilities: spec === null ? [] : [NODE_CAPABILITY],
      offeredCapabilities: [NODE_CAPABILITY],
      properties: helloProperties(owner.identity, spec?.name ?? '', spec?.cost ?? 1),
      sasl:
        spec === null
          ? new ServerNegotiation([anonymousServer()], true)
          : new ClientNegotiation(anonymousClient(), null),
    });
  }
}

/** One connection to a neighbour until it is a link, and its end. */
class LinkPeer implements ConnectionHandler {
  transport: AmqpLinkTransport | null = null;
  #hello: PeerHello | null = null;

  constructor(
    private readonly options: AmqpWireOptions,
    private readonly errors: PeerErrorLog,
    private readonly from: string,
    private readonly spec: DialSpec | null,
    private readonly watcher: LinkWatcher | null,
  ) {}

  onOpen(connection: Connection, open: Open): void {
    try {
      const hello = readHello(open, this.spec !== null);
      this.#hello = this.spec === null ? hello : { ...hello, link: this.spec.name, cost: this.spec.cost };
    } catch (error) {
      this.#refuse(connection, error);
      return;
    }
    connection.open();
    this.transport = new AmqpLinkTransport(
      connection,
      () => performance.now(),
      (transport) => this.#ready(transport),
    );
    if (this.spec !== null) this.transport.begin();
  }

  onInbound(): void {
    this.transport?.onInbound();
  }

  onLink(link: Link): void {
    this.transport?.onLink(link);
  }

  #ready(transport: AmqpLinkTransport): void {
    try {
      const hello = this.#hello as PeerHello;
      const events = this.options.owner.addLink(transport, hello, this.spec !== null);
      transport.start(events);
      this.watcher?.onOpen(events.link, hello);
    } catch (error) {
      this.#refuse(transport.connection, error);
    }
  }

  #refuse(connection: Connection, error: unknown): void {
    if (!(error instanceof FairleadError)) throw error;
    const peer = { peer: connection.remoteContainerId, from: this.from };
    this.errors.warn('link-refused', error.message, peer, { code: error.code });
    connection.close({ condition: error.condition ?? 'amqp:not-allowed', description: error.message });
  }

  onProtocolError(connection: Connection, error: AmqpError): void {
    this.errors.protocolError('link-protocol-error', error, { peer: connection.remoteContainerId, from: this.from });
  }

  onClosed(_connection: Connection, error: AmqpErrorFields | null): void {
    const reason = error === null ? 'closed' : (error.description ?? error.condition);
    this.transport?.onClosed(reason);
    this.transport = null;
    this.watcher?.onClosed(reason);
  }
}
