import type { Transaction } from '../../addresses/contract';
import type { Outcome } from '../../streams/contract';
import { StompError, shown } from './errors';
import type { FrameHead } from './frame';
import { SUBSCRIPTIONS_MAX } from './limits';
import type { LargeMessages } from './large-messages';
import type { Session } from './session';
import type { Temporaries } from './temporaries';
import { durableRef, plainRequest, subscribeRequest, subscriptionId, type SubscribeRequest } from './subscribe-request';
import { Subscription } from './subscription';

/** The subscriptions of one connection, by their ids. */
export class Subscriptions {
  readonly #byId = new Map<string, Subscription>();
  /** By what stands in the ids of their deliveries. */
  readonly #byKey = new Map<string, Subscription>();
  #keys = 0;

  /** Those that were made for answers, by their temporary destination. */
  readonly #forAnswers = new Map<string, Subscription>();

  constructor(
    private readonly session: Session,
    private readonly temporaries: Temporaries,
    private readonly large: LargeMessages,
  ) {}

  /** @throws FairleadError */
  subscribe(head: FrameHead): void {
    const { session } = this;
    if (session.version !== '1.0') head.required('id');
    const request = subscribeRequest(head, session, this.temporaries.find(head.required('destination')));
    const former = this.#forAnswers.get(request.destination);
    if (former !== undefined) {
      this.#forAnswers.delete(request.destination);
      this.#close(former, false, () => undefined);
    }
    this.#open(request, head.id('receipt'));
  }

  /** A client that names a temporary destination as `reply-to` gets what comes there, whether or not it subscribes to it. */
  answersTo(destination: string): void {
    if (this.#forAnswers.has(destination)) return;
    for (const { request } of this.#byId.values()) if (request.destination === destination) return;
    const request = plainRequest(destination, this.temporaries.addressOf(destination));
    this.#forAnswers.set(destination, this.#open(request, undefined));
  }

  /** @throws FairleadError */
  #open(request: SubscribeRequest, receipt: string | undefined): Subscription {
    const { budget } = this.session;
    if (this.#byId.has(request.id))
      throw new StompError('FL_STOMP_ORDER', `there is a subscription '${shown(request.id)}' already`);
    if (this.#byId.size >= SUBSCRIPTIONS_MAX)
      throw new StompError('FL_STOMP_LIMIT', `more than ${SUBSCRIPTIONS_MAX} subscriptions on one connection`);
    if (budget.links >= budget.linksMax)
      throw new StompError('FL_STOMP_LIMIT', `more than ${budget.linksMax} links of clients`);
    const subscription = new Subscription(this.session, this.large, request, String(++this.#keys));
    this.#byId.set(request.id, subscription);
    this.#byKey.set(subscription.key, subscription);
    subscription.open(receipt);
    return subscription;
  }

  /** @throws StompError when there is none */
  unsubscribe(head: FrameHead): void {
    const { session } = this;
    const id = subscriptionId(head, session.version === '1.0' ? head.id('destination') : undefined);
    const receipt = head.id('receipt');
    const durable = durableRef(head, session.clientId);
    const found = this.#byId.get(id);
    if (found === undefined && durable === null)
      throw new StompError('FL_STOMP_ORDER', `there is no subscription '${shown(id)}'`);
    const closed = (): void => {
      if (durable === null) session.receipt(receipt);
      else this.#end(durable.name, durable.client, receipt);
    };
    if (found === undefined) closed();
    else this.#close(found, false, closed);
  }

  /** A durable subscription is over: nobody keeps anything for it any more. */
  #end(name: string, client: string | null, receipt: string | undefined): void {
    const { session } = this;
    session.begun();
    session.addresses.unsubscribe({ name, client }, (error) => {
      // Others that share it go on; and that it has gone already is what was asked for.
      const told =
        error?.code === 'FL_SUBSCRIPTION_UNKNOWN' || (client === null && error?.code === 'FL_SUBSCRIPTION_IN_USE')
          ? null
          : error;
      if (told === null) session.receipt(receipt);
      else session.fail(told, receipt);
      session.finished();
    });
  }

  #close(subscription: Subscription, failed: boolean, closed: () => void): void {
    this.#byId.delete(subscription.request.id);
    this.#byKey.delete(subscription.key);
    subscription.close(failed, closed);
  }

  /** An ACK or NACK. @throws StompError when it names no delivery */
  settle(head: FrameHead, outcome: Outcome, transaction: Transaction | null): void {
    const name = head.required(this.session.version === '1.2' ? 'id' : 'message-id');
    const [, key = '', number = ''] = /^(\d{1,9})-(\d{1,15})$/.exec(name) ?? [];
    const subscription = this.#byKey.get(key);
    if (this.session.version === '1.1' && head.required('subscription') !== subscription?.request.id)
      throw unknown(head, name);
    // Of a subscription that is over the deliveries have gone to others; an answer to one was on its way.
    const late = subscription === undefined && key !== '' && Number(key) <= this.#keys;
    if (late && transaction === null && head.get('receipt') === undefined) return;
    if (subscription?.settle(Number(number), outcome, transaction, head.id('receipt')) !== true)
      throw unknown(head, name);
  }

  /** The client reads again. */
  pump(): void {
    for (const subscription of this.#byId.values()) subscription.pump();
  }

  /** The connection is over. */
  close(failed: boolean): void {
    for (const subscription of [...this.#byId.values()]) this.#close(subscription, failed, () => undefined);
  }
}

function unknown({ command }: FrameHead, name: string): StompError {
  return new StompError('FL_STOMP_ORDER', `${command} of '${shown(name)}', which is no delivery that waits for it`);
}
