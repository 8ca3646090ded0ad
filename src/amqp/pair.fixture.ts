import { Connection, type ConnectionHandler, type ConnectionIo, type ConnectionOptions } from './connection';
import type { AmqpErrorFields, Open } from './codec/types';
import type { AmqpError } from './errors';
import type { Link } from './link';
import type { ReceiverLink } from './receiver-link';
import type { SenderLink } from './sender-link';
import type { Session } from './session';

/** One end of an in-memory wire; `chunkBytes` cuts what is written into pieces of that size. */
export class PipeEnd implements ConnectionIo {
  peer: PipeEnd | null = null;
  connection!: Connection;
  ended = false;
  paused = false;
  time = 0;
  flushDue = false;
  readonly inbox: Buffer[] = [];

  constructor(private readonly chunkBytes: number) {}

  now(): number {
    return this.time;
  }

  /** As in production a connection that does not ask is not flushed. */
  scheduleFlush(): void {
    this.flushDue = true;
  }

  flush(): boolean {
    const due = this.flushDue;
    this.flushDue = false;
    if (due) this.connection.flush();
    return due;
  }

  write(buffers: readonly Buffer[]): void {
    for (const buffer of buffers) {
      for (let at = 0; at < buffer.length; at += this.chunkBytes) {
        this.peer?.inbox.push(Buffer.from(buffer.subarray(at, at + this.chunkBytes)));
      }
    }
    this.connection.written();
  }

  pause(): void {
    this.paused = true;
  }

  resume(): void {
    this.paused = false;
  }

  deadlineMoved(): void {
    // Tests call `tick` when they move the time.
  }

  end(): void {
    this.ended = true;
  }
}

/** Two connections joined in memory; `run` moves bytes until both are quiet. */
export class Pair {
  readonly client: Connection;
  readonly server: Connection;

  constructor(
    readonly clientHandler: ConnectionHandler,
    readonly serverHandler: ConnectionHandler,
    clientOptions: Partial<ConnectionOptions> = {},
    serverOptions: Partial<ConnectionOptions> = {},
    chunkBytes = 65_536,
  ) {
    this.clientEnd = new PipeEnd(chunkBytes);
    this.serverEnd = new PipeEnd(chunkBytes);
    this.clientEnd.peer = this.serverEnd;
    this.serverEnd.peer = this.clientEnd;
    this.server = this.serverEnd.connection = new Connection(this.serverEnd, serverHandler, {
      role: 'server',
      containerId: 'server',
      ...serverOptions,
    });
    this.client = this.clientEnd.connection = new Connection(this.clientEnd, clientHandler, {
      role: 'client',
      containerId: 'client',
      ...clientOptions,
    });
  }

  readonly clientEnd: PipeEnd;
  readonly serverEnd: PipeEnd;

  run(): void {
    for (let turn = 0; turn < 100_000; turn++) {
      const flushed = [this.clientEnd.flush(), this.serverEnd.flush()].includes(true);
      const moved = this.#deliver(this.clientEnd) || this.#deliver(this.serverEnd);
      if (!flushed && !moved && this.client.unsentBytes + this.server.unsentBytes === 0) return this.#close();
    }
    throw new Error('the pair does not come to rest');
  }

  #deliver(end: PipeEnd): boolean {
    if (end.paused) return false;
    const chunks = end.inbox.splice(0);
    for (const chunk of chunks) end.connection.read(chunk);
    return chunks.length > 0;
  }

  #close(): void {
    if (!this.clientEnd.ended && !this.serverEnd.ended) return;
    this.client.transportClosed('cut');
    this.server.transportClosed('cut');
  }
}

/** A handler that accepts everything and keeps what it was told. */
export class Recorder implements ConnectionHandler {
  opened: Open | null = null;
  closed: AmqpErrorFields | null | undefined;
  readonly errors: AmqpError[] = [];
  readonly links: Link[] = [];
  readonly sessions: Session[] = [];

  constructor(private readonly link: (link: Link) => void = (link) => link.accept()) {}

  onOpen(connection: Connection, open: Open): void {
    this.opened = open;
    connection.open();
  }

  onSession(session: Session): void {
    this.sessions.push(session);
  }

  onLink(link: Link): void {
    this.links.push(link);
    this.link(link);
  }

  onClosed(_connection: Connection, error: AmqpErrorFields | null): void {
    this.closed = error;
  }

  onProtocolError(_connection: Connection, error: AmqpError): void {
    this.errors.push(error);
  }
}

/** Collects whole deliveries of a receiver. */
export class Inbox {
  readonly deliveries: { readonly id: number; readonly body: Buffer; readonly settled: boolean }[] = [];
  aborted = 0;
  detached: AmqpErrorFields | null | undefined;
  readonly settledByPeer: number[] = [];
  #parts: Buffer[] = [];

  constructor(private readonly onDelivery: (link: ReceiverLink, id: number) => void = () => undefined) {}

  onTransfer(link: ReceiverLink, bytes: Buffer, start: number, end: number, id: number, flags: number): void {
    if ((flags & 4) !== 0) {
      this.aborted++;
      this.#parts = [];
      return;
    }
    this.#parts.push(Buffer.from(bytes.subarray(start, end)));
    if ((flags & 2) !== 0) return;
    this.deliveries.push({ id, body: Buffer.concat(this.#parts), settled: (flags & 8) !== 0 });
    this.#parts = [];
    this.onDelivery(link, id);
  }

  onPeerSettled(_link: ReceiverLink, id: number): void {
    this.settledByPeer.push(id);
  }

  onDetached(_link: ReceiverLink, error: AmqpErrorFields | null): void {
    this.detached = error;
  }
}

/** Keeps outcomes of a sender. */
export class Outbox {
  readonly outcomes: { readonly token: number; readonly outcome: number; readonly detail: unknown }[] = [];
  writable = 0;
  drains = 0;
  detached: AmqpErrorFields | null | undefined;
  closedByPeer: boolean | undefined;

  onWritable(): void {
    this.writable++;
  }

  onCredit(_link: SenderLink, drain: boolean): void {
    if (drain) this.drains++;
  }

  onOutcome(_link: SenderLink, _id: number, token: number, outcome: number, _settled: boolean, detail: unknown): void {
    this.outcomes.push({ token, outcome, detail });
  }

  onDetached(_link: SenderLink, error: AmqpErrorFields | null, closed: boolean): void {
    this.detached = error;
    this.closedByPeer = closed;
  }
}
