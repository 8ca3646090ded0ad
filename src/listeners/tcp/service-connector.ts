import type { Journal } from '../../common/ports';
import { PeerErrorLog } from '../../transport/peer-error-log';
import { dialTcp, type TcpAddress } from '../../transport/tcp';
import {
  REFUSAL,
  RESET,
  type IncomingTunnel,
  type Offer,
  type TunnelHandler,
  type TunnelSpace,
} from '../../tunnels/contract';
import type { Deadlines } from '../edge/deadlines';
import { CONNECT_MS_MAX, DRAIN_MS, READ_BYTES } from './limits';
import { ServiceCall } from './service-call';
import { TunnelPipe, type HeldBytes } from './tunnel-pipe';

/** A TCP service of this site. */
export interface ServiceSpec extends TcpAddress {
  readonly service: string;
  /** Connections that it takes from all sites together. */
  readonly connectionsMax: number;
}

/** What connectors are built on. */
export interface ServiceConnectorOptions {
  readonly tunnels: TunnelSpace;
  readonly deadlines: Deadlines;
  readonly held: HeldBytes;
  readonly journal: Journal;
}

/** Offers a TCP service to the mesh, and connects to it for each tunnel that comes. */
export class ServiceConnector {
  readonly #offer: Offer;
  readonly #errors: PeerErrorLog;
  readonly #pipes = new Set<TunnelPipe>();
  #onEmpty: (() => void) | null = null;
  /** Connections that could not be made. */
  failures = 0;
  /** What the last one that could not be made said; null when the last one could. */
  whyDown: string | null = null;

  /** @throws TunnelError when it cannot be offered */
  constructor(
    readonly spec: ServiceSpec,
    private readonly options: ServiceConnectorOptions,
  ) {
    this.#errors = new PeerErrorLog(options.journal);
    this.#offer = options.tunnels.offer(spec.service, (tunnel) => this.#take(tunnel));
  }

  /** Connections that are open or being made. */
  get open(): number {
    return this.#offer.open;
  }

  #take(tunnel: IncomingTunnel): TunnelHandler {
    const { connectionsMax } = this.spec;
    const call = new ServiceCall();
    // This one is counted by now.
    if (this.#offer.open > connectionsMax) tunnel.refuse(REFUSAL.full, `it has ${connectionsMax} connections`);
    else void this.#connect(tunnel, call);
    return call;
  }

  async #connect(tunnel: IncomingTunnel, call: ServiceCall): Promise<void> {
    const { spec } = this;
    const how = { allowHalfOpen: true, readBytes: READ_BYTES };
    try {
      const socket = await dialTcp(spec, CONNECT_MS_MAX, call.givenUp.signal, how);
      this.whyDown = null;
      const pipe = new TunnelPipe(socket, { ...this.options, idleMs: Infinity }, () => {
        this.#pipes.delete(pipe);
        if (this.#pipes.size === 0) this.#onEmpty?.();
      });
      if (call.isOver) {
        pipe.shut(RESET.peer);
        return;
      }
      this.#pipes.add(pipe);
      call.pipe = pipe;
      tunnel.accept();
      pipe.begin(tunnel);
    } catch (error) {
      if (call.isOver) return;
      const why = error instanceof Error ? error.message : String(error);
      this.failures++;
      this.whyDown = why;
      this.#errors.warn('service-failed', why, { peer: spec.service, from: '' });
      tunnel.refuse(REFUSAL.failed, why);
    }
  }

  /** Offers it no more; connections that are open go on. */
  withdraw(): void {
    this.#offer.withdraw();
  }

  /** Resolves when the connections that are open have ended, or after a moment. */
  drain(): Promise<void> {
    if (this.#pipes.size === 0) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, DRAIN_MS);
      this.#onEmpty = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  /** Ends every connection. */
  stop(): void {
    this.#offer.withdraw();
    for (const pipe of [...this.#pipes]) pipe.shut(RESET.draining);
  }
}
