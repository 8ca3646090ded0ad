import { createHash, type Hash } from 'node:crypto';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

/** A TCP server of a test that keeps its connections in sight. */
export class TestServer {
  readonly sockets = new Set<Socket>();
  accepted = 0;

  private constructor(private readonly server: Server) {}

  static async listen(onSocket: (socket: Socket) => void, port = 0): Promise<TestServer> {
    const server = createServer({ allowHalfOpen: true, noDelay: true });
    const self = new TestServer(server);
    server.on('connection', (socket) => {
      self.accepted++;
      self.sockets.add(socket);
      socket.on('close', () => self.sockets.delete(socket));
      socket.on('error', () => undefined);
      onSocket(socket);
    });
    await new Promise<void>((resolve) => server.listen({ port, host: '127.0.0.1', backlog: 4096 }, resolve));
    return self;
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  get at(): string {
    return `127.0.0.1:${this.port}`;
  }

  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.server.close(resolve));
    for (const socket of this.sockets) socket.destroy();
    await closed;
  }
}

/** How a connection ended. */
export type End = 'ended' | 'reset' | 'open';

/** A client's connection that remembers what it saw. */
export class TestCaller {
  text = '';
  bytes = 0;
  end: End = 'open';
  readonly closed: Promise<void>;

  private constructor(
    readonly socket: Socket,
    readonly hash: Hash | null,
  ) {
    socket.on('data', (chunk: Buffer) => {
      this.bytes += chunk.length;
      if (hash === null) this.text += chunk.toString('latin1');
      else hash.update(chunk);
    });
    socket.on('end', () => (this.end = 'ended'));
    socket.on('error', () => (this.end = 'reset'));
    this.closed = new Promise((resolve) => socket.on('close', () => resolve()));
  }

  static async dial(port: number, options: { readonly hashed?: boolean } = {}): Promise<TestCaller> {
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true, noDelay: true });
    await new Promise<void>((resolve, reject) => socket.once('connect', resolve).once('error', reject));
    return new TestCaller(socket, options.hashed === true ? createHash('sha256') : null);
  }
}

const BLOCK = 64 * 1024;

/** Writes so many pseudo-random bytes as fast as they are taken, then ends the direction. @returns their hash */
export async function sendPattern(socket: Socket, bytes: number): Promise<string> {
  const hash = createHash('sha256');
  const block = Buffer.alloc(BLOCK);
  for (let at = 0, state = 1; at < BLOCK; at += 4) {
    state = Math.imul(state, 1_664_525) + 1_013_904_223;
    block.writeInt32BE(state | 0, at);
  }
  for (let sent = 0, round = 0; sent < bytes; round++) {
    const length = Math.min(BLOCK, bytes - sent);
    const copy = Buffer.from(block.subarray(0, length));
    // No two blocks are alike: one that is lost, doubled or moved changes the hash.
    if (length >= 4) copy.writeUInt32BE(round, 0);
    hash.update(copy);
    sent += length;
    if (!socket.write(copy)) await new Promise((resolve) => socket.once('drain', resolve));
  }
  socket.end();
  return hash.digest('hex');
}
