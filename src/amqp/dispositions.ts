import { encodeDeliveryState } from './codec/delivery-states';
import type { DeliveryState, OutcomeState } from './codec/types';
import { AMQP_OUTCOME, CONDITION, ENGINE_LIMITS, FRAME_HEADER_BYTES, serialDifference } from './constants';
import type { AmqpOutcome } from './constants';
import type { Cursor } from './cursor';
import { DeliveryRing, type IdRange, type RangeVisitor } from './delivery-ring';
import { DispositionQueue } from './disposition-queue';
import { AmqpError } from './errors';
import type { LinkTable } from './link-table';
import type { SenderLink } from './sender-link';
import type { Outbound } from './outbound';
import type { Session } from './session';
import { DISPOSITION_BYTES_MAX, writeDisposition, writeDispositionDetail } from './session-output';

/** Outcomes and settlement of one session's deliveries, in both directions and either role (part 2.6.12, 2.7.6). */
export class Dispositions implements RangeVisitor {
  /** Sent and not settled, with the application's token. */
  readonly #sent: DeliveryRing;
  /** Sent, outcome told by the peer: this end settles when the application says that it is in force. Few links ask for that. */
  #deferred: DeliveryRing | null = null;
  readonly #deferredVisitor: RangeVisitor = { onDelivery: (id, handle) => this.#onDeferredSettled(id, handle) };
  /** Received, outcome told without settling: the peer settles (rcv-settle-mode second). */
  readonly #told: DeliveryRing;
  readonly #toldVisitor: RangeVisitor = { onDelivery: (id, handle) => this.#onPeerSettled(id, handle) };
  /** What was unsettled on links that this end has detached, until the peer has too: it may still say something of that. */
  readonly #lost = new Map<SenderLink, IdRange>();
  readonly #asReceiver: DispositionQueue;
  readonly #asSender: DispositionQueue;
  // Of the disposition that is being read.
  #outcome: AmqpOutcome = AMQP_OUTCOME.accepted;
  #detail: DeliveryState | null = null;
  #terminal = false;
  #settled = false;
  #found = 0;

  readonly #outbound: Outbound;

  constructor(
    private readonly session: Session,
    private readonly links: LinkTable,
  ) {
    this.#outbound = session.connection.outbound;
    this.#sent = new DeliveryRing(ENGINE_LIMITS.ringMax);
    this.#told = new DeliveryRing(ENGINE_LIMITS.ringMax);
    const write =
      (receiver: boolean) =>
      (first: number, last: number, settled: boolean, outcome: AmqpOutcome | null): void =>
        writeDisposition(this.#outbound.output, session.channel, receiver, first, last, settled, outcome);
    this.#asReceiver = new DispositionQueue(write(true));
    this.#asSender = new DispositionQueue(write(false));
  }

  /** The peer leaves too many deliveries unsettled whose outcome it knows. */
  get crowded(): boolean {
    return this.#told.size >= ENGINE_LIMITS.toldMax;
  }

  // --- this end sends ------------------------------------------------------------------------------------------------------

  /** An unsettled delivery leaves. */
  sent(id: number, handle: number, token: number): void {
    this.#sent.add(id, handle, token);
    this.#outbound.unsettled++;
  }

  /** It needs no outcome any more. @returns false when it is not (any more) this link's */
  forget(id: number, handle: number): boolean {
    if (this.#sent.handle(id) !== handle) return false;
    this.#sent.remove(id);
    this.#outbound.unsettled--;
    return true;
  }

  /** @returns false when it does not wait (any more) for this end to settle it */
  undefer(id: number, handle: number): boolean {
    const deferred = this.#deferred;
    if (deferred === null || deferred.handle(id) !== handle) return false;
    const { crowded } = this.#outbound;
    deferred.remove(id);
    this.#outbound.unsettled--;
    if (crowded) this.#outbound.unblock(null);
    return true;
  }

  #defer(id: number, handle: number): void {
    this.#deferred ??= new DeliveryRing(ENGINE_LIMITS.ringMax);
    this.#deferred.add(id, handle, 0);
    this.#outbound.unsettled++;
  }

  settleAsSender(id: number): void {
    this.#asSender.add(id, true, null);
    this.#outbound.requestFlush();
  }

  // --- this end receives ---------------------------------------------------------------------------------------------------

  /** Tells an outcome; collected into ranges where it has no fields. */
  dispose(id: number, handle: number, outcome: AmqpOutcome, settled: boolean, detail: DeliveryState | null): void {
    this.#outbound.requestFlush();
    if (!settled) this.#told.add(id, handle, 0);
    const state = detail === null ? null : this.#fitting(detail);
    if (state === null) {
      this.#asReceiver.add(id, settled, outcome);
      return;
    }
    this.#asReceiver.flush();
    writeDispositionDetail(this.#outbound.output, this.session.channel, id, settled, state);
  }

  /** A state that fits the peer's frames: without the fields of its outcome where they are too large; null where that is all. */
  #fitting(detail: DeliveryState): Buffer | null {
    const state = encodeDeliveryState(detail);
    if (FRAME_HEADER_BYTES + DISPOSITION_BYTES_MAX + state.length <= this.session.frameBytesMax) return state;
    return detail.type === 'transactional' ? encodeDeliveryState({ ...detail, outcome: bare(detail.outcome) }) : null;
  }

  // --- what the peer tells -------------------------------------------------------------------------------------------------

  onDisposition(cursor: Cursor, bytes: Buffer): void {
    const peerReceives = cursor.booleanRequired('role');
    const first = cursor.uintRequired('first');
    const last = cursor.uint('last', first);
    const settled = cursor.boolean('settled', false);
    if (serialDifference(last, first) < 0)
      throw new AmqpError(CONDITION.invalidField, `disposition of ${first} to ${last}`, 'session');
    if (!peerReceives) {
      if (settled) this.#onSettledBySender(first, last);
      return;
    }
    this.#readState(cursor, bytes);
    if (!this.#terminal && !settled) return;
    this.#settled = settled;
    const crowded = this.#outbound.crowded;
    // Those that were told before this disposition.
    if (settled && this.#deferred !== null && this.#deferred.size > 0)
      this.#deferred.visit(first, last, this.#deferredVisitor);
    this.#found = 0;
    this.#sent.visit(first, last, this);
    if (this.#lost.size > 0 && this.#outcome === AMQP_OUTCOME.transactional) this.#tellLost(first, last);
    if (crowded) this.#outbound.unblock(null);
  }

  /** An outcome within a transaction that means something which is not here any more: whoever has lost it is to know. */
  #tellLost(first: number, last: number): void {
    if (this.#found > serialDifference(last, first)) return;
    for (const [link, ids] of this.#lost) if (ids.overlaps(first, last)) link.onWorkLost(this.#detail);
  }

  #readState(cursor: Cursor, bytes: Buffer): void {
    this.#terminal = cursor.value();
    this.#detail = null;
    if (!this.#terminal) return;
    const { states } = this.session.connection;
    states.read(bytes, cursor.spanStart, cursor.spanEnd);
    this.#outcome = states.outcome;
    this.#detail = states.detail;
    this.#terminal = this.#outcome !== AMQP_OUTCOME.received;
  }

  /** @internal A delivery of this end's that the disposition means. */
  onDelivery(id: number, handle: number, token: number): void {
    const link = this.links.sending(handle);
    this.#found++;
    if (!this.#terminal) this.#readDefault(link.defaultState);
    else if (this.#outcome > AMQP_OUTCOME.modified && !this.#takes(link)) {
      link.fail(CONDITION.notImplemented, 'outcomes of transactions and extensions are not served');
      return;
    }
    this.forget(id, handle);
    const settled = this.#settled;
    const deferred = !settled && link.settlesLater;
    if (deferred) this.#defer(id, handle);
    else link.unsettled--;
    if (this.#outcome === AMQP_OUTCOME.transactional) link.onTransactional(id, token, settled, this.#detail);
    else link.onDisposition(id, token, this.#outcome, settled, this.#detail);
    if (!settled && !deferred) this.settleAsSender(id);
  }

  #takes(link: SenderLink): boolean {
    return this.#outcome === AMQP_OUTCOME.transactional && link.takesTransactions;
  }

  /** The peer has settled by itself what this end was to settle. */
  #onDeferredSettled(id: number, handle: number): void {
    this.undefer(id, handle);
    this.links.sending(handle).unsettled--;
  }

  /** Settled without an outcome: it is the one that the link's source names (part 3.5.3). */
  #readDefault(state: DeliveryState): void {
    const { states } = this.session.connection;
    states.set(state);
    const outcome = states.outcome <= AMQP_OUTCOME.modified;
    this.#outcome = outcome ? states.outcome : AMQP_OUTCOME.released;
    this.#detail = outcome ? states.detail : null;
  }

  #onSettledBySender(first: number, last: number): void {
    const { crowded } = this;
    this.#told.visit(first, last, this.#toldVisitor);
    if (crowded && !this.crowded) this.#outbound.requestFlush();
  }

  #onPeerSettled(id: number, handle: number): void {
    this.#told.remove(id);
    this.links.receiving(handle).onPeerSettled(id);
  }

  get #unsettled(): number {
    return this.#sent.size + (this.#deferred?.size ?? 0);
  }

  // --- ends ----------------------------------------------------------------------------------------------------------------

  /** Forgets what a link that receives has in flight. */
  letGoReceived(handle: number): void {
    this.#told.removeLink(handle);
  }

  /** The same of one that sends. */
  letGoSent(link: SenderLink): void {
    const before = this.#unsettled;
    const lost = this.#sent.removeLink(link.handle);
    this.#deferred?.removeLink(link.handle);
    this.#outbound.unsettled -= before - this.#unsettled;
    if (lost !== null && link.state === 'detaching') this.#lost.set(link, lost);
  }

  /** Both ends have detached it: the peer has said all of it. */
  freed(link: SenderLink): void {
    this.#lost.delete(link);
  }

  /** The session is over. */
  close(): void {
    this.#outbound.unsettled -= this.#unsettled;
  }

  /** Writes what was collected. */
  flush(): void {
    this.#asReceiver.flush();
    this.#asSender.flush();
  }
}

/** An outcome without fields. */
function bare(outcome: OutcomeState | null): OutcomeState | null {
  if (outcome?.type === 'rejected') return { type: 'rejected', error: null };
  return outcome?.type === 'modified' ? { ...outcome, messageAnnotations: null } : outcome;
}
