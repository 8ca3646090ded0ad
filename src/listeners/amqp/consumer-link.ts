import type { AddressRef, Consumer, ConsumerHandler, Gap } from '../../addresses/contract';
import type { DeliveryState, Source } from '../../amqp/codec/types';
import type { AmqpOutcome } from '../../amqp/constants';
import type { SenderHandler, SenderLink } from '../../amqp/sender-link';
import { FairleadError } from '../../common/errors';
import type { LargeBody } from '../../streams/contract';
import type { ClientContext } from './client-options';
import { PendingGap } from './gap-annotation';
import { hintOf } from './hints';
import { detailOf, fromAmqpOutcome, toErrorFields } from './outcomes';
import { sourceAnswer } from './termini';

/** Bytes of a large message read and sent at a time. */
const PART_BYTES = 32 * 1024;
const PART = Buffer.allocUnsafeSlow(PART_BYTES);

/** A client's receiving link: a consumer of an address or, for topics, of a filter. */
export class ConsumerLink implements SenderHandler, ConsumerHandler {
  #consumer: Consumer | null = null;
  /** The answer to the attach until it is given. */
  #answer: Source | null;
  #large: LargeBody | null = null;
  #largeAt = 0;
  readonly #gap = new PendingGap();

  private constructor(
    private readonly link: SenderLink,
    private readonly context: ClientContext,
    answer: Source,
  ) {
    this.#answer = answer;
    context.budget.links++;
  }

  /** Answers an attach, once the mesh knows of the consumer. A source that cannot be used refuses the link, nothing else. */
  static attach(link: SenderLink, context: ClientContext): void {
    const source: Source = link.remote?.source ?? { type: 'source' };
    const hint = hintOf(source.capabilities);
    try {
      const address = source.dynamic === true ? context.addresses.temporary(hint).name : (source.address ?? '');
      const consumer = new ConsumerLink(link, context, sourceAnswer(source, address));
      link.handler = consumer;
      consumer.#open(address, source);
    } catch (error) {
      if (!(error instanceof FairleadError)) throw error;
      link.refuse(toErrorFields(error));
    }
  }

  #open(address: string, source: Source): void {
    const { client, addresses } = this.context;
    const settled = this.link.remote?.sndSettleMode === 1;
    const hint = hintOf(source.capabilities);
    const { messageBytesMax } = this.link;
    const consumer = addresses.openConsumer({ address, hint, client, settled, messageBytesMax }, this);
    // The mesh may have ended it, or confirmed it, within the call.
    if (this.link.state === 'detaching' || this.link.state === 'detached') {
      consumer.close();
      return;
    }
    this.#consumer = consumer;
    if (this.link.state === 'attached') consumer.pump();
  }

  /** The barrier: what is published from now on anywhere reaches this consumer. */
  onConfirmed(): void {
    const source = this.#answer;
    if (source === null) return;
    this.#answer = null;
    this.link.accept({ source });
    this.#consumer?.pump();
  }

  // --- deliveries ----------------------------------------------------------------------------------------------------------

  ready(): boolean {
    return this.link.canSend();
  }

  credit(): number {
    return this.link.canSend() ? this.link.credit : 0;
  }

  deliver(token: number, _address: AddressRef, settled: boolean, payload: Buffer, start: number, end: number): void {
    this.context.counters.messagesOut++;
    const told = this.#gap.isNone ? null : this.#gap.tellWith(payload, start, end, this.link.messageBytesMax);
    if (told === null) this.link.send(payload, start, end, token, settled, 0);
    else this.link.send(told, 0, told.length, token, settled, 0);
  }

  deliverLarge(token: number, _address: AddressRef, settled: boolean, body: LargeBody): void {
    this.context.counters.messagesOut++;
    body.retain();
    this.#large = this.#gap.isNone ? body : (this.#gap.tellWithLarge(body, this.link.messageBytesMax) ?? body);
    this.#largeAt = 0;
    this.link.sendBegin(token, settled, 0);
    this.#sendLarge();
  }

  onGap(gap: Gap): void {
    this.#gap.add(gap);
  }

  #sendLarge(): void {
    const body = this.#large;
    if (body === null) return;
    while (this.#largeAt < body.length) {
      if (!this.link.canSendPart()) return;
      const length = body.read(this.#largeAt, PART);
      this.link.sendPart(PART, 0, length);
      this.#largeAt += length;
    }
    this.link.sendEnd();
    this.#large = null;
    body.release();
  }

  onWritable(): void {
    this.#sendLarge();
    this.#consumer?.pump();
    this.#answerDrain();
  }

  onCredit(link: SenderLink): void {
    this.#consumer?.pump();
    link.available = this.#consumer?.waiting ?? 0;
    this.#answerDrain();
  }

  /** Credit that is left when nothing waits here any more goes back (part 2.6.7). */
  #answerDrain(): void {
    const { link } = this;
    if (!link.draining || this.#large !== null) return;
    link.available = this.#consumer?.waiting ?? 0;
    if (link.credit === 0) link.drained();
    else this.#consumer?.drain();
  }

  onDrained(): void {
    this.link.drained();
  }

  onSettled(): void {
    // The engine settles as soon as the consumer has said its outcome.
  }

  onOutcome(
    _link: SenderLink,
    _deliveryId: number,
    token: number,
    outcome: AmqpOutcome,
    _settled: boolean,
    detail: DeliveryState | null,
  ): void {
    if (token >= 0) this.#consumer?.settle(token, fromAmqpOutcome(outcome, detail), detailOf(detail));
  }

  // --- the end -------------------------------------------------------------------------------------------------------------

  onGone(error: FairleadError): void {
    this.link.detach(toErrorFields(error), true);
  }

  onDetached(): void {
    this.context.budget.links--;
    this.#answer = null;
    this.#large?.release();
    this.#large = null;
    this.#consumer?.close();
    this.#consumer = null;
  }
}
