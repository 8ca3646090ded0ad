import type { Socket } from 'node:net';
import type { ConnectionHandler, ConnectionOptions } from '../amqp/connection';
import type { FlushQueue } from './flush-queue';
import { SocketStream } from './socket-stream';
import { StreamDriver } from './stream-driver';

/** Joins a socket and an AMQP connection. */
export class SocketDriver extends StreamDriver {
  constructor(socket: Socket, queue: FlushQueue, handler: ConnectionHandler, options: ConnectionOptions) {
    super(new SocketStream(socket), queue, handler, options);
  }
}
