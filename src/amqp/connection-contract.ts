import type { AmqpErrorFields, Open } from './codec/types';
import type { AmqpMap } from './codec/values';
import type { Connection } from './connection';
import type { AmqpError } from './errors';
import type { Link } from './link';
import type { LinkNames } from './link-names';
import type { SaslNegotiation } from './sasl/negotiation';
import type { Session } from './session';

/** What a connection asks of the socket and the loop below it. */
export interface ConnectionIo {
  /** Monotonic ms. */
  now(): number;
  /** Asks for `flush` at the end of this turn. */
  scheduleFlush(connection: Connection): void;
  /** Writes; `Connection.written` is called when everything written so far has left the process. */
  write(buffers: readonly Buffer[]): void;
  /** Stops reading the socket: what the peer sends waits in the kernel, then at the peer. What was read already may still come. */
  pause(): void;
  resume(): void;
  /** The connection's `deadline` has come nearer than it was. */
  deadlineMoved(): void;
  /** Ends the socket once what was written has left. */
  end(): void;
}

/** What an application is told of a connection. All calls are synchronous. */
export interface ConnectionHandler {
  /** The peer's open came. A server answers with `open`, or closes with an error; what it sends first opens in any case. */
  onOpen(connection: Connection, open: Open): void;
  /** The peer began a session; it is answered by itself. */
  onSession?(session: Session): void;
  /** The peer attached a link: `accept` or `refuse` it, now or later. */
  onLink(link: Link): void;
  /** The connection is over: the peer closed it, the socket went or we closed it. Sessions and links were told before. */
  onClosed(connection: Connection, error: AmqpErrorFields | null): void;
  /** Bytes have come; their frames follow. @throws AmqpError to end the connection */
  onInbound?(): void;
  /** The peer broke the protocol: the link, session or connection that `error.scope` names is ended and the peer told why. */
  onProtocolError?(connection: Connection, error: AmqpError): void;
}

export interface ConnectionOptions {
  readonly role: 'server' | 'client';
  readonly containerId: string;
  readonly hostname?: string;
  /** What the peer must send at least once within; 0 for no time-out. */
  readonly idleTimeOutMs?: number;
  readonly frameBytesMax?: number;
  readonly channelMax?: number;
  readonly handleMax?: number;
  readonly linksMax?: number;
  readonly incomingWindow?: number;
  /** The peer of a session is told its window again after half of its frames, or so many bytes; absent for no such number. */
  readonly windowBytes?: number;
  readonly unsettledMax?: number;
  readonly outboundBytesMax?: number;
  readonly handshakeMs?: number;
  readonly offeredCapabilities?: readonly string[];
  readonly desiredCapabilities?: readonly string[];
  readonly properties?: AmqpMap | null;
  /** The SASL layer, or null for a client without one; a server without one takes only plain AMQP. */
  readonly sasl?: SaslNegotiation | null;
  /** Shared by the connections of one container. */
  readonly names?: LinkNames;
}
