import type { AddressRef, ConsumerHandler, ConsumerSpec, Gap, SubscriptionSpec } from '../../addresses/contract';
import type { FairleadError } from '../../common/errors';
import { isHiddenFrom, type MqttTarget } from '../../message/mapping/mqtt-topic';
import { wasDelivered } from '../../message/redelivered';
import { OUTCOME, type LargeBody, type Outcome } from '../../streams/contract';
import { Attachment } from '../edge/attachment';
import { DelayedDeliveries, type DelayedSubscriber } from '../edge/delayed-deliveries';
import { Delivery, readDelivery, subscriptionIdProperty } from './delivery';
import type { Outgoing, SendOptions, Waiter } from './outgoing';
import type { Peer } from './peer';
import type { SubscriptionRequest } from './subscribe-packet';
import { isSystemName } from './system-topics';

const DELIVERY = new Delivery();

/** What a subscription tells those who hold it. */
export interface SubscriptionHolder {
  /** The mesh knows of it: what is published from now on anywhere reaches it. */
  onConfirmed(subscription: Subscription): void;
  /** The mesh has ended it. */
  onGone(subscription: Subscription, error: FairleadError): void;
}

/** One filter of one client: a consumer of its own, so that overlapping ones deliver each for itself ([MQTT-3.3.4-2] allows it). */
export class Subscription implements ConsumerHandler, Waiter, DelayedSubscriber {
  confirmed = false;
  mayComeAgain: boolean;
  /** What the mesh keeps for it beside its consumer. */
  #kept: SubscriptionSpec | null = null;
  readonly #attachment: Attachment;
  #delayed: DelayedDeliveries | null = null;
  #waits = false;
  #closed = false;
  #options: SendOptions;
  readonly #v5: boolean;

  constructor(
    private readonly peer: Peer,
    private readonly outgoing: Outgoing,
    private readonly holder: SubscriptionHolder,
    readonly filter: string,
    readonly target: MqttTarget,
    /** As the client asked for it last. */
    public request: SubscriptionRequest,
    public subscriptionId: number,
    /** Who had subscribed before, by an earlier connection. */
    readonly resumed = false,
  ) {
    this.#v5 = peer.facts.version === 5;
    this.#options = optionsOf(request, subscriptionId);
    this.mayComeAgain = outgoing.inFlight.anyEarlier;
    const { addresses, system } = peer;
    this.#attachment = new Attachment(
      (spec) => (this.isSystem ? system.openConsumer(this.meshFilter, this) : addresses.openConsumer(spec, this)),
      this,
    );
  }

  get meshFilter(): string {
    return this.target.name;
  }

  /** It is of what the node says of itself, which is nowhere in the mesh. */
  get isSystem(): boolean {
    return this.target.kind === 'topic' && isSystemName(this.target.name);
  }

  /** Topics alone have retained messages, and those who share get none. */
  get takesRetained(): boolean {
    return this.target.kind === 'topic' && this.target.share === null;
  }

  get options(): SendOptions {
    return this.#options;
  }

  /** What outlives its consumer. */
  get durable(): SubscriptionSpec | null {
    return this.#kept?.durable === true ? this.#kept : null;
  }

  /** The client subscribes again: what it asks for now is in force at once ([MQTT-3.8.4-3]). */
  change(request: SubscriptionRequest, subscriptionId: number): void {
    this.request = request;
    this.subscriptionId = subscriptionId;
    this.#options = optionsOf(request, subscriptionId);
  }

  /** What the mesh keeps for it; said before it is opened. */
  willKeep(kept: SubscriptionSpec | null): void {
    this.#kept = kept;
  }

  /** @throws AddressError */
  open(spec: ConsumerSpec): void {
    this.#attachment.open(spec);
    this.#delayed = DelayedDeliveries.of(this.#attachment.consumer, this.peer.budget, this);
    if (this.confirmed) this.goOn();
  }

  onConfirmed(): void {
    if (!this.confirmed) {
      this.confirmed = true;
      this.holder.onConfirmed(this);
    }
    this.goOn();
  }

  // --- deliveries --------------------------------------------------------------------------------------------------------------

  ready(): boolean {
    return this.#delayed?.full !== true && this.takes();
  }

  /** Told no, it goes on when the client takes more. */
  takes(): boolean {
    if (this.outgoing.ready(this.#options.qosMax)) return true;
    if (!this.#waits && !this.#closed) {
      this.#waits = true;
      this.outgoing.wait(this);
    }
    return false;
  }

  credit(): number {
    return this.takes() ? this.outgoing.credit(this.#options.qosMax) : 0;
  }

  pump(): void {
    this.#waits = false;
    this.goOn();
  }

  /** Gives what is due, and asks for more. */
  goOn(): void {
    this.#delayed?.giveDue();
    this.#attachment.consumer?.pump();
  }

  deliver(token: number, address: AddressRef, settled: boolean, payload: Buffer, start: number, end: number): void {
    const due = settled ? -1 : token;
    if (this.#isHidden(address)) this.settle(due, OUTCOME.accepted, false);
    else if (this.#delayed?.keeps(address, payload, start, end) !== true) this.#send(due, address, payload, start, end);
  }

  /** Topics settle nothing. */
  give(address: AddressRef, payload: Buffer, start: number, end: number): void {
    this.#send(-1, address, payload, start, end);
  }

  giveLarge(address: AddressRef, body: LargeBody): void {
    this.outgoing.sendLarge(this, -1, address, body, this.#options);
  }

  #send(due: number, address: AddressRef, payload: Buffer, start: number, end: number): void {
    if (readDelivery(payload, start, end, this.#v5, DELIVERY)) {
      // What comes again comes before all else: with the first that does not, it is over.
      DELIVERY.again = this.mayComeAgain &&= wasDelivered(payload, start, end);
      this.outgoing.send(this, due, address, DELIVERY, this.#options);
    } else this.#unreadable(due);
  }

  deliverLarge(token: number, address: AddressRef, settled: boolean, body: LargeBody): void {
    const due = settled ? -1 : token;
    if (this.#isHidden(address)) this.settle(due, OUTCOME.accepted, false);
    else if (this.#delayed?.keepsLarge(address, body) !== true)
      this.outgoing.sendLarge(this, due, address, body, this.#options);
  }

  /** [MQTT-4.7.2-1]. */
  #isHidden({ name, kind }: AddressRef): boolean {
    return kind === 'topic' && isHiddenFrom(name, this.target.name);
  }

  #unreadable(token: number): void {
    this.peer.counters.messagesRejected++;
    this.settle(token, OUTCOME.rejected, false);
  }

  settle(token: number, outcome: Outcome, confirm: boolean): void {
    if (token >= 0) this.#attachment.consumer?.settle(token, outcome, null, confirm);
  }

  onGap(_gap: Gap): void {
    // MQTT has no word for it.
  }

  onSettled(token: number, error: FairleadError | null): void {
    this.outgoing.inFlight.confirmed(this, token, error !== null);
  }

  onDrained(): void {
    // Never asked for.
  }

  /** What comes again comes as another publish, which of QoS 2 would be one too many: a client that has such a one has to come back. */
  onGone(error: FairleadError): void {
    const { inFlight } = this.outgoing;
    const goesOn = this.confirmed && !inFlight.awaitsReceived(this) && this.#attachment.goesOn(error);
    inFlight.forget(this);
    if (!goesOn) this.holder.onGone(this, error);
  }

  /**
   * @param failed the client broke off; what it had open of a durable subscription is no failed attempt: it comes again to the same
   * @param ended the client has unsubscribed
   */
  close(failed: boolean, ended: boolean): void {
    this.#closed = true;
    this.#delayed?.clear();
    this.outgoing.inFlight.forget(this);
    this.#attachment.close(failed && this.durable === null, ended);
  }
}

function optionsOf({ qos, retainAsPublished }: SubscriptionRequest, subscriptionId: number): SendOptions {
  return { qosMax: qos, retainAsPublished, properties: subscriptionIdProperty(subscriptionId) };
}
