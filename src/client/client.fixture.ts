import type { Connection } from '../amqp/connection';
import type { Link } from '../amqp/link';
import { anonymousServer, plainServer } from '../amqp/sasl/mechanisms';
import { ServerNegotiation } from '../amqp/sasl/negotiation';
import { FlushQueue } from '../transport/flush-queue';
import { SocketDriver } from '../transport/socket-driver';
import { TcpListener } from '../transport/tcp';

export interface PeerOptions {
  /** What becomes of a link; accepts it by default. */
  readonly onLink?: (link: Link) => void;
  /** What becomes of a connection; opens by default. */
  readonly onOpen?: (connection: Connection) => void;
}

/** An AMQP server on a free port of loopback whose links a test plays by hand. */
export class Peer {
  readonly connections: Connection[] = [];
  #listener: TcpListener | null = null;

  private constructor(private readonly options: PeerOptions) {}

  static async start(options: PeerOptions = {}): Promise<Peer> {
    const peer = new Peer(options);
    const queue = FlushQueue.standalone();
    peer.#listener = await TcpListener.listen({ host: '127.0.0.1', port: 0 }, (socket) => {
      const driver = new SocketDriver(socket, queue, peer, {
        role: 'server',
        containerId: 'peer',
        sasl: new ServerNegotiation(
          [anonymousServer(), plainServer((user, password, done) => done(user === 'app' && password === 'p@ss'))],
          true,
        ),
      });
      peer.connections.push(driver.connection);
    });
    return peer;
  }

  get port(): number {
    return this.#listener?.address.port ?? 0;
  }

  get url(): string {
    return `amqp://127.0.0.1:${this.port}`;
  }

  onOpen(connection: Connection): void {
    if (this.options.onOpen) this.options.onOpen(connection);
    else connection.open();
  }

  onLink(link: Link): void {
    if (this.options.onLink) this.options.onLink(link);
    else link.accept();
  }

  onClosed(): void {
    // Tests look at the client's side.
  }

  async stop(): Promise<void> {
    await this.#listener?.close();
  }
}
