import type { AmqpErrorFields, Begin, Performative } from './codec/types';
import type { Connection } from './connection';
import { CONDITION, serialDifference } from './constants';
import type { Cursor } from './cursor';
import { Dispositions } from './dispositions';
import { AmqpError } from './errors';
import { IncomingTransfers } from './incoming-transfers';
import type { AttachOptions, Link } from './link';
import { LinkTable } from './link-table';
import type { Outbound } from './outbound';
import type { ReceiverLink } from './receiver-link';
import { SenderLink } from './sender-link';
import { writeFlow, writeTransfer, type LinkFlow } from './session-output';

/** `discarding`: this end has ended it and waits for the peer's end (part 2.5.5). */
export type SessionState = 'beginning' | 'begun' | 'discarding' | 'ended';

/** What an application is told of a session. */
export interface SessionHandler {
  onBegun?(session: Session): void;
  onEnded?(session: Session, error: AmqpErrorFields | null): void;
  /** The peer told its window: `received` is how many of this end's transfer frames it has taken so far. */
  onWindow?(session: Session, received: number): void;
}

/** What a session allows. */
export interface SessionLimits {
  readonly incomingWindow: number;
  readonly handleMax: number;
  /** The peer is told its window again after so many bytes, or half of its frames. */
  readonly windowBytes: number;
}

/** The outgoing window that this end tells: sending is bounded by the peer's incoming window and by credit. */
const OUTGOING_WINDOW = 0x7fff_ffff;

/** A session (part 2.5): windows and what is in them. Frames are read in place and written straight into the output. */
export class Session {
  state: SessionState = 'beginning';
  handler: SessionHandler | null = null;
  /** Free for the application. */
  context: unknown = null;
  remoteChannel = -1;
  readonly #outbound: Outbound;
  remoteIncomingWindow = 0;
  /** @internal */
  readonly links: LinkTable;
  /** @internal */
  readonly dispositions: Dispositions;
  readonly #transfers: IncomingTransfers;
  /** Links that take no more frames now: while there are any the peer's window is not replenished. */
  #holders = 0;
  #nextOutgoingId = 0;
  #nextDeliveryId = 0;
  #nextIncomingId = -1;
  #incomingLeft: number;
  /** Bytes that came since the window was told. */
  #incomingBytes = 0;
  /** Links with the rest of a delivery, in their turn. */
  readonly #waiting = new Set<SenderLink>();
  #flowsDue: ReceiverLink[] = [];

  constructor(
    readonly connection: Connection,
    readonly channel: number,
    readonly initiator: boolean,
    private readonly limits: SessionLimits,
  ) {
    this.#outbound = connection.outbound;
    this.#incomingLeft = limits.incomingWindow;
    this.links = new LinkTable(this, limits.handleMax);
    this.dispositions = new Dispositions(this, this.links);
    this.#transfers = new IncomingTransfers(this.links);
  }

  get frameBytesMax(): number {
    return this.connection.remoteFrameBytesMax;
  }

  /** Attaches a link that sends. @throws AmqpError when the session has no handle left */
  attachSender(name: string, options: AttachOptions): SenderLink {
    return this.#attach(name, true, options) as SenderLink;
  }

  /** Attaches a link that receives. @throws AmqpError when the session has no handle left */
  attachReceiver(name: string, options: AttachOptions): ReceiverLink {
    return this.#attach(name, false, options) as ReceiverLink;
  }

  #attach(name: string, sender: boolean, options: AttachOptions): Link {
    const link = this.links.attach(name, sender);
    link.sendAttach({ source: { type: 'source' }, target: { type: 'target' }, ...options });
    return link;
  }

  // --- begin and end -------------------------------------------------------------------------------------------------------

  /** @internal */
  sendBegin(): void {
    this.connection.sendPerformative(this.channel, {
      type: 'begin',
      remoteChannel: this.remoteChannel < 0 ? null : this.remoteChannel,
      nextOutgoingId: this.#nextOutgoingId,
      incomingWindow: this.limits.incomingWindow,
      outgoingWindow: OUTGOING_WINDOW,
      handleMax: this.limits.handleMax,
      offeredCapabilities: [],
      desiredCapabilities: [],
      properties: null,
    });
  }

  /** @internal The peer's begin, first or as an answer. */
  onBegin(begin: Begin, remoteChannel: number): void {
    this.remoteChannel = remoteChannel;
    this.#nextIncomingId = begin.nextOutgoingId;
    this.remoteIncomingWindow = begin.incomingWindow;
    this.links.remoteHandleMax = begin.handleMax;
    if (!this.initiator) this.sendBegin();
    if (this.state !== 'beginning') return;
    this.state = 'begun';
    this.handler?.onBegun?.(this);
    // What was asked for before, credit of a link for one, has waited for this.
    this.#outbound.requestFlush();
    this.#windowOpened();
  }

  /** Ends the session; what the peer still sends is discarded until it has ended it too. */
  end(error: AmqpErrorFields | null = null): void {
    if (this.state === 'discarding' || this.state === 'ended') return;
    this.flushDispositions();
    this.connection.sendPerformative(this.channel, { type: 'end', error });
    this.state = 'discarding';
    this.#drop(error);
  }

  /** @internal The peer broke the protocol of this session, which ends it and nothing wider. Rethrows what is not of this scope. */
  failOf(error: unknown): void {
    if (!(error instanceof AmqpError) || error.scope === 'connection') throw error;
    this.connection.handler.onProtocolError?.(this.connection, error);
    this.end({ condition: error.condition, description: error.description });
  }

  /** @internal The peer's end, or the end of the connection. */
  onEnd(error: AmqpErrorFields | null, answer: boolean): void {
    if (this.state === 'ended') return;
    const asked = this.state === 'discarding';
    if (answer && !asked) this.connection.sendPerformative(this.channel, { type: 'end', error: null });
    this.state = 'ended';
    if (!asked) this.#drop(error);
    this.handler?.onEnded?.(this, error);
  }

  #drop(error: AmqpErrorFields | null): void {
    this.#waiting.clear();
    this.#flowsDue = [];
    this.dispositions.close();
    this.links.drop(error);
  }

  /** @internal Forgets what a link has in flight. */
  letGo(link: Link): void {
    if (link instanceof SenderLink) {
      if (link.unsettled > 0) this.dispositions.letGoSent(link);
      link.unsettled = 0;
      this.#waiting.delete(link);
      this.#outbound.waiters.forget(link);
      return;
    }
    (link as ReceiverLink).hold(false);
    this.dispositions.letGoReceived(link.handle);
  }

  /** @internal */
  sendPerformative(performative: Performative): void {
    try {
      this.connection.sendPerformative(this.channel, performative);
    } catch (error) {
      this.failOf(error);
    }
  }

  // --- transfers out -------------------------------------------------------------------------------------------------------

  /** True while a transfer frame may be written. */
  canTransfer(): boolean {
    return this.remoteIncomingWindow > 0 && this.state === 'begun' && this.#outbound.writable;
  }

  /** @internal */
  takeDeliveryId(): number {
    const id = this.#nextDeliveryId;
    this.#nextDeliveryId = (id + 1) >>> 0;
    return id;
  }

  /** @internal Writes one transfer frame. */
  transfer(
    link: SenderLink,
    deliveryId: number,
    first: boolean,
    settled: boolean,
    more: boolean,
    aborted: boolean,
    messageFormat: number,
    payload: Buffer,
    start: number,
    end: number,
  ): void {
    const { output } = this.#outbound;
    const bytes = end - start;
    writeTransfer(output, this.channel, link.handle, deliveryId, first, settled, more, aborted, messageFormat, bytes);
    output.copy(payload, start, end);
    this.#frameSent();
  }

  /** @internal Writes one whole pre-settled delivery made of two buffers. */
  transferPair(link: SenderLink, deliveryId: number, messageFormat: number, head: Buffer, body: Buffer | null): void {
    const { output } = this.#outbound;
    const bytes = head.length + (body === null ? 0 : body.length);
    writeTransfer(output, this.channel, link.handle, deliveryId, true, true, false, false, messageFormat, bytes);
    output.copy(head, 0, head.length);
    if (body !== null) output.copy(body, 0, body.length);
    this.#frameSent();
  }

  #frameSent(): void {
    this.#nextOutgoingId = (this.#nextOutgoingId + 1) >>> 0;
    this.remoteIncomingWindow--;
    this.#outbound.requestFlush();
  }

  /** @internal The rest of a delivery goes on when the window opens. */
  waitForWindow(link: SenderLink): void {
    this.#waiting.add(link);
  }

  #windowOpened(): void {
    if (this.remoteIncomingWindow <= 0) return;
    for (const link of this.#waiting) {
      if (!link.resume()) return;
      this.#waiting.delete(link);
    }
    this.#outbound.unblock(this);
  }

  // --- transfers in --------------------------------------------------------------------------------------------------------

  /** @internal A transfer frame: it takes a place in the incoming window, then goes to its link. */
  onTransfer(cursor: Cursor, bytes: Buffer, end: number): void {
    if (this.#incomingLeft <= 0)
      throw new AmqpError(CONDITION.window, 'a transfer came while the incoming window was shut', 'session');
    this.#incomingLeft--;
    this.#incomingBytes += end - cursor.end;
    this.#nextIncomingId = (this.#nextIncomingId + 1) >>> 0;
    if (this.#windowDue) this.#outbound.requestFlush();
    this.#transfers.onTransfer(cursor, bytes, end);
  }

  get #windowDue(): boolean {
    const { incomingWindow, windowBytes } = this.limits;
    return this.#incomingLeft * 2 <= incomingWindow || this.#incomingBytes >= windowBytes;
  }

  get #held(): boolean {
    return this.#holders > 0 || this.dispositions.crowded;
  }

  /** @internal A link holds the peer's window, or lets it go. */
  hold(hold: boolean): void {
    this.#holders += hold ? 1 : -1;
    if (this.#holders === 0) this.#outbound.requestFlush();
  }

  // --- flow ----------------------------------------------------------------------------------------------------------------

  /** @internal */
  onFlow(cursor: Cursor): void {
    const nextIncomingId = cursor.uint('next-incoming-id', -1);
    const incomingWindow = cursor.uintRequired('incoming-window');
    cursor.uintRequired('next-outgoing-id');
    cursor.uintRequired('outgoing-window');
    const handle = cursor.uint('handle', -1);
    const deliveryCount = cursor.uint('delivery-count', -1);
    const credit = cursor.uint('link-credit', -1);
    const available = cursor.uint('available', -1);
    const drain = cursor.boolean('drain', false);
    const echo = cursor.boolean('echo', false);
    this.#onRemoteWindow(nextIncomingId, incomingWindow);
    if (handle >= 0) {
      const link = this.links.ofRemote(handle, 'flow');
      if (link.state === 'attached') link.onFlow(deliveryCount, credit, available, drain, echo);
      else if (link.state === 'attaching') link.onEarlyFlow(deliveryCount, credit, available, drain, echo);
    } else if (echo) this.writeFlow(null);
    this.#windowOpened();
  }

  /** Part 2.5.6: what the peer takes, less what is on its way. Null stands for before its first frame. */
  #onRemoteWindow(nextIncomingId: number, incomingWindow: number): void {
    const from = nextIncomingId < 0 ? 0 : nextIncomingId;
    if (serialDifference(from, this.#nextOutgoingId) > 0) {
      const text = `flow with next-incoming-id ${from}, where ${this.#nextOutgoingId} has not been sent`;
      throw new AmqpError(CONDITION.invalidField, text, 'session');
    }
    const onItsWay = serialDifference(this.#nextOutgoingId, from);
    this.remoteIncomingWindow = Math.max(0, Math.min(incomingWindow, OUTGOING_WINDOW) - onItsWay);
    if (nextIncomingId >= 0) this.handler?.onWindow?.(this, nextIncomingId);
  }

  /** @internal */
  linkFlowDue(link: ReceiverLink): void {
    this.#flowsDue.push(link);
    this.#outbound.requestFlush();
  }

  /** @internal Writes the session's windows, and a link's state with them. */
  writeFlow(link: LinkFlow | null): void {
    if (!this.#held) {
      this.#incomingLeft = this.limits.incomingWindow;
      this.#incomingBytes = 0;
    }
    const { output } = this.#outbound;
    const next = this.#nextIncomingId;
    writeFlow(output, this.channel, next, this.#incomingLeft, this.#nextOutgoingId, OUTGOING_WINDOW, link);
    this.#outbound.requestFlush();
  }

  // --- end of a turn -------------------------------------------------------------------------------------------------------

  /** @internal */
  flushDispositions(): void {
    this.dispositions.flush();
  }

  /** @internal Writes what was collected in this turn. */
  flush(): void {
    if (this.state !== 'begun') return;
    this.flushDispositions();
    if (this.#flowsDue.length > 0) {
      const due = this.#flowsDue;
      this.#flowsDue = [];
      for (const link of due) link.writeFlow();
    }
    if (this.#windowDue && !this.#held) this.writeFlow(null);
  }
}
