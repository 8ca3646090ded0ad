import type { Socket } from 'node:net';
import { FairleadError } from '../../common/errors';
import type { Journal } from '../../common/ports';
import { PeerErrorLog } from '../../transport/peer-error-log';
import { TcpListener, type TcpAddress } from '../../transport/tcp';
import { RESET, type TunnelSpace } from '../../tunnels/contract';
import { admit } from '../edge/admission';
import type { ClientBudget } from '../edge/client-budget';
import type { Deadlines } from '../edge/deadlines';
import { ListenerCounters } from '../edge/listener-counters';
import { DRAIN_MS, READ_BYTES } from './limits';
import { TunnelPipe, type HeldBytes } from './tunnel-pipe';

/** Which service a port is, and when a connection to it has been idle for too long. */
export interface TcpPort extends TcpAddress {
  readonly service: string;
  /** Null for never. */
  readonly idleMs: number | null;
}

/** What a TCP listener is built on. */
export interface TcpListenerOptions {
  readonly tunnels: TunnelSpace;
  /** Shared by all listeners of the node. */
  readonly budget: ClientBudget;
  readonly deadlines: Deadlines;
  readonly held: HeldBytes;
  readonly journal: Journal;
}

/** A port that stands for a service of some site: each connection goes there by a tunnel of its own. */
export class TcpServiceListener {
  readonly counters = new ListenerCounters();
  readonly errors: PeerErrorLog;
  readonly #pipes = new Set<TunnelPipe>();
  #listener: TcpListener | null = null;
  #onEmpty: (() => void) | null = null;

  constructor(
    private port: TcpPort,
    private readonly options: TcpListenerOptions,
  ) {
    this.errors = new PeerErrorLog(options.journal);
  }

  get connections(): number {
    return this.#pipes.size;
  }

  /** Binds; @returns the real address. @throws TransportError */
  async start(): Promise<TcpAddress> {
    this.#listener = await TcpListener.listen(
      this.port,
      (socket) => this.#accept(socket),
      (error) => this.errors.warn('accept-failed', error.message, { peer: '', from: '' }),
      { allowHalfOpen: true, readBytes: READ_BYTES },
    );
    return this.#listener.address;
  }

  /** What connections from now on are for; those that are open stay what they are. */
  change(port: TcpPort): void {
    this.port = port;
  }

  #accept(socket: Socket): void {
    const { budget, tunnels, deadlines, held } = this.options;
    if (!admit(socket, budget, this.counters, this.errors)) return;
    const { service, idleMs } = this.port;
    const from = socket.remoteAddress ?? '';
    const pipe = new TunnelPipe(socket, { deadlines, held, idleMs: idleMs ?? Infinity }, (error) => {
      budget.connections--;
      this.#pipes.delete(pipe);
      if (error !== null) this.#failed(error, from);
      if (this.#pipes.size === 0) this.#onEmpty?.();
    });
    this.#pipes.add(pipe);
    try {
      pipe.opening(tunnels.open(service, pipe));
      this.counters.accepted++;
    } catch (error) {
      if (!(error instanceof FairleadError)) throw error;
      this.#failed(error, from);
      socket.resetAndDestroy();
    }
  }

  /** No site takes it. */
  #failed({ code, message }: FairleadError, from: string): void {
    this.counters.refused++;
    this.errors.warn('tunnel-refused', message, { peer: '', from }, { code });
  }

  /** Takes no more connections; those there are have a moment to end by themselves. */
  async drain(): Promise<void> {
    this.#listener?.refuse();
    await this.#emptied(DRAIN_MS);
  }

  /** Ends every connection. */
  async stop(): Promise<void> {
    this.#listener?.refuse();
    for (const pipe of [...this.#pipes]) pipe.shut(RESET.draining);
    await this.#emptied(DRAIN_MS);
    await this.#listener?.close();
    this.#listener = null;
  }

  #emptied(withinMs: number): Promise<void> {
    if (this.#pipes.size === 0) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, withinMs);
      this.#onEmpty = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}
