import type { Attach, AmqpErrorFields, DeliveryState } from './codec/types';
import { CONDITION, TRANSFER, type AmqpOutcome } from './constants';
import { Link, slim } from './link';
import type { Session } from './session';
import { LINK_FLOW } from './session-output';

/** What an application that receives on a link is told. All calls are synchronous. */
export interface ReceiverHandler {
  onAttached?(link: ReceiverLink): void;
  /**
   * One frame of a delivery; the bytes are valid during the call only.
   * @param flags bits of {@link TRANSFER}: first, more, aborted, settled
   */
  onTransfer(
    link: ReceiverLink,
    bytes: Buffer,
    start: number,
    end: number,
    deliveryId: number,
    flags: number,
    messageFormat: number,
  ): void;
  /** It asks the link for the transaction of each delivery. Without it a transfer within one ends the link. */
  readonly takesTransactions?: boolean;
  /** A delivery within a transaction is discarded, because this end has detached the link. */
  onWorkLost?(link: ReceiverLink, txnId: Buffer): void;
  /** A delivery is ignored that resumes one which is not known here (part 2.7.5). @throws AmqpError to end what it names */
  onIgnored?(link: ReceiverLink): void;
  /** The peer used up or gave back all credit that `drain` asked for. */
  onDrained?(link: ReceiverLink): void;
  /** The peer settled a delivery whose outcome this end had only told (rcv-settle-mode second). */
  onPeerSettled?(link: ReceiverLink, deliveryId: number): void;
  onDetached(link: ReceiverLink, error: AmqpErrorFields | null, closed: boolean): void;
  /** The peer has answered this end's detach; `error` says why what the link stood for has not ended with it. */
  onDetachAnswered?(link: ReceiverLink, error: AmqpErrorFields | null): void;
}

/** The receiving end of a link: grants credit, checks what comes against it, tells outcomes. */
export class ReceiverLink extends Link {
  handler: ReceiverHandler | null = null;
  credit = 0;
  deliveryCount = 0;
  /** What the peer last said it could send. */
  available = 0;
  #draining = false;
  #flowDue = false;
  #echo = false;
  /** The application takes no more frames of this link now. */
  #holding = false;
  /** The open delivery resumes one that is not known here: ignored (part 2.7.5). */
  #ignoring = false;
  /** Deliveries that their sender wants settled at once on a link of mode second (part 2.7.5). */
  #settleFirst: Set<number> | null = null;
  /** @internal The delivery that the peer is sending in frames, discarded or not; -1 between deliveries. */
  frameDelivery = -1;
  /** The delivery whose frames are not all here, or -1. */
  #openDelivery = -1;
  #openBytes = 0;
  #openSettled = false;
  #openFormat = 0;
  /** Id of the transaction that the delivery whose frame is told belongs to (part 4.4.1); null for none. */
  transaction: Buffer | null = null;

  constructor(session: Session, name: string, handle: number, initiator: boolean) {
    super(session, name, handle, false, initiator);
  }

  /** Grants `more` further deliveries; told to the peer at the end of the turn. */
  addCredit(more: number): void {
    if (more <= 0) return;
    this.credit += more;
    this.#flow();
  }

  /** Sets the credit that is left. */
  setCredit(credit: number): void {
    this.credit = credit;
    this.#flow();
  }

  /** Asks the peer to use up or give back the credit (part 2.6.7); `onDrained` tells when it has. */
  drain(): void {
    if (this.credit === 0) {
      this.handler?.onDrained?.(this);
      return;
    }
    this.#draining = true;
    this.#flow();
  }

  /**
   * Stops or resumes the session's window: the only brake on a delivery whose frames come faster than they can be taken.
   * Other links of the session wait with it.
   */
  hold(hold: boolean): void {
    if (this.#holding === hold) return;
    this.#holding = hold;
    this.session.hold(hold);
  }

  /** Asks the peer for its state: `available` is up to date when its flow has come. */
  askState(): void {
    this.#echo = true;
    this.#flow();
  }

  #flow(): void {
    if (this.#flowDue) return;
    this.#flowDue = true;
    this.session.linkFlowDue(this);
  }

  /** @internal */
  writeFlow(): void {
    this.#flowDue = false;
    if (this.state !== 'attached') return;
    LINK_FLOW.handle = this.handle;
    LINK_FLOW.deliveryCount = this.deliveryCount;
    LINK_FLOW.credit = this.credit;
    LINK_FLOW.available = this.available;
    LINK_FLOW.drain = this.#draining;
    LINK_FLOW.echo = this.#echo;
    this.#echo = false;
    this.session.writeFlow(LINK_FLOW);
  }

  /**
   * Tells the outcome of a delivery; collected into ranges. With `settled` false (rcv-settle-mode second) the peer's settlement
   * is told by `onPeerSettled`.
   */
  dispose(deliveryId: number, outcome: AmqpOutcome, settled: boolean, detail: DeliveryState | null = null): void {
    if (this.state !== 'attached') return;
    const now = settled || this.#settleFirst?.delete(deliveryId) === true;
    this.session.dispositions.dispose(deliveryId, this.handle, outcome, now, detail);
  }

  /** @internal A transfer frame for this link (part 2.7.5); `flags` as the frame has them. */
  onTransferFrame(
    deliveryId: number,
    bytes: Buffer,
    start: number,
    end: number,
    messageFormat: number,
    flags: number,
    txnId: Buffer | null,
  ): void {
    if (this.#openDelivery < 0) {
      if (this.credit <= 0 || this.state !== 'attached') {
        this.fail(CONDITION.transferLimit, 'a transfer came without credit');
        return;
      }
      if (txnId !== null && this.handler?.takesTransactions !== true) {
        this.fail(CONDITION.notImplemented, 'transactions are not served');
        return;
      }
      this.transaction = txnId;
      this.#begin(deliveryId, messageFormat, flags);
      flags |= TRANSFER.first;
    }
    this.#openSettled ||= (flags & TRANSFER.settled) !== 0;
    if (this.#openSettled) flags |= TRANSFER.settled;
    this.#openBytes += end - start;
    const aborted = (flags & TRANSFER.aborted) !== 0;
    if ((flags & TRANSFER.more) === 0 || aborted) this.#openDelivery = -1;
    if (this.#ignoring) {
      if (this.#openDelivery < 0) this.addCredit(1);
      return;
    }
    if (this.maxMessageSize > 0 && this.#openBytes > this.maxMessageSize && !aborted) {
      this.fail(CONDITION.messageSize, `message of more than ${this.maxMessageSize} bytes, the limit of this link`);
      return;
    }
    this.handler?.onTransfer(this, bytes, start, end, deliveryId, flags & FLAGS_TOLD, this.#openFormat);
  }

  /** @internal A frame is discarded, because this end has detached the link. */
  onDiscarded(txnId: Buffer | null, begins: boolean): void {
    if (begins) this.transaction = txnId;
    if (this.transaction !== null) this.handler?.onWorkLost?.(this, this.transaction);
  }

  #begin(deliveryId: number, messageFormat: number, flags: number): void {
    this.credit--;
    this.deliveryCount = (this.deliveryCount + 1) >>> 0;
    this.#openDelivery = deliveryId;
    this.#openBytes = 0;
    this.#openSettled = false;
    this.#openFormat = messageFormat;
    this.#ignoring = (flags & TRANSFER.resume) !== 0;
    if (this.#ignoring) this.handler?.onIgnored?.(this);
    if ((flags & TRANSFER.settleFirst) !== 0 && this.rcvSettleMode === 1 && (flags & TRANSFER.settled) === 0)
      (this.#settleFirst ??= new Set()).add(deliveryId);
  }

  onRemoteAttach(attach: Attach): void {
    this.remote = attach;
    this.deliveryCount = attach.initialDeliveryCount ?? 0;
    if (!this.initiator || this.state !== 'attaching') return;
    this.state = 'attached';
    this.handler?.onAttached?.(this);
    this.remote = slim(attach);
    if (this.credit > 0) this.#flow();
  }

  protected override onAccepted(): void {
    if (this.credit > 0) this.#flow();
  }

  /** @internal The peer's flow. */
  onFlow(deliveryCount: number, credit: number, available: number, _drain: boolean, echo: boolean): void {
    if (available >= 0) this.available = available;
    if (deliveryCount >= 0) {
      const skipped = (deliveryCount - this.deliveryCount) | 0;
      if (skipped > 0) {
        this.deliveryCount = deliveryCount;
        this.credit = Math.max(0, this.credit - skipped);
      }
    }
    if (this.#draining && (this.credit === 0 || credit === 0)) {
      this.#draining = false;
      this.handler?.onDrained?.(this);
    }
    if (echo) this.#flow();
  }

  /** @internal */
  onPeerSettled(deliveryId: number): void {
    this.handler?.onPeerSettled?.(this, deliveryId);
  }

  onGone(error: AmqpErrorFields | null, closed: boolean): void {
    this.#settleFirst = null;
    this.#openDelivery = -1;
    this.handler?.onDetached(this, error, closed);
  }

  override onDetachAnswered(error: AmqpErrorFields | null): void {
    this.handler?.onDetachAnswered?.(this, error);
  }
}

/** What the application is told of a frame's flags. */
const FLAGS_TOLD = TRANSFER.first | TRANSFER.more | TRANSFER.aborted | TRANSFER.settled;
