import { encodeDeliveryState } from './codec/delivery-states';
import type { DeliveryState } from './codec/types';
import { AMQP_OUTCOME, CONDITION, ENGINE_LIMITS, FRAME_HEADER_BYTES, serialDifference } from './constants';
import type { AmqpOutcome } from './constants';
import type { Cursor } from './cursor';
import { DeliveryRing, type RangeVisitor } from './delivery-ring';
import { DispositionQueue } from './disposition-queue';
import { AmqpError } from './errors';
import type { LinkTable } from './link-table';
import type { Outbound } from './outbound';
import type { Session } from './session';
import { DISPOSITION_BYTES_MAX, writeDisposition, writeDispositionDetail } from './session-output';

/** Outcomes and settlement of one session's deliveries, in both directions and either role (part 2.6.12, 2.7.6). */
export class Dispositions implements RangeVisitor {
  /** Sent and not settled, with the application's token. */
  readonly #sent: DeliveryRing;
  /** Received, outcome told without settling: the peer settles (rcv-settle-mode second). */
  readonly #told: DeliveryRing;
  readonly #toldVisitor: RangeVisitor = { onDelivery: (id, handle) => this.#onPeerSettled(id, handle) };
  readonly #asReceiver: DispositionQueue;
  readonly #asSender: DispositionQueue;
  // Of the disposition that is being read.
  #outcome: AmqpOutcome = AMQP_OUTCOME.accepted;
  #detail: DeliveryState | null = null;
  #terminal = false;
  #settled = false;

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

  settleAsSender(id: number): void {
    this.#asSender.add(id, true, null);
    this.#outbound.requestFlush();
  }

  // --- this end receives ---------------------------------------------------------------------------------------------------

  /** Tells an outcome; collected into ranges where it has no fields. */
  dispose(id: number, handle: number, outcome: AmqpOutcome, settled: boolean, detail: DeliveryState | null): void {
    this.#outbound.requestFlush();
    if (!settled) this.#told.add(id, handle, 0);
    const state = detail === null ? null : encodeDeliveryState(detail);
    const bytes = FRAME_HEADER_BYTES + DISPOSITION_BYTES_MAX + (state?.length ?? 0);
    if (state === null || bytes > this.session.frameBytesMax) {
      this.#asReceiver.add(id, settled, outcome);
      return;
    }
    this.#asReceiver.flush();
    writeDispositionDetail(this.#outbound.output, this.session.channel, id, settled, state);
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
    this.#sent.visit(first, last, this);
    if (crowded) this.#outbound.unblock(null);
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
    if (!this.#terminal) this.#readDefault(link.defaultState);
    else if (this.#outcome === AMQP_OUTCOME.transactional) {
      link.fail(CONDITION.notImplemented, 'outcomes of transactions and extensions are not served');
      return;
    }
    this.forget(id, handle);
    const settled = this.#settled;
    link.onDisposition(id, token, this.#outcome, settled, this.#detail);
    if (!settled) this.settleAsSender(id);
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

  // --- ends ----------------------------------------------------------------------------------------------------------------

  /** Forgets what a link has in flight. */
  letGo(handle: number, sender: boolean): void {
    if (!sender) {
      this.#told.removeLink(handle);
      return;
    }
    const before = this.#sent.size;
    this.#sent.removeLink(handle);
    this.#outbound.unsettled -= before - this.#sent.size;
  }

  /** The session is over. */
  close(): void {
    this.#outbound.unsettled -= this.#sent.size;
  }

  /** Writes what was collected. */
  flush(): void {
    this.#asReceiver.flush();
    this.#asSender.flush();
  }
}
