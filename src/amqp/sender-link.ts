import type { Attach, AmqpErrorFields, DeliveryState, TransactionalState } from './codec/types';
import { CONDITION, serialDifference, type AmqpOutcome } from './constants';
import { AmqpError } from './errors';
import { Link, slim } from './link';
import { OutgoingDelivery } from './outgoing-delivery';
import type { Session } from './session';
import { LINK_FLOW, TRANSFER_HEAD_BYTES_MAX } from './session-output';

/** What an application that sends on a link is told. All calls are synchronous. */
export interface SenderHandler {
  onAttached?(link: SenderLink): void;
  /** `canSend()` has turned true. */
  onWritable(link: SenderLink): void;
  /** Credit or the drain flag was set by the peer; with `drain` the application sends what it has and then calls `drained()`. */
  onCredit(link: SenderLink, drain: boolean): void;
  /**
   * The peer's outcome of an unsettled delivery, once. `settled` tells whether the peer settled; if not, this end settles right
   * after the call, or by {@link SenderLink.settle} where the link `settlesLater`. `detail` is null for an outcome without fields.
   */
  onOutcome(
    link: SenderLink,
    deliveryId: number,
    token: number,
    outcome: AmqpOutcome,
    settled: boolean,
    detail: DeliveryState | null,
  ): void;
  /**
   * The same for an outcome within a transaction (part 4.4.2); `state.outcome` is null where the peer has only named the transaction.
   * Without it transactions end the link.
   */
  onTransactional?(
    link: SenderLink,
    deliveryId: number,
    token: number,
    settled: boolean,
    state: TransactionalState,
  ): void;
  /** The peer tells an outcome within a transaction of a delivery that was unsettled when this end detached the link. */
  onWorkLost?(link: SenderLink, txnId: Buffer): void;
  onDetached(link: SenderLink, error: AmqpErrorFields | null, closed: boolean): void;
}

/** The sending end of a link (part 2.6.7): credit, and deliveries cut into frames as the peer and the windows allow. */
export class SenderLink extends Link {
  handler: SenderHandler | null = null;
  /** What the peer has told an outcome of and not settled is settled by the application, when that is in force (part 2.6.12). */
  settlesLater = false;
  credit = 0;
  /** The peer asked for the credit to be used up. */
  draining = false;
  deliveryCount = 0;
  /** Told to the peer in flows: deliveries this end would send had it credit. */
  available = 0;
  readonly #open = new OutgoingDelivery(this);
  #blocked = false;
  #early: Parameters<Link['onFlow']> | null = null;
  #waitsForWindow = false;
  /** The peer waits for an answer to its drain. */
  #drainDue = false;
  /** Unsettled deliveries. */
  unsettled = 0;

  constructor(session: Session, name: string, handle: number, initiator: boolean) {
    super(session, name, handle, true, initiator);
  }

  /** Credit, the session's window and the connection's outbound bound all allow a delivery now. */
  canSend(): boolean {
    const ready = this.credit > 0 && this.#open.id < 0 && this.state === 'attached';
    if (ready && this.session.canTransfer()) return true;
    this.#block(ready);
    return false;
  }

  /**
   * Sends one delivery; the payload is copied. The caller has asked `canSend`.
   * @param token given back with the outcome
   * @returns the delivery-id
   * @throws AmqpError when the message is larger than the peer takes
   */
  send(payload: Buffer, start: number, end: number, token: number, settled: boolean, messageFormat: number): number {
    const { session } = this;
    const length = end - start;
    this.#checkSize(length);
    const id = this.#begin(token, settled);
    if (TRANSFER_HEAD_BYTES_MAX + length <= session.frameBytesMax) {
      session.transfer(this, id, true, settled, false, false, messageFormat, payload, start, end);
      return id;
    }
    this.#open.begin(id, settled, messageFormat);
    this.#open.push(payload, start, end, true);
    return id;
  }

  /** Sends one pre-settled delivery made of two buffers, which are copied. */
  sendPair(head: Buffer, body: Buffer | null, messageFormat: number): number {
    const { session } = this;
    const length = head.length + (body === null ? 0 : body.length);
    this.#checkSize(length);
    const id = this.#begin(0, true);
    if (TRANSFER_HEAD_BYTES_MAX + length <= session.frameBytesMax) {
      session.transferPair(this, id, messageFormat, head, body);
      return id;
    }
    this.#open.begin(id, true, messageFormat);
    this.#open.push(head, 0, head.length, body === null);
    if (body !== null) this.#open.push(body, 0, body.length, true);
    return id;
  }

  /** Begins a delivery whose parts follow with `sendPart`; nothing else can be sent on this link until `sendEnd` or `sendAbort`. */
  sendBegin(token: number, settled: boolean, messageFormat: number): number {
    const id = this.#begin(token, settled);
    this.#open.begin(id, settled, messageFormat);
    return id;
  }

  /** True when a part would leave at once rather than be kept here. */
  canSendPart(): boolean {
    const ready = this.#open.id >= 0 && !this.#open.waits && this.state === 'attached';
    if (ready && this.session.canTransfer()) return true;
    this.#block(ready);
    return false;
  }

  /** Remembers that the application wants to send; `byWindow` tells that the session or the connection is in the way. */
  #block(byWindow: boolean): void {
    if (byWindow && !this.#waitsForWindow) {
      this.#waitsForWindow = true;
      this.session.connection.outbound.waiters.block(this);
    }
    this.#blocked = true;
  }

  /** @throws AmqpError when the message grows larger than the peer takes: the delivery is aborted */
  sendPart(payload: Buffer, start: number, end: number): void {
    if (end <= start) return;
    if (this.#open.bytes + end - start > this.messageBytesMax) {
      this.sendAbort();
      this.#checkSize(Infinity);
    }
    this.#open.push(payload, start, end, false);
  }

  /** The largest message that the peer takes; Infinity for any. */
  get messageBytesMax(): number {
    return this.remote?.maxMessageSize || Infinity;
  }

  #checkSize(bytes: number): void {
    if (bytes <= this.messageBytesMax) return;
    const text = `message of more than ${this.messageBytesMax} bytes, the most that the peer takes`;
    throw new AmqpError(CONDITION.messageSize, text, 'link');
  }

  sendEnd(): void {
    this.#open.push(EMPTY, 0, 0, true);
    if (this.#open.id < 0) this.#tellWritable();
  }

  /** Gives the open delivery up: the peer forgets it (part 2.6.14). */
  sendAbort(): void {
    if (this.#open.id < 0) return;
    this.#forget(this.#open.id);
    this.#open.abort();
    if (this.#open.id < 0) this.#tellWritable();
  }

  #begin(token: number, settled: boolean): number {
    this.credit--;
    this.deliveryCount = (this.deliveryCount + 1) >>> 0;
    const id = this.session.takeDeliveryId();
    if (!settled) {
      this.session.dispositions.sent(id, this.handle, token);
      this.unsettled++;
    }
    return id;
  }

  /** @internal The session's window opened: the rest of the open delivery goes on. @returns false while some is left */
  resume(): boolean {
    if (!this.#open.resume()) return false;
    this.#tellWritable();
    return true;
  }

  #tellWritable(): void {
    if (this.#blocked) this.session.connection.outbound.waiters.wake(this);
  }

  /** @internal The connection asks at the end of a turn or when it has drained. */
  woken(): void {
    this.#waitsForWindow = false;
    if (!this.#blocked || this.state !== 'attached') return;
    this.#blocked = false;
    this.handler?.onWritable(this);
  }

  /** All credit that the peer wanted drained is used up (part 2.6.7): tells it so, once. */
  drained(): void {
    if (!this.#drainDue || this.state !== 'attached') return;
    this.#drainDue = false;
    this.deliveryCount = (this.deliveryCount + this.credit) >>> 0;
    this.credit = 0;
    this.#tellFlow(true);
  }

  /** Settles a delivery whose outcome is in force, or gives an unsettled one up without an outcome of the peer. */
  settle(deliveryId: number): void {
    const { dispositions } = this.session;
    if (!this.#forget(deliveryId)) {
      if (!dispositions.undefer(deliveryId, this.handle)) return;
      this.unsettled--;
    }
    dispositions.settleAsSender(deliveryId);
  }

  #forget(deliveryId: number): boolean {
    if (!this.session.dispositions.forget(deliveryId, this.handle)) return false;
    this.unsettled--;
    return true;
  }

  /** @internal The peer's outcome; the delivery has been forgotten. */
  onDisposition(
    deliveryId: number,
    token: number,
    outcome: AmqpOutcome,
    settled: boolean,
    detail: DeliveryState | null,
  ): void {
    this.handler?.onOutcome(this, deliveryId, token, outcome, settled, detail);
  }

  /** @internal The same within a transaction. */
  onTransactional(deliveryId: number, token: number, settled: boolean, detail: DeliveryState | null): void {
    if (detail?.type === 'transactional') this.handler?.onTransactional?.(this, deliveryId, token, settled, detail);
  }

  /** @internal */
  onWorkLost(detail: DeliveryState | null): void {
    if (detail?.type === 'transactional') this.handler?.onWorkLost?.(this, detail.txnId);
  }

  /** @internal */
  get takesTransactions(): boolean {
    return this.handler?.onTransactional !== undefined;
  }

  /** What a delivery becomes that the peer settles without a state (part 3.5.3). */
  get defaultState(): DeliveryState {
    return this.remote?.source?.defaultOutcome ?? RELEASED;
  }

  onRemoteAttach(attach: Attach): void {
    this.remote = attach;
    if (!this.initiator || this.state !== 'attaching') return;
    this.state = 'attached';
    this.handler?.onAttached?.(this);
    this.remote = slim(attach);
  }

  /** @internal The peer's flow. */
  onFlow(deliveryCount: number, credit: number, _available: number, drain: boolean, echo: boolean): void {
    if (credit >= 0) {
      const from = deliveryCount < 0 ? 0 : deliveryCount;
      const had = this.credit;
      this.credit = Math.max(0, serialDifference((from + credit) >>> 0, this.deliveryCount));
      this.draining = this.#drainDue = drain;
      this.handler?.onCredit(this, drain);
      if (this.credit > had) this.woken();
    }
    if (echo) this.#tellFlow(this.draining);
  }

  /** Asks the peer for its state: credit and window are up to date when its flow has come. */
  askState(): void {
    if (this.state === 'attached') this.#tellFlow(this.draining, true);
  }

  #tellFlow(drain: boolean, echo = false): void {
    LINK_FLOW.handle = this.handle;
    LINK_FLOW.deliveryCount = this.deliveryCount;
    LINK_FLOW.credit = this.credit;
    LINK_FLOW.available = this.available;
    LINK_FLOW.drain = drain;
    LINK_FLOW.echo = echo;
    this.session.writeFlow(LINK_FLOW);
  }

  /** Receivers may give credit together with their attach, long before it is answered: the last such flow counts from the answer on. */
  override onEarlyFlow(...flow: Parameters<Link['onFlow']>): void {
    const [, credit] = flow;
    if (credit >= 0 || this.#early === null) this.#early = flow;
  }

  protected override onAccepted(): void {
    const early = this.#early;
    this.#early = null;
    if (early !== null) this.onFlow(...early);
  }

  onGone(error: AmqpErrorFields | null, closed: boolean): void {
    this.#open.clear();
    this.handler?.onDetached(this, error, closed);
  }
}

const EMPTY = Buffer.alloc(0);
const RELEASED: DeliveryState = { type: 'released' };
