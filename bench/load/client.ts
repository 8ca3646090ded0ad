import type { Socket } from 'node:net';
import type { AmqpErrorFields } from '../../src/amqp/codec/types';
import type { Connection, ConnectionHandler } from '../../src/amqp/connection';
import type { Link } from '../../src/amqp/link';
import { anonymousClient, anonymousServer } from '../../src/amqp/sasl/mechanisms';
import { ClientNegotiation, ServerNegotiation } from '../../src/amqp/sasl/negotiation';
import { FlushQueue } from '../../src/transport/flush-queue';
import { SocketDriver } from '../../src/transport/socket-driver';
import { dialTcp, TcpListener } from '../../src/transport/tcp';
import type { Endpoint } from './protocol';

const DIAL_MS = 10_000;
const queue = FlushQueue.standalone();

/** Ends the worker: a bench whose connection broke has no result. */
function broken(what: string, error: AmqpErrorFields | null): never {
  throw new Error(`${what}: ${error?.condition ?? 'closed'} ${error?.description ?? ''}`);
}

/** Opens a connection as a client; resolves when the peer's open has come. */
export async function connect(at: Endpoint): Promise<Connection> {
  const socket = await dialTcp(at, DIAL_MS);
  return new Promise((resolve) => {
    const handler: ConnectionHandler = {
      onOpen: (connection) => resolve(connection),
      onLink: (link) => link.refuse({ condition: 'amqp:not-allowed', description: 'a load generator takes no links' }),
      onClosed: (_connection, error) => broken(`connection to ${at.host}:${at.port}`, error),
    };
    new SocketDriver(socket, queue, handler, {
      role: 'client',
      containerId: `bench-${process.pid}-${++containers}`,
      sasl: new ClientNegotiation(anonymousClient(), null),
    });
  });
}

let containers = 0;

/** Listens as a server without a node behind it: what the direct run is measured with. */
export async function serve(onLink: (link: Link) => void): Promise<number> {
  const handler: ConnectionHandler = {
    onOpen: (connection) => connection.open(),
    onLink,
    onClosed: (_connection, error) => broken('connection of the sender', error),
  };
  const accept = (socket: Socket): void =>
    void new SocketDriver(socket, queue, handler, {
      role: 'server',
      containerId: `bench-${process.pid}`,
      sasl: new ServerNegotiation([anonymousServer()], true),
    });
  const listener = await TcpListener.listen({ host: '127.0.0.1', port: 0 }, accept);
  return listener.address.port;
}
