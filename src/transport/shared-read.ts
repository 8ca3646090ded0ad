import { Socket, type OnReadOpts, type SocketConstructorOpts } from 'node:net';

/** What one read can bring: several frames of any size, so that few are cut by its end. */
const READ_BYTES = 256 * 1024;

/**
 * Sockets of one process read into one buffer, one after the other: what a read has brought is taken or copied before the next
 * one. Left to itself Node allocates 64 KiB for every read.
 */
const BUFFER = Buffer.allocUnsafeSlow(READ_BYTES);

/** Takes what was read; the bytes are valid during the call only. */
export type ReadSink = (chunk: Buffer) => void;

/** How a socket is to be read, and ended. */
export interface ReadOptions {
  /** What one read may bring: less than the shared buffer for those who must keep what they cannot pass on. */
  readonly readBytes?: number;
  /** The peer's end of its direction does not end the other one. */
  readonly allowHalfOpen?: boolean;
}

class ReadPort {
  #sink: ReadSink | null = null;
  readonly #early: Buffer[] = [];
  readonly options: OnReadOpts;

  constructor({ readBytes = READ_BYTES }: ReadOptions) {
    this.options = {
      buffer: BUFFER.subarray(0, readBytes),
      callback: (bytes) => {
        const chunk = BUFFER.subarray(0, bytes);
        if (this.#sink === null) this.#early.push(Buffer.from(chunk));
        else this.#sink(chunk);
        return true;
      },
    };
  }

  begin(sink: ReadSink): void {
    this.#sink = sink;
    for (const chunk of this.#early.splice(0)) sink(chunk);
  }
}

const ports = new WeakMap<Socket, ReadPort>();

/** Options for `net.connect`; the socket that it returns is to be given to `registered`. */
export function sharedReadOptions(options: ReadOptions = {}): {
  readonly onread: OnReadOpts;
  registered(socket: Socket): Socket;
} {
  const port = new ReadPort(options);
  return {
    onread: port.options,
    registered: (socket) => {
      ports.set(socket, port);
      return socket;
    },
  };
}

/** The part of a socket that Node's cluster and child processes pass on as well. */
interface Handle {
  useUserBuffer?(buffer: Buffer): void;
}

/**
 * Moves an accepted connection, paused since then, to a socket that reads into the shared buffer: `net.Server` cannot be asked
 * for such sockets. A connection of another kind stays what it is.
 */
export function sharedReadSocket(accepted: Socket, how: ReadOptions = {}): Socket {
  const holder = accepted as unknown as { _handle: Handle | null };
  const handle = holder._handle;
  if (typeof handle?.useUserBuffer !== 'function') return accepted.resume();
  holder._handle = null;
  accepted.destroy();
  const port = new ReadPort(how);
  const { allowHalfOpen = false } = how;
  const options: SocketConstructorOpts & { handle: Handle; onread: OnReadOpts } = {
    handle,
    onread: port.options,
    allowHalfOpen,
  };
  const socket = new Socket(options);
  ports.set(socket, port);
  return socket;
}

/** Gives what a socket brings to `sink`, by the shared buffer where that has been prepared. */
export function readFrom(socket: Socket, sink: ReadSink): void {
  const port = ports.get(socket);
  if (port === undefined) {
    socket.on('data', sink);
    return;
  }
  port.begin(sink);
  // Its end is told only to those who read on.
  socket.resume();
}
