import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import { readFrom, sharedReadOptions, sharedReadSocket } from '../../src/transport/shared-read';
import type { Endpoint } from '../load/protocol';

const BLOCK = Buffer.alloc(64 * 1024, 'x');
const READY_MS = 20_000;
const POLL_MS = 50;
/** A relay that has not answered a first byte by then has no way to the service yet. */
const ANSWER_MS = 1_000;

/** One end of a connection: it counts what comes, and sends blocks while it is to. */
export class BulkEnd {
  sent = 0;
  received = 0;
  isClosed = false;
  #flooding = false;

  /** Told of what has come, which is valid during the call only. */
  onBytes: (chunk: Buffer) => void = () => undefined;

  constructor(readonly socket: Socket) {
    socket.setNoDelay(true);
    socket.on('error', () => undefined);
    socket.on('drain', () => this.#more());
    socket.on('close', () => (this.isClosed = true));
    readFrom(socket, (chunk) => {
      this.received += chunk.length;
      this.onBytes(chunk);
    });
  }

  /** From now on as much as is taken. */
  flood(): void {
    this.#flooding = true;
    this.#more();
  }

  write(bytes: Buffer): void {
    this.sent += bytes.length;
    this.socket.write(bytes);
  }

  #more(): void {
    while (this.#flooding && !this.socket.destroyed) {
      this.sent += BLOCK.length;
      if (!this.socket.write(BLOCK)) return;
    }
  }

  /** Sends no more; what is under way still comes. */
  finish(): void {
    this.#flooding = false;
    this.socket.end();
  }
}

/** The service that all connections lead to, in the process of the bench: what comes goes to an end, or back. */
export class BenchService {
  /** In the order in which they came. */
  ends: BulkEnd[] = [];
  /** What comes on connections from now on is sent back. */
  echoes = false;

  private constructor(private readonly server: Server) {}

  static async listen(): Promise<BenchService> {
    const server = createServer({ pauseOnConnect: true, allowHalfOpen: true, noDelay: true });
    const service = new BenchService(server);
    server.on('connection', (accepted) => service.#take(sharedReadSocket(accepted, { allowHalfOpen: true })));
    server.listen({ port: 0, host: '127.0.0.1', backlog: 4096 });
    await once(server, 'listening');
    return service;
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  #take(socket: Socket): void {
    const end = new BulkEnd(socket);
    if (this.echoes) end.onBytes = (chunk) => end.write(Buffer.from(chunk));
    this.ends.push(end);
  }

  close(): void {
    this.server.close();
    for (const { socket } of this.ends) socket.destroy();
  }
}

/** @throws when nobody takes it */
export async function dial({ host, port }: Endpoint): Promise<BulkEnd> {
  const { onread, registered } = sharedReadOptions();
  const socket = registered(connect({ host, port, allowHalfOpen: true, onread }));
  await once(socket, 'connect');
  return new BulkEnd(socket);
}

/** Resolves when a byte that was sent to a relay has come back from the service. */
export async function answers(at: Endpoint, name: string): Promise<void> {
  const deadline = performance.now() + READY_MS;
  while (!(await answersNow(at)))
    if (performance.now() > deadline) throw new Error(`${name}: the service does not answer through it`);
    else await wait(POLL_MS);
}

async function answersNow(at: Endpoint): Promise<boolean> {
  const end = await dial(at);
  const answered = new Promise<boolean>((resolve) => {
    end.onBytes = () => resolve(true);
    end.socket.once('close', () => resolve(false)).setTimeout(ANSWER_MS, () => resolve(false));
  });
  end.write(BLOCK.subarray(0, 1));
  const yes = await answered;
  end.socket.destroy();
  return yes;
}
