import type { Socket } from 'node:net';
import type { ByteStream, ByteStreamUser } from './byte-stream';
import { readFrom } from './shared-read';

/** What a peer that does not read may keep a closed socket open for. */
const LINGER_MS = 1_000;

/** A TCP socket as a {@link ByteStream}. */
export class SocketStream implements ByteStream {
  #user: ByteStreamUser | null = null;
  #writes = 0;
  #linger: NodeJS.Timeout | null = null;
  #reason = 'the connection was cut';
  /** Kept: a closed socket does not know it any more. */
  readonly #remoteAddress: string;

  constructor(private readonly socket: Socket) {
    socket.setNoDelay(true);
    this.#remoteAddress = `${socket.remoteAddress ?? ''}:${socket.remotePort ?? ''}`;
    socket.on('error', (error) => (this.#reason = error.message));
    socket.on('end', () => (this.#reason = 'the peer ended the connection'));
    socket.on('close', () => this.#closed());
  }

  get remoteAddress(): string {
    return this.#remoteAddress;
  }

  get unwrittenBytes(): number {
    return this.socket.writableLength;
  }

  begin(user: ByteStreamUser): void {
    this.#user = user;
    readFrom(this.socket, (chunk) => user.read(chunk));
  }

  write(buffers: readonly Buffer[]): void {
    const { socket } = this;
    const last = buffers.length - 1;
    if (last < 0 || socket.destroyed || !socket.writable) return;
    this.#writes++;
    if (last > 0) socket.cork();
    for (let at = 0; at < last; at++) socket.write(buffers[at] as Buffer);
    socket.write(buffers[last] as Buffer, this.#written);
    if (last > 0) socket.uncork();
  }

  readonly #written = (): void => {
    if (--this.#writes === 0) this.#user?.written();
  };

  pause(): void {
    this.socket.pause();
  }

  resume(): void {
    this.socket.resume();
  }

  end(): void {
    if (this.#linger !== null) return;
    this.socket.end();
    this.#linger = setTimeout(() => this.socket.destroy(), LINGER_MS);
    this.#linger.unref();
  }

  destroy(reason: string): void {
    this.#reason = reason;
    this.socket.destroy();
  }

  #closed(): void {
    if (this.#linger !== null) clearTimeout(this.#linger);
    this.#user?.closed(this.#reason);
  }
}
