import type { Socket } from 'node:net';
import type { Chunk } from '../../common/chunk';
import { RESET, type Reset, type Tunnel, type TunnelHandler } from '../../tunnels/contract';
import type { TunnelError } from '../../tunnels/errors';
import { readFrom } from '../../transport/shared-read';
import type { Deadline, Deadlines } from '../edge/deadlines';
import { HELD_BYTES_MAX, KEEP_ALIVE_MS, LINGER_MS } from './limits';

/** What the pipes of one node share. */
export interface PipeOptions {
  readonly deadlines: Deadlines;
  readonly held: HeldBytes;
  /** A tunnel that nothing passes for so long is ended; Infinity for never. */
  readonly idleMs: number;
}

/** Bytes of batches that sockets of this node hold while they are written. */
export class HeldBytes {
  bytes = 0;
}

/**
 * Joins a socket and one end of a tunnel: each direction with its own end, a reset of one is a reset of the other, and what one side
 * does not take is not read from the other.
 */
export class TunnelPipe implements TunnelHandler, Deadline {
  dueAtMs = Infinity;
  #tunnel: Tunnel | null = null;
  /** Read, and not taken by the tunnel. */
  #rest: Buffer | null = null;
  /** The socket's peer sends no more; and the tunnel has been told so, behind all that came before. */
  #socketEnded = false;
  #toldEnd = false;
  /** The other end of the tunnel sends no more. */
  #tunnelEnded = false;
  #over = false;

  /** @param closed the socket is closed; told once, with why where that was no ordinary end */
  constructor(
    private readonly socket: Socket,
    private readonly options: PipeOptions,
    private readonly closed: (error: TunnelError | null) => void = () => undefined,
  ) {
    // It reads by itself from the beginning: what comes before there is a tunnel stays in the kernel.
    socket.pause();
    socket.setKeepAlive(true, KEEP_ALIVE_MS);
    // A reset is told by the close that follows.
    socket.on('error', () => undefined);
    socket.on('end', () => this.#onSocketEnd());
    socket.on('close', () => this.#onClose());
    options.deadlines.add(this);
  }

  #error: TunnelError | null = null;

  /** Where its bytes go; nothing is read before. */
  begin(tunnel: Tunnel): void {
    this.#tunnel = tunnel;
    this.#passed();
    if (this.socket.destroyed) this.#onClose();
    else {
      readFrom(this.socket, (bytes) => this.#read(bytes));
      // Of a socket that was paused the listener alone changes nothing.
      this.socket.resume();
    }
  }

  /** The tunnel that is being opened, so that it can be given up. */
  opening(tunnel: Tunnel): void {
    this.#tunnel = tunnel;
  }

  #passed(): void {
    const { deadlines, idleMs } = this.options;
    if (this.#over) this.dueAtMs = deadlines.now() + LINGER_MS;
    else if (idleMs !== Infinity) this.dueAtMs = deadlines.now() + idleMs;
  }

  onDue(): void {
    this.shut(this.#over ? RESET.peer : RESET.idle);
  }

  // --- from the socket to the tunnel ---------------------------------------------------------------------------------------

  #read(bytes: Buffer): void {
    this.#passed();
    const taken = this.#rest === null ? this.#write(bytes) : 0;
    if (taken < bytes.length) {
      const left = bytes.subarray(taken);
      this.#rest = this.#rest === null ? Buffer.from(left) : Buffer.concat([this.#rest, left]);
    }
    if (this.#rest !== null || this.#tunnel?.blocked === true) this.socket.pause();
  }

  #write(bytes: Buffer): number {
    return this.#over ? bytes.length : (this.#tunnel?.write(bytes, 0, bytes.length) ?? 0);
  }

  onWritable(): void {
    const rest = this.#rest;
    if (rest !== null) {
      const taken = this.#write(rest);
      this.#rest = taken < rest.length ? rest.subarray(taken) : null;
    }
    if (this.#rest !== null) return;
    if (this.#socketEnded) this.#tellEnd();
    else if (this.#tunnel?.blocked === false) this.socket.resume();
  }

  #onSocketEnd(): void {
    this.#socketEnded = true;
    if (this.#rest === null) this.#tellEnd();
  }

  #tellEnd(): void {
    this.#toldEnd = true;
    this.#tunnel?.end();
    if (this.#tunnelEnded) this.#finished();
  }

  // --- from the tunnel to the socket ---------------------------------------------------------------------------------------

  onOpen(): void {
    if (this.#tunnel !== null) this.begin(this.#tunnel);
  }

  onData(chunk: Chunk, start: number, end: number): void {
    const { socket } = this;
    const { held } = this.options;
    const length = end - start;
    this.#passed();
    if (socket.destroyed) return;
    const view = chunk.bytes.subarray(start, end);
    const size = chunk.bytes.length;
    // A socket that reads is handed the batch itself. What waits for a slow one must not hold the memory that all streams share.
    if (socket.writableLength > 0 || chunk.dwarfs(length) || held.bytes + size > HELD_BYTES_MAX) {
      socket.write(Buffer.from(view), () => this.#left(length));
      return;
    }
    held.bytes += size;
    chunk.retain();
    socket.write(view, () => {
      held.bytes -= size;
      chunk.release();
      this.#left(length);
    });
  }

  #left(bytes: number): void {
    this.#passed();
    this.#tunnel?.consumed(bytes);
  }

  onEnd(): void {
    this.#tunnelEnded = true;
    this.socket.end();
    if (this.#toldEnd) this.#finished();
  }

  /** Both directions have ended: what the socket has not read yet may follow. */
  #finished(): void {
    this.#over = true;
    this.#passed();
  }

  // --- the end -------------------------------------------------------------------------------------------------------------

  onRefused(error: TunnelError): void {
    this.#error = error;
    this.#over = true;
    this.socket.resetAndDestroy();
  }

  onReset(_reason: Reset): void {
    this.#over = true;
    this.socket.resetAndDestroy();
  }

  /** Ends both sides at once. */
  shut(reason: Reset): void {
    if (!this.#over) this.#tunnel?.reset(reason);
    this.#over = true;
    this.socket.resetAndDestroy();
  }

  #onClose(): void {
    this.options.deadlines.remove(this);
    if (!this.#over) this.#tunnel?.reset(RESET.peer);
    this.#over = true;
    this.#rest = null;
    this.closed(this.#error);
  }
}
