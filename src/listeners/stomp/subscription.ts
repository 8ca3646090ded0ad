import type { AddressRef, Consumer, ConsumerHandler, Gap, Transaction } from '../../addresses/contract';
import { joinGaps } from '../../addresses/gap';
import { CONDITION } from '../../amqp/constants';
import { DecodeError } from '../../amqp/errors';
import type { FairleadError } from '../../common/errors';
import { MessageFieldError } from '../../message/mapping/errors';
import type { MessageFilter } from '../../queues/message-filter';
import { OUTCOME, type LargeBody, type Outcome } from '../../streams/contract';
import { Attachment } from '../edge/attachment';
import { DelayedDeliveries, type DelayedSubscriber } from '../edge/delayed-deliveries';
import { selectsLarge } from '../edge/selects-large';
import { openLarge, type LargeMessage, type LargeMessages } from './large-messages';
import type { Session } from './session';
import type { SubscribeRequest } from './subscribe-request';
import { Unacked, VOID } from './unacked';

/** Header of a message before which others were given up: `node=count,…`. */
const GAP_HEADER = 'fairlead-gap';
const UNREADABLE = { condition: CONDITION.decode, description: 'it cannot be told to a STOMP client' };

/** What an ACK or NACK waits for. */
interface Settling {
  left: number;
  readonly receipt: string;
}

/** One SUBSCRIBE of a client, until its UNSUBSCRIBE. */
export class Subscription implements ConsumerHandler, DelayedSubscriber {
  readonly #attachment: Attachment;
  #delayed: DelayedDeliveries | null = null;
  #confirmed = false;
  #receipt: string | undefined;
  #number = 0;
  #gap: Gap | null = null;
  /** It is over when the outcomes are in force that a receipt was asked for. */
  #isClosing = false;
  #isOver = false;
  #isOpen = false;
  /** Why deliveries that the client has not answered are void. */
  #voidedBy: FairleadError | null = null;
  #onSettledAll: (() => void) | null = null;
  readonly #unacked = new Unacked();
  /** Outcomes that are to be in force before a receipt is given, by token. */
  readonly #settling = new Map<number, Settling>();

  constructor(
    private readonly session: Session,
    private readonly large: LargeMessages,
    readonly request: SubscribeRequest,
    /** Stands in the ids of its deliveries. */
    readonly key: string,
  ) {
    this.#attachment = new Attachment((spec) => session.addresses.openConsumer(spec, this), this);
  }

  /** @param receipt is given when the mesh knows of it: what is published from then on reaches it. @throws FairleadError */
  open(receipt: string | undefined): void {
    const { session, request } = this;
    const { address, hint, queue, subscription, ack } = request;
    const plain = { address, hint, client: session.client, link: request.id, settled: ack === 'auto', queue };
    session.begun();
    this.#receipt = receipt;
    this.#attachment.open(subscription === null ? plain : { ...plain, subscription });
    // The mesh may have ended it, or confirmed it, within the call.
    if (this.#isOver) return;
    this.#isOpen = true;
    session.budget.links++;
    this.#delayed = DelayedDeliveries.of(this.#attachment.consumer, session.budget, this);
    if (this.#confirmed) this.pump();
  }

  onConfirmed(): void {
    if (!this.#confirmed) {
      this.#confirmed = true;
      this.session.receipt(this.#receipt);
      this.session.finished();
    }
    this.pump();
  }

  // --- deliveries ----------------------------------------------------------------------------------------------------------

  ready(): boolean {
    return this.takes() && this.#delayed?.full !== true;
  }

  takes(): boolean {
    return this.credit() > 0;
  }

  credit(): number {
    if (!this.#confirmed || this.#isClosing || !this.session.canWrite()) return 0;
    const { ack, prefetch } = this.request;
    return ack === 'auto' ? prefetch : prefetch - this.#unacked.size;
  }

  pump(): void {
    this.#delayed?.giveDue();
    this.#attachment.consumer?.pump();
  }

  goOn(): void {
    this.pump();
  }

  deliver(token: number, address: AddressRef, settled: boolean, payload: Buffer, start: number, end: number): void {
    const selector = this.#selectorFor(address);
    if (selector !== null && !selector.matches(payload, start, end)) this.#passOver(token, settled);
    else if (this.#delayed?.keeps(address, payload, start, end) !== true)
      this.#send(token, address, settled, payload, start, end);
  }

  /** That of a queue, or of a subscription, is applied there. */
  #selectorFor({ kind }: AddressRef): MessageFilter | null {
    if (this.request.subscription !== null) return null;
    return kind === 'topic' || kind === 'multicast' ? this.request.selector : null;
  }

  /** Not selected: nobody else waits for it, so that it is done with. */
  #passOver(token: number, settled: boolean): void {
    if (token >= 0 && !settled) this.#attachment.consumer?.settle(token, OUTCOME.accepted, null);
  }

  /** Topics settle nothing. */
  give(address: AddressRef, payload: Buffer, start: number, end: number): void {
    this.#send(-1, address, true, payload, start, end);
  }

  giveLarge(address: AddressRef, body: LargeBody): void {
    this.#sendLarge(-1, address, true, body);
  }

  #send(token: number, address: AddressRef, settled: boolean, payload: Buffer, start: number, end: number): void {
    const { writer } = this.session;
    if (!readable(() => writer.turnTo(payload, start, end))) {
      this.#refuse(token, settled);
      return;
    }
    this.#beginMessage(token, address);
    const { output } = this.session;
    output.bytes(writer.lines, 0, writer.lines.length).plain('content-length', String(writer.end - writer.start));
    output.endHead().bytes(writer.body, writer.start, writer.end).endFrame();
    writer.leave();
    this.session.wrote();
  }

  /** What is no message, or no STOMP client can be given, is nobody's else fault. */
  #refuse(token: number, settled: boolean): void {
    this.session.counters.messagesRejected++;
    if (token >= 0 && !settled) this.#attachment.consumer?.settle(token, OUTCOME.rejected, UNREADABLE);
  }

  #beginMessage(token: number, address: AddressRef): void {
    const { output, version, counters } = this.session;
    const { id, ack, alias } = this.request;
    const number = ++this.#number;
    const name = `${this.key}-${number}`;
    counters.messagesOut++;
    output.command('MESSAGE').header('subscription', id, version).plain('message-id', name);
    output.header('destination', alias ?? `/${address.kind}/${address.name}`, version);
    if (this.#gap !== null) this.#tellGap(this.#gap);
    if (ack === 'auto') return;
    this.#unacked.add(number, token);
    if (version === '1.2') output.plain('ack', name);
  }

  /** What it may have missed before this message: how much of which node, as far as anybody knows. */
  #tellGap(gap: Gap): void {
    this.#gap = null;
    const parts = [...gap].map(([node, missed]) => `${node}=${missed ?? 'unknown'}`);
    this.session.output.header(GAP_HEADER, parts.join(','), this.session.version);
  }

  deliverLarge(token: number, address: AddressRef, settled: boolean, body: LargeBody): void {
    const selector = this.#selectorFor(address);
    if (selector !== null && !selectsLarge(selector, body)) this.#passOver(token, settled);
    else if (this.#delayed?.keepsLarge(address, body) !== true) this.#sendLarge(token, address, settled, body);
  }

  #sendLarge(token: number, address: AddressRef, settled: boolean, body: LargeBody): void {
    let opened: LargeMessage | null = null;
    readable(() => void (opened = openLarge(body)));
    if (opened === null) this.#refuse(token, settled);
    else this.#beginLarge(token, address, opened, body);
  }

  #beginLarge(token: number, address: AddressRef, large: LargeMessage, body: LargeBody): void {
    this.#beginMessage(token, address);
    const { output, writer } = this.session;
    const lines = writer.linesOf(large.message, large.headers);
    output.bytes(lines, 0, lines.length).plain('content-length', String(large.length)).endHead();
    if (large.stretches !== null) this.large.begin(body, large.stretches);
    else output.bytes(large.rendered, 0, large.length).endFrame();
    this.session.wrote();
  }

  onGap(gap: Gap): void {
    this.#gap = joinGaps(this.#gap, gap);
  }

  onDrained(): void {
    // Nobody asks for it.
  }

  // --- outcomes ------------------------------------------------------------------------------------------------------------

  /**
   * An ACK or NACK of a delivery; with `ack: client` of all before it too.
   * @returns false when there is no such delivery
   */
  settle(number: number, outcome: Outcome, transaction: Transaction | null, receipt: string | undefined): boolean {
    const tokens = this.#answered(number);
    if (tokens === null) return false;
    if (this.#voidedBy !== null && tokens.includes(VOID) && (receipt !== undefined || transaction !== null)) {
      // A receipt would say that it is in force, and it is not: the message comes again.
      this.session.fail(this.#voidedBy, receipt);
      return true;
    }
    const { consumer } = this.#attachment;
    if (consumer === null) return true;
    const tracked = tokens.filter((token) => token >= 0);
    if (transaction !== null) {
      for (const token of tracked) transaction.settle(consumer, token, outcome, null);
      this.session.receipt(receipt);
    } else if (receipt === undefined) for (const token of tracked) consumer.settle(token, outcome, null);
    else this.#settleWith(receipt, consumer, tracked, outcome);
    this.pump();
    return true;
  }

  #answered(number: number): number[] | null {
    if (this.request.ack === 'client') return this.#unacked.takeUpTo(number);
    const token = this.#unacked.take(number);
    return token === undefined ? null : [token];
  }

  /** The receipt is given when all of them are in force, of a queue on the disk. */
  #settleWith(receipt: string, consumer: Consumer, tokens: readonly number[], outcome: Outcome): void {
    if (tokens.length === 0) {
      this.session.receipt(receipt);
      return;
    }
    const settling = { left: tokens.length, receipt };
    this.session.begun();
    for (const token of tokens) this.#settling.set(token, settling);
    for (const token of tokens) consumer.settle(token, outcome, null, true);
  }

  onSettled(token: number, error: FairleadError | null): void {
    const settling = this.#settling.get(token);
    if (settling === undefined) return;
    this.#settling.delete(token);
    if (error !== null) this.session.fail(error, settling.receipt);
    if (--settling.left === 0) {
      this.session.receipt(settling.receipt);
      this.session.finished();
    }
    if (this.#settling.size === 0) this.#onSettledAll?.();
  }

  // --- the end -------------------------------------------------------------------------------------------------------------

  /** The client hears nothing of it unless it waits for a receipt that can never be given: what it has not answered comes again. */
  onGone(error: FairleadError): void {
    const [settling] = this.#settling.values();
    if (settling !== undefined || !this.#confirmed || !this.#attachment.goesOn(error)) {
      this.session.fail(error, settling?.receipt);
      return;
    }
    this.#unacked.becomeVoid();
    this.#voidedBy = error;
  }

  /**
   * @param failed the client has died, or broke the protocol
   * @param closed told when the outcomes are in force that the client waits for
   */
  close(failed: boolean, closed: () => void): void {
    if (this.#settling.size === 0 || failed) {
      this.#close(failed);
      closed();
      return;
    }
    this.#isClosing = true;
    this.#onSettledAll = () => {
      this.#close(false);
      closed();
    };
  }

  #close(failed: boolean): void {
    this.#isOver = true;
    this.#delayed?.clear();
    this.#attachment.close(failed);
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#settling.clear();
    this.session.budget.links--;
    if (!this.#confirmed) this.session.finished();
  }
}

/** False for what its publisher has not made a message of. */
function readable(read: () => void): boolean {
  try {
    read();
    return true;
  } catch (error) {
    if (error instanceof DecodeError || error instanceof MessageFieldError) return false;
    throw error;
  }
}
