import type { Journal } from '../common/ports';
import type { SocketDriver } from '../transport/socket-driver';
import { dialTcp, type TcpAddress } from '../transport/tcp';
import type { AmqpWire, LinkWatcher } from './amqp-wire';
import type { PeerHello } from './contract';

/** A link that this node dials. */
export interface DialSpec extends TcpAddress {
  readonly name: string;
  readonly cost: number;
}

const BACKOFF_MS_MIN = 100;
/** A dial every 2 s costs nothing, and a link that has healed is back soon. */
const BACKOFF_MS_MAX = 2_000;
const DIAL_MS = 5_000;
/** A link that was open for this long begins its back-off afresh. */
const SETTLED_MS = 5_000;

/** Keeps one link open: dials, for ever, with a pause that grows and varies. */
export class LinkDialler implements LinkWatcher {
  link: number | null = null;
  whyDown: string | null = null;
  /** The neighbour of the last opening, also while the link is down. */
  peer: { readonly node: string; readonly site: string } | null = null;
  /** Wall-clock ms of the last change between open and not open. */
  since = Date.now();
  #spec: DialSpec;
  #pause = BACKOFF_MS_MIN;
  #openedAt = 0;
  #timer: NodeJS.Timeout | null = null;
  #driver: SocketDriver | null = null;
  #closed = false;
  readonly #abort = new AbortController();
  #onGone: (() => void) | null = null;

  constructor(
    spec: DialSpec,
    private readonly wire: AmqpWire,
    private readonly journal: Journal,
  ) {
    this.#spec = spec;
    this.#dial();
  }

  setCost(cost: number): void {
    this.#spec = { ...this.#spec, cost };
  }

  #dial(): void {
    this.#timer = null;
    dialTcp(this.#spec, DIAL_MS, this.#abort.signal).then(
      (socket) => {
        if (this.#closed) socket.destroy();
        else this.#driver = this.wire.open(socket, this.#spec, this);
      },
      (error: unknown) => this.#failed(error instanceof Error ? error.message : String(error)),
    );
  }

  onOpen(link: number, { node, site }: PeerHello): void {
    this.link = link;
    this.peer = { node, site };
    this.whyDown = null;
    this.since = Date.now();
    this.#openedAt = performance.now();
  }

  onClosed(reason: string): void {
    this.#driver = null;
    if (this.link !== null) this.since = Date.now();
    if (this.link !== null && performance.now() - this.#openedAt >= SETTLED_MS) this.#pause = BACKOFF_MS_MIN;
    this.link = null;
    this.#failed(reason);
  }

  #failed(reason: string): void {
    if (this.whyDown !== reason && !this.#closed)
      this.journal.warn('link-down', {
        link: this.#spec.name,
        to: `${this.#spec.host}:${this.#spec.port}`,
        why: reason,
      });
    this.whyDown = reason;
    if (this.#closed) {
      this.#onGone?.();
      return;
    }
    this.#timer = setTimeout(() => this.#dial(), this.#pause * (0.5 + Math.random()));
    this.#timer.unref();
    this.#pause = Math.min(this.#pause * 2, BACKOFF_MS_MAX);
  }

  /** Dials no more, and closes the connection if there is one. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#abort.abort();
    const driver = this.#driver;
    if (driver === null) return;
    const gone = new Promise<void>((resolve) => (this.#onGone = resolve));
    driver.connection.close({ condition: 'amqp:connection:forced', description: 'the link was removed' });
    await gone;
  }
}
