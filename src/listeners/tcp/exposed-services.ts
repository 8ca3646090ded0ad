import { randomBytes } from 'node:crypto';
import type { Socket } from 'node:net';
import { REFUSAL, RESET, type IncomingTunnel, type Offer, type TunnelHandler } from '../../tunnels/contract';
import { PeerErrorLog } from '../../transport/peer-error-log';
import { TunnelError } from '../../tunnels/errors';
import { CALLS_WAITING_MAX, CONNECT_MS_MAX, EXPOSED_MAX, LINE_BYTES_MAX } from './limits';
import { ServiceCall } from './service-call';
import type { ServiceConnectorOptions } from './service-connector';
import { TunnelPipe } from './tunnel-pipe';

/** A caller that waits for the command to fetch it. */
interface Waiting {
  readonly tunnel: IncomingTunnel;
  readonly call: ServiceCall;
  readonly timer: NodeJS.Timeout;
}

/**
 * Services of commands that run beside this node, or at another machine: each is offered for as long as the command's connection lasts.
 * The command is told of callers on that one, and fetches each by a connection of its own, so that nothing has to be reachable there.
 */
export class ExposedServices {
  readonly #sessions = new Set<ExposedService>();

  /** Of commands that do not keep to the protocol. */
  readonly errors: PeerErrorLog;

  constructor(private readonly options: ServiceConnectorOptions) {
    this.errors = new PeerErrorLog(options.journal);
  }

  /** Offers a service for as long as the connection lasts; `accepted` comes first. @throws TunnelError */
  offer(service: string, socket: Socket, accepted: () => void): void {
    if (this.#sessions.size >= EXPOSED_MAX)
      throw new TunnelError('FL_TUNNEL_LIMIT', `${EXPOSED_MAX} services are exposed at this node; no more fit`);
    const session: ExposedService = new ExposedService(service, socket, this.options, this.errors, () =>
      this.#sessions.delete(session),
    );
    this.#sessions.add(session);
    accepted();
    session.begin();
  }

  /** A command fetches a caller. @returns false when nobody waits by that token */
  fetch(token: string, socket: Socket, accepted: () => void): boolean {
    for (const session of this.#sessions) {
      const waiting = session.take(token);
      if (waiting === null) continue;
      accepted();
      session.join(waiting, socket);
      return true;
    }
    return false;
  }

  /** Ends every connection. */
  stop(): void {
    for (const session of [...this.#sessions]) session.end();
  }
}

class ExposedService {
  readonly #waiting = new Map<string, Waiting>();
  readonly #pipes = new Set<TunnelPipe>();
  readonly #offer: Offer;
  #line: Buffer = Buffer.alloc(0);

  constructor(
    private readonly service: string,
    private readonly socket: Socket,
    private readonly options: ServiceConnectorOptions,
    private readonly errors: PeerErrorLog,
    private readonly closed: () => void,
  ) {
    this.#offer = options.tunnels.offer(service, (tunnel) => this.#call(tunnel));
  }

  begin(): void {
    const { socket } = this;
    socket.setKeepAlive(true, CONNECT_MS_MAX);
    socket.on('error', () => undefined);
    socket.on('data', (bytes: Buffer) => this.#read(bytes));
    socket.on('end', () => this.end());
    socket.on('close', () => this.#onClose());
    this.#tell({ offered: this.service });
    this.options.journal.info('service-exposed', { service: this.service, from: socket.remoteAddress ?? '' });
  }

  #tell(line: object): void {
    if (!this.socket.destroyed) this.socket.write(`${JSON.stringify(line)}\n`);
  }

  #call(tunnel: IncomingTunnel): TunnelHandler {
    const call = new ServiceCall();
    if (this.#waiting.size >= CALLS_WAITING_MAX || this.socket.destroyed) {
      tunnel.refuse(REFUSAL.full, 'too many callers wait for the command that exposes it');
      return call;
    }
    const token = randomBytes(16).toString('hex');
    const timer = setTimeout(() => this.#refuse(token, 'the command that exposes it does not answer'), CONNECT_MS_MAX);
    this.#waiting.set(token, { tunnel, call, timer });
    call.givenUp.signal.addEventListener('abort', () => this.take(token));
    this.#tell({ call: token });
    return call;
  }

  /** Whoever waits by that token; null for nobody. */
  take(token: string): Waiting | null {
    const waiting = this.#waiting.get(token) ?? null;
    this.#waiting.delete(token);
    clearTimeout(waiting?.timer);
    return waiting;
  }

  /** A caller and the connection that fetches it become one. */
  join({ tunnel, call }: Waiting, socket: Socket): void {
    const pipe: TunnelPipe = new TunnelPipe(socket, { ...this.options, idleMs: Infinity }, () =>
      this.#pipes.delete(pipe),
    );
    this.#pipes.add(pipe);
    call.pipe = pipe;
    tunnel.accept();
    pipe.begin(tunnel);
  }

  #refuse(token: string, why: string): void {
    this.take(token)?.tunnel.refuse(REFUSAL.failed, why);
  }

  #read(bytes: Buffer): void {
    this.#line = this.#line.length === 0 ? bytes : Buffer.concat([this.#line, bytes]);
    for (let at = this.#line.indexOf('\n'); at >= 0; at = this.#line.indexOf('\n')) {
      const said = at > LINE_BYTES_MAX ? null : refusalOf(this.#line.toString('utf8', 0, at));
      this.#line = this.#line.subarray(at + 1);
      if (said === null) return this.#violated();
      this.#refuse(said.refused, said.why);
    }
    if (this.#line.length > LINE_BYTES_MAX) this.#violated();
  }

  /** What comes is no line that a command says: it is told what is, and has no service any more. */
  #violated(): void {
    const detail = `expected a line {"refused":TOKEN,"why":TEXT} of ${LINE_BYTES_MAX} bytes at most`;
    this.#tell({ code: 'FL_REQUEST_INVALID', detail });
    this.errors.protocolError(
      'expose-refused',
      { condition: 'FL_REQUEST_INVALID', description: detail, scope: 'connection' },
      { peer: this.service, from: this.socket.remoteAddress ?? '' },
    );
    this.#offer.withdraw();
    this.socket.end(() => this.socket.destroy());
    // What was written behind the line is of no interest, and nothing may follow it here.
    this.socket.removeAllListeners('data').resume();
  }

  end(): void {
    this.#offer.withdraw();
    this.socket.destroy();
  }

  #onClose(): void {
    this.#offer.withdraw();
    for (const token of [...this.#waiting.keys()]) this.#refuse(token, 'the command that exposes it has ended');
    // What a command leaves behind when it ends looks like an end of its direction; it is one of both.
    for (const pipe of [...this.#pipes]) pipe.shut(RESET.peer);
    this.closed();
    this.options.journal.info('service-withdrawn', { service: this.service });
  }
}

/** What a command says of a caller that it cannot serve; null for what is no such thing. */
function refusalOf(line: string): { readonly refused: string; readonly why: string } | null {
  try {
    const { refused, why } = JSON.parse(line) as { refused?: unknown; why?: unknown };
    return typeof refused === 'string' && typeof why === 'string' ? { refused, why } : null;
  } catch {
    return null;
  }
}
