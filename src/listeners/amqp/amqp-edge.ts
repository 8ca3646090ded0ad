import { LinkNames } from '../../amqp/link-names';
import type { ByteStream } from '../../transport/byte-stream';
import type { EdgeConnection, EdgePort, EdgeProtocol } from '../edge/edge-protocol';
import { AmqpClient } from './amqp-client';
import type { AmqpEdgeOptions } from './client-options';

/** AMQP 1.0 for clients; over WebSocket as the AMQP WebSocket binding (OASIS) has it, bytes in binary messages. */
export class AmqpEdge implements EdgeProtocol {
  readonly subprotocols = ['amqp'];
  readonly text = false;
  /** Of all clients of the node: a link that comes back by another listener is the same link. */
  readonly #names = new LinkNames();

  constructor(private readonly options: AmqpEdgeOptions) {}

  open(stream: ByteStream, port: EdgePort): EdgeConnection {
    return new AmqpClient(stream, port, this.options, this.#names);
  }
}
