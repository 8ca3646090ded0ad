import type { ByteStream } from '../../transport/byte-stream';
import type { EdgeConnection, EdgePort, EdgeProtocol } from '../edge/edge-protocol';
import type { StompEdgeOptions } from './session';
import { StompClient } from './stomp-client';
import { SUBPROTOCOLS } from './version';

/** STOMP 1.0, 1.1 and 1.2 for clients; over WebSocket its frames are text. */
export class StompEdge implements EdgeProtocol {
  readonly subprotocols = SUBPROTOCOLS;
  readonly text = true;

  constructor(private readonly options: StompEdgeOptions) {}

  open(stream: ByteStream, port: EdgePort, subprotocol: string | null): EdgeConnection {
    return new StompClient(stream, port, this.options, subprotocol);
  }
}
