import type { ByteStream } from '../../transport/byte-stream';
import type { PeerErrorLog } from '../../transport/peer-error-log';
import type { ListenerCounters } from './listener-counters';

/** What a connection tells the listener that it came by. */
export interface EdgePort {
  readonly counters: ListenerCounters;
  readonly errors: PeerErrorLog;
  /** Once, when its stream is closed. */
  closed(connection: EdgeConnection): void;
}

/** One client's connection. */
export interface EdgeConnection {
  /** Nothing new begins on it any more (links, subscriptions, publishers); what is in flight goes on. */
  drain(): void;
  /** The node ends: tells the client so in its protocol's words, and ends the stream. */
  shutdown(): void;
}

/**
 * A protocol that clients speak over a stream of bytes. One per node: the same object serves TCP listeners ({@link EdgeListener}) and,
 * by its WebSocket subprotocols, listeners of HTTP.
 */
export interface EdgeProtocol {
  /** Names of RFC 6455 subprotocols, those liked best first. */
  readonly subprotocols: readonly string[];
  /** Its WebSocket messages are text (UTF-8), as its clients in browsers expect. */
  readonly text: boolean;
  /**
   * Takes a new connection; begins the stream before it returns.
   * @param subprotocol what a WebSocket client and this node agreed on; null over TCP
   */
  open(stream: ByteStream, port: EdgePort, subprotocol: string | null): EdgeConnection;
}
