import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { formatAddress } from '../common/format-address';
import { TransportError } from './errors';
import { sharedReadOptions, sharedReadSocket, type ReadOptions } from './shared-read';

export interface TcpAddress {
  readonly host: string;
  readonly port: number;
}

/** A bound TCP socket and the connections that it has accepted. */
export class TcpListener {
  readonly #sockets = new Set<Socket>();

  private constructor(private readonly server: Server) {}

  /**
   * Binds; port 0 takes a free one.
   * @param onAcceptError a connection could not be accepted (no descriptor left); those to come are still tried. Thrown if absent
   * @throws TransportError when the address is in use or cannot be bound
   */
  static listen(
    address: TcpAddress,
    onSocket: (socket: Socket, connections: number) => void,
    onAcceptError: (error: Error) => void = rethrow,
    how: ReadOptions = {},
  ): Promise<TcpListener> {
    const { allowHalfOpen = false } = how;
    const server = createServer({ noDelay: true, pauseOnConnect: true, allowHalfOpen });
    const listener = new TcpListener(server);
    server.on('connection', (accepted) => {
      const socket = sharedReadSocket(accepted, how);
      listener.#sockets.add(socket);
      socket.on('close', () => listener.#sockets.delete(socket));
      onSocket(socket, listener.#sockets.size);
    });
    return bindServer(server, address, onAcceptError).then(() => listener);
  }

  get address(): TcpAddress {
    const { address, port } = this.server.address() as AddressInfo;
    return { host: address, port };
  }

  get connections(): number {
    return this.#sockets.size;
  }

  /** Takes no more connections; those there are stay. */
  refuse(): void {
    this.server.close();
  }

  /** Closes the port and cuts every connection. */
  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) =>
      this.server.listening ? this.server.close(() => resolve()) : resolve(),
    );
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }
}

/**
 * Binds a server of whatever kind.
 * @param onAcceptError told of errors from then on
 * @throws TransportError when the address is in use or cannot be bound
 */
export function bindServer(server: Server, address: TcpAddress, onAcceptError: (error: Error) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    const onError = (error: NodeJS.ErrnoException): void => {
      const where = formatAddress(address);
      if (error.code === 'EADDRINUSE')
        reject(new TransportError('FL_PORT_IN_USE', `${where} is in use by another process`, error));
      else reject(new TransportError('FL_BIND', `cannot listen on ${where}: ${error.message}`, error));
    };
    server.once('error', onError);
    server.listen({ host: address.host, port: address.port, backlog: 4096 }, () => {
      server.off('error', onError);
      server.on('error', onAcceptError);
      resolve();
    });
  });
}

function rethrow(error: Error): never {
  throw error;
}

/** Opens a TCP connection. @throws TransportError when it is refused, unreachable or not there within `timeoutMs` */
export function dialTcp(
  { host, port }: TcpAddress,
  timeoutMs: number,
  signal?: AbortSignal,
  how: ReadOptions = {},
): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const { onread, registered } = sharedReadOptions(how);
    const { allowHalfOpen = false } = how;
    const socket = registered(connect({ host, port, noDelay: true, allowHalfOpen, onread }));
    const where = formatAddress({ host, port });
    const fail = (why: string, cause: unknown): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
      socket.destroy();
      reject(new TransportError('FL_DIAL', `cannot reach ${where}: ${why}`, cause));
    };
    const onAbort = (): void => fail('given up', signal?.reason);
    const onError = (error: Error): void => fail(error.message, error);
    const timer = setTimeout(() => fail(`no answer within ${timeoutMs} ms`, null), timeoutMs);
    signal?.addEventListener('abort', onAbort);
    socket.on('error', onError);
    socket.once('connect', () => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
      socket.off('error', onError);
      resolve(socket);
    });
  });
}
