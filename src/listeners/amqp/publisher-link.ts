import {
  PENDING,
  PUBLISH_FLAG,
  type AddressRef,
  type Publisher,
  type PublisherHandler,
} from '../../addresses/contract';
import type { Target } from '../../amqp/codec/types';
import { AMQP_OUTCOME, CONDITION, TRANSFER } from '../../amqp/constants';
import type { ReceiverHandler, ReceiverLink } from '../../amqp/receiver-link';
import { FairleadError } from '../../common/errors';
import { Located, locate } from '../../message/locate';
import { mayClaimMesh, withoutMeshAnnotations } from '../../message/mesh-annotations';
import type { Outcome, OutcomeDetail } from '../../streams/contract';
import { OUTCOME } from '../../streams/contract';
import type { ClientContext } from './client-options';
import { type ClientTransaction, UnknownTransactionError } from './client-transactions';
import { CoordinatorLink } from './coordinator-link';
import { Gathering } from '../edge/gathering';
import { hintOf, hintWithin } from './hints';
import { bareState, OutcomesTaken, toAmqpOutcome, toDeliveryState, toErrorFields } from './outcomes';
import {
  HEAD_BYTES_MAX,
  LateAddressError,
  MessageFormatError,
  NoAddressError,
  RefusedWithinError,
} from './publisher-errors';
import { targetAnswer } from './termini';

/** What is done with the frames of the delivery that is coming in. */
type Coming = 'nothing' | 'gathering' | 'streaming' | 'refused';

const LOCATED = new Located();

/** A client's sending link: what it sends is published. With a null target each message names its address in `to`. */
export class PublisherLink implements ReceiverHandler, PublisherHandler {
  readonly #publisher: Publisher;
  readonly #taken: OutcomesTaken;
  readonly #gathering: Gathering;
  #state: Coming = 'nothing';
  #refusal: FairleadError | null = null;
  readonly takesTransactions = true;
  /** Deliveries within transactions that wait for their provisional outcome. */
  readonly #provisional = new Map<number, ClientTransaction>();

  private constructor(
    private readonly link: ReceiverLink,
    private readonly context: ClientContext,
    address: string | null,
    target: Target | null,
    /** Made for this link, and gone with it. */
    private readonly temporary: AddressRef | null,
  ) {
    const hint = hintOf(target?.capabilities);
    this.#taken = new OutcomesTaken(link.remote?.source?.outcomes);
    this.#gathering = new Gathering(context.budget);
    // Credit may be told at once: it is given to the client after the attach.
    this.#publisher = context.addresses.openPublisher({ address, hint, client: context.client }, this);
    context.budget.links++;
  }

  /** Answers an attach. A target that cannot be used refuses the link, nothing else. */
  static attach(link: ReceiverLink, context: ClientContext): void {
    const target = link.remote?.target ?? null;
    if (target?.type === 'coordinator') {
      CoordinatorLink.attach(link, context);
      return;
    }
    let temporary: AddressRef | null = null;
    try {
      const hint = hintOf(target?.capabilities);
      if (target?.dynamic === true) temporary = context.addresses.temporary(hint);
      const address = (temporary?.name ?? target?.address) || null;
      link.handler = new PublisherLink(link, context, address, target, temporary);
      link.accept({ target: targetAnswer(target, address), maxMessageSize: context.messageBytesMax });
    } catch (error) {
      if (!(error instanceof FairleadError)) throw error;
      if (temporary !== null) context.addresses.dropTemporary(temporary);
      link.refuse(toErrorFields(error));
    }
  }

  // --- credit and outcomes -------------------------------------------------------------------------------------------------

  onCredit(more: number): void {
    this.link.addCredit(more);
  }

  onOutcome(deliveryId: number, outcome: Outcome, detail: OutcomeDetail | null): void {
    this.#dispose(deliveryId, outcome, detail);
  }

  #dispose(deliveryId: number, outcome: Outcome, detail: OutcomeDetail | null): void {
    const told = toAmqpOutcome(outcome);
    const fit = this.#taken.fit(told);
    const state = fit === told ? toDeliveryState(outcome, detail) : null;
    const settles = this.link.rcvSettleMode === 0;
    const within = this.#provisional.get(deliveryId);
    if (within === undefined) {
      this.link.dispose(deliveryId, fit, settles, state);
      return;
    }
    this.#provisional.delete(deliveryId);
    if (outcome !== OUTCOME.accepted) within.end(new RefusedWithinError());
    const provisional = { type: 'transactional', txnId: within.id, outcome: state ?? bareState(fit) } as const;
    this.link.dispose(deliveryId, AMQP_OUTCOME.transactional, settles, provisional);
  }

  onGone(error: FairleadError): void {
    this.link.detach(toErrorFields(error), true);
  }

  onHold(hold: boolean): void {
    this.link.hold(hold);
  }

  // --- deliveries ----------------------------------------------------------------------------------------------------------

  onTransfer(
    link: ReceiverLink,
    bytes: Buffer,
    start: number,
    end: number,
    deliveryId: number,
    flags: number,
    messageFormat: number,
  ): void {
    if (messageFormat !== 0) this.#onForeign(deliveryId, flags, messageFormat);
    else if ((flags & (TRANSFER.first | TRANSFER.more | TRANSFER.aborted)) === TRANSFER.first)
      this.#publish(bytes, start, end, deliveryId, flags);
    else if ((flags & TRANSFER.aborted) !== 0) this.#abort(link, deliveryId);
    else this.#onPart(bytes, start, end, deliveryId, flags);
  }

  /** Only format 0 is an AMQP message (part 3.2.16): what another one means is not known here. */
  #onForeign(deliveryId: number, flags: number, messageFormat: number): void {
    if ((flags & TRANSFER.more) !== 0 && (flags & TRANSFER.aborted) === 0) return;
    const error = new MessageFormatError(messageFormat);
    this.#reject(deliveryId, (flags & (TRANSFER.settled | TRANSFER.aborted)) !== 0, error);
  }

  /** One whole message. */
  #publish(bytes: Buffer, start: number, end: number, deliveryId: number, flags: number): void {
    const settled = (flags & TRANSFER.settled) !== 0;
    const to = this.#target(bytes, start, end, deliveryId, settled);
    if (to === null) return;
    if (mayClaimMesh(bytes, LOCATED)) this.#sendWithoutClaims(to, bytes, start, end, deliveryId, settled);
    else this.#send(to, bytes, start, end, deliveryId, settled);
  }

  /** What only the mesh annotates is left out. */
  #sendWithoutClaims(
    to: AddressRef,
    bytes: Buffer,
    start: number,
    end: number,
    deliveryId: number,
    settled: boolean,
  ): void {
    let own: Buffer;
    try {
      const { head, rest } = withoutMeshAnnotations(bytes, start, LOCATED);
      own = Buffer.concat([head, bytes.subarray(rest, end)]);
    } catch (error) {
      if (!(error instanceof FairleadError)) throw error;
      this.#reject(deliveryId, settled, error);
      return;
    }
    this.#send(to, own, 0, own.length, deliveryId, settled);
  }

  #send(to: AddressRef, bytes: Buffer, start: number, end: number, deliveryId: number, settled: boolean): void {
    const bits = (settled ? PUBLISH_FLAG.settled : 0) | (LOCATED.durable ? PUBLISH_FLAG.durable : 0);
    if (this.link.transaction !== null) {
      this.#publishWithin(this.link.transaction, to, bits, bytes, start, end, deliveryId);
      return;
    }
    this.context.counters.messagesIn++;
    const verdict = this.#publisher.publish(to, bits, bytes, start, end, deliveryId);
    if (verdict === PENDING || settled) return;
    if (verdict === OUTCOME.accepted && this.link.rcvSettleMode === 0)
      this.link.dispose(deliveryId, AMQP_OUTCOME.accepted, true);
    else this.#dispose(deliveryId, verdict, null);
  }

  /** The same within a transaction: its outcome is provisional. */
  #publishWithin(
    id: Buffer,
    to: AddressRef,
    bits: number,
    bytes: Buffer,
    start: number,
    end: number,
    deliveryId: number,
  ): void {
    const settled = (bits & PUBLISH_FLAG.settled) !== 0;
    try {
      const within = this.#within(id, deliveryId, settled);
      const verdict = within.publish(this.#publisher, to, bits, bytes, start, end, deliveryId);
      this.context.counters.messagesIn++;
      if (verdict !== PENDING && !settled) this.#dispose(deliveryId, verdict, null);
    } catch (error) {
      if (!(error instanceof FairleadError)) throw error;
      this.#reject(deliveryId, settled, error);
    }
  }

  /** The transaction of a delivery, which is noted unless it is settled. @throws UnknownTransactionError */
  #within(id: Buffer, deliveryId: number, settled: boolean): ClientTransaction {
    const within = this.context.transactions.find(id);
    if (!settled) this.#provisional.set(deliveryId, within);
    return within;
  }

  /**
   * What cannot be part of a transaction ends it: many clients do not look at each outcome within one, and would take its commit for all
   * of it. Of one that is not known, and of a message whose outcome nobody waits for, only the end of the link can tell.
   */
  #endTransaction(id: Buffer, settled: boolean, error: FairleadError): void {
    const within = this.context.transactions.get(id);
    if (within !== undefined) within.end(error);
    else if (settled) this.link.detach(toErrorFields(new UnknownTransactionError()), true);
  }

  /** Where a message goes; null after it was rejected. A bad one costs the sender that message, not its link. */
  #target(bytes: Buffer, start: number, end: number, deliveryId: number, settled: boolean): AddressRef | null {
    try {
      locate(bytes, start, end, true, LOCATED);
      return this.#publisher.address ?? this.#resolve(bytes, start, end);
    } catch (error) {
      if (!(error instanceof FairleadError)) throw error;
      this.#reject(deliveryId, settled, error);
      return null;
    }
  }

  #resolve(bytes: Buffer, start: number, end: number): AddressRef {
    if (LOCATED.toEnd === LOCATED.toStart) throw new NoAddressError();
    const to = bytes.toString('utf8', LOCATED.toStart, LOCATED.toEnd);
    return this.context.addresses.resolve(to, hintWithin(bytes, start, end));
  }

  #reject(deliveryId: number, settled: boolean, error: FairleadError): void {
    this.context.counters.messagesRejected++;
    // A credit was used for it; the publisher has not seen it.
    this.link.addCredit(1);
    if (this.link.transaction !== null) this.#endTransaction(this.link.transaction, settled, error);
    if (settled) return;
    const { condition = CONDITION.internal, message } = error;
    this.#dispose(deliveryId, OUTCOME.rejected, { condition, description: message });
  }

  #onPart(bytes: Buffer, start: number, end: number, deliveryId: number, flags: number): void {
    if ((flags & TRANSFER.first) !== 0) this.#state = 'gathering';
    const last = (flags & TRANSFER.more) === 0;
    const settled = (flags & TRANSFER.settled) !== 0;
    if (this.#state === 'gathering') {
      this.#gathering.add(bytes, start, end);
      if (last) this.#publish(this.#gathering.bytes, 0, this.#gathering.length, deliveryId, flags);
      else if (this.#gathering.full) this.#stream(deliveryId, settled);
    } else if (this.#state === 'streaming') {
      this.#publisher.part(bytes, start, end);
      if (last) this.#endStream(deliveryId, settled);
    } else if (last && this.#refusal !== null) this.#reject(deliveryId, settled, this.#refusal);
    if (last) this.#done();
  }

  /** The delivery is a large one: what was gathered and all that follows goes on as it comes. */
  #stream(deliveryId: number, settled: boolean): void {
    const { bytes, length } = this.#gathering;
    try {
      locate(bytes, 0, length, false, LOCATED);
      if (this.#publisher.address === null && !LOCATED.complete && LOCATED.toEnd === 0) {
        if (length <= HEAD_BYTES_MAX) return;
        throw new LateAddressError();
      }
      const to = this.#publisher.address ?? this.#resolve(bytes, 0, length);
      const bits = (settled ? PUBLISH_FLAG.settled : 0) | (LOCATED.durable ? PUBLISH_FLAG.durable : 0);
      const own = mayClaimMesh(bytes, LOCATED) ? withoutMeshAnnotations(bytes, 0, LOCATED) : null;
      const { transaction } = this.link;
      if (transaction === null) this.#publisher.begin(to, bits, deliveryId);
      else this.#within(transaction, deliveryId, settled).begin(this.#publisher, to, bits, deliveryId);
      this.#publisher.part(own?.head ?? bytes, 0, own?.head.length ?? length);
      if (own !== null) this.#publisher.part(bytes, own.rest, length);
      this.#state = 'streaming';
    } catch (error) {
      if (!(error instanceof FairleadError)) throw error;
      this.#refusal = error;
      this.#state = 'refused';
    }
    this.#gathering.clear();
  }

  #endStream(deliveryId: number, settled: boolean): void {
    const { transaction } = this.link;
    if (transaction !== null && this.context.transactions.get(transaction) === undefined) {
      this.#discharged(deliveryId, settled);
      return;
    }
    this.context.counters.messagesIn++;
    const verdict = this.#publisher.end();
    if (verdict !== PENDING && !settled) this.#dispose(deliveryId, verdict, null);
  }

  /** A large message is complete only after its transaction was discharged. */
  #discharged(deliveryId: number, settled: boolean): void {
    this.#publisher.abort();
    this.#provisional.delete(deliveryId);
    this.context.counters.messagesRejected++;
    const error = new UnknownTransactionError();
    if (settled) this.link.detach(toErrorFields(error), true);
    else this.#dispose(deliveryId, OUTCOME.rejected, { condition: error.condition, description: error.message });
  }

  #abort(link: ReceiverLink, deliveryId: number): void {
    this.#provisional.delete(deliveryId);
    if (this.#state === 'streaming') this.#publisher.abort();
    else link.addCredit(1);
    this.#done();
  }

  #done(): void {
    this.#state = 'nothing';
    this.#refusal = null;
    this.#gathering.clear();
  }

  onWorkLost(_link: ReceiverLink, txnId: Buffer): void {
    this.context.transactions.lost(txnId);
  }

  onDetached(): void {
    this.context.budget.links--;
    this.#publisher.close();
    if (this.temporary !== null) this.context.addresses.dropTemporary(this.temporary);
    this.#provisional.clear();
    this.#gathering.clear();
  }
}
