import type { ClientSession, RetainedMessages, SessionSubscription } from '../../addresses/client-contract';
import type { ConsumerSpec } from '../../addresses/contract';
import { FairleadError } from '../../common/errors';
import { MessageFieldError } from '../../message/mapping/errors';
import { addressOfTarget, type MqttTarget, parseTopicFilter } from '../../message/mapping/mqtt-topic';
import { REASON } from './constants';
import { MqttError } from './errors';
import type { Fields } from './fields';
import { FILTERS_MAX } from './limits';
import type { Outgoing } from './outgoing';
import type { Peer } from './peer';
import { reasonOfError } from './reasons';
import { RetainedFeed } from './retained-feed';
import { decodeOptions, encodeOptions, subscriptionOf } from './session-subscriptions';
import { type Awaiting, SubscribeAnswers } from './subscribe-answers';
import { readSubscribe, readUnsubscribe, RETAIN_HANDLING, type SubscriptionRequest } from './subscribe-packet';
import { Subscription, type SubscriptionHolder } from './subscription';
import { isSystemName } from './system-topics';
import { UnsubscribeAnswer } from './unsubscribe-answer';

/** What one client subscribes to. */
export class Subscriptions implements SubscriptionHolder {
  readonly #all = new Map<string, Subscription>();
  readonly #awaiting = new Map<Subscription, Awaiting[]>();
  readonly #answers: SubscribeAnswers;
  readonly #feed: RetainedFeed | null;

  constructor(
    private readonly peer: Peer,
    private readonly outgoing: Outgoing,
    private readonly session: ClientSession,
    /** The session outlives its connection. */
    private readonly persistent: boolean,
    retained: RetainedMessages | null,
  ) {
    this.#answers = new SubscribeAnswers(peer);
    this.#feed = retained === null ? null : new RetainedFeed(peer, outgoing, retained);
  }

  /** No further SUBSCRIBE can be taken now. */
  get full(): boolean {
    return this.#answers.full;
  }

  /** Consumes what an earlier connection of the session has subscribed to. */
  resume(): void {
    for (const kept of this.session.subscriptions) {
      const options = decodeOptions(kept);
      if (options === null || this.peer.over) continue;
      const { request, subscriptionId } = options;
      try {
        this.#open(this.#made(request, subscriptionId, true), kept.durable !== null);
      } catch (error) {
        if (!(error instanceof FairleadError)) throw error;
        this.#lost(request.filter, error);
      }
    }
  }

  // --- SUBSCRIBE ---------------------------------------------------------------------------------------------------------------

  /** @throws MqttError */
  subscribe(fields: Fields): void {
    const { packetId, subscriptionId, requests } = readSubscribe(fields, this.peer.facts.version);
    this.peer.turns.spent(requests.length);
    const { places, done } = this.#answers.begin(
      packetId,
      requests.map(({ qos }) => qos),
    );
    requests.forEach((request, at) => {
      const place = places[at] as Awaiting;
      try {
        this.#subscribeTo(request, subscriptionId, place);
      } catch (error) {
        if (!(error instanceof FairleadError)) throw error;
        place.answer(this.#refusal(request.filter, error));
      }
    });
    done();
  }

  #subscribeTo(request: SubscriptionRequest, subscriptionId: number, place: Awaiting): void {
    const known = this.#all.get(request.filter);
    if (known !== undefined && known.request.noLocal === request.noLocal) {
      known.change(request, subscriptionId);
      this.#keep();
      if (request.retainHandling === RETAIN_HANDLING.always) this.#feedTo(known);
      if (known.confirmed) place.answer(null);
      else this.#awaiting.get(known)?.push(place);
      return;
    }
    const made = this.#made(request, subscriptionId, false);
    if (known !== undefined) this.#replace(known);
    this.#awaiting.set(made, [place]);
    try {
      this.#open(made, this.persistent);
    } catch (error) {
      this.#awaiting.delete(made);
      throw error;
    }
  }

  /** A subscription that is asked for otherwise cannot be changed: another one takes its place. */
  #replace(known: Subscription): void {
    this.#answerAll(known, null);
    this.#drop(known);
    known.close(false, true);
  }

  #made(request: SubscriptionRequest, subscriptionId: number, resumed: boolean): Subscription {
    const target = targetOf(request.filter);
    return new Subscription(this.peer, this.outgoing, this, request.filter, target, request, subscriptionId, resumed);
  }

  /** @throws AddressError, MqttError */
  #open(subscription: Subscription, durable: boolean): void {
    const { filter, target, request } = subscription;
    this.#makeRoom();
    this.peer.budget.links++;
    this.peer.totals.subscriptions++;
    this.#all.set(filter, subscription);
    try {
      const spec = this.#specOf(target, request, durable);
      subscription.willKeep(spec.subscription ?? null);
      // First, so that an expiry of the session ends it whatever happens.
      if (!subscription.resumed) this.#keep();
      subscription.open(spec);
    } catch (error) {
      this.#drop(subscription);
      throw error;
    }
  }

  #makeRoom(): void {
    const { budget } = this.peer;
    if (this.#all.size >= FILTERS_MAX) throw new MqttError('FL_MQTT_QUOTA', `more than ${FILTERS_MAX} filters`);
    if (budget.links >= budget.linksMax)
      throw new MqttError('FL_MQTT_QUOTA', `more than ${budget.linksMax} subscriptions of clients`);
  }

  #specOf(target: MqttTarget, { noLocal, filter }: SubscriptionRequest, durable: boolean): ConsumerSpec {
    const { clientId } = this.peer.facts;
    const isTopic = target.kind === 'topic';
    const subscription = subscriptionOf(target, filter, clientId, durable);
    return {
      address: isTopic ? target.name : addressOfTarget(target),
      hint: isTopic ? 'topic' : null,
      client: clientId,
      settled: false,
      queue: { browse: false, selector: null, noLocal, exclusive: false },
      ...(subscription !== null && { subscription }),
    };
  }

  /** The session knows what there is. @throws AddressError */
  #keep(): void {
    if (!this.persistent) return;
    const all: SessionSubscription[] = [...this.#all.values()].map((one) => ({
      filter: one.filter,
      durable: one.durable === null ? null : { name: one.durable.name, client: one.durable.client },
      options: encodeOptions(one),
    }));
    this.session.setSubscriptions(all);
  }

  onConfirmed(subscription: Subscription): void {
    this.#answerAll(subscription, null);
    const { retainHandling } = subscription.request;
    if (!subscription.resumed && retainHandling !== RETAIN_HANDLING.never) this.#feedTo(subscription);
  }

  #feedTo(subscription: Subscription): void {
    if (this.#feed === null || !subscription.takesRetained) return;
    this.#feed.begin(subscription);
  }

  #answerAll(subscription: Subscription, reason: number | null): void {
    const awaiting = this.#awaiting.get(subscription) ?? [];
    this.#awaiting.delete(subscription);
    for (const place of awaiting) place.answer(reason);
  }

  /** MQTT 3.1.1 has one word for all of them, and hardly a client shows more than that. */
  #refusal(filter: string, error: FairleadError): number {
    this.peer.logRefusal(`the subscription to '${filter}' is refused`, error);
    const reason = reasonOfError(error);
    if (this.peer.facts.version === 4) return REASON.unspecified;
    return reason === REASON.topic ? REASON.filter : reason;
  }

  onGone(subscription: Subscription, error: FairleadError): void {
    const isNew = this.#awaiting.has(subscription);
    this.#drop(subscription);
    if (!isNew) {
      this.#lost(subscription.filter, error);
      return;
    }
    this.#answerAll(subscription, this.#refusal(subscription.filter, error));
    this.#keep();
  }

  /** There is no way to take a subscription from a client but to end its connection; its session has it when it comes back. */
  #lost(filter: string, error: FairleadError): void {
    const reason = error.code === 'FL_CONSUMER_SLOW' ? REASON.quota : reasonOfError(error);
    this.peer.fail(new MqttError('FL_MQTT_REFUSED', `'${filter}': ${error.message}`, reason));
  }

  #drop(subscription: Subscription): void {
    this.#feed?.stop(subscription);
    if (this.#all.get(subscription.filter) !== subscription) return;
    this.#all.delete(subscription.filter);
    this.peer.budget.links--;
    this.peer.totals.subscriptions--;
  }

  // --- UNSUBSCRIBE -------------------------------------------------------------------------------------------------------------

  /** @throws MqttError */
  unsubscribe(fields: Fields): void {
    const { packetId, filters } = readUnsubscribe(fields, this.peer.facts.version);
    const answer = new UnsubscribeAnswer(this.peer, packetId, filters.length);
    filters.forEach((filter, at) => {
      const subscription = this.#all.get(filter);
      if (subscription === undefined) answer.answer(at, REASON.noSubscriptionExisted);
      else this.#end(subscription, (reason) => answer.answer(at, reason));
    });
    this.#keep();
  }

  #end(subscription: Subscription, done: (reason: number) => void): void {
    const { durable } = subscription;
    this.#drop(subscription);
    this.#answerAll(subscription, REASON.unspecified);
    subscription.close(false, true);
    if (durable === null) {
      done(REASON.success);
      return;
    }
    // That it has gone already is what was asked for.
    this.peer.addresses.unsubscribe(durable, (error) =>
      done(error === null || error.code === 'FL_SUBSCRIPTION_UNKNOWN' ? REASON.success : reasonOfError(error)),
    );
  }

  /** @param failed the client broke off */
  close(failed: boolean): void {
    for (const subscription of this.#all.values()) subscription.close(failed, false);
    this.peer.budget.links -= this.#all.size;
    this.peer.totals.subscriptions -= this.#all.size;
    this.#all.clear();
    this.#awaiting.clear();
  }
}

function targetOf(filter: string): MqttTarget {
  const target = parsed(filter);
  if (target.share !== null && isSystemName(target.name))
    throw new MqttError('FL_MQTT_FILTER', 'what a node says of itself below $SYS cannot be shared');
  return target;
}

function parsed(filter: string): MqttTarget {
  try {
    return parseTopicFilter(filter);
  } catch (error) {
    if (error instanceof MessageFieldError) throw new MqttError('FL_MQTT_FILTER', error.message);
    throw error;
  }
}
