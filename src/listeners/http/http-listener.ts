import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { FairleadError } from '../../common/errors';
import { PeerErrorLog } from '../../transport/peer-error-log';
import { bindServer, type TcpAddress } from '../../transport/tcp';
import { admit } from '../edge/admission';
import type { EdgeConnection, EdgePort } from '../edge/edge-protocol';
import { ListenerCounters } from '../edge/listener-counters';
import { HttpError } from './errors';
import { Exchange } from './exchange';
import { HttpClient } from './http-client';
import type { HttpBind, HttpEdgeOptions } from './http-options';
import type { HttpService } from './http-service';
import { HEADER_BYTES_MAX, HEADERS_MAX, HEADERS_MS, KEEP_ALIVE_MS } from './limits';
import { admittedOrigin } from './origin';
import { rawProblem } from './raw-problem';
import { agree } from './websocket/handshake';
import { WebSocketStream } from './websocket/websocket-stream';

/** What clients have to answer a shutdown; then they are cut. */
const STOP_MS = 1_500;

/**
 * A port where clients speak HTTP, and over WebSockets all other protocols. It stands on `node:http` alone: a publish is a few calls
 * here, and a framework's router, hooks and body parsers would take longer than all of it and hold bodies in memory.
 */
export class HttpListener implements EdgePort {
  readonly counters = new ListenerCounters();
  readonly errors: PeerErrorLog;
  readonly #server: Server;
  readonly #clients = new Map<Socket, HttpClient>();
  /** Over WebSockets. */
  readonly #edges = new Set<EdgeConnection>();
  #draining = false;

  constructor(
    private readonly bind: HttpBind,
    private readonly options: HttpEdgeOptions,
    /** Shared by the listeners of the node. */
    private readonly service: HttpService,
  ) {
    this.errors = new PeerErrorLog(options.journal);
    this.#server = createServer({
      maxHeaderSize: HEADER_BYTES_MAX,
      headersTimeout: HEADERS_MS,
      // A body takes as long as the mesh holds its publisher up: `BodyReader` looks at whether its client goes on.
      requestTimeout: 0,
      keepAliveTimeout: KEEP_ALIVE_MS,
      connectionsCheckingInterval: HEADERS_MS / 10,
      noDelay: true,
    });
    // More than that is refused, and not silently left out.
    this.#server.maxHeadersCount = 0;
    this.#server.on('connection', (socket: Socket) => this.#accept(socket));
    this.#server.on('request', (request, response) => this.#take(request, response, false));
    this.#server.on('checkContinue', (request: IncomingMessage, response: ServerResponse<IncomingMessage>) =>
      this.#take(request, response, true),
    );
    this.#server.on('upgrade', (request: IncomingMessage, socket: Socket, head: Buffer) =>
      this.#upgrade(request, socket, head),
    );
    this.#server.on('clientError', (error: NodeJS.ErrnoException, socket: Socket) => this.#malformed(error, socket));
  }

  get connections(): number {
    return this.#clients.size;
  }

  /** Binds; @returns the real address. @throws TransportError */
  async start(): Promise<TcpAddress> {
    await bindServer(this.#server, this.bind, (error) =>
      this.errors.warn('accept-failed', error.message, { peer: '', from: '' }),
    );
    const { address, port } = this.#server.address() as AddressInfo;
    return { host: address, port };
  }

  #accept(socket: Socket): void {
    const { budget } = this.options;
    if (!admit(socket, budget, this.counters, this.errors)) return;
    this.counters.accepted++;
    const client = new HttpClient(socket, this.options, this.counters, this.service.serve);
    this.#clients.set(socket, client);
    socket.on('close', () => {
      budget.connections--;
      this.#clients.delete(socket);
      client.closed();
    });
  }

  #take(request: IncomingMessage, response: ServerResponse, expects: boolean): void {
    const client = this.#clients.get(request.socket);
    if (client === undefined) return;
    let origin: string | null = null;
    let refusal: FairleadError | null = null;
    try {
      origin = this.#admit(request);
    } catch (error) {
      if (!(error instanceof FairleadError)) throw error;
      refusal = error;
    }
    const exchange = new Exchange(
      request,
      response,
      this.options.deadlines,
      client.name,
      this.counters,
      origin,
      expects,
    );
    client.take(exchange, refusal);
  }

  /** @throws HttpError */
  #admit(request: IncomingMessage): string | null {
    const { headers, rawHeaders } = request;
    const origin = admittedOrigin(headers, this.bind.rule);
    if (rawHeaders.length > 2 * HEADERS_MAX) throw new HttpError('FL_HTTP_HEADERS', `more than ${HEADERS_MAX} headers`);
    if (this.#draining) throw new HttpError('FL_HTTP_DRAINING', 'the node is shutting down: ask another one');
    return origin;
  }

  // --- WebSockets ------------------------------------------------------------------------------------------------------------

  #upgrade(request: IncomingMessage, socket: Socket, head: Buffer): void {
    const client = this.#clients.get(socket);
    if (client === undefined) return;
    try {
      this.#admit(request);
      const { protocol, subprotocol, answer } = agree(request, this.options.protocols);
      client.upgraded = true;
      socket.write(answer);
      // Given back, to be read when the protocol has begun.
      if (head.length > 0) socket.unshift(head);
      const stream = new WebSocketStream(socket, protocol.text, ({ code, message }) =>
        this.errors.protocolError(
          'protocol-error',
          { condition: code, description: message, scope: 'connection' },
          { peer: '', from: stream.remoteAddress },
        ),
      );
      this.#edges.add(protocol.open(stream, this, subprotocol));
    } catch (error) {
      if (!(error instanceof FairleadError)) throw error;
      socket.on('error', () => undefined);
      socket.end(rawProblem(error));
    }
  }

  closed(connection: EdgeConnection): void {
    this.#edges.delete(connection);
  }

  // --- bad input and the end -------------------------------------------------------------------------------------------------

  /** What is no HTTP, or comes too slowly. */
  #malformed(error: NodeJS.ErrnoException, socket: Socket): void {
    if (!socket.writable || error.code === 'ECONNRESET') {
      socket.destroy();
      return;
    }
    const refusal = refusalOf(error);
    const scope = { condition: refusal.code, description: refusal.message, scope: 'connection' };
    this.errors.protocolError('protocol-error', scope, { peer: '', from: socket.remoteAddress ?? '' });
    socket.end(rawProblem(refusal), () => socket.destroy());
  }

  /** Takes no more connections and requests; what is asked already is answered. */
  drain(): Promise<void> {
    this.#draining = true;
    this.#server.close();
    for (const edge of this.#edges) edge.drain();
    return Promise.resolve();
  }

  /** Tells every client that the node shuts down, and closes. */
  async stop(): Promise<void> {
    await this.drain();
    const closed = new Promise<void>((resolve) => {
      if (this.#clients.size === 0) resolve();
      this.#server.on('close', () => resolve());
    });
    for (const edge of [...this.#edges]) edge.shutdown();
    for (const client of [...this.#clients.values()]) client.shutdown();
    this.#server.closeIdleConnections();
    await Promise.race([closed, new Promise<void>((resolve) => setTimeout(resolve, STOP_MS).unref())]);
    for (const socket of this.#clients.keys()) socket.destroy();
  }
}

function refusalOf(error: NodeJS.ErrnoException): HttpError {
  switch (error.code) {
    case 'HPE_HEADER_OVERFLOW':
      return new HttpError('FL_HTTP_HEADERS', `more than ${HEADER_BYTES_MAX} bytes of headers`);
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return new HttpError('FL_HTTP_SLOW', `the headers of a request were not whole within ${HEADERS_MS / 1000} s`);
    default:
      return new HttpError('FL_HTTP_REQUEST', `no HTTP/1.1: ${error.message}`);
  }
}
