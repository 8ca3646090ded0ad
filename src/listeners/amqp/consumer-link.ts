import type { AddressRef, Consumer, ConsumerHandler, Gap, SubscriptionSpec } from '../../addresses/contract';
import type { AmqpErrorFields, DeliveryState, TransactionalState } from '../../amqp/codec/types';
import { CONDITION, type AmqpOutcome } from '../../amqp/constants';
import type { SenderHandler, SenderLink } from '../../amqp/sender-link';
import { FairleadError } from '../../common/errors';
import type { MessageFilter } from '../../queues/message-filter';
import { OUTCOME, type LargeBody } from '../../streams/contract';
import { DelayedDeliveries, type DelayedSubscriber } from '../edge/delayed-deliveries';
import { selectsLarge } from '../edge/selects-large';
import type { ClientContext } from './client-options';
import { DrainAnswer } from './drain-answer';
import { PendingGap } from './gap-annotation';
import { LargeDelivery } from './large-delivery';
import { detailOf, fromAmqpOutcome, outcomeOf, toErrorFields } from './outcomes';
import { SourceRequest } from './source-request';
import { answerEnd } from './subscription-end';
import { type Found, lookedUp } from './subscription-lookup';

/** A client's receiving link: a consumer of an address or, for topics, of a filter. */
export class ConsumerLink implements SenderHandler, ConsumerHandler, DelayedSubscriber {
  #consumer: Consumer | null = null;
  /** What the attach asked for, until it is answered. */
  #request: SourceRequest | null;
  /** The mesh knows of it, which may be so before it is told to this end. */
  #confirmed = false;
  readonly #large: LargeDelivery;
  readonly #drain: DrainAnswer;
  readonly #gap = new PendingGap();
  #selector: MessageFilter | null = null;
  #delayed: DelayedDeliveries | null = null;
  /** Deliveries by their tokens whose outcome is not in force yet: settled when it is. */
  readonly #outcomesDue = new Map<number, number>();
  /** What outlives this link, or is shared with others; null when it is a plain consumer. */
  readonly #subscription: SubscriptionSpec | null;

  private constructor(
    private readonly link: SenderLink,
    private readonly context: ClientContext,
    request: SourceRequest,
    private readonly address: string,
    /** Made for this link, and gone with it. */
    private readonly temporary: AddressRef | null,
  ) {
    this.#request = request;
    this.#subscription = request.subscription;
    link.closesLater = request.subscription?.durable === true;
    this.#large = new LargeDelivery(link);
    this.#drain = new DrainAnswer(link);
    context.budget.links++;
  }

  /** Answers an attach, once the mesh knows of the consumer. A source that cannot be used refuses the link, nothing else. */
  static attach(link: SenderLink, context: ClientContext): void {
    const source = link.remote?.source ?? null;
    try {
      if (source === null) {
        lookUp(link, context);
        return;
      }
      const request = new SourceRequest(source, link, context);
      const temporary = request.dynamic ? context.addresses.temporary(request.hint) : null;
      const address = temporary?.name ?? source.address ?? '';
      const consumer = new ConsumerLink(link, context, request, address, temporary);
      link.handler = consumer;
      consumer.#open(request);
    } catch (error) {
      if (!(error instanceof FairleadError)) throw error;
      link.refuse(toErrorFields(error));
    }
  }

  /** Consumes the subscription that an attach without a source has found. */
  static resume(link: SenderLink, context: ClientContext, { source, check }: Found): void {
    try {
      check();
      const request = new SourceRequest(source, link, context);
      const consumer = new ConsumerLink(link, context, request, source.address ?? '', null);
      link.handler = consumer;
      consumer.#request = null;
      consumer.#open(request);
      consumer.#consumer?.pump();
    } catch (error) {
      if (!(error instanceof FairleadError)) throw error;
      link.detach(toErrorFields(error), true);
    }
  }

  #open(request: SourceRequest): void {
    const { link, address } = this;
    const { client, addresses } = this.context;
    const { hint, queue, subscription } = request;
    const settled = link.remote?.sndSettleMode === 1;
    const { messageBytesMax } = link;
    const plain = { address, hint, client, link: link.name, settled, messageBytesMax, queue };
    const consumer = addresses.openConsumer(subscription === null ? plain : { ...plain, subscription }, this);
    // The mesh may have ended it, or confirmed it, within the call.
    if (link.isOver) {
      consumer.close();
      return;
    }
    const { kind } = consumer.address;
    this.#consumer = consumer;
    this.#drain.consumer = consumer;
    this.#selector = request.selectorOf(kind);
    this.#delayed = DelayedDeliveries.of(consumer, this.context.budget, this);
    // Others take an outcome at once; in a queue it is in force when it is on the disk.
    link.settlesLater = kind === 'queue';
    if (this.#confirmed) this.#accept(consumer);
  }

  /** The barrier: what is published from now on anywhere reaches this consumer. */
  onConfirmed(): void {
    this.#confirmed = true;
    if (this.#consumer !== null) this.#accept(this.#consumer);
  }

  #accept(consumer: Consumer): void {
    const request = this.#request;
    if (request === null) return;
    this.#request = null;
    this.link.accept({ source: request.answer(this.address, consumer.address.kind) });
    consumer.pump();
  }

  // --- deliveries ----------------------------------------------------------------------------------------------------------

  ready(): boolean {
    return this.link.canSend() && this.#delayed?.full !== true;
  }

  credit(): number {
    return this.link.canSend() ? this.link.credit : 0;
  }

  deliver(token: number, address: AddressRef, settled: boolean, payload: Buffer, start: number, end: number): void {
    if (this.#selector !== null && !this.#selector.matches(payload, start, end)) {
      this.#passOver(token, settled);
      return;
    }
    if (this.#delayed?.keeps(address, payload, start, end) !== true) this.#send(token, settled, payload, start, end);
  }

  #send(token: number, settled: boolean, payload: Buffer, start: number, end: number): void {
    this.context.counters.messagesOut++;
    const told = this.#gap.isNone ? null : this.#gap.tellWith(payload, start, end, this.link.messageBytesMax);
    if (told === null) this.link.send(payload, start, end, token, settled, 0);
    else this.link.send(told, 0, told.length, token, settled, 0);
    this.#drain.onSent();
  }

  deliverLarge(token: number, address: AddressRef, settled: boolean, body: LargeBody): void {
    if (this.#selector !== null && !selectsLarge(this.#selector, body)) {
      this.#passOver(token, settled);
      return;
    }
    if (this.#delayed?.keepsLarge(address, body) !== true) this.#sendLarge(token, settled, body);
  }

  #sendLarge(token: number, settled: boolean, body: LargeBody): void {
    body.retain();
    this.context.counters.messagesOut++;
    const told = this.#gap.isNone ? body : (this.#gap.tellWithLarge(body, this.link.messageBytesMax) ?? body);
    this.#large.begin(told, token, settled);
  }

  takes(): boolean {
    return this.link.canSend();
  }

  /** Topics settle nothing. */
  give(_address: AddressRef, payload: Buffer, start: number, end: number): void {
    this.#send(-1, true, payload, start, end);
  }

  giveLarge(_address: AddressRef, body: LargeBody): void {
    this.#sendLarge(-1, true, body);
  }

  goOn(): void {
    this.onWritable();
  }

  /** Not selected: nobody else waits for it, so that it is done with. */
  #passOver(token: number, settled: boolean): void {
    if (token >= 0 && !settled) this.#consumer?.settle(token, OUTCOME.accepted, null);
  }

  onGap(gap: Gap): void {
    this.#gap.add(gap);
  }

  onWritable(): void {
    this.#large.goOn();
    this.#pump();
    this.#answerDrain();
  }

  #pump(): void {
    this.#delayed?.giveDue();
    this.#consumer?.pump();
  }

  onCredit(link: SenderLink, drain: boolean): void {
    this.#pump();
    link.available = this.#consumer?.waiting ?? 0;
    this.#drain.asked = drain;
    this.#answerDrain();
  }

  #answerDrain(): void {
    if (!this.#large.busy) this.#drain.answer();
  }

  onDrained(): void {
    this.#drain.onDrained();
  }

  // --- outcomes ------------------------------------------------------------------------------------------------------------

  onOutcome(
    link: SenderLink,
    deliveryId: number,
    token: number,
    outcome: AmqpOutcome,
    settled: boolean,
    detail: DeliveryState | null,
  ): void {
    const confirm = link.settlesLater && !settled;
    if (token < 0) {
      if (confirm) link.settle(deliveryId);
      return;
    }
    if (confirm) this.#outcomesDue.set(token, deliveryId);
    this.#consumer?.settle(token, fromAmqpOutcome(outcome, detail), detailOf(detail), confirm);
  }

  onTransactional(
    link: SenderLink,
    deliveryId: number,
    token: number,
    settled: boolean,
    { txnId, outcome }: TransactionalState,
  ): void {
    const consumer = this.#consumer;
    if (consumer === null) return;
    try {
      if (outcome === null) throw new TransactionOutcomeError();
      const transaction = this.context.transactions.find(txnId);
      if (token >= 0)
        transaction.settle(consumer, token, fromAmqpOutcome(outcomeOf(outcome), outcome), detailOf(outcome));
      if (!settled && link.settlesLater) transaction.settleAtEnd(link, deliveryId);
    } catch (error) {
      if (!(error instanceof FairleadError)) throw error;
      link.detach(toErrorFields(error), true);
    }
  }

  onWorkLost(_link: SenderLink, txnId: Buffer): void {
    this.context.transactions.lost(txnId);
  }

  onSettled(token: number, error: FairleadError | null): void {
    const deliveryId = this.#outcomesDue.get(token);
    if (deliveryId === undefined) return;
    this.#outcomesDue.delete(token);
    // There is no other way to tell a receiver that its outcome is not in force than to leave the delivery unsettled.
    if (error === null) this.link.settle(deliveryId);
    else this.link.detach(toErrorFields(error), true);
  }

  // --- the end -------------------------------------------------------------------------------------------------------------

  onGone(error: FairleadError): void {
    // A link that is taken over goes on elsewhere.
    this.link.detach(toErrorFields(error), error.condition !== CONDITION.stolen);
  }

  onDetached(_link: SenderLink, error: AmqpErrorFields | null, closed: boolean): void {
    this.context.budget.links--;
    this.#request = null;
    this.#large.drop();
    this.#delayed?.clear();
    this.#outcomesDue.clear();
    const consumer = this.#consumer;
    this.#consumer = this.#drain.consumer = null;
    consumer?.close(error !== null, closed);
    if (this.temporary !== null) this.context.addresses.dropTemporary(this.temporary);
    if (this.#subscription !== null) answerEnd(this.link, this.context.addresses, this.#subscription);
  }
}

/** An outcome within a transaction that nothing can be made of. */
class TransactionOutcomeError extends FairleadError {
  constructor() {
    super('FL_TRANSACTION_OUTCOME', 'a transactional-state without an outcome', {
      condition: CONDITION.invalidField,
    });
  }
}

/** Without a source an attach looks for a durable subscription (part 2.6.3). It is consumed from the moment that credit is given. */
function lookUp(link: SenderLink, context: ClientContext): void {
  const found = lookedUp(link, context);
  const { source, closing } = found;
  link.handler = {
    onWritable: () => undefined,
    onCredit: () => {
      if (link.credit === 0) return;
      link.handler = null;
      closing();
      ConsumerLink.resume(link, context, found);
    },
    onOutcome: () => undefined,
    onDetached: closing,
  };
  link.closesLater = true;
  link.accept({ source });
}
