import { Connection, type ConnectionHandler, type ConnectionIo, type ConnectionOptions } from '../amqp/connection';
import type { ByteStream, ByteStreamUser } from './byte-stream';
import type { FlushQueue } from './flush-queue';

/** A timer fires at the earliest after this: time-outs of connections are seconds long. */
const TIMER_MS_MIN = 10;
const TIMER_MS_MAX = 60_000;

/** Joins a {@link ByteStream} and a {@link Connection}: bytes, the end of a turn, time. */
export class StreamDriver implements ConnectionIo, ByteStreamUser {
  readonly connection: Connection;
  #timer: NodeJS.Timeout | null = null;
  #ending = false;

  constructor(
    private readonly stream: ByteStream,
    private readonly queue: FlushQueue,
    handler: ConnectionHandler,
    options: ConnectionOptions,
  ) {
    this.connection = new Connection(this, handler, options);
    stream.begin(this);
    this.#arm();
  }

  /** Where the peer connects from. */
  get remoteAddress(): string {
    return this.stream.remoteAddress;
  }

  read(chunk: Buffer): void {
    this.connection.read(chunk);
  }

  written(): void {
    this.connection.written();
  }

  now(): number {
    return performance.now();
  }

  scheduleFlush(connection: Connection): void {
    this.queue.schedule(connection);
  }

  write(buffers: readonly Buffer[]): void {
    this.stream.write(buffers);
  }

  pause(): void {
    this.stream.pause();
  }

  resume(): void {
    this.stream.resume();
  }

  deadlineMoved(): void {
    // Within the constructor there is no connection yet, and it arms by itself.
    if (this.#timer !== null && !this.#ending) this.#arm();
  }

  end(): void {
    if (this.#ending) return;
    this.#ending = true;
    this.#disarm();
    this.stream.end();
  }

  /** Cuts the stream at once. */
  destroy(reason: string): void {
    this.stream.destroy(reason);
  }

  closed(reason: string): void {
    this.#disarm();
    this.connection.transportClosed(reason);
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
