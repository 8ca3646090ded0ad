import { decodePerformative } from './codec/performatives';
import type { AmqpErrorFields, Open, Performative } from './codec/types';
import type { ConnectionHandler, ConnectionIo, ConnectionOptions } from './connection-contract';
import { ConnectionTimers } from './connection-timers';
import { CODE, CONDITION, ENGINE_LIMITS, FRAME_BYTES_MIN, FRAME_HEADER_BYTES, FRAME_TYPE } from './constants';
import { Cursor } from './cursor';
import { DeliveryStateReader } from './delivery-state';
import { AmqpError } from './errors';
import { FrameReader, type FrameVisitor } from './frame-reader';
import { Handshake, ownOpen } from './handshake';
import { LinkNames } from './link-names';
import { Outbound } from './outbound';
import { fitPerformative } from './performative-fit';
import { Session } from './session';
import { SessionTable } from './session-table';

export type { ConnectionHandler, ConnectionIo, ConnectionOptions } from './connection-contract';

type Phase = 'handshake' | 'open' | 'opened' | 'closing' | 'closed';

/**
 * One AMQP 1.0 connection (part 2.4), either side: bytes in by `read`, bytes out by `io.write` at `flush`.
 * Owns no socket and no timer: the driver calls `tick` when the deadline it returned has come.
 */
export class Connection implements FrameVisitor {
  /** @internal */
  readonly outbound: Outbound;
  readonly states = new DeliveryStateReader();
  readonly names: LinkNames;
  /** Free for the application. */
  context: unknown = null;
  /** Who the peer is, by its SASL exchange; null without one. */
  user: string | null = null;
  remote: Open | null = null;
  remoteContainerId = '';
  remoteFrameBytesMax: number = FRAME_BYTES_MIN;
  bytesIn = 0;
  readonly linksMax: number;
  /** @internal Links of all sessions. */
  linkCount = 0;
  #phase: Phase = 'handshake';
  #openSent = false;
  /** The peer's bytes can no longer be cut into frames. */
  #deaf = false;
  closeError: AmqpErrorFields | null = null; // why this end or the peer closes; null before that and without a reason
  #paused = false;
  #closeAt = Infinity;
  readonly #timers: ConnectionTimers;
  readonly #cursor = new Cursor();
  readonly #reader: FrameReader;
  readonly #sessions: SessionTable;
  readonly #handshake: Handshake;
  /** Unsent bytes past which the socket is not read. */
  readonly #unreadMax: number;

  constructor(
    private readonly io: ConnectionIo,
    readonly handler: ConnectionHandler,
    private readonly options: ConnectionOptions,
  ) {
    const limits = { ...ENGINE_LIMITS, ...options };
    this.outbound = new Outbound(io, this, limits.outboundBytesMax, limits.unsettledMax);
    this.#unreadMax = limits.outboundBytesMax + limits.answerBytesMax;
    this.#timers = new ConnectionTimers(io.now(), limits.handshakeMs, options.idleTimeOutMs ?? 0, this.outbound);
    this.linksMax = limits.linksMax;
    this.names = options.names ?? new LinkNames();
    this.#reader = new FrameReader(limits.frameBytesMax, this);
    const { incomingWindow, handleMax } = limits;
    const session = { incomingWindow, handleMax, windowBytes: options.windowBytes ?? Infinity };
    this.#sessions = new SessionTable(
      limits.channelMax,
      handler,
      (channel, initiator) => new Session(this, channel, initiator, session),
    );
    this.#handshake = new Handshake(options.role === 'server', options.sasl ?? null, {
      sendHeader: (header) => this.#send(() => this.outbound.output.copy(header, 0, header.length)),
      sendSasl: (frame) => this.#send(() => this.outbound.output.frame(FRAME_TYPE.sasl, 0, frame)),
      expectHeader: (expect) => (this.#reader.expectHeader = expect),
      onSaslWaits: () => this.#pause(true),
      onSaslAnswer: (then, last) => this.#onSaslAnswer(then, last),
      onUser: (user) => (this.user = user),
      onReadyToOpen: () => this.open(),
    });
    this.#handshake.start();
  }

  get opened(): boolean {
    return this.#phase === 'opened' && this.#openSent;
  }

  get closed(): boolean {
    return this.#phase === 'closed';
  }

  get #over(): boolean {
    return this.#phase === 'closing' || this.#phase === 'closed';
  }

  /** Changes with every frame that has come in whole. */
  get framesIn(): number {
    return this.#reader.visits;
  }

  get bytesOut(): number {
    return this.outbound.bytesOut;
  }

  /** Bytes that wait to leave the process. */
  get unsentBytes(): number {
    return this.outbound.unsentBytes;
  }

  *sessions(): IterableIterator<Session> {
    for (const session of this.#sessions.all) if (session !== null) yield session;
  }

  /** Sends this end's open. */
  open(): void {
    if (this.#openSent || this.#over) return;
    this.#openSent = true;
    this.sendPerformative(0, ownOpen(this.options));
    this.#onBothOpen();
  }

  /** Begins a session. @throws AmqpError when the peer allows no further one */
  begin(): Session {
    const session = this.#sessions.begin();
    session.sendBegin();
    return session;
  }

  /** Closes the connection: the peer is told, then the socket ends. */
  close(error: AmqpErrorFields | null = null): void {
    if (this.#over) return;
    if (this.#phase === 'handshake') {
      this.closeError = error;
      this.#endIo();
      return;
    }
    this.open();
    for (const session of this.sessions()) session.flush();
    this.sendPerformative(0, { type: 'close', error });
    this.closeError = error;
    this.#phase = 'closing';
    this.#closeAt = this.io.now() + ENGINE_LIMITS.closeMs;
    this.io.deadlineMoved();
    this.#endSessions(error);
    this.outbound.requestFlush();
  }

  /** Bytes of the socket; not kept. Errors of the peer are answered, never thrown. */
  read(chunk: Buffer): void {
    if (this.#phase === 'closed' || this.#deaf) return;
    this.#timers.lastIn = this.io.now();
    this.bytesIn += chunk.length;
    try {
      this.handler.onInbound?.();
      this.#reader.read(chunk);
    } catch (error) {
      this.#failOf(error);
    }
    // A peer that asks and does not read the answers is not read either.
    if (!this.#paused && this.unsentBytes > this.#unreadMax) this.#pause(false);
  }

  /** @internal */
  onHeader(bytes: Buffer, at: number): void {
    this.#handshake.onHeader(bytes, at);
    if (this.#handshake.done) this.#phase = 'open';
  }

  /** @internal */
  onFrame(type: number, channel: number, bytes: Buffer, start: number, end: number): void {
    if (this.#phase === 'handshake') {
      this.#handshake.onFrame(type, bytes, start, end);
      return;
    }
    if (type !== FRAME_TYPE.amqp)
      throw new AmqpError(CONDITION.framing, `frame of type ${type}, expected 0`, 'connection');
    if (start === end || this.#phase === 'closed') return;
    const code = this.#cursor.descriptor(bytes, start, end);
    if (this.#phase === 'closing') {
      if (code === CODE.close) this.#endIo();
    } else if (code < CODE.flow || code > CODE.disposition) this.#onColdFrame(channel, bytes, start, end);
    else if (this.#phase === 'opened') this.#sessions.onHotFrame(code, channel, this.#cursor, bytes, end);
    else throw new AmqpError(CONDITION.illegalState, `performative 0x${code.toString(16)} before open`, 'connection');
  }

  #onColdFrame(channel: number, bytes: Buffer, start: number, end: number): void {
    const performative = decodePerformative(bytes, start, end);
    if ((performative.type === 'open') === (this.#phase === 'opened')) {
      const text = this.#phase === 'opened' ? 'a second open' : `${performative.type} before open`;
      throw new AmqpError(CONDITION.illegalState, text, 'connection');
    }
    if (performative.type === 'open') this.#onOpen(performative);
    else if (performative.type === 'close') this.#onClose(performative.error);
    else this.#sessions.onColdFrame(channel, performative);
  }

  #onOpen(open: Open): void {
    const { idleTimeOut } = open;
    this.remote = open;
    this.remoteContainerId = open.containerId;
    this.remoteFrameBytesMax = Math.min(open.maxFrameSize, ENGINE_LIMITS.frameBytesSentMax);
    this.#sessions.remoteChannelMax = open.channelMax;
    if (idleTimeOut > 0 && idleTimeOut < ENGINE_LIMITS.idleTimeOutMsMin) {
      const text = `idle-time-out of ${idleTimeOut} ms, expected at least ${ENGINE_LIMITS.idleTimeOutMsMin}`;
      throw new AmqpError(CONDITION.notAllowed, text, 'connection');
    }
    // Twice as often as asked for (part 2.4.5).
    this.#timers.heartbeatMs = idleTimeOut / 2;
    this.#phase = 'opened';
    this.#onBothOpen();
    this.handler.onOpen(this, open);
  }

  #onBothOpen(): void {
    if (!this.opened) return;
    this.outbound.open = true;
    this.io.deadlineMoved();
  }

  #onClose(error: AmqpErrorFields | null): void {
    this.sendPerformative(0, { type: 'close', error: null });
    this.closeError = error;
    this.#phase = 'closing';
    this.#endSessions(error);
    this.#endIo();
  }

  #onSaslAnswer(then: () => void, last: boolean): void {
    if (this.#phase !== 'handshake') return;
    try {
      then();
    } catch (error) {
      this.#failOf(error);
      return;
    }
    if (last) this.#resume();
  }

  // --- bytes out -----------------------------------------------------------------------------------------------------------

  #send(write: () => void): void {
    write();
    this.outbound.requestFlush();
  }

  /** @internal Writes a performative that is not on the hot path; what does not fit the peer's frames goes without its extras. */
  sendPerformative(channel: number, performative: Performative): void {
    if (this.#over) return;
    if (performative.type !== 'open') this.open();
    const max = this.remote === null ? Infinity : this.remoteFrameBytesMax - FRAME_HEADER_BYTES;
    const body = fitPerformative(performative, max);
    this.#send(() => this.outbound.output.frame(FRAME_TYPE.amqp, channel, body));
  }

  /** Writes out what the turn collected. */
  flush(): void {
    if (this.#phase !== 'closed') this.outbound.flush(this.#sessions.all);
  }

  /** Everything handed to `io.write` has left the process. */
  written(): void {
    this.outbound.written();
    if (this.#paused && this.#phase !== 'handshake') this.#resume();
  }

  /** @param within nothing more is taken of what has been read already, either */
  #pause(within: boolean): void {
    this.#paused = true;
    if (within) this.#reader.stop();
    this.io.pause();
  }

  #resume(): void {
    this.#paused = false;
    try {
      this.#reader.resume();
    } catch (error) {
      this.#failOf(error);
    }
    if (!this.#paused) this.io.resume();
  }

  // --- errors and the end --------------------------------------------------------------------------------------------------

  #failOf(error: unknown): void {
    if (!(error instanceof AmqpError)) throw error;
    this.#fail(error);
  }

  #fail(error: AmqpError): void {
    this.#deaf = true;
    if (this.#over) return;
    this.handler.onProtocolError?.(this, error);
    this.close({ condition: error.condition, description: error.description });
    // Bytes that cannot be cut into frames cannot tell the peer's close either.
    this.#endIo();
  }

  #endIo(): void {
    this.#phase = 'closing';
    this.#closeAt = this.io.now();
    this.flush();
    this.io.end();
  }

  /** Tells sessions that they are over. */
  #endSessions(error: AmqpErrorFields | null): void {
    this.outbound.open = false;
    for (const session of this.#sessions.clear()) session.onEnd(error, false);
    this.outbound.waiters.clear();
  }

  /** The socket is gone. */
  transportClosed(reason: string): void {
    if (this.#phase === 'closed') return;
    const error = this.#phase === 'closing' ? this.closeError : { condition: CONDITION.forced, description: reason };
    this.#phase = 'closed';
    this.#endSessions(error);
    this.handler.onClosed(this, error);
  }

  // --- time ----------------------------------------------------------------------------------------------------------------

  /** Does what is due: heart-beats, time-outs. @returns when it wants to be called again */
  tick(): number {
    if (this.#phase === 'closed') return Infinity;
    const now = this.io.now();
    if (this.#phase === 'closing') {
      if (now < this.#closeAt) return this.#closeAt;
      this.io.end();
      return Infinity;
    }
    const due = this.#timers.due(now, this.opened);
    if (due instanceof AmqpError) this.#fail(due);
    else if (due === 'heartbeat') {
      this.outbound.output.frameHeader(FRAME_HEADER_BYTES, FRAME_TYPE.amqp, 0);
      this.flush();
    }
    return this.deadline();
  }

  /** When `tick` has something to do. */
  deadline(): number {
    if (this.#phase === 'closed') return Infinity;
    return this.#phase === 'closing' ? this.#closeAt : this.#timers.deadline(this.opened);
  }
}
