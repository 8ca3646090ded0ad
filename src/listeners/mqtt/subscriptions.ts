import type { ConsumerSpec } from '../../addresses/contract';
import { FairleadError } from '../../common/errors';
import { MessageFieldError } from '../../message/mapping/errors';
import { addressOfTarget, type MqttTarget, parseTopicFilter } from '../../message/mapping/mqtt-topic';
import { suback, unsuback } from './cold-packets';
import { REASON } from './constants';
import { MqttError } from './errors';
import type { Fields } from './fields';
import { FILTERS_MAX, SUBSCRIBES_PENDING_MAX } from './limits';
import type { Outgoing } from './outgoing';
import type { Peer } from './peer';
import { reasonOfError } from './reasons';
import { readSubscribe, readUnsubscribe, type SubscriptionRequest } from './subscribe-packet';
import { Subscription, type SubscriptionHolder } from './subscription';

/** A SUBSCRIBE whose answer waits until the mesh knows all of it. */
interface PendingSubscribe {
  readonly packetId: number;
  readonly reasons: number[];
  left: number;
}

/** Some place in the answer of a SUBSCRIBE. */
interface Awaiting {
  readonly pending: PendingSubscribe;
  readonly at: number;
}

/** What one client subscribes to. */
export class Subscriptions implements SubscriptionHolder {
  readonly #all = new Map<string, Subscription>();
  readonly #awaiting = new Map<Subscription, Awaiting[]>();
  #pending = 0;

  constructor(
    private readonly peer: Peer,
    private readonly outgoing: Outgoing,
  ) {}

  /** No further SUBSCRIBE can be taken now. */
  get full(): boolean {
    return this.#pending >= SUBSCRIBES_PENDING_MAX;
  }

  // --- SUBSCRIBE ---------------------------------------------------------------------------------------------------------------

  /** @throws MqttError */
  subscribe(fields: Fields): void {
    const { packetId, subscriptionId, requests } = readSubscribe(fields, this.peer.facts.version);
    const pending: PendingSubscribe = { packetId, reasons: [], left: requests.length + 1 };
    this.#pending++;
    requests.forEach((request, at) => {
      pending.reasons[at] = request.qos;
      try {
        this.#subscribeTo(request, subscriptionId, { pending, at });
      } catch (error) {
        if (!(error instanceof FairleadError)) throw error;
        this.#answered({ pending, at }, this.#refusal(error));
      }
    });
    this.#count(pending);
  }

  #subscribeTo(request: SubscriptionRequest, subscriptionId: number, awaiting: Awaiting): void {
    const { filter } = request;
    const known = this.#all.get(filter);
    if (known !== undefined && known.request.noLocal === request.noLocal) {
      known.change(request, subscriptionId);
      if (known.confirmed) this.#count(awaiting.pending);
      else this.#awaiting.get(known)?.push(awaiting);
      return;
    }
    const target = targetOf(filter);
    if (known === undefined) this.#makeRoom();
    const made = new Subscription(this.peer, this.outgoing, this, filter, target, request, subscriptionId);
    this.#awaiting.set(made, [awaiting]);
    try {
      made.open(this.#specOf(target, request));
    } catch (error) {
      this.#awaiting.delete(made);
      if (known === undefined) this.peer.budget.links--;
      throw error;
    }
    this.#all.set(filter, made);
    if (known === undefined) return;
    this.#answerAll(known, null);
    known.close(false);
  }

  #makeRoom(): void {
    const { budget } = this.peer;
    if (this.#all.size >= FILTERS_MAX) throw new MqttError('FL_MQTT_QUOTA', `more than ${FILTERS_MAX} filters`);
    if (budget.links >= budget.linksMax)
      throw new MqttError('FL_MQTT_QUOTA', `more than ${budget.linksMax} subscriptions of clients`);
    budget.links++;
  }

  #specOf(target: MqttTarget, { noLocal }: SubscriptionRequest): ConsumerSpec {
    if (target.share !== null)
      throw new MqttError('FL_MQTT_FILTER', 'no shared subscriptions', REASON.sharedNotSupported);
    const isTopic = target.kind === 'topic';
    return {
      address: isTopic ? target.name : addressOfTarget(target),
      hint: isTopic ? 'topic' : null,
      client: this.peer.facts.clientId,
      settled: false,
      queue: { browse: false, selector: null, noLocal, exclusive: false },
    };
  }

  onConfirmed(subscription: Subscription): void {
    this.#answerAll(subscription, null);
    subscription.pump();
  }

  #answerAll(subscription: Subscription, reason: number | null): void {
    const awaiting = this.#awaiting.get(subscription) ?? [];
    this.#awaiting.delete(subscription);
    for (const one of awaiting)
      if (reason === null) this.#count(one.pending);
      else this.#answered(one, reason);
  }

  #answered({ pending, at }: Awaiting, reason: number): void {
    pending.reasons[at] = reason;
    this.#count(pending);
  }

  #count(pending: PendingSubscribe): void {
    if (--pending.left > 0) return;
    this.#pending--;
    const { peer } = this;
    if (peer.over) return;
    this.#send(suback(peer.facts.version, pending.packetId, pending.reasons));
    peer.review();
  }

  /** MQTT 3.1.1 has one word for all of them. */
  #refusal(error: FairleadError): number {
    const reason = reasonOfError(error);
    if (this.peer.facts.version === 4) return REASON.unspecified;
    return reason === REASON.topic ? REASON.filter : reason;
  }

  #send(packet: Buffer): void {
    this.peer.output.copy(packet, 0, packet.length);
    this.peer.touch();
  }

  onGone(subscription: Subscription, error: FairleadError): void {
    const isNew = this.#awaiting.has(subscription);
    if (this.#all.get(subscription.filter) === subscription) {
      this.#all.delete(subscription.filter);
      this.peer.budget.links--;
    }
    if (isNew) this.#answerAll(subscription, this.#refusal(error));
    // There is no way to take a subscription from a client but to end its connection.
    else
      this.peer.fail(
        new MqttError('FL_MQTT_REFUSED', `'${subscription.filter}': ${error.message}`, reasonOfGone(error)),
      );
  }

  // --- UNSUBSCRIBE -------------------------------------------------------------------------------------------------------------

  /** @throws MqttError */
  unsubscribe(fields: Fields): void {
    const { packetId, filters } = readUnsubscribe(fields, this.peer.facts.version);
    const reasons = filters.map((filter) => (this.#end(filter) ? REASON.success : REASON.noSubscriptionExisted));
    this.#send(unsuback(this.peer.facts.version, packetId, reasons));
  }

  #end(filter: string): boolean {
    const subscription = this.#all.get(filter);
    if (subscription === undefined) return false;
    this.#all.delete(filter);
    this.#answerAll(subscription, REASON.unspecified);
    subscription.close(false);
    this.peer.budget.links--;
    return true;
  }

  /** @param failed the client broke off */
  close(failed: boolean): void {
    for (const subscription of this.#all.values()) subscription.close(failed);
    this.peer.budget.links -= this.#all.size;
    this.#all.clear();
    this.#awaiting.clear();
  }
}

function targetOf(filter: string): MqttTarget {
  try {
    return parseTopicFilter(filter);
  } catch (error) {
    if (error instanceof MessageFieldError) throw new MqttError('FL_MQTT_FILTER', error.message);
    throw error;
  }
}

function reasonOfGone(error: FairleadError): number {
  return error.code === 'FL_CONSUMER_SLOW' ? REASON.quota : reasonOfError(error);
}
