import type { Socket } from 'node:net';
import { Connection, type ConnectionHandler, type ConnectionIo, type ConnectionOptions } from '../amqp/connection';
import type { FlushQueue } from './flush-queue';
import { readFrom } from './shared-read';

/** A timer fires at the earliest after this: time-outs of connections are seconds long. */
const TIMER_MS_MIN = 10;
const TIMER_MS_MAX = 60_000;
/** What a peer that does not read may keep a closed socket open for. */
const LINGER_MS = 1_000;

/** Joins a socket and a {@link Connection}: bytes, the end of a turn, time. */
export class SocketDriver implements ConnectionIo {
  readonly connection: Connection;
  #writes = 0;
  #timer: NodeJS.Timeout | null = null;
  #ending = false;
  #reason = 'the connection was cut';
  /** Kept: a closed socket does not know it any more. */
  readonly #remoteAddress: string;

  constructor(
    private readonly socket: Socket,
    private readonly queue: FlushQueue,
    handler: ConnectionHandler,
    options: ConnectionOptions,
  ) {
    socket.setNoDelay(true);
    this.#remoteAddress = `${socket.remoteAddress ?? ''}:${socket.remotePort ?? ''}`;
    this.connection = new Connection(this, handler, options);
    readFrom(socket, (chunk) => this.connection.read(chunk));
    socket.on('error', (error) => (this.#reason = error.message));
    socket.on('end', () => (this.#reason = 'the peer ended the connection'));
    socket.on('close', () => this.#closed());
    this.#arm();
  }

  /** Where the peer connects from. */
  get remoteAddress(): string {
    return this.#remoteAddress;
  }

  now(): number {
    return performance.now();
  }

  scheduleFlush(connection: Connection): void {
    this.queue.schedule(connection);
  }

  write(buffers: readonly Buffer[]): void {
    const { socket } = this;
    if (socket.destroyed || !socket.writable) return;
    this.#writes++;
    const last = buffers.length - 1;
    if (last > 0) socket.cork();
    for (let at = 0; at < last; at++) socket.write(buffers[at] as Buffer);
    socket.write(buffers[last] as Buffer, this.#written);
    if (last > 0) socket.uncork();
  }

  readonly #written = (): void => {
    if (--this.#writes === 0) this.connection.written();
  };

  pause(): void {
    this.socket.pause();
  }

  resume(): void {
    this.socket.resume();
  }

  deadlineMoved(): void {
    // Within the constructor there is no connection yet, and it arms by itself.
    if (this.#timer !== null && !this.#ending) this.#arm();
  }

  end(): void {
    if (this.#ending) return;
    this.#ending = true;
    this.socket.end();
    this.#disarm();
    this.#timer = setTimeout(() => this.socket.destroy(), LINGER_MS);
    this.#timer.unref();
  }

  /** Cuts the socket at once. */
  destroy(reason: string): void {
    this.#reason = reason;
    this.socket.destroy();
  }

  #closed(): void {
    this.#disarm();
    this.connection.transportClosed(this.#reason);
  }

  #arm(): void {
    this.#disarm();
    const wait = this.connection.deadline() - performance.now();
    this.#timer = setTimeout(this.#tick, Math.min(Math.max(wait, TIMER_MS_MIN), TIMER_MS_MAX));
    this.#timer.unref();
  }

  readonly #tick = (): void => {
    this.connection.tick();
    if (!this.#ending && !this.connection.closed) this.#arm();
  };

  #disarm(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }
}
