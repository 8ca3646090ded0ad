import type { Socket } from 'node:net';
import type { Journal } from '../../common/ports';
import { PeerErrorLog } from '../../transport/peer-error-log';
import { SocketStream } from '../../transport/socket-stream';
import { TcpListener, type TcpAddress } from '../../transport/tcp';
import { admit } from './admission';
import type { ClientBudget } from './client-budget';
import type { EdgeConnection, EdgePort, EdgeProtocol } from './edge-protocol';
import { ListenerCounters } from './listener-counters';

/** What clients have to answer a shutdown; then they are cut. */
const STOP_MS = 1_500;

/** What a listener is built on. */
export interface EdgeListenerOptions {
  readonly protocol: EdgeProtocol;
  /** Shared by all listeners of the node. */
  readonly budget: ClientBudget;
  readonly journal: Journal;
}

/** A port where clients speak one protocol. */
export class EdgeListener implements EdgePort {
  readonly counters = new ListenerCounters();
  readonly errors: PeerErrorLog;
  readonly #connections = new Set<EdgeConnection>();
  #listener: TcpListener | null = null;
  #onEmpty: (() => void) | null = null;

  constructor(
    private readonly bind: TcpAddress,
    private readonly options: EdgeListenerOptions,
  ) {
    this.errors = new PeerErrorLog(options.journal);
  }

  get connections(): number {
    return this.#connections.size;
  }

  /** Binds; @returns the real address. @throws TransportError */
  async start(): Promise<TcpAddress> {
    this.#listener = await TcpListener.listen(
      this.bind,
      (socket) => this.#accept(socket),
      (error) => this.errors.warn('accept-failed', error.message, { peer: '', from: '' }),
    );
    return this.#listener.address;
  }

  #accept(socket: Socket): void {
    const { budget, protocol } = this.options;
    if (!admit(socket, budget, this.counters, this.errors)) return;
    this.counters.accepted++;
    this.#connections.add(protocol.open(new SocketStream(socket), this, null));
  }

  closed(connection: EdgeConnection): void {
    if (!this.#connections.delete(connection)) return;
    this.options.budget.connections--;
    if (this.#connections.size === 0) this.#onEmpty?.();
  }

  /** Takes no more connections; on those there are nothing new begins. What is in flight is finished by the mesh node. */
  drain(): Promise<void> {
    this.#listener?.refuse();
    for (const connection of this.#connections) connection.drain();
    return Promise.resolve();
  }

  /** Tells every client that the node shuts down, and closes. */
  async stop(): Promise<void> {
    this.#listener?.refuse();
    const empty = new Promise<void>((resolve) => (this.#onEmpty = resolve));
    for (const connection of [...this.#connections]) connection.shutdown();
    if (this.#connections.size > 0) await Promise.race([empty, after(STOP_MS)]);
    await this.#listener?.close();
    this.#listener = null;
  }
}

function after(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms).unref());
}
